"""Executions by number: the same number is the same bytes, cut the same way, today and tomorrow.

One execution is one conversation played. Each is played whole and again in pieces, so every number is two.
"""

import asyncio
import contextlib
import random
from dataclasses import dataclass

from services.imap_worker.aioimaplib_grammar import ImapGrammar
from services.pop3_worker import grammar as pop3
from shared.checks.vocabulary import LoginOutcome, OutcomeKind
from shared.probing.line_reader import LineReader
from shared.probing.replies import judge_refusal
from shared.probing.sasl import Credentials
from shared.probing.scram import scram_sha_256
from shared.probing.steps import CheckFailed, Compute
from tests.fuzz.corpus import USER, before_tls, sound, spoiled, targets
from tests.fuzz.player import LIMITS, PASSWORD, Played, cut, play

_TARGETS = [target for _, target in targets()]


@dataclass(frozen=True, slots=True)
class Finding:
    """An execution that broke a rule, and how to see it again: its number, and the bytes."""

    number: int
    what: str
    said: bytes


async def converse(number: int) -> Finding | None:
    """Two executions: a server that says something spoiled, in one piece and in many."""
    rng = random.Random(number)
    target = _TARGETS[number % len(_TARGETS)]
    said = sound(target, rng)
    if rng.randrange(20):
        said = spoiled(rng, said)
    pieces = cut(rng, said)
    try:
        whole = await play(target, [said])
        parts = await play(target, pieces)
    except Exception as error:
        return Finding(number, f"raised {error!r}", said)
    if not whole.like(parts):
        return Finding(number, f"in one piece {_short(whole)}, in {len(pieces)} {_short(parts)}", said)
    return None


async def upgrade(number: int) -> Finding | None:
    """Two executions up to STARTTLS and behind it, where it does matter what came in one piece with the go-ahead."""
    rng = random.Random(number)
    target, said = before_tls(rng)
    said = spoiled(rng, said)
    try:
        played = [await play(target, [said]), await play(target, cut(rng, said))]
    except Exception as error:
        return Finding(number, f"raised {error!r}", said)
    # Nobody here can finish a handshake, so nothing of a login may ever be said.
    if any(answer.kind is None or answer.login is not LoginOutcome.NOT_SENT for answer in played):
        return Finding(number, f"went on without TLS: {[_short(answer) for answer in played]}", said)
    return None


def grammars(number: int) -> Finding | None:
    """Two executions: raw lines straight into the grammars, whole and in pieces before them."""
    rng = random.Random(number)
    said = spoiled(rng, sound(_TARGETS[number % len(_TARGETS)], rng))
    try:
        whole, parts = _lines([said]), _lines(cut(rng, said))
        for line in whole[0][:40]:
            _each_grammar(line)
    except Exception as error:
        return Finding(number, f"raised {error!r}", said)
    if whole != parts:
        return Finding(number, f"lines {whole} or {parts}", said)
    return None


def _lines(pieces: list[bytes]) -> tuple[list[bytes], str | None]:
    reader, lines = LineReader(LIMITS), list[bytes]()
    try:
        for piece in pieces:
            reader.feed(piece)
            while (line := reader.next_line()) is not None:
                lines.append(line)
    except CheckFailed as failure:
        return lines, f"{failure.kind} {failure.variant}"
    return lines, None


def _each_grammar(line: bytes) -> None:
    imap = ImapGrammar(LIMITS)
    imap.encode("EXAMINE", '"INBOX"')
    for read in (imap.feed_line, pop3.read_status, pop3.read_stat, lambda raw: pop3.read_capabilities([raw])):
        with contextlib.suppress(CheckFailed):
            read(line)
    judge_refusal(line, OutcomeKind.AUTH_REJECTED)
    exchange = scram_sha_256(Credentials(USER.encode(), PASSWORD), nonce=b"n")
    next(exchange)
    with contextlib.suppress(CheckFailed):
        if isinstance(exchange.send(line), Compute):
            exchange.send(b"x" * 32)
            exchange.send(line)


def _short(played: Played) -> str:
    return f"{played.kind or 'ok'}/{played.variant} at {played.phase}, words {played.words!r}, {len(played.said)} said"


def run(first: int, count: int) -> list[Finding]:
    """These executions' findings, at most ten; `count` numbers are two executions each."""
    return asyncio.run(_run(first, count))


async def _run(first: int, count: int) -> list[Finding]:
    found: list[Finding] = []
    for number in range(first, first + count):
        # Three conversations for one look at the grammars alone, which each conversation passes through as well.
        if number % 16 == 7:
            finding = await upgrade(number)
        else:
            finding = grammars(number) if number % 4 == 3 else await converse(number)
        if finding is not None:
            found.append(finding)
        if len(found) >= 10:
            break
        if number % 200 == 0:
            await asyncio.sleep(0)  # lets the loop forget the timers of conversations that are over
    return found
