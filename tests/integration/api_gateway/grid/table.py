"""What every operation answers to whom: the expectation, written by hand, one line for each operation and each way of
naming something that belongs to somebody.

Whatever is named is the customer OWN's: an admin, a user, a readonly and a supporter token of its organization ask,
a token limited to it (within), one limited to the customer beside it, an admin of another organization (stranger), an
admin after what is named was deleted (gone), nobody, and an expired token. `-` where that makes no sense.
"""

EXPECTED = """
operation                            admin user readonly supporter within beside stranger gone nobody expired

listMonitors                          200  200    200      200      200    200     200     -    401    401
listMonitors?customerId               200  200    200      200      200    403     404    404   401    401
listMonitors?organizationId           200  200    200      200      200    200     404     -    401    401
listMonitors?tag                      200  200    200      200      200    200     404    404   401    401
createMonitor                         201  201    403      403      201    403     404    404   401    401
testMonitor                           503  503    403      403      503    403     404    404   401    401
getMonitor                            200  200    200      200      200    403     404    404   401    401
changeMonitor                         200  200    403      403      200    403     404    404   401    401
changeMonitor?status                  200  200    200      403      200    403     404    404   401    401
changeMonitor?customerId              200  200    403      403      200    403     404    404   401    401
deleteMonitor                         200  200    403      403      200    403     404    404   401    401
changeMonitors                        200  200    403      403      200    403     404    404   401    401
changeMonitors?create                 201  201    403      403      201    403     404    404   401    401
changeMonitors?delete                 200  200    403      403      200    403     404    404   401    401
triggerCheck                          200  200    403      403      200    403     404    404   401    401
checkHistory                          200  200    200      200      200    403     404    404   401    401
monitorHistoryDetails                 200  200    200      200      200    403     404    404   401    401
incidentHistory                       200  200    200      200      200    403     404    404   401    401
alertHistory                          200  200    200      200      200    403     404    404   401    401

listCustomers                         200  200    200      200      200    200     200     -    401    401
createCustomer                        201  201    403      403      403    403     201     -    401    401
getCustomer                           200  200    200      200      200    403     404    404   401    401
changeCustomer                        200  200    403      403      403    403     404    404   401    401
getOrganization                       200  200    200      200      200    200     200     -    401    401

listIncidents                         200  200    200      200      200    200     200     -    401    401
listIncidents?customerId              200  200    200      200      200    403     404    404   401    401
listIncidents?organizationId          200  200    200      200      200    200     404     -    401    401
getIncident                           200  200    200      200      200    403     404    404   401    401
acknowledgeIncident                   200  200    403      403      200    403     404    404   401    401
noteOnIncident                        200  200    403      403      200    403     404    404   401    401
snoozeIncident                        200  200    403      403      200    403     404    404   401    401

listLocations                         200  200    200      200      200    200     200     -    401    401

listPackageConfigs                    200  200    200      200      200    200     200     -    401    401
getPackageConfig                      200  200    200      200      404    404     404    404   401    401
getPackageConfig?theirs               200  200    200      200      200    200     404     -    401    401
changePackageConfig                   200  403    403      403      403    403     200    200   401    401

listTags                              200  200    200      200      200    200     200     -    401    401
createTag                             201  201    403      403      403    403     201     -    401    401
getTag                                200  200    200      200      200    200     404    404   401    401
changeTag                             200  200    403      403      403    403     404    404   401    401
deleteTag                             200  200    403      403      403    403     404    404   401    401
tagMonitor                            200  200    403      403      200    403     404    404   401    401
tagMonitor?tag                        200  200    403      403      200    200     404    404   401    401
untagMonitor                          204  204    403      403      204    403     404    404   401    401

listMaintenanceWindows                200  200    200      200      200    200     200     -    401    401
listMaintenanceWindows?customerId     200  200    200      200      200    403     404    404   401    401
listMaintenanceWindows?organizationId 200  200    200      200      200    200     404     -    401    401
createMaintenanceWindow               201  201    201      403      201    403     404    404   401    401
createMaintenanceWindow?monitor       201  201    201      403      201    403     400    400   401    401
createMaintenanceWindow?targets       201  201    201      403      201    403     400    400   401    401
createMaintenanceWindow?tags          201  201    403      403      201    201     400    400   401    401
getMaintenanceWindow                  200  200    200      200      200    403     404    404   401    401
changeMaintenanceWindow               200  200    200      403      200    403     404    404   401    401
deleteMaintenanceWindow               200  200    200      403      200    403     404    404   401    401

listNotificationChannels              200  200    200      200      200    200     200     -    401    401
listNotificationChannels?customerId   200  200    200      200      200    403     404    404   401    401
listNotificationChannels?organizationId 200 200   200      200      200    200     404     -    401    401
createNotificationChannel             201  201    403      403      201    403     404    404   401    401
createNotificationChannel?default     201  201    403      403      403    403     201     -    401    401
createNotificationChannel?fallback    201  201    403      403      201    400     400    400   401    401
testNotificationChannel               200  200    403      403      200    403     404    404   401    401
testNotificationChannel?customerId    200  200    403      403      200    403     404    404   401    401
notificationCoverage                  200  200    200      200      200    200     200     -    401    401
getNotificationChannel                200  200    200      200      200    403     404    404   401    401
getNotificationChannel?default        200  200    200      200      403    403     404    404   401    401
changeNotificationChannel             200  200    403      403      200    403     404    404   401    401
changeNotificationChannel?default     200  200    403      403      403    403     404    404   401    401
deleteNotificationChannel             200  200    403      403      200    403     404    404   401    401

discoverMailbox                       400  400    403      403      400    400     400     -    401    401

openapi                               200  200    200      200      200    200     200     -    200    200
alive                                 200  200    200      200      200    200     200     -    200    200
ready                                 200  200    200      200      200    200     200     -    200    200
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
