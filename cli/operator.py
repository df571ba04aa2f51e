"""Who works with the command at the database, as the audit log names them: the account of this machine."""

import getpass


def operator_name() -> str:
    """The account; `operator` where it has no name."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "operator"
