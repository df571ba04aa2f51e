"""Notices of certificates that run out: one per endpoint and certificate at 21, 7 and 1 days, never one a mailbox.

An expired one that a check fails for is an incident, and no notice.
"""

from collections.abc import Iterable, Sequence

from services.result_recorder.incidents import certificate_store, incident_store
from services.result_recorder.incidents.certificate_store import Endpoint, Notice
from services.result_recorder.incidents.incident_store import OutboxRow
from shared.checks.messages import CheckResult
from shared.checks.outcome import CertificateFacts
from shared.checks.vocabulary import OutcomeKind
from shared.database.pool import Connection

NOTICE_DAYS = (1, 7, 21)
_MOST_REMEMBERED = 100_000
_MOST_ADDRESSED = 1_000

Key = tuple[int, int, str, int]
"""Monitor, its revision, fingerprint, days."""


class ToldCertificates:
    """What this process knows to be told, so that the usual result asks nobody. Forgetting costs one look each."""

    def __init__(self) -> None:
        self._told: dict[Key, None] = {}
        self._unconfirmed: set[Key] = set()

    def news(self, results: Iterable[CheckResult]) -> dict[Key, tuple[CheckResult, CertificateFacts]]:
        """Those results whose certificate may have to be told of."""
        found = {}
        for result in results:
            key = _key(result)
            if key is not None and key not in self._told and result.outcome.certificate is not None:
                found[key] = (result, result.outcome.certificate)
        return found

    def looked_at(self, keys: Iterable[Key]) -> None:
        """These have been told in a transaction that may still fail."""
        self._unconfirmed.update(keys)

    def confirm(self, results: Iterable[CheckResult]) -> None:
        """The transaction that kept these results is committed."""
        keys = {key for result in results if (key := _key(result)) is not None} & self._unconfirmed
        self._unconfirmed -= keys
        if len(self._told) + len(keys) > _MOST_REMEMBERED:
            self._told.clear()
        self._told.update(dict.fromkeys(keys))


async def keep_certificate_notices(
    connection: Connection, results: Sequence[CheckResult], told: ToldCertificates, *, now_ms: int
) -> None:
    """Hand over what these results say of certificates and was not told yet."""
    news = told.news(results)
    if not news:
        return
    endpoints = await certificate_store.endpoints(
        connection, sorted({monitor_id for monitor_id, _, _, _ in news}), now_ms=now_ms
    )
    own = {each.monitor_id: each for each in endpoints}
    wanted: dict[Notice, CertificateFacts] = {}
    for key, (result, certificate) in news.items():
        at = own.get(result.monitor_id)
        if at is not None and at.alerting:
            wanted.setdefault((at.organization_id, at.host, at.port, key[2], key[3]), certificate)
            told.looked_at([key])
    if not wanted:
        return
    for notice in sorted(await certificate_store.insert_notices(connection, sorted(wanted), now_ms=now_ms)):
        organization_id, host, port, _, days = notice
        behind = [
            each for each in endpoints if (each.organization_id, each.host, each.port) == (organization_id, host, port)
        ]
        facts = _facts(wanted[notice], host=host, port=port, days=days, behind=behind)
        await incident_store.tell(connection, [OutboxRow(organization_id, "certificate", facts=facts)], now_ms=now_ms)


def _key(result: CheckResult) -> Key | None:
    certificate = result.outcome.certificate
    if certificate is None or certificate.days_left > NOTICE_DAYS[-1] or result.outcome.kind is OutcomeKind.TLS_EXPIRED:
        return None
    days = next(days for days in NOTICE_DAYS if certificate.days_left <= days)
    return result.monitor_id, result.revision, certificate.fingerprint_sha256, days


def _facts(
    certificate: CertificateFacts, *, host: str, port: int, days: int, behind: Sequence[Endpoint]
) -> dict[str, object]:
    return {
        "host": host,
        "port": port,
        "fingerprint": certificate.fingerprint_sha256,
        "subject": certificate.subject,
        "issuer": certificate.issuer,
        "not_after_ms": certificate.not_after_ms,
        "days_left": certificate.days_left,
        "days": days,
        "customer_ids": sorted({each.customer_id for each in behind}),
        # Of a host with many mailboxes the first of them; whoever has several is told once.
        "addressed": [(each.customer_id, each.monitor_id) for each in behind if each.addressed and each.alerting][
            :_MOST_ADDRESSED
        ],
    }
