"""Packages: read, changed and made by admins, and what they allow monitors of their customers."""

from typing import Any

PACKAGES = "/api/package-configs"


async def change(api: Any, package_type: str, body: Any) -> Any:
    return await api.call("PATCH", f"{PACKAGES}/{package_type}", body=body)


async def change_customer(api: Any, customer: Any, body: Any) -> Any:
    return await api.call("PATCH", f"/api/customers/{customer['publicId']}", body=body)


async def test_every_organization_has_a_standard_package_with_the_documented_defaults(api: Any) -> None:
    (only,) = (await api.get(PACKAGES)).body
    assert only == (await api.get(f"{PACKAGES}/standard")).body
    expected = {
        "packageType": "standard",
        "displayName": "Standard",
        "alertConsecutiveChecks": 3,
        "alertLocationThreshold": "majority",
        "alertLocationThresholdCount": 2,
        "retryIntervalSeconds": 60,
        "notificationDelayMinutes": 0,
        "reminderDelayMinutes": 10,
        "alertReminderInterval": 60,
        "checkIntervalMinutes": None,
        "dataRetentionMonths": 12,
        "enableEmailAlerts": True,
        "usedByCustomerCount": 1,
    }
    assert {name: only[name] for name in expected} == expected


async def test_a_package_is_made_by_changing_it_and_keeps_what_is_not_sent(api: Any) -> None:
    sent = {"displayName": "Pro Care", "maxUrls": 100, "checkIntervalMinutes": 2.5, "checkLocations": 3, "notes": "n"}
    made = await change(api, "pro", sent)
    assert made.status == 200
    assert {name: made.body[name] for name in sent} == sent
    assert (made.body["alertConsecutiveChecks"], made.body["usedByCustomerCount"]) == (3, 0)
    again = await change(api, "pro", {**made.body, "alertConsecutiveChecks": 5, "notes": None})
    assert again.body["alertConsecutiveChecks"] == 5
    assert (again.body["notes"], again.body["maxUrls"], again.body["checkIntervalMinutes"]) == (None, 100, 2.5)
    assert [each["packageType"] for each in (await api.get(PACKAGES)).body] == ["standard", "pro"]


async def test_wrong_fields_of_a_package_are_all_named(api: Any) -> None:
    answer = await change(
        api,
        "pro",
        {
            "alertConsecutiveChecks": 0,
            "alertLocationThreshold": "most",
            "checkIntervalMinutes": 0.7,
            "retryIntervalSeconds": "60",
            "notes": "\0",
            "colour": 1,
        },
    )
    assert answer.status == 400
    assert sorted(answer.pointers) == [
        "/alertConsecutiveChecks",
        "/alertLocationThreshold",
        "/checkIntervalMinutes",
        "/colour",
        "/notes",
        "/retryIntervalSeconds",
    ]
    for wrong in ("%00", "%20", "x" * 101):
        assert (await change(api, wrong, {})).status == 400
        assert (await api.get(f"{PACKAGES}/{wrong}")).status == 400
    answer = await api.get(f"{PACKAGES}/pro")
    assert (answer.status, answer.body["message"]) == (404, "Package config not found")


async def test_only_an_admin_of_the_whole_organization_changes_packages(world: Any) -> None:
    for role in ("user", "readonly", "supporter"):
        client = await world.client(role)
        assert (await client.get(PACKAGES)).status == 200
        assert (await change(client, "standard", {"alertConsecutiveChecks": 1})).status == 403
    limited = await world.client("admin", customer_id=10)
    assert (await change(limited, "standard", {})).status == 403
    assert (await world.api.get(f"{PACKAGES}/standard")).body["alertConsecutiveChecks"] == 3


async def test_a_token_of_one_customer_sees_the_package_that_holds_for_it(world: Any) -> None:
    await change(world.api, "pro", {})
    await change(world.api, "basic", {})
    limited = await world.client("user", customer_id=10)
    assert [each["packageType"] for each in (await limited.get(PACKAGES)).body] == ["standard"]
    await change_customer(world.api, {"publicId": "11111111-1111-4111-8111-111111111111"}, {"packageType": "pro"})
    assert [each["packageType"] for each in (await limited.get(PACKAGES)).body] == ["pro"]
    assert (await limited.get(f"{PACKAGES}/pro")).status == 200
    assert (await limited.get(f"{PACKAGES}/basic")).status == 404


async def test_another_organization_has_packages_of_its_own(world: Any) -> None:
    stranger = await world.client("admin", organization_id=await world.another_organization())
    assert (await stranger.get(f"{PACKAGES}/standard")).status == 404
    assert (await change(stranger, "standard", {"alertConsecutiveChecks": 9})).status == 200
    assert (await world.api.get(f"{PACKAGES}/standard")).body["alertConsecutiveChecks"] == 3
    customer = {"publicId": "11111111-1111-4111-8111-111111111111"}
    assert (await change_customer(stranger, customer, {"name": "x"})).status == 404


async def test_monitors_are_checked_no_more_often_than_their_customers_package_allows(world: Any) -> None:
    api = world.api
    slow, fast = await world.customer("Slow"), await world.customer("Fast")
    await change(api, "basic", {"checkIntervalMinutes": 10, "displayName": "Basic Care"})
    answer = await change_customer(api, slow, {"packageType": "Basic Care"})
    assert answer.body["packageType"] == "basic"
    body = {"customerId": slow["id"], "name": "n", "hostname": "mail.example.com", "checkInterval": 5}
    refused = await api.post("/api/imap-pop-monitors", body)
    assert (refused.status, refused.pointers) == (400, ["/checkInterval"])
    assert refused.body["message"] == "checkInterval must be at least 10 minutes in the package basic"
    made = await api.created(customerId=slow["id"], checkInterval=10)
    assert (await api.patch(made, {"checkInterval": 9.5})).pointers == ["/checkInterval"]
    often = await api.created(customerId=fast["id"], checkInterval=1)
    assert (await api.patch(often, {"customerId": slow["id"]})).pointers == ["/checkInterval"]
    # What was allowed when it was made stays, until it is changed.
    await change(api, "basic", {"checkIntervalMinutes": 20})
    assert (await api.patch(made, {"name": "renamed", "checkInterval": 10})).status == 200
    await change(api, "standard", {"checkIntervalMinutes": 2})
    assert (await api.patch(often, {"checkInterval": 1.5})).pointers == ["/checkInterval"]


async def test_a_customer_is_changed_field_by_field(world: Any) -> None:
    customer = await world.customer("Before")
    answer = await change_customer(
        world.api,
        customer,
        {"name": "After", "alertLocationThresholdCount": 1, "allowedCheckCountryCodes": ["de", "DE"], "id": 7},
    )
    assert answer.status == 200
    assert (answer.body["id"], answer.body["name"]) == (customer["id"], "After")
    assert (answer.body["alertLocationThresholdCount"], answer.body["allowedCheckCountryCodes"]) == (1, ["DE"])
    answer = await change_customer(world.api, customer, {"alertLocationThresholdCount": None, "customFields": {"a": 1}})
    assert (answer.body["name"], answer.body["alertLocationThresholdCount"]) == ("After", None)
    assert answer.body["customFields"] == {"a": 1}
    wrong = await change_customer(
        world.api, customer, {"name": "", "alertLocationThresholdCount": 0, "packageType": 5, "x": 1}
    )
    assert sorted(wrong.pointers) == ["/alertLocationThresholdCount", "/name", "/packageType", "/x"]
    assert (await change_customer(world.api, customer, {"packageType": "unknown"})).pointers == ["/packageType"]
    assert (await change_customer(world.api, {"publicId": "7"}, {})).status == 400
    unknown = {"publicId": "22222222-2222-4222-8222-222222222222"}
    assert (await change_customer(world.api, unknown, {})).status == 404
    for client in (await world.client("readonly"), await world.client("admin", customer_id=customer["id"])):
        assert (await change_customer(client, customer, {"packageType": "standard"})).status == 403
