"""Names to addresses, with a deadline of its own and nobody held up by somebody else's dead name.

Tells a name that does not exist from name servers that fail, and both from a resolver of ours that is broken. Which
of the addresses may be connected to is the address policy's business.
"""

import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

import aiodns
import aiodns.error

from shared.checks.vocabulary import IpFamily, OutcomeKind
from shared.probing.address_policy import ip_literal
from shared.probing.dns_channel import FRESH_SECONDS, DnsChannel
from shared.probing.steps import CheckFailed

# Letters the DNS of mail hosts is made of. What else reaches a C library may be cut at a NUL or folded to digits.
_SOUND_NAME = re.compile(
    r"(?=.{1,253}\Z)([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
)

# No name ends in a number (WHATWG URL), and resolvers do not agree which address `0177.0.0.1` is.
_NUMBER_LAST = re.compile(r"(?:\A|\.)(?:[0-9]+|0[xX][0-9A-Fa-f]*)\Z")

_NO_SUCH_NAME = frozenset({aiodns.error.ARES_ENOTFOUND, aiodns.error.ARES_ENONAME, aiodns.error.ARES_EBADNAME})
_NO_ANSWER = frozenset({aiodns.error.ARES_ETIMEOUT, aiodns.error.ARES_ECONNREFUSED})
_OUR_TROUBLE = frozenset({aiodns.error.ARES_EFILE, aiodns.error.ARES_ENOMEM, aiodns.error.ARES_ENOTINITIALIZED})
# From a name server that answers, but only to say that it can't find out.
_NO_HELP = frozenset({aiodns.error.ARES_ESERVFAIL, aiodns.error.ARES_EREFUSED, aiodns.error.ARES_ENOTIMP})
_SIGN_OF_LIFE_SECONDS = 2.0
_APART_AT_ONCE = 4  # a channel has a thread


@dataclass(frozen=True, slots=True)
class _SignOfLife:
    at: float
    answers: bool  # something came back
    knows: bool  # and was of use


class Resolver:
    """c-ares on a thread of its own. Every lookup ends within the deadline, whatever the name servers do."""

    def __init__(
        self, *, servers: Sequence[str] = (), deadline_seconds: float, fresh_seconds: float = FRESH_SECONDS
    ) -> None:
        self._deadline_seconds = deadline_seconds
        self._channel = DnsChannel(servers=servers, answer_seconds=deadline_seconds, fresh_seconds=fresh_seconds)
        self._apart = asyncio.Semaphore(_APART_AT_ONCE)
        self._answered_at = -1.0
        self._sign: _SignOfLife | None = None
        self._asking: asyncio.Task[_SignOfLife] | None = None

    async def resolve(
        self, hostname: str, family: IpFamily, *, deadline_seconds: float | None = None
    ) -> tuple[str, ...]:
        """Every address of the name, families interleaved (RFC 8305 section 4), IPv6 first where both are wanted.

        Raises `CheckFailed` with dns_nxdomain, dns_failure, or internal where our own resolver is the one to blame.
        """
        literal = ip_literal(hostname)
        if literal is not None:
            return _of_family((literal,), family)
        name = hostname.removesuffix(".")
        if _SOUND_NAME.fullmatch(name) is None or _NUMBER_LAST.search(name) is not None:
            raise CheckFailed(OutcomeKind.DNS_NXDOMAIN, variant="malformed")
        limit = min(self._deadline_seconds, deadline_seconds or self._deadline_seconds)
        asked_at = time.monotonic()
        try:
            async with asyncio.timeout(limit):
                addresses = await self._lookup(name)
        except TimeoutError:
            raise await self._nobody_answered(asked_at) from None
        except aiodns.error.DNSError as error:
            code = error.args[0] if error.args else 0
            if code in _OUR_TROUBLE:
                raise CheckFailed(OutcomeKind.INTERNAL, variant="resources") from None
            if code in _NO_ANSWER:
                raise await self._nobody_answered(asked_at) from None
            if code in _NO_HELP and self._answered_at < asked_at and not (await self._sign_of_life()).knows:
                raise CheckFailed(OutcomeKind.INTERNAL, variant="resolver_helpless") from None
            if code not in _NO_HELP:
                self._answered_at = time.monotonic()
            if code in _NO_SUCH_NAME:
                raise CheckFailed(OutcomeKind.DNS_NXDOMAIN) from None
            if code == aiodns.error.ARES_ENODATA:
                raise CheckFailed(OutcomeKind.DNS_FAILURE, variant="no_address") from None
            words = str(error.args[1]).encode() if len(error.args) > 1 else None
            raise CheckFailed(OutcomeKind.DNS_FAILURE, words) from None
        self._answered_at = time.monotonic()
        return _of_family(addresses, family)

    async def close(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
        await self._channel.close()

    async def _lookup(self, name: str) -> tuple[str, ...]:
        try:
            return await _ask(self._channel, name)
        except aiodns.error.DNSError as error:
            if error.args[:1] != (aiodns.error.ARES_EBADRESP,):
                raise
        # One garbled reply has c-ares give up every question under way, whosever it was: asked once more by itself.
        async with self._apart:
            apart = self._channel.apart()
            try:
                return await _ask(apart, name)
            finally:
                await apart.close()

    async def _nobody_answered(self, asked_at: float) -> CheckFailed:
        if self._answered_at >= asked_at or (await self._sign_of_life()).answers:
            return CheckFailed(OutcomeKind.DNS_FAILURE, variant="timeout")
        return CheckFailed(OutcomeKind.INTERNAL, variant="resolver")

    async def _sign_of_life(self) -> _SignOfLife:
        """Whether our own resolver answers anything at all; asked once for all who want to know."""
        sign = self._sign
        if sign is not None and time.monotonic() - sign.at < _SIGN_OF_LIFE_SECONDS:
            return sign
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask_for_a_sign())
        return await asyncio.shield(self._asking)

    async def _ask_for_a_sign(self) -> _SignOfLife:
        answers = knows = True
        try:
            async with asyncio.timeout(0.5):
                with self._channel.lent() as channel:
                    await channel.query_dns(".", "NS")
        except TimeoutError:
            answers = knows = False
        except aiodns.error.DNSError as error:
            code = error.args[0] if error.args else 0
            answers = code not in _NO_ANSWER
            knows = answers and code not in _NO_HELP
        self._sign = _SignOfLife(time.monotonic(), answers=answers, knows=knows)
        return self._sign


async def _ask(channel: DnsChannel, name: str) -> tuple[str, ...]:
    with channel.lent() as resolver:
        found = await resolver.getaddrinfo(name, port=0)
    raw = (node.addr[0] for node in found.nodes)
    # A thousand records of one address are one address.
    return tuple(dict.fromkeys(text.decode() if isinstance(text, bytes) else str(text) for text in raw))


def _of_family(addresses: Sequence[str], family: IpFamily) -> tuple[str, ...]:
    if len(addresses) == 1 and family is IpFamily.ANY:
        return tuple(addresses)
    six = [address for address in addresses if ":" in address]
    four = [address for address in addresses if ":" not in address]
    if family is IpFamily.V4:
        six = []
    elif family is IpFamily.V6:
        four = []
    if not six and not four:
        raise CheckFailed(
            OutcomeKind.DNS_FAILURE, variant=f"no_ipv{family.value}" if family is not IpFamily.ANY else "no_address"
        )
    mixed: list[str] = []
    for place in range(max(len(six), len(four))):
        mixed += six[place : place + 1] + four[place : place + 1]
    return tuple(mixed)
