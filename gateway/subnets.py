"""Networks that are searched for terminals, as people write them: 192.168.1.0/24."""

import ipaddress
from collections.abc import Sequence

LARGEST_NETWORK = 22
"""Prefix length: networks with more addresses than this has are not searched."""

MOST = 8
"""How many networks the settings may name."""


def network(text: str) -> ipaddress.IPv4Network:
    """Read an IPv4 network that is small enough to be searched.

    Raises:
        ValueError: it is none, or too large; in words.
    """
    try:
        found = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError(
            f"{text!r} is no network; write it like 192.168.1.0/24"
        ) from None
    if (
        not isinstance(found, ipaddress.IPv4Network)
        or found.prefixlen < LARGEST_NETWORK
    ):
        raise ValueError(
            f"{text} is too large to search; name IPv4 networks of /{LARGEST_NETWORK}"
            " or smaller, or the terminal's own address"
        )
    return found


def problem(wanted: Sequence[str]) -> str | None:
    """Return in words what is wrong with the networks of the settings, if anything."""
    if len(wanted) > MOST:
        return f"at most {MOST} networks"
    for text in wanted:
        try:
            network(text)
        except ValueError as error:
            return str(error)
    return None
