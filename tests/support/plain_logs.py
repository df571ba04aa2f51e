"""What is logged where no process of ours set up logs: lines on standard output, as structlog writes them by itself."""

import structlog


def log_plainly() -> None:
    """From now on, and whatever another test set up.

    But a mistake is told in Python's own words: drawn with the source around it and all that was in scope, as structlog
    would by itself, one of them takes half a second.
    """
    structlog.reset_defaults()
    *before, _ = structlog.get_config()["processors"]
    rendered = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*before, rendered])
