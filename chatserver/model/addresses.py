"""IP addresses: their usual form, networks, and what counts as one for limits."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
ONE_CLIENT_BITS = 64
"""The network of one customer in IPv6 (RFC 6177 gives each at least one): one client for limits."""

_WITH_PORT = re.compile(r"\[(?P<v6>[^\]]*)\](?::\d{1,5})?|(?P<v4>[\d.]+):\d{1,5}")
"""How some proxies write a hop in X-Forwarded-For: ``192.0.2.1:4711``, ``[2001:db8::1]:4711``, ``[2001:db8::1]``."""


def networks(trusted: Sequence[str]) -> tuple[Network, ...]:
    """Addresses and CIDR networks. Raises ValueError for what is neither."""
    return tuple(ipaddress.ip_network(text, strict=False) for text in trusted)


def plain_address(text: str) -> str | None:
    """An IP address in its one usual form: without port and zone, IPv4 also where it is mapped into IPv6.

    None for text that is no address.
    """
    text = text.strip()
    if found := _WITH_PORT.fullmatch(text):
        text = found["v6"] or found["v4"] or ""
    try:
        parsed = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return str(mapped or parsed)


def is_in(address: str, trusted: Sequence[Network]) -> bool:
    """Whether an address is in one of these networks."""
    plain = plain_address(address)
    if plain is None:
        return False
    parsed = ipaddress.ip_address(plain)
    return any(parsed in network for network in trusted)


def one_client(address: str) -> str:
    """What counts as one client where limits are by address: an IPv4 address, a /64 of IPv6. Other text as it is."""
    plain = plain_address(address)
    if plain is None or ":" not in plain:
        return plain or address
    return str(ipaddress.ip_network((plain, ONE_CLIENT_BITS), strict=False))
