"""The data directory keeps keys and token for its owner alone, and never replaces a key."""

from pathlib import Path

import pytest

from services.standalone.data_directory import DataDirectory
from shared.runtime.lifecycle import StartError


def test_keys_are_made_once_and_readable_by_their_owner_only(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path / "data")
    first = directory.private_keys()
    assert DataDirectory(tmp_path / "data").private_keys().to_json() == first.to_json()
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "data" / "private-keys.json").stat().st_mode & 0o777 == 0o600


def test_an_unreadable_key_ring_is_named_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "private-keys.json"
    path.write_text("{")
    with pytest.raises(StartError, match=str(path)):
        DataDirectory(tmp_path).private_keys()
    assert path.read_text() == "{"


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StartError, match="cannot use the data directory"):
        DataDirectory(tmp_path / "file" / "data")


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)  # root, whom tests may run as, may write anywhere
    with pytest.raises(StartError, match=r"cannot write in the data directory .* sudo chown -R"):
        DataDirectory(tmp_path)
