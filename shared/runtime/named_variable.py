"""One variable of the environment, by the name a person wrote down: what no settings model can know of beforehand."""

import os


def read_variable(name: str) -> str | None:
    """Its value; None where it is not set."""
    return os.environ.get(name)
