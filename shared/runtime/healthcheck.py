"""`python -m shared.runtime.healthcheck`: whether the process beside us says that it is ready; for containers.

Asks the admin port that MAILPROBE_ADMIN_PORT names, with nothing but the standard library: it runs every few seconds
in each container, where loading what the services need would cost more than they do. Exit code 0: ready.
"""

import http.client
import os
import sys

_DEADLINE_SECONDS = 4.0
_MOST_BYTES = 2000


def main(arguments: list[str]) -> int:
    """Ask `/readyz`, or another path that is given; the exit code."""
    path = arguments[0] if arguments else "/readyz"
    port = os.environ.get("MAILPROBE_ADMIN_PORT", "")
    if not port.isdecimal() or port == "0":
        print("MAILPROBE_ADMIN_PORT names no port to ask", file=sys.stderr)
        return 1
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=_DEADLINE_SECONDS)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read(_MOST_BYTES).decode(errors="replace")
    except OSError as error:
        print(f"the admin port {port} does not answer: {error}", file=sys.stderr)
        return 1
    finally:
        connection.close()
    if answer.status != 200:
        print(body)  # the orchestrator keeps it: it says what is not ready
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
