"""What every operation answers to whom: the expectation, written by hand, one line for each operation and each way of
naming something that belongs to somebody.

Whatever is named is the customer OWN's. Who asks, by token: (ad) an admin of its organization, (us) a user, (ro) a
readonly one, (su) a supporter, (wi) one of that customer alone, (be) one of the customer beside it, (st) a stranger: an
admin of another organization, (go) an admin, after what is named was deleted, (no) nobody, (ex) an expired token. By
cookie: (pa) an admin, (pr) somebody readonly, limited to that customer, (pl) a user limited to the customer beside it,
(ps) a stranger: an admin of another organization, (gs) a global supporter and (ga) a global admin from elsewhere who
act for the organization, (xs) an admin whose browser says that another site's page sent it. `-` where that makes no
sense.
"""

EXPECTED = """
operation                              ad  us  ro  su  wi  be  st  go  no  ex   pa  pr  pl  ps  gs  ga  xs


listMonitors                           200 200 200 200 200 200 200   - 401 401  200 200 200 200 200 200 200
listMonitors?customerId                200 200 200 200 200 403 404 404 401 401  200 200 403 404 200 200 200
listMonitors?organizationId            200 200 200 200 200 200 404   - 401 401  200 200 200 404 200 200 200
listMonitors?tag                       200 200 200 200 200 200 404 404 401 401  200 200 200 404 200 200 200
createMonitor                          201 201 403 403 201 403 404 404 401 401  201 403 403 404 403 201 403
testMonitor                            503 503 403 403 503 403 404 404 401 401  503 403 403 404 403 503 403
getMonitor                             200 200 200 200 200 403 404 404 401 401  200 200 403 404 200 200 200
changeMonitor                          200 200 403 403 200 403 404 404 401 401  200 403 403 404 403 200 403
changeMonitor?status                   200 200 200 403 200 403 404 404 401 401  200 200 403 404 403 200 403
changeMonitor?customerId               200 200 403 403 200 403 404 404 401 401  200 403 403 404 403 200 403
deleteMonitor                          200 200 403 403 200 403 404 404 401 401  200 403 403 404 403 200 403
changeMonitors                         200 200 403 403 200 403 404 404 401 401  200 403 403 404 403 200 403
changeMonitors?create                  201 201 403 403 201 403 404 404 401 401  201 403 403 404 403 201 403
changeMonitors?delete                  200 200 403 403 200 403 404 404 401 401  200 403 403 404 403 200 403
triggerCheck                           200 200 403 403 200 403 404 404 401 401  200 403 403 404 403 200 403
checkHistory                           200 200 200 200 200 403 404 404 401 401  200 200 403 404 200 200 200
monitorHistoryDetails                  200 200 200 200 200 403 404 404 401 401  200 200 403 404 200 200 200
incidentHistory                        200 200 200 200 200 403 404 404 401 401  200 200 403 404 200 200 200
alertHistory                           200 200 200 200 200 403 404 404 401 401  200 200 403 404 200 200 200

listCustomers                          200 200 200 200 200 200 200   - 401 401  200 200 200 200 200 200 200
createCustomer                         201 201 403 403 403 403 201   - 401 401  201 403 403 201 403 201 403
getCustomer                            200 200 200 200 200 403 404 404 401 401  200 200 403 404 200 200 200
changeCustomer                         200 200 403 403 403 403 404 404 401 401  200 403 403 404 403 200 403
cancelCustomer                         200 403 403 403 403 403 404 404 401 401  200 403 403 404 403 200 403
keepCustomer                           200 403 403 403 403 403 404 404 401 401  200 403 403 404 403 200 403
getOrganization                        200 200 200 200 200 200 200   - 401 401  200 200 200 200 200 200 200

listIncidents                          200 200 200 200 200 200 200   - 401 401  200 200 200 200 200 200 200
listIncidents?customerId               200 200 200 200 200 403 404 404 401 401  200 200 403 404 200 200 200
listIncidents?organizationId           200 200 200 200 200 200 404   - 401 401  200 200 200 404 200 200 200
getIncident                            200 200 200 200 200 403 404 404 401 401  200 200 403 404 200 200 200
acknowledgeIncident                    200 200 403 403 200 403 404 404 401 401  200 403 403 404 403 200 403
noteOnIncident                         200 200 403 403 200 403 404 404 401 401  200 403 403 404 403 200 403
snoozeIncident                         200 200 403 403 200 403 404 404 401 401  200 403 403 404 403 200 403

listLocations                          200 200 200 200 200 200 200   - 401 401  200 200 200 200 200 200 200

listPackageConfigs                     200 200 200 200 200 200 200   - 401 401  200 200 200 200 200 200 200
getPackageConfig                       200 200 200 200 404 404 404 404 401 401  200 404 404 404 200 200 200
getPackageConfig?theirs                200 200 200 200 200 200 404   - 401 401  200 200 200 404 200 200 200
changePackageConfig                    200 403 403 403 403 403 200 200 401 401  200 403 403 200 403 200 403

listTags                               200 200 200 200 200 200 200   - 401 401  200 200 200 200 200 200 200
createTag                              201 201 403 403 403 403 201   - 401 401  201 403 403 201 403 201 403
getTag                                 200 200 200 200 200 200 404 404 401 401  200 200 200 404 200 200 200
changeTag                              200 200 403 403 403 403 404 404 401 401  200 403 403 404 403 200 403
deleteTag                              200 200 403 403 403 403 404 404 401 401  200 403 403 404 403 200 403
tagMonitor                             200 200 403 403 200 403 404 404 401 401  200 403 403 404 403 200 403
tagMonitor?tag                         200 200 403 403 200 200 404 404 401 401  200 403 200 404 403 200 403
untagMonitor                           204 204 403 403 204 403 404 404 401 401  204 403 403 404 403 204 403

listMaintenanceWindows                 200 200 200 200 200 200 200   - 401 401  200 200 200 200 200 200 200
listMaintenanceWindows?customerId      200 200 200 200 200 403 404 404 401 401  200 200 403 404 200 200 200
listMaintenanceWindows?organizationId  200 200 200 200 200 200 404   - 401 401  200 200 200 404 200 200 200
createMaintenanceWindow                201 201 201 403 201 403 404 404 401 401  201 201 403 404 403 201 403
createMaintenanceWindow?monitor        201 201 201 403 201 403 400 400 401 401  201 201 403 400 403 201 403
createMaintenanceWindow?targets        201 201 201 403 201 403 400 400 401 401  201 201 403 400 403 201 403
createMaintenanceWindow?tags           201 201 403 403 201 201 400 400 401 401  201 201 201 400 403 201 403
getMaintenanceWindow                   200 200 200 200 200 403 404 404 401 401  200 200 403 404 200 200 200
changeMaintenanceWindow                200 200 200 403 200 403 404 404 401 401  200 200 403 404 403 200 403
deleteMaintenanceWindow                200 200 200 403 200 403 404 404 401 401  200 200 403 404 403 200 403

listNotificationChannels               200 200 200 200 200 200 200   - 401 401  200 200 200 200 200 200 200
listNotificationChannels?customerId    200 200 200 200 200 403 404 404 401 401  200 200 403 404 200 200 200
listNotificationChannels?organizationId 200 200 200 200 200 200 404   - 401 401  200 200 200 404 200 200 200
createNotificationChannel              201 201 403 403 201 403 404 404 401 401  201 403 403 404 403 201 403
createNotificationChannel?default      201 201 403 403 403 403 201   - 401 401  201 403 403 201 403 201 403
createNotificationChannel?fallback     201 201 403 403 201 400 400 400 401 401  201 403 400 400 403 201 403
testNotificationChannel                200 200 403 403 200 403 404 404 401 401  200 403 403 404 403 200 403
testNotificationChannel?customerId     200 200 403 403 200 403 404 404 401 401  200 403 403 404 403 200 403
notificationCoverage                   200 200 200 200 200 200 200   - 401 401  200 200 200 200 200 200 200
getNotificationChannel                 200 200 200 200 200 403 404 404 401 401  200 200 403 404 200 200 200
getNotificationChannel?default         200 200 200 200 403 403 404 404 401 401  200 403 403 404 200 200 200
changeNotificationChannel              200 200 403 403 200 403 404 404 401 401  200 403 403 404 403 200 403
changeNotificationChannel?default      200 200 403 403 403 403 404 404 401 401  200 403 403 404 403 200 403
deleteNotificationChannel              200 200 403 403 200 403 404 404 401 401  200 403 403 404 403 200 403

discoverMailbox                        400 400 403 403 400 400 400   - 401 401  400 403 400 400 403 400 403

openapi                                200 200 200 200 200 200 200   - 200 200  200 200 200 200 200 200 200
docs                                   200 200 200 200 200 200 200   - 200 200  200 200 200 200 200 200 200
alive                                  200 200 200 200 200 200 200   - 200 200  200 200 200 200 200 200 200
ready                                  200 200 200 200 200 200 200   - 200 200  200 200 200 200 200 200 200

changeOrganization                     200 403 403 403 403 403 200   - 401 401  200 403 403 200 403 200 403
listOrganizations                      403 403 403 403 403 403 403   - 401 401  403 403 403 403 200 200 403
createOrganization                     403 403 403 403 403 403 403   - 401 401  403 403 403 403 403 201 403
listUsers                              200 403 403 403 403 403 200   - 401 401  200 403 403 200 200 200 200
inviteUser                             403 403 403 403 403 403 403   - 401 401  201 403 403 201 403 201 403
inviteUser?customerIds                 403 403 403 403 403 403 403 403 401 401  201 403 403 400 403 201 403
getUser                                200 403 403 403 403 403 404 404 401 401  200 403 403 404 200 200 200
changeUser                             403 403 403 403 403 403 403 403 401 401  200 403 403 404 403 200 403
deleteUser                             403 403 403 403 403 403 403 403 401 401  200 403 403 404 403 200 403
makeResetLink                          403 403 403 403 403 403 403 403 401 401  200 403 403 404 403 200 403
listOrganizationTokens                 403 403 403 403 403 403 403   - 401 401  200 403 403 200 403 200 200
createOrganizationToken                403 403 403 403 403 403 403   - 401 401  201 403 403 201 403 201 403
revokeOrganizationToken                403 403 403 403 403 403 403 403 401 401  200 403 403 404 403 200 403
listCustomerTokens                     403 403 403 403 403 403 403   - 401 401  200 403 200 200 403 200 200
listCustomerTokens?customerId          403 403 403 403 403 403 403 403 401 401  200 403 403 404 403 200 200
createCustomerToken                    403 403 403 403 403 403 403 403 401 401  201 403 403 404 403 201 403
revokeCustomerToken                    403 403 403 403 403 403 403 403 401 401  200 403 403 404 403 200 403
listAudit                              200 403 403 403 403 403 200   - 401 401  200 403 403 200 403 200 200
listAudit?organizationId               200 403 403 403 403 403 404   - 401 401  200 403 403 404 403 200 200
metrics                                200 200 200 200 200 200 200   - 401 401  200 200 200 200 200 200 200
summary                                200 200 200 200 200 200 200   - 401 401  200 200 200 200 200 200 200
systemState                            403 403 403 403 403 403 403   - 401 401  403 403 403 403 200 200 403
streamEvents                           200 200 200 200 200 200 200   - 401 401  200 200 200 200 200 200 200
streamEvents?watch                     200 200 200 200 200 200 200 200 401 401  200 200 200 200 200 200 200
listStatusPages                        200 200 200 200 200 200 200   - 401 401  200 200 200 200 200 200 200
listStatusPages?customerId             200 200 200 200 200 403 404 404 401 401  200 200 403 404 200 200 200
listStatusPages?organizationId         200 200 200 200 200 200 404   - 401 401  200 200 200 404 200 200 200
createStatusPage                       201 201 403 403 201 403 404 404 401 401  201 403 403 404 403 201 403
createStatusPage?monitor               201 201 403 403 201 400 400 400 401 401  201 403 400 400 403 201 403
createStatusPage?tag                   201 201 403 403 201 201 400 400 401 401  201 403 201 400 403 201 403
getStatusPage                          200 200 200 200 200 403 404 404 401 401  200 200 403 404 200 200 200
changeStatusPage                       200 200 403 403 200 403 404 404 401 401  200 403 403 404 403 200 403
deleteStatusPage                       200 200 403 403 200 403 404 404 401 401  200 403 403 404 403 200 403
showStatusPage                         200 200 200 200 200 200 200 404 200 200  200 200 200 200 200 200 200
statusPageSummary                      200 200 200 200 200 200 200 404 200 200  200 200 200 200 200 200 200
statusPageBadge                        200 200 200 200 200 200 200 404 200 200  200 200 200 200 200 200 200
statusPageFeed                         200 200 200 200 200 200 200 404 200 200  200 200 200 200 200 200 200

signIn                                 401 401 401 401 401 401 401   - 401 401  401 401 401 401 401 401 403
setUp                                  404 404 404 404 404 404 404   - 404 404  404 404 404 404 404 404 403
acceptInvitation                       404 404 404 404 404 404 404   - 404 404  404 404 404 404 404 404 403
getSession                             200 200 200 200 200 200 200   - 200 200  200 200 200 200 200 200 200
changeOwnAccount                       403 403 403 403 403 403 403   - 401 401  200 200 200 200 200 200 403
listOwnSessions                        403 403 403 403 403 403 403   - 401 401  200 200 200 200 200 200 200
endOwnSession                          403 403 403 403 403 403 403 403 401 401  404 404 404 404 404 404 403
signOut                                200 200 200 200 200 200 200   - 200 200  200 200 200 200 200 200 403
"""


def expectations() -> dict[str, dict[str, int]]:
    """By row and asker; cells that make no sense are left out."""
    header, *lines = [line.split() for line in EXPECTED.strip().splitlines() if line.strip()]
    rows: dict[str, dict[str, int]] = {}
    for name, *cells in lines:
        assert len(cells) == len(header) - 1, f"the row {name} has {len(cells)} cells"
        assert name not in rows, f"there are two rows {name}"
        rows[name] = {asker: int(cell) for asker, cell in zip(header[1:], cells, strict=True) if cell != "-"}
    return rows
