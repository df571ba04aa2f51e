"""Each rule finds what is planted against it, says where, and lets the lawful neighbour be."""

from pathlib import Path

import pytest

from tests.architecture import rules

DOC = '"""Says what it is."""\n'

PLANTED = [
    (rules.services_stay_apart, "services/scheduler/plan.py", "from services.result_recorder import health"),
    (rules.services_stay_apart, "services/scheduler/plan.py", "import services.api_gateway.reading"),
    (rules.services_stay_apart, "services/scheduler/plan.py", "from ..notifier import channels"),
    (rules.services_stay_apart, "services/scheduler/plan.py", "from services import notifier"),
    (rules.services_stay_apart, "services/scheduler/plan.py", "def late():\n    import services.notifier"),
    (rules.callers_take_only_what_is_theirs, "cli/main.py", "from services.scheduler.plan import due"),
    (rules.callers_take_only_what_is_theirs, "cli/main.py", "from services.imap_worker.dialogue import talk"),
    (rules.callers_take_only_what_is_theirs, "cli/main.py", "from services.api_gateway.people import people_store"),
    (rules.callers_take_only_what_is_theirs, "benchmarks/run.py", "from services.api_gateway.people import operating"),
    (rules.callers_take_only_what_is_theirs, "benchmarks/run.py", "import services.standalone.main"),
    (rules.callers_take_only_what_is_theirs, "benchmarks/run.py", "from services.scheduler import dispatcher"),
    (rules.callers_take_only_what_is_theirs, "cli/main.py", "from services.scheduler import schedule_store"),
    (rules.nothing_points_upwards, "shared/checks/slots.py", "from services.scheduler import plan"),
    (rules.nothing_points_upwards, "services/scheduler/plan.py", "import cli.main"),
    (rules.nothing_points_upwards, "cli/main.py", "from tests.support.fleet import Fleet"),
    (rules.rooms_of_shared_keep_their_direction, "shared/checks/slots.py", "from shared.runtime import logs"),
    (rules.rooms_of_shared_keep_their_direction, "shared/database/pool.py", "import shared.checks.slots"),
    (rules.rooms_of_shared_keep_their_direction, "shared/sealing/seal.py", "from shared import checks"),
    (rules.rooms_of_shared_keep_their_direction, "shared/runtime/logs.py", "from shared.broker import seam"),
    (rules.rooms_of_shared_keep_their_direction, "shared/broker/seam.py", "from shared.probing import probe"),
    (rules.rooms_of_shared_keep_their_direction, "shared/probing/probe.py", "from shared.broker import seam"),
    (rules.rooms_of_shared_keep_their_direction, "shared/probing/tls.py", "from shared.sealing import seal"),
    (rules.rooms_of_shared_keep_their_direction, "shared/probing/job_handling.py", "import shared.database.pool"),
    (rules.workers_hold_no_database, "services/imap_worker/jobs.py", "from shared.database import connect"),
    (rules.asyncpg_is_for_stores, "services/scheduler/plan.py", "import asyncpg"),
    (rules.asyncpg_is_for_stores, "cli/main.py", "from asyncpg.exceptions import PostgresError"),
    (rules.aio_pika_is_for_the_broker, "services/scheduler/plan.py", "from aio_pika import Message"),
    (rules.aio_pika_is_for_the_broker, "shared/probing/job_handling.py", "import aiormq.exceptions"),
    (rules.aio_pika_is_for_the_broker, "benchmarks/run.py", "import aio_pika"),
    (rules.aioimaplib_has_one_file, "shared/probing/grammar.py", "import aioimaplib"),
    (rules.the_environment_is_for_settings, "cli/main.py", "import os\nhome = os.environ['HOME']"),
    (rules.the_environment_is_for_settings, "cli/main.py", "import os\nhome = os.getenv('HOME')"),
    (rules.the_environment_is_for_settings, "cli/main.py", "from os import environ"),
    (rules.files_stay_short, "shared/checks/long.py", "# line\n" * 400),
    (rules.names_say_something, "shared/checks/utils.py", ""),
    (rules.names_say_something, "shared/checks/dns_helpers.py", ""),
    (rules.names_say_something, "shared/common/dns.py", ""),
    (rules.names_say_something, "shared/checks/dns.py", "class ConnectionManager: ..."),
    (rules.names_say_something, "shared/checks/dns.py", "class BaseProbe: ..."),
]

LAWFUL = {
    "services/scheduler/plan.py": "from services.scheduler.windows import due\nfrom shared.database import pool",
    "services/scheduler/lease_store.py": "import asyncpg",
    "services/standalone/main.py": "import services.scheduler.plan\nfrom services.api_gateway import reading",
    "services/imap_worker/grammar.py": "import aioimaplib",
    "services/imap_worker/probe.py": "from . import grammar\nfrom .grammar import parse",
    "cli/main.py": "from services.standalone.main import run\nfrom services.imap_worker.probe import imap_probe",
    "cli/people.py": "from services.api_gateway.people import operating",
    "benchmarks/engine.py": "from services.pop3_worker.probe import pop3_probe",
    "benchmarks/claims.py": "import aiormq\nfrom services.scheduler import schedule_store",
    "shared/checks/slots.py": "import os\nfrom shared.checks.target import Target\nname = os.fspath('x')",
    "shared/checks/database.py": "class Databases: ...\nclass Commonwealth: ...",
    "shared/broker/rabbitmq.py": "import aio_pika\nfrom shared.checks import slots",
    "shared/probing/job_handling.py": "from shared.broker import seam\nfrom shared.sealing import seal",
    "shared/runtime/settings.py": "import os\nhome = os.environ",
    "tests/integration/test_pool.py": "import asyncpg, aio_pika, os\nhome = os.environ",
}


def plant(root: Path, where: str, text: str) -> None:
    path = root / where
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{DOC}{text}\n")


@pytest.mark.parametrize(("rule", "where", "text"), PLANTED)
def test_finds_what_is_planted(rule: rules.Rule, where: str, text: str, tmp_path: Path) -> None:
    for lawful_place, lawful_text in LAWFUL.items():
        plant(tmp_path, lawful_place, lawful_text)
    assert rule(tmp_path) == []
    plant(tmp_path, where, text)
    assert any(where in violation for violation in rule(tmp_path))


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_lets_a_lawful_tree_be(rule: rules.Rule, tmp_path: Path) -> None:
    assert rule(tmp_path) == [], "an empty tree breaks nothing"
    for where, text in LAWFUL.items():
        plant(tmp_path, where, text)
    assert rule(tmp_path) == []


def test_finds_a_second_file_that_knows_aioimaplib(tmp_path: Path) -> None:
    plant(tmp_path, "services/imap_worker/grammar.py", "import aioimaplib")
    assert rules.aioimaplib_has_one_file(tmp_path) == []
    plant(tmp_path, "services/imap_worker/probe.py", "from aioimaplib import Response")
    assert "imported by 2 files" in rules.aioimaplib_has_one_file(tmp_path)[0]


def test_finds_a_public_module_without_a_docstring(tmp_path: Path) -> None:
    bare = tmp_path / "shared" / "checks" / "bare.py"
    bare.parent.mkdir(parents=True)
    bare.write_text("x = 1\n")
    assert rules.public_modules_say_what_they_are(tmp_path) == ["shared/checks/bare.py has no docstring"]


def test_every_rule_has_something_planted_against_it() -> None:
    proven = {rule for rule, _, _ in PLANTED} | {rules.public_modules_say_what_they_are}
    assert proven == set(rules.RULES)
