"""What the embedded Postgres refuses before any server is started, and in which words."""

import json
from pathlib import Path

import pytest

from shared.database.embedded import EmbeddedPostgres, EmbeddedPostgresError


def a_cluster(data_dir: Path, *, version: str = "18", passwords: bool = True) -> Path:
    cluster = data_dir / "cluster"
    cluster.mkdir(parents=True)
    (cluster / "PG_VERSION").write_text(f"{version}\n")
    if passwords:
        (data_dir / "passwords.json").write_text(json.dumps({"postgres": "a", "mailprobe": "b"}))
    return cluster


async def test_refuses_the_data_of_another_major_and_names_the_way_out(tmp_path: Path) -> None:
    a_cluster(tmp_path, version="17")
    with pytest.raises(EmbeddedPostgresError, match=r"made by Postgres 17.*brings Postgres 18.*pg_dump"):
        await EmbeddedPostgres(tmp_path).start()


async def test_refuses_a_database_whose_passwords_are_lost(tmp_path: Path) -> None:
    a_cluster(tmp_path, passwords=False)
    with pytest.raises(EmbeddedPostgresError, match=r"passwords\.json is missing"):
        await EmbeddedPostgres(tmp_path).start()


async def test_a_refused_start_lets_go_of_the_directory(tmp_path: Path) -> None:
    a_cluster(tmp_path, version="17")
    for _ in range(2):
        with pytest.raises(EmbeddedPostgresError, match="made by Postgres 17"):
            await EmbeddedPostgres(tmp_path).start()


async def test_a_data_directory_that_is_a_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(EmbeddedPostgresError, match=r"cannot write in .*/data"):
        await EmbeddedPostgres(tmp_path / "data").start()
