"""Logs: their form, and that a secret's name does not carry its value out."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from shared.runtime import logs
from tests.support.plain_logs import log_plainly


@pytest.fixture(autouse=True)
def restored_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    log_plainly()


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_json_with_time_level_service_and_instance() -> None:
    out = io.StringIO()
    logs.configure("scheduler", format="json", level="info", stream=out)
    structlog.get_logger().info("tick_done", claimed=3)
    (line,) = lines(out)
    assert line["event"] == "tick_done"
    assert line["claimed"] == 3
    assert line["level"] == "info"
    assert line["service"] == "scheduler"
    assert str(line["instance"]).startswith("scheduler@")
    assert str(line["timestamp"]).endswith("Z")


def test_lines_begin_alike() -> None:
    out = io.StringIO()
    logs.configure("scheduler", format="json", stream=out)
    structlog.get_logger().bind(check_id="c").warning("tick_late", late_ms=3)
    logging.getLogger("some.library").warning("said so")
    for line in lines(out):
        assert list(line)[:4] == ["timestamp", "level", "instance", "event"]


def test_where_no_terminal_reads_along_lines_are_json() -> None:
    out = io.StringIO()
    logs.configure("scheduler", stream=out)
    structlog.get_logger().info("tick_done")
    assert lines(out)[0]["event"] == "tick_done"


def test_a_terminal_gets_lines_for_people() -> None:
    out = io.StringIO()
    logs.configure("scheduler", format="console", stream=out)
    structlog.get_logger().info("tick_done", claimed=3)
    assert "tick_done" in out.getvalue()
    assert not out.getvalue().startswith("{")


def test_the_standard_library_s_logging_comes_out_in_the_same_form() -> None:
    out = io.StringIO()
    logs.configure("scheduler", format="json", stream=out)
    logging.getLogger("some.library").warning("said %s", "so")
    (line,) = lines(out)
    assert line["event"] == "said so"
    assert line["logger"] == "some.library"
    assert line["service"] == "scheduler"


def test_lines_below_the_level_are_not_written() -> None:
    out = io.StringIO()
    logs.configure("scheduler", format="json", level="warning", stream=out)
    structlog.get_logger().info("chatter")
    logging.getLogger("some.library").info("chatter")
    assert out.getvalue() == ""


@pytest.mark.parametrize("key", ["password", "sealed_password", "token", "Authorization", "api_token", "secret"])
@pytest.mark.parametrize("form", ["json", "console"])
def test_a_value_under_a_secret_s_name_is_refused(key: str, form: logs.Format) -> None:
    out = io.StringIO()
    logs.configure("scheduler", format=form, stream=out)
    structlog.get_logger().info("said_too_much", **{key: "hunter2"}, body={"deeper": {key: "hunter2"}})
    logging.getLogger("x").warning("%s", "ok")
    assert "said_too_much" in out.getvalue()
    assert "hunter2" not in out.getvalue()


def test_names_that_only_sound_like_secrets_pass() -> None:
    out = io.StringIO()
    logs.configure("scheduler", format="json", stream=out)
    structlog.get_logger().info("token_used", token_id=7, token_hint="mp_…x")
    assert lines(out)[0]["token_id"] == 7


def test_many_lines_of_one_kind_are_each_a_line_with_what_they_have_in_common() -> None:
    out = io.StringIO()
    logs.configure("scheduler", format="json", stream=out)
    structlog.get_logger().info("check_made", location="here", each=[{"check_id": "a"}, {"check_id": "b", "late": 3}])
    first, second = lines(out)
    assert list(first)[:4] == ["timestamp", "level", "instance", "event"]
    assert (first["event"], first["location"], first["check_id"]) == ("check_made", "here", "a")
    assert (second["event"], second["location"], second["check_id"], second["late"]) == ("check_made", "here", "b", 3)
    assert second["service"] == "scheduler"
    assert "each" not in first


@pytest.mark.parametrize("form", ["json", "console"])
def test_none_of_many_lines_carries_a_secret_out(form: logs.Format) -> None:
    out = io.StringIO()
    logs.configure("scheduler", format=form, stream=out)
    said = [{"check_id": "a", "password": "hunter2"}, {"check_id": "b", "account": {"password": "hunter2"}}]
    structlog.get_logger().info("check_made", each=said)
    assert out.getvalue().count(logs.REFUSED) == 2
    assert "hunter2" not in out.getvalue()
    assert len(out.getvalue().splitlines()) == 2


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_traceback_shows_no_local_variables(form: logs.Format) -> None:
    out = io.StringIO()
    logs.configure("scheduler", format=form, stream=out)
    try:
        password = "hunter" + "2"
        raise RuntimeError(f"of length {len(password)}")
    except RuntimeError:
        structlog.get_logger().exception("broke")
    assert "of length 7" in out.getvalue()
    assert "hunter2" not in out.getvalue()


def test_libraries_that_print_traffic_are_silenced_even_at_debug() -> None:
    out = io.StringIO()
    logs.configure("imap_worker", format="json", level="debug", stream=out)
    for name in ("aioimaplib", "aioimaplib.aioimaplib", "aio_pika.channel", "aiormq.connection"):
        logging.getLogger(name).debug("LOGIN user hunter2")
    assert out.getvalue() == ""


def test_a_logger_that_keeps_its_settings_says_the_same() -> None:
    said = []
    for for_good in (False, True):
        out = io.StringIO()
        logs.configure("scheduler", format="json", stream=out, for_good=for_good)
        log = structlog.get_logger()
        for _ in range(2):
            log.info("tick_done", claimed=3, password="x", inner={"token": "x", "kind": "ok"})
        said.append([{key: value for key, value in line.items() if key != "timestamp"} for line in lines(out)])
    assert said[0] == said[1]
    assert said[1][1]["password"] == said[1][1]["inner"]["token"] == logs.REFUSED  # type: ignore[index]
