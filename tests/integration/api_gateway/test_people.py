"""People, what they may make of each other, and where the walls between organizations and customers stand for them."""

from typing import Any

import pytest

from tests.support.browsers import PASSWORD, browser, first_person, joined

MONITORS = "/api/imap-pop-monitors"
BODY = {"customerId": 10, "name": "n", "hostname": "mail.example.com"}

pytestmark = pytest.mark.usefixtures("cheap_passwords")


async def _named(owner: Any, email: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in (await owner.get("/api/users")).body if each["email"] == email)
    return found


async def test_somebody_is_invited_and_joins(world: Any) -> None:
    owner = await first_person(world)
    answer = await owner.post("/api/users", {"email": "new@example.com", "name": "New", "role": "user"})
    assert (answer.status, answer.body["invited"]) == (201, True)
    link = answer.body["invitationLink"]
    address = f"http://{owner.api.client.host}:{owner.api.client.port}"
    assert link.startswith(f"{address}/invitation#")
    shown = (await owner.get(answer.headers["Location"])).body
    assert (shown["name"], shown["role"], shown["customerIds"], shown["lastSignInAt"]) == ("New", "user", None, None)
    assert "invitationLink" not in shown
    body = {"token": link.partition("#")[2], "name": "Newcomer", "password": PASSWORD}
    made = browser(world.api)
    answer = await made.post("/api/invitations/accept", body)
    assert (answer.status, answer.body["user"]["name"]) == (201, "Newcomer")
    assert (await browser(world.api).post("/api/invitations/accept", body)).status == 404
    assert (await _named(owner, "new@example.com"))["invited"] is False
    assert (await browser(world.api).sign_in("new@example.com")).status == 201


async def test_links_lead_to_the_public_address(world: Any) -> None:
    await first_person(world)
    owner = browser(await world.another_gateway(public_url="https://mailprobe.example.com/"))
    await owner.sign_in()
    answer = await owner.post("/api/users", {"email": "new@example.com", "name": "New"})
    assert answer.body["invitationLink"].startswith("https://mailprobe.example.com/invitation#")


async def test_a_reset_link_lets_in_once_and_signs_everybody_else_out(world: Any) -> None:
    owner = await first_person(world)
    there = await joined(owner, "user@example.com")
    item = f"/api/users/{(await _named(owner, 'user@example.com'))['publicId']}"
    first, second = [(await owner.post(f"{item}/reset-link")).body["link"].partition("#")[2] for _ in range(2)]
    assert (await there.state())["authenticated"] is True
    accept = "/api/invitations/accept"
    assert (await browser(world.api).post(accept, {"token": first, "password": "another horse"})).status == 404
    here = browser(world.api)
    assert (await here.post(accept, {"token": second, "password": "another horse"})).status == 201
    assert (await here.state())["user"]["name"] == "user@example.com"
    assert (await there.state())["authenticated"] is False
    assert (await browser(world.api).sign_in("user@example.com")).status == 401
    set_up = {"token": second, "email": "x@example.com", "name": "x", "password": PASSWORD}
    assert (await browser(world.api).post("/api/set-up", set_up)).status == 404
    await owner.patch(item, {"disabled": True})
    assert (await owner.post(f"{item}/reset-link")).status == 409


async def test_an_address_is_one_person_of_the_installation_however_it_is_written(world: Any) -> None:
    owner = await first_person(world)
    answer = await owner.post("/api/users", {"email": "OWNER@Example.com", "name": "x"})
    assert (answer.status, answer.pointers) == (409, ["/email"])
    other = {"name": "Others", "admin": {"email": "Owner@example.com", "name": "x"}}
    answer = await owner.post("/api/organizations", other)
    assert (answer.status, answer.pointers) == (409, ["/admin/email"])
    assert len((await owner.get("/api/organizations")).body) == 1
    await joined(owner, "user@example.com")
    item = f"/api/users/{(await _named(owner, 'user@example.com'))['publicId']}"
    assert (await owner.patch(item, {"email": "owner@EXAMPLE.com"})).status == 409


async def test_what_does_not_go_together_is_named(world: Any) -> None:
    owner = await first_person(world)
    for described, pointer in (
        ({"role": "readonly"}, "/customerIds"),
        ({"role": "admin", "customerIds": [10]}, "/customerIds"),
        ({"role": "user", "customerIds": []}, "/customerIds"),
        ({"role": "user", "customerIds": [10, 4711]}, "/customerIds/1"),
        ({"role": "user", "customerIds": ["ten"]}, "/customerIds/0"),
        ({"role": "user", "globalRole": "supporter", "customerIds": [10]}, "/customerIds"),
        ({"role": "readonly", "globalRole": "supporter", "customerIds": [10]}, "/globalRole"),
        ({"role": "root"}, "/role"),
        ({"password": "never by another"}, "/password"),
    ):
        answer = await owner.post("/api/users", {"email": "x@example.com", "name": "x", **described})
        assert (answer.status, answer.pointers) == (400, [pointer]), described
    assert len((await owner.get("/api/users")).body) == 1


async def test_the_last_admin_stays_and_nobody_changes_their_own_role(world: Any) -> None:
    owner = await first_person(world)
    admin = await joined(owner, "admin@example.com", role="admin")
    own = f"/api/users/{(await admin.state())['user']['publicId']}"
    for body in ({"role": "user"}, {"globalRole": "admin"}, {"disabled": True}):
        assert (await admin.patch(own, body)).status == 403, body
    assert (await admin.delete(own)).status == 403
    assert (await admin.patch(own, {"name": "Still me", "role": "admin"})).status == 200
    elsewhere = {"name": "Others", "admin": {"email": "only@example.com", "name": "Only"}}
    made = (await owner.post("/api/organizations", elsewhere)).body
    number, only = made["organization"]["id"], made["admin"]["publicId"]
    accept = {"token": made["admin"]["invitationLink"].partition("#")[2], "password": PASSWORD}
    assert (await browser(world.api).post("/api/invitations/accept", accept)).status == 201
    item = f"/api/users/{only}?organizationId={number}"
    for answer in (
        await owner.patch(item, {"role": "user"}),
        await owner.patch(item, {"disabled": True}),
        await owner.delete(item),
    ):
        assert (answer.status, answer.body["message"]) == (409, "The last admin")
    await joined(owner, "second@example.com", organization_id=number, role="admin")
    assert (await owner.delete(item)).status == 200


async def test_an_admin_of_an_organization_does_not_reach_whoever_looks_after_the_installation(world: Any) -> None:
    owner = await first_person(world)
    admin = await joined(owner, "admin@example.com", role="admin")
    item = f"/api/users/{(await owner.state())['user']['publicId']}"
    for answer in (
        await admin.patch(item, {"name": "x"}),
        await admin.patch(item, {"disabled": True}),
        await admin.delete(item),
        await admin.post(f"{item}/reset-link"),
        await admin.post("/api/users", {"email": "x@example.com", "name": "x", "globalRole": "supporter"}),
        await admin.post("/api/organizations", {"name": "x", "admin": {"email": "x@example.com", "name": "x"}}),
        await admin.get("/api/organizations"),
    ):
        assert answer.status == 403
    assert (await admin.get(f"{MONITORS}?organizationId=4711")).status == 404
    assert (await owner.state())["authenticated"] is True


async def test_people_are_the_business_of_admins(world: Any) -> None:
    owner = await first_person(world)
    item = f"/api/users/{(await owner.state())['user']['publicId']}"
    for role in ("user", "supporter"):
        made = await joined(owner, f"{role}@example.com", role=role)
        for answer in (
            await made.get("/api/users"),
            await made.get(item),
            await made.post("/api/users", {"email": "x@example.com", "name": "x"}),
            await made.patch(item, {"name": "x"}),
            await made.delete(item),
            await made.post(f"{item}/reset-link"),
            await made.patch("/api/organization", {"name": "x"}),
            await made.get("/api/organization/tokens"),
        ):
            assert answer.status == 403, role


async def test_an_admins_token_sees_people_and_makes_none(world: Any) -> None:
    owner = await first_person(world)
    item = f"/api/users/{(await owner.state())['user']['publicId']}"
    assert (await world.api.get(item)).status == 200
    for method, path, body in (
        ("POST", "/api/users", {"email": "x@example.com", "name": "x"}),
        ("PATCH", item, {"name": "x"}),
        ("DELETE", item, None),
        ("POST", f"{item}/reset-link", None),
        ("PATCH", "/api/session", {"name": "x"}),
    ):
        assert (await world.api.call(method, path, body=body)).status == 403, (method, path)
    limited = await world.client("admin", customer_id=10)
    assert (await limited.get("/api/users")).status == 403


async def test_a_change_of_what_somebody_may_do_signs_them_out(world: Any) -> None:
    owner = await first_person(world)
    made = await joined(owner, "user@example.com")
    item = f"/api/users/{(await _named(owner, 'user@example.com'))['publicId']}"
    await owner.patch(item, {"name": "Renamed"})
    assert (await made.state())["user"]["name"] == "Renamed"
    await owner.patch(item, {"role": "supporter"})
    assert (await made.state())["authenticated"] is False
    await made.sign_in("user@example.com")
    await owner.patch(item, {"disabled": True})
    assert (await made.get(MONITORS)).status == 401
    assert (await made.sign_in("user@example.com")).status == 401
    await owner.patch(item, {"disabled": False})
    assert (await made.sign_in("user@example.com")).status == 201
    assert (await owner.delete(item)).status == 200
    assert (await made.get(MONITORS)).status == 401
    assert (await owner.get(item)).status == 404


async def test_a_change_of_somebody_can_be_tried_without_making_it(world: Any) -> None:
    owner = await first_person(world)
    made = await joined(owner, "user@example.com")
    item = f"/api/users/{(await _named(owner, 'user@example.com'))['publicId']}?dryRun=true"
    assert (await owner.patch(item, {"role": "supporter"})).body["role"] == "supporter"
    assert (await owner.patch(item, {"role": "readonly"})).status == 400
    assert (await owner.delete(item)).status == 200
    assert (await made.state())["user"]["role"] == "user"


async def test_a_readonly_person_sees_their_customers_and_may_pause_and_plan(world: Any) -> None:
    owner = await first_person(world)
    second, third = await world.customer("Second"), await world.customer("Third")
    made = {number: await world.api.created(customerId=number) for number in (10, second["id"], third["id"])}
    both = [10, second["publicId"]]
    reader = await joined(owner, "reader@example.com", role="readonly", customerIds=both)
    assert (await reader.state())["user"]["customerIds"] == [10, second["id"]]
    assert sorted(each["id"] for each in (await reader.get("/api/customers")).body) == [10, second["id"]]
    listed = (await reader.get(MONITORS)).body
    assert {item["customerId"] for item in listed["items"]} == {10, second["id"]}
    only = (await reader.get(f"{MONITORS}?customerId={second['id']}")).body
    assert [item["customerId"] for item in only["items"]] == [second["id"]]
    for path in (
        f"{MONITORS}?customerId={third['id']}",
        f"{MONITORS}/{made[third['id']]['publicId']}",
        f"/api/customers/{third['publicId']}",
    ):
        assert (await reader.get(path)).status == 403, path
    ours = f"{MONITORS}/{made[second['id']]['publicId']}"
    assert (await reader.patch(ours, {"status": "maintenance"})).status == 200
    assert (await reader.patch(ours, {"name": "x"})).status == 403
    assert (await reader.patch(f"{MONITORS}/{made[third['id']]['publicId']}", {"status": "disabled"})).status == 403
    window = {"name": "w", "startTime": "2030-01-01T00:00:00Z", "endTime": "2030-01-01T01:00:00Z"}
    planned = await reader.post("/api/maintenance-windows", {**window, "customerId": second["id"]})
    assert planned.status == 201, planned.text
    assert (await reader.post("/api/maintenance-windows", {**window, "customerId": third["id"]})).status == 403
    assert (await reader.post(MONITORS, BODY)).status == 403
    assert (await reader.delete(ours)).status == 403
    assert (await reader.get("/api/customer/tokens")).status == 403


async def test_a_user_of_some_customers_writes_there_and_nowhere_else(world: Any) -> None:
    owner = await first_person(world)
    second, third = await world.customer("Second"), await world.customer("Third")
    user = await joined(owner, "user@example.com", customerIds=[10, second["id"]])
    assert (await user.post(MONITORS, {**BODY, "customerId": second["id"]})).status == 201
    assert (await user.post(MONITORS, {**BODY, "customerId": third["id"]})).status == 403
    assert (await user.post("/api/customers", {"name": "x"})).status == 403
    assert (await user.post("/api/tags", {"name": "x"})).status == 403
    channel = {"type": "webhook", "name": "w", "config": {"url": "https://hooks.example.com/x", "secret": "s" * 24}}
    refused = await user.post("/api/notification-channels", channel)
    assert refused.status == 403
    made = await user.post("/api/notification-channels", {**channel, "customerId": second["id"]})
    assert made.status == 201, made.text
    elsewhere = await owner.post("/api/notification-channels", {**channel, "customerId": third["id"]})
    assert elsewhere.status == 201
    assert [each["id"] for each in (await user.get("/api/notification-channels")).body] == [made.body["id"]]
    assert {each["packageType"] for each in (await user.get("/api/package-configs")).body} == {"standard"}


async def test_a_global_supporter_reads_every_organization_and_writes_in_none(world: Any) -> None:
    owner = await first_person(world)
    made = (await owner.post("/api/organizations", {"name": "Others", "admin": {"email": "a@x.org", "name": "A"}})).body
    number = made["organization"]["id"]
    accept = {"token": made["admin"]["invitationLink"].partition("#")[2], "password": PASSWORD}
    theirs = browser(world.api)
    await theirs.post("/api/invitations/accept", accept)
    customer = (await theirs.post("/api/customers", {"name": "Theirs"})).body["customer"]
    monitor = (await theirs.post(MONITORS, {**BODY, "customerId": customer["id"]})).body
    supporter = await joined(owner, "help@example.com", globalRole="supporter")
    assert [each["name"] for each in (await supporter.get("/api/organizations")).body] == ["My organization", "Others"]
    there = f"organizationId={number}"
    assert (await supporter.get(f"{MONITORS}?{there}")).body["total"] == 1
    assert (await supporter.get(f"{MONITORS}/{monitor['publicId']}?{there}")).status == 200
    assert (await supporter.get(f"{MONITORS}/{monitor['publicId']}")).status == 404
    assert (await supporter.get(f"/api/users?{there}")).body[0]["email"] == "a@x.org"
    assert (await supporter.get(f"/api/session?{there}")).body["organization"]["name"] == "Others"
    for method, path, body in (
        ("POST", f"{MONITORS}?{there}", {**BODY, "customerId": customer["id"]}),
        ("PATCH", f"{MONITORS}/{monitor['publicId']}?{there}", {"status": "disabled"}),
        ("PATCH", f"{MONITORS}/{monitor['publicId']}?{there}", {}),
        ("DELETE", f"{MONITORS}/{monitor['publicId']}?{there}", None),
        ("POST", "/api/customers", {"name": "x"}),
        ("POST", "/api/users", {"email": "x@example.com", "name": "x"}),
        ("POST", "/api/organizations", {"name": "x", "admin": {"email": "x@example.com", "name": "x"}}),
        ("PATCH", f"/api/organization?{there}", {"name": "x"}),
        ("POST", "/api/organization/tokens", {"name": "x"}),
    ):
        assert (await supporter.call(method, path, body)).status == 403, (method, path)
    for wrong, status in (("4711", 404), ("x", 400)):
        assert (await supporter.get(f"{MONITORS}?organizationId={wrong}")).status == status
    own = (await theirs.get("/api/organization")).body["publicId"]
    assert (await theirs.get(f"/api/organization?organizationId={own}")).status == 200
    # Whoever has no global role stays at home, whatever they ask for.
    assert (await theirs.get(f"{MONITORS}?organizationId=1")).status == 404
    assert (await theirs.post("/api/customers?organizationId=1", {"name": "x"})).status == 404


async def test_a_global_admin_acts_for_another_organization(world: Any) -> None:
    owner = await first_person(world)
    made = (await owner.post("/api/organizations", {"name": "Others", "admin": {"email": "a@x.org", "name": "A"}})).body
    there = f"organizationId={made['organization']['publicId']}"
    answer = await owner.post(f"/api/customers?{there}", {"name": "Theirs"})
    assert (answer.status, answer.body["customer"]["organizationId"]) == (201, made["organization"]["id"])
    assert len((await owner.get("/api/customers")).body) == 1
    answer = await owner.patch(f"/api/organization?{there}", {"companyName": "Others AG", "country": "CH"})
    assert (answer.status, answer.body["companyName"], answer.body["country"]) == (200, "Others AG", "CH")
    assert (await owner.get("/api/organization")).body["companyName"] is None
    assert (await owner.get(f"/api/package-configs?{there}")).body[0]["packageType"] == "standard"
    # One's own account stays one's own.
    assert (await owner.patch(f"/api/session?{there}", {"name": "Olga"})).status == 200
    assert len((await owner.get(f"/api/sessions?{there}")).body) == 1
    answer = await owner.post("/api/organizations", {"name": "", "admin": {"email": "b"}, "vatId": 5})
    assert sorted(answer.pointers) == ["/admin/email", "/admin/name", "/name", "/vatId"]


async def test_another_organizations_people_are_not_found(world: Any) -> None:
    owner = await first_person(world)
    made = (await owner.post("/api/organizations", {"name": "Others", "admin": {"email": "a@x.org", "name": "A"}})).body
    accept = {"token": made["admin"]["invitationLink"].partition("#")[2], "password": PASSWORD}
    theirs = browser(world.api)
    await theirs.post("/api/invitations/accept", accept)
    item = f"/api/users/{(await owner.state())['user']['publicId']}"
    for answer in (
        await theirs.get(item),
        await theirs.patch(item, {"name": "x"}),
        await theirs.delete(item),
        await theirs.post(f"{item}/reset-link"),
    ):
        assert answer.status == 404
    invited = {"email": "b@x.org", "name": "b", "customerIds": [10]}
    answer = await theirs.post("/api/users", invited)
    assert (answer.status, answer.pointers) == (400, ["/customerIds/0"])


async def test_who_acts_is_told_to_the_transaction(world: Any) -> None:
    owner = await first_person(world)
    # A trigger of the test's own in place of the audit log's.
    await world.as_owner("CREATE TABLE told (actor text)")
    await world.as_owner("GRANT ALL ON told TO mailprobe_gateway")
    await world.as_owner(
        """CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$
           BEGIN INSERT INTO told VALUES (current_setting('mailprobe.actor')); RETURN NULL; END $$"""
    )
    await world.as_owner("CREATE TRIGGER tell AFTER INSERT ON customers FOR EACH ROW EXECUTE FUNCTION tell()")
    await owner.call("POST", "/api/customers", {"name": "x"}, headers={"X-Request-Id": "by-hand"})
    await world.api.post("/api/customers", {"name": "y"})
    rows = await world.as_owner(
        "SELECT actor::json->>'kind' AS kind, actor::json->>'name' AS name,"
        " actor::json->>'address' AS address, actor::json->>'requestId' AS request FROM told"
    )
    assert [(row["kind"], row["name"], row["address"]) for row in rows] == [
        ("user", "Olga Owner", "127.0.0.1"),
        ("token", "test", "127.0.0.1"),
    ]
    assert rows[0]["request"] == "by-hand"


async def test_an_organization_named_twice_is_not_taken_for_ones_own(world: Any) -> None:
    owner = await first_person(world)
    number = await world.another_organization()
    answer = await owner.post(f"/api/customers?organizationId={number}&organizationId={number}", {"name": "x"})
    assert (answer.status, answer.pointers) == (400, ["/organizationId"])
    assert not [each for each in (await owner.get("/api/customers")).body if each["name"] == "x"]
