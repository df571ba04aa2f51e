"""How a process ends that can't go on: one last line that says why, what every thread was doing, and an exit code.

Whoever started it (systemd, Kubernetes, Compose) starts it again. What cannot go on is for others to find out.
"""

import contextlib
import faulthandler
import os
import sys
import threading
from typing import Any, NoReturn

import structlog

EXIT_STUCK = 70  # EX_SOFTWARE of sysexits.h

# Whoever reads our log may have stopped reading, and a full pipe must not keep alive what cannot go on.
_SAYING_SECONDS = 3.0

_log = structlog.get_logger()


def end_process(event: str, **context: Any) -> NoReturn:
    """Say this in the log, show all stacks on stderr, and end at once with `EXIT_STUCK`. From any thread."""
    saying = threading.Thread(target=_say, args=(event, context), name="last word", daemon=True)
    saying.start()
    saying.join(_SAYING_SECONDS)
    os._exit(EXIT_STUCK)


def end_for_silence(queue: str) -> NoReturn:
    """The broker gives this process nothing of a queue in which messages are ready, however often it asks anew."""
    end_process("consumer_lost", queue=queue)


def _say(event: str, context: dict[str, Any]) -> None:
    _log.critical(event, exit_code=EXIT_STUCK, **context)
    with contextlib.suppress(OSError, ValueError, AttributeError):  # no stderr, or one without a descriptor
        faulthandler.dump_traceback(sys.stderr, all_threads=True)
        sys.stderr.flush()
