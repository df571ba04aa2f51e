"""Host names in the one spelling a mailprobe keeps them in, so that comparing sees no difference where there is none.

Whether a name can be had is the server's to say; here only what cannot be spelled at all is refused.
"""

from ipaddress import ip_address

import idna


def spelled(hostname: str) -> str:
    """Lower case, A-labels, addresses in their canonical form; raises ValueError."""
    name = hostname.strip().lower().removesuffix(".")
    if any(character in name for character in "/@ ") or not name:
        raise ValueError("{field} has to be a host name alone (no protocol, no path)")
    try:
        return str(ip_address(name))
    except ValueError:
        pass
    if ":" in name:
        raise ValueError("{field} has to be a host name alone; the port has a field of its own")
    try:
        return ".".join(label if label.isascii() else idna.alabel(label).decode("ascii") for label in name.split("."))
    except (idna.IDNAError, UnicodeError):
        raise ValueError("{field} is no host name") from None
