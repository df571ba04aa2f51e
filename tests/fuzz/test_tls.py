"""A handshake spoiled on its way ends in a kind of TLS failure, whatever was done to it, and never in an error."""

import random
import ssl
from pathlib import Path

import pytest

from shared.checks.vocabulary import OutcomeKind, Security
from shared.probing.certificates import CertificateReader
from shared.probing.steps import CheckFailed
from shared.probing.tls_contexts import TlsContexts
from shared.probing.tls_session import TlsPlan, TlsSession
from tests.support.certificate_house import CertificateHouse

CERTIFICATES = ("good", "expired", "self_signed", "tls12", "wrong_host")


class Handshakes:
    """Numbered ones: the same number is the same certificate, and the same damage."""

    def __init__(self, folder: Path) -> None:
        self._house = CertificateHouse(folder)
        self._contexts = TlsContexts(ca_file=str(self._house.ca_file))
        self._reader = CertificateReader()

    def play(self, number: int) -> OutcomeKind | None:
        """None where the damage did no harm. Raises what is no `CheckFailed`."""
        rng = random.Random(number)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        server = self._house.context(rng.choice(CERTIFICATES)).wrap_bio(incoming, outgoing, server_side=True)
        context = self._contexts.get(verify=rng.random() < 0.5)
        client = TlsSession(TlsPlan(Security.TLS, context, "localhost"))
        damaged = rng.randrange(4)
        try:
            client.handshake(b"")
            for flight in range(4):
                incoming.write(client.outgoing())
                said = _says(server, outgoing)
                said = _spoiled(rng, said) if flight == damaged else said
                if client.handshaking and client.handshake(said):
                    self._reader.read(client.result(), now_ms=0)
                    said = b""
                if not client.handshaking:
                    client.receive(said, lambda _: None)
            if not client.handshaking:
                client.encrypt(b"x")
        except CheckFailed as failure:
            return failure.kind
        return None


def _says(server: ssl.SSLObject, outgoing: ssl.MemoryBIO) -> bytes:
    try:
        server.do_handshake()
        server.write(b"* OK ready\r\n")
    except ssl.SSLError:
        pass  # it does not know what to make of us, or waits for more: what it has to say of that is sent
    return outgoing.read()


def _spoiled(rng: random.Random, said: bytes) -> bytes:
    damaged = bytearray(said)
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(damaged) + 1)
        match rng.randrange(5):
            case 0:
                damaged[at : at + 1] = rng.randbytes(1)
            case 1:
                del damaged[at : at + rng.randrange(1, 50)]
            case 2:
                damaged[at:at] = rng.randbytes(rng.randrange(1, 20))
            case 3:
                del damaged[at:]
            case _:
                damaged[at:at] = damaged[at : at + 100]
    return bytes(damaged)


@pytest.mark.parametrize("count", [400, pytest.param(20_000, marks=pytest.mark.fuzz)])
@pytest.mark.timeout(600)
def test_every_spoiled_handshake_has_a_kind(tmp_path: Path, count: int) -> None:
    handshakes = Handshakes(tmp_path)
    ended = {handshakes.play(number) for number in range(count)}
    assert {kind for kind in ended if kind is not None and not kind.startswith("tls_")} == set()
    assert {None, OutcomeKind.TLS_PROTOCOL, OutcomeKind.TLS_EXPIRED, OutcomeKind.TLS_HOSTNAME} <= ended
