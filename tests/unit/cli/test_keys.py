"""Keys are written once, for their owner's eyes, and fit each other."""

from pathlib import Path

from typer.testing import CliRunner

from cli.main import app
from shared.sealing import PrivateKeyRing, PublicKeyRing


def test_a_pair_is_written_that_nobody_else_can_read(tmp_path: Path) -> None:
    out = tmp_path / "new" / "keys"
    result = CliRunner().invoke(app, ["keys", "generate", "--out", str(out)])
    assert result.exit_code == 0, result.output
    public = PublicKeyRing.from_json((out / "public.json").read_text())
    private = PrivateKeyRing.from_json((out / "private.json").read_text())
    assert private.open(public.seal(b"a password", b"context"), b"context") == b"a password"
    channel_public = PublicKeyRing.from_json((out / "channel-public.json").read_text())
    channel_private = PrivateKeyRing.from_json((out / "channel-private.json").read_text())
    assert channel_private.open(channel_public.seal(b"a secret", b"context"), b"context") == b"a secret"
    assert channel_private.keys.keys() != private.keys.keys()
    assert {path.stat().st_mode & 0o777 for path in out.iterdir()} == {0o600}
    assert "MAILPROBE_PRIVATE_KEYS_FILE" in result.output
    for path in out.iterdir():
        assert path.read_text().strip() not in result.output


def test_what_is_there_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "public.json").write_text("precious")
    result = CliRunner().invoke(app, ["keys", "generate", "--out", str(tmp_path)])
    assert result.exit_code == 1
    assert "is there already" in result.output
    assert (tmp_path / "public.json").read_text() == "precious"
    assert not (tmp_path / "private.json").exists()
