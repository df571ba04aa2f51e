"""Who works with the command at the database, as the audit log names them: the account of this machine."""

import getpass

from services.api_gateway.acting import told_actor


def operator_name() -> str:
    """The account; `operator` where it has no name."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "operator"


def operator_actor() -> str:
    """The actor of a transaction, for triggers to keep."""
    return told_actor("operator", None, operator_name())
