"""Rows beside what is there: filled up by discovery, and what becomes of each."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from cli.api_client import Refused
from cli.failing import Failed
from cli.mailbox_import.rows import read_table
from cli.mailbox_import.running import plans_of, reason_of
from cli.mailbox_import.wanted import Filling, Todo, Wanted, patch_of, plan, twice
from shared.checks.vocabulary import MailProtocol, Security

CUSTOMERS = [
    {"id": 10, "publicId": "11111111-1111-4111-8111-111111111111", "name": "Bakery"},
    {"id": 11, "publicId": "22222222-2222-4222-8222-222222222222", "name": "Smithy"},
]


class Api:
    """The part of the API that filling asks."""

    def __init__(self, **candidate: Any) -> None:
        self.asked: list[str] = []
        self.candidate = candidate
        self.provider: Mapping[str, Any] | None = None

    async def discover(self, address: str) -> Mapping[str, Any]:
        self.asked.append(address)
        usual = {"hostname": "mx.example.com", "port": 993, "security": "tls", "user": address, "warning": None}
        return {
            "address": address,
            "provider": self.provider,
            "candidates": [{"protocol": "imap", "source": "srv", **usual, **self.candidate}] if self.candidate else [],
        }


def filled(
    content: str, api: Api | None = None, *, customer: str | None = "Bakery", trust: bool = False
) -> list[Wanted]:
    filling = Filling(api or Api(), CUSTOMERS, customer=customer, trust=trust)  # type: ignore[arg-type]

    async def all_of_them() -> list[Wanted]:
        return [await filling.fill(row) for row in read_table(content.encode()).rows]

    return asyncio.run(all_of_them())


def one(header: str = "", cells: str = "", **more: Any) -> Wanted:
    (wanted,) = filled(f"address,password,host{header}\nanna@example.com,x,mx.example.com{cells}\n", **more)
    return wanted


def there(**more: Any) -> dict[str, Any]:
    return {
        "publicId": "p",
        "name": "anna@example.com",
        "hostname": "mx.example.com",
        "port": None,
        "checkInterval": 5,
        "customerId": 10,
        "status": "active",
        "health": "up",
        "everPassed": True,
        "config": {"protocol": "imap", "user": "Anna@Example.com", "security": "tls", "password": "********"},
        **more,
    }


def test_security_and_protocol_follow_from_the_port() -> None:
    assert (one().protocol, one().security, one().port) == (MailProtocol.IMAP, Security.TLS, None)
    assert one(",port", ",143").security is Security.STARTTLS
    assert one(",port", ",995").protocol is MailProtocol.POP3


def test_discovery_is_asked_once_a_domain_and_its_pattern_kept() -> None:
    api = Api(user="anna")
    found = filled("address,password\nanna@example.com,x\nbea@example.com,y\n", api)
    assert api.asked == ["anna@example.com"]
    assert [(each.host, each.user) for each in found] == [("mx.example.com", "anna"), ("mx.example.com", "bea")]


def test_a_server_found_with_a_warning_is_not_used_unless_trusted() -> None:
    content = "address,password\nanna@example.com,x\n"
    (doubted,) = filled(content, Api(warning="Somebody may have written this."))
    assert "Somebody may have written this." in (doubted.fault or "")
    (trusted,) = filled(content, Api(warning="Somebody may have written this."), trust=True)
    assert (trusted.fault, trusted.host) == (None, "mx.example.com")


def test_where_nothing_is_found_it_says_what_to_do() -> None:
    (nowhere,) = filled("address,password\nanna@example.com,x\n", Api())
    assert nowhere.fault == "no server was found for example.com: put its host into the file"


@pytest.mark.parametrize("said", ["11", "22222222-2222-4222-8222-222222222222", "smithy"])
def test_a_customer_goes_by_number_public_id_or_name(said: str) -> None:
    assert one(",customer", f",{said}").customer == 11


@pytest.mark.parametrize(("customer", "reason"), [("Nobody", "no customer is called"), (None, "several customers")])
def test_an_unknown_customer_is_named_with_its_line(customer: str | None, reason: str) -> None:
    with pytest.raises(Failed, match=f"line 2: .*{reason}|line 2: there are {reason}"):
        one(customer=customer)


def test_a_mailbox_is_the_same_by_user_host_and_protocol() -> None:
    found = filled(
        "address,password,host,protocol\nA@b.de,x,MX.b.de,imap\na@B.de,y,mx.b.de.,imap\na@b.de,y,mx.b.de,pop3\n"
    )
    assert twice(found) == ["line 3: it is the same mailbox as line 2"]


def test_what_works_is_left_alone_unless_told_to_change() -> None:
    assert plan(one(), there(), update=True).todo is Todo.LEAVE
    differing = one(",interval,name", ",10,Anna")
    assert plan(differing, there(), update=False).todo is Todo.LEAVE
    changed = plan(differing, there(), update=True)
    assert (changed.todo, patch_of(changed)) == (Todo.CHANGE, {"checkInterval": 10, "name": "Anna"})


def test_a_password_goes_along_only_where_what_it_is_bound_to_changes() -> None:
    changed = patch_of(plan(one(",mailbox", ",Archive"), there(), update=True))
    assert changed == {
        "imapPopConfig": {"protocol": "imap", "user": "Anna@Example.com", "security": "tls", "mailbox": "Archive"}
    }
    moved = patch_of(plan(one(",security", ",starttls"), there(), update=True))
    assert (moved["imapPopConfig"]["security"], moved["imapPopConfig"]["password"]) == ("starttls", "x")


def test_what_never_passed_is_tried_again_only_when_told_to() -> None:
    red = there(everPassed=False, status="disabled", health="down")
    new = there(everPassed=False, health="unknown")
    assert [plan(one(), each, update=False).todo for each in (red, new)] == [Todo.RED, Todo.AWAIT]
    assert [plan(one(), each, update=True).todo for each in (red, new)] == [Todo.RETRY, Todo.RETRY]


def test_rows_meet_what_is_there() -> None:
    rows = filled("address,password,host\nanna@example.com,x,MX.example.com\nbea@example.com,y,mx.example.com\n")
    assert [each.todo for each in plans_of(rows, [there()], update=False)] == [Todo.LEAVE, Todo.CREATE]


def test_an_address_nobody_can_look_up_is_that_rows_fault_alone() -> None:
    class Choosy(Api):
        async def discover(self, address: str) -> Mapping[str, Any]:
            if address.startswith("a"):
                raise Refused("address must end in a domain", status=400)
            return await super().discover(address)

    found = filled("address,password\na@x,y\nbea@example.com,y\n", Choosy(user="bea"))
    assert [each.fault for each in found] == ["address must end in a domain", None]


def test_what_stands_in_the_way_of_all_rows_ends_the_run() -> None:
    assert reason_of(Refused("checkInterval must be at least 5", status=400)) == "checkInterval must be at least 5"
    for status in (401, 403, 503):
        with pytest.raises(Failed, match="run this again to go on"):
            reason_of(Refused("not now", status=status))
