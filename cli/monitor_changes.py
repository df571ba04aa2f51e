"""`mailprobe monitors change|pause|resume|check|test|history`: what is done with monitors that are there."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from cli.api_client import MONITORS, api_client
from cli.failing import EXIT_USAGE, Failed, finish
from cli.monitor_page import check_lines
from cli.monitors import AsJson, PublicId, TokenFile, Url, masked, monitor_body, monitors
from cli.output import Format, Output, printed
from cli.passwords import mailbox_password
from cli.showing import print_lines
from shared.checks.vocabulary import AuthMethod, MailProtocol, MonitorStatus, Security

EXIT_FAILED_CHECK = 1
PublicIds = Annotated[list[UUID], typer.Argument(help="Their publicIds.", show_default=False)]
NewPassword = Annotated[
    bool, typer.Option("--new-password", help="Ask for the password, or read it from a pipe or --password-file.")
]
PasswordFile = Annotated[Path | None, typer.Option(help="The password's file; - for standard input.")]

_NOTHING = "say what to change, such as --every 5"
# What the API adds to a config, and takes from nobody.
_OF_ANSWERS = ("passwordSet",)


@monitors.command()
def change(
    public_id: PublicId,
    name: Annotated[str | None, typer.Option(help="What people call it.")] = None,
    customer: Annotated[str | None, typer.Option(help="Number or publicId.")] = None,
    hostname: Annotated[str | None, typer.Option(help="The mail server's host name.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="0: the protocol's own.")] = None,
    protocol: Annotated[MailProtocol | None, typer.Option(help="What the server speaks.")] = None,
    security: Annotated[Security | None, typer.Option(help="How the connection is protected.")] = None,
    user: Annotated[str | None, typer.Option(help="Who logs in; an empty one: nobody.")] = None,
    new_password: NewPassword = False,
    password_file: PasswordFile = None,
    mailbox: Annotated[str | None, typer.Option(help="Another one than INBOX.")] = None,
    auth: Annotated[AuthMethod | None, typer.Option(help="How to log in.")] = None,
    every: Annotated[float | None, typer.Option("--every", help="Minutes between checks, in halves.")] = None,
    timeout: Annotated[int | None, typer.Option(min=1, max=60, help="Seconds a check may take.")] = None,
    verify: Annotated[bool | None, typer.Option("--verify/--no-verify", help="Judge the certificate.")] = None,
    servername: Annotated[str | None, typer.Option(help="The certificate's name, where it is another.")] = None,
    status: Annotated[MonitorStatus | None, typer.Option(help="Whether it is checked, and alerts.")] = None,
    notify: Annotated[str | None, typer.Option(help="An e-mail address told of this one; an empty one: none.")] = None,
    json: AsJson = False,
    output: Output = Format.TABLE,
    url: Url = None,
    token_file: TokenFile = None,
) -> None:
    """Change a monitor. Where its password would go to another server or account, it has to be given again."""
    plain: dict[str, Any] = {
        "name": name,
        "customerId": customer,
        "hostname": hostname,
        "port": port,
        "checkInterval": None if every is None else int(every) if every == int(every) else every,
        "timeoutSeconds": timeout,
        "status": status,
        "notificationEmail": notify,
    }
    body = {field: None if value in ("", 0) else value for field, value in plain.items() if value is not None}
    config = {"protocol": protocol, "security": security, "user": user, "mailbox": mailbox, "auth": auth}
    told = {field: value or None for field, value in config.items() if value is not None}
    options = {"rejectUnauthorized": verify, "servername": servername}
    tls = {field: value if value != "" else None for field, value in options.items() if value is not None}

    async def changed() -> dict[str, Any]:
        asked_for = new_password or password_file is not None
        if not (body or told or tls or asked_for):
            raise Failed(_NOTHING, code=EXIT_USAGE)
        async with api_client(url=url, token_file=token_file) as api:
            if told or tls or asked_for:
                stored = (await api.monitor(public_id))["config"]
                merged = _merged(stored, told, tls)
                if asked_for:
                    merged["password"] = mailbox_password(str(merged.get("user")), password_file)
                body["imapPopConfig"] = merged
            answer: dict[str, Any] = await api.request("PATCH", f"{MONITORS}/{public_id}", body=body)
            return masked(answer)

    monitor = finish(changed())
    if not printed(output, monitor, json=json):
        print_lines(f"Changed {monitor['name']}.", *(f"Note: {each['text']}" for each in monitor["warnings"]))


@monitors.command()
def pause(public_ids: PublicIds, url: Url = None, token_file: TokenFile = None) -> None:
    """Check monitors no more, until they are resumed."""
    _set_status(public_ids, MonitorStatus.DISABLED, "paused", url, token_file)


@monitors.command()
def resume(public_ids: PublicIds, url: Url = None, token_file: TokenFile = None) -> None:
    """Check paused monitors again, at once."""
    _set_status(public_ids, MonitorStatus.ACTIVE, "resumed; a check begins at once", url, token_file)


@monitors.command("check")
def check_now(
    public_ids: PublicIds,
    json: AsJson = False,
    output: Output = Format.TABLE,
    url: Url = None,
    token_file: TokenFile = None,
) -> None:
    """Check monitors now, from every location they may be checked from."""

    async def asked() -> list[dict[str, Any]]:
        async with api_client(url=url, token_file=token_file) as api:
            return [
                {"publicId": str(each), **await api.request("POST", f"{MONITORS}/{each}/trigger-check")}
                for each in public_ids
            ]

    answers = finish(asked())
    if not printed(output, answers, json=json):
        print_lines(*(f"{each['publicId']}: asked {', '.join(each['locationCodes'])}." for each in answers))


@monitors.command("test")
def try_out(
    hostname: Annotated[str, typer.Argument(help="The mail server's host name.", show_default=False)],
    customer: Annotated[str | None, typer.Option(help="Number or publicId; needed where there are several.")] = None,
    protocol: Annotated[MailProtocol, typer.Option(help="What the server speaks.")] = MailProtocol.IMAP,
    security: Annotated[Security, typer.Option(help="How the connection is protected.")] = Security.TLS,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Else the protocol's own.")] = None,
    user: Annotated[str | None, typer.Option(help="Who logs in; else it ends after the capabilities.")] = None,
    password_file: PasswordFile = None,
    mailbox: Annotated[str | None, typer.Option(help="Another one than INBOX.")] = None,
    auth: Annotated[AuthMethod, typer.Option(help="How to log in.")] = AuthMethod.AUTO,
    timeout: Annotated[int, typer.Option(min=1, max=60, help="Seconds the check may take.")] = 30,
    verify: Annotated[bool, typer.Option("--verify/--no-verify", help="Judge the certificate.")] = True,
    servername: Annotated[str | None, typer.Option(help="The certificate's name, where it is another.")] = None,
    json: AsJson = False,
    output: Output = Format.TABLE,
    url: Url = None,
    token_file: TokenFile = None,
) -> None:
    """Check a mailbox once on a real worker, without keeping it. Exit code 1 where the check fails."""

    async def tested() -> dict[str, Any]:
        async with api_client(url=url, token_file=token_file) as api:
            body = await monitor_body(
                api,
                hostname=hostname,
                name=None,
                customer=customer,
                port=port,
                every=30,
                timeout=timeout,
                config={"protocol": protocol, "security": security, "auth": auth, "mailbox": mailbox},
                user=user,
                password_file=password_file,
                verify=verify,
                servername=servername,
            )
            answer: dict[str, Any] = await api.request("POST", f"{MONITORS}/test", body=body)
            return answer

    answer = finish(tested())
    if not printed(output, answer, json=json):
        print_lines(*check_lines(answer["result"]), *(f"Note: {each['text']}" for each in answer["warnings"]))
    if not answer["success"]:
        raise typer.Exit(EXIT_FAILED_CHECK)


@monitors.command()
def history(
    public_id: PublicId,
    limit: Annotated[int, typer.Option(min=1, max=200, help="At most so many.")] = 50,
    json: AsJson = False,
    output: Output = Format.TABLE,
    url: Url = None,
    token_file: TokenFile = None,
) -> None:
    """What became of a monitor's checks, the newest first."""

    async def found() -> list[dict[str, Any]]:
        async with api_client(url=url, token_file=token_file) as api:
            return await api.checks(public_id, limit=limit)

    checks = finish(found())
    if printed(output, checks, json=json):
        return
    print_lines(*(line for each in checks for line in check_lines(each)) if checks else ("No checks yet.",))


def _merged(stored: Mapping[str, Any], told: dict[str, Any], tls: Mapping[str, Any]) -> dict[str, Any]:
    """The stored config with what was said; the mask keeps the password."""
    merged: dict[str, Any] = {name: value for name, value in stored.items() if name not in _OF_ANSWERS} | told
    if "security" in told:
        merged.pop("tls", None)  # the documented field, which could contradict
    if "user" in told and told["user"] is None:
        merged["password"] = None
    if tls:
        merged["tlsOptions"] = {**(stored.get("tlsOptions") or {}), **tls}
    return merged


def _set_status(public_ids: list[UUID], status: MonitorStatus, words: str, url: Url, token_file: TokenFile) -> None:
    async def done() -> None:
        async with api_client(url=url, token_file=token_file) as api:
            for public_id in public_ids:
                try:
                    answer = await api.request("PATCH", f"{MONITORS}/{public_id}", body={"status": status})
                except Failed as error:
                    raise Failed(f"{public_id}: {error}", code=error.code) from None
                print_lines(f"{answer['name']} is {words}.")

    finish(done())
