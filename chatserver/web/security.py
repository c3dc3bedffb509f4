"""The headers of every answer, the trusted proxies, and the allowed hosts and origins."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from tornado.httputil import HTTPServerRequest

CSP = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "font-src 'self'",
        "manifest-src 'self'",
        "worker-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    )
)

HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}

HSTS = "max-age=31536000"

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def networks(trusted: Sequence[str]) -> tuple[Network, ...]:
    """Addresses and CIDR networks. Raises ValueError for what is neither."""
    return tuple(ipaddress.ip_network(text, strict=False) for text in trusted)


_WITH_PORT = re.compile(r"\[(?P<v6>[^\]]*)\](?::\d{1,5})?|(?P<v4>[\d.]+):\d{1,5}")
"""How some proxies write a hop in X-Forwarded-For: ``192.0.2.1:4711``, ``[2001:db8::1]:4711``, ``[2001:db8::1]``."""


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


def client_address(request: HTTPServerRequest, trusted: Sequence[Network]) -> str:
    """The client's address: through trusted proxies the last one in X-Forwarded-For that is none of theirs."""
    address = str(request.remote_ip or "")
    address = plain_address(address) or address
    if not is_in(address, trusted):
        return address
    for hop in reversed(request.headers.get("X-Forwarded-For", "").split(",")):
        if not hop.strip():
            continue
        plain = plain_address(hop.strip().strip('"'))
        if plain is None:
            break
        address = plain
        if not is_in(address, trusted):
            break
    return address


def is_ours(host: str, public_url: str) -> bool:
    """Whether a Host header may name this server: its public name, this machine, or a bare address.

    Without a public address any name may be ours. With one, another name is a foreign page that had its own
    name pointed here (DNS rebinding).
    """
    if not public_url:
        return True
    try:
        name = urlsplit("//" + host).hostname or ""
    except ValueError:
        return False
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name in ("localhost", urlsplit(public_url).hostname)
    return True


def origins(public_url: str, allowed: Sequence[str]) -> frozenset[str]:
    """Origins besides the server's own whose pages may connect."""
    found = {origin.rstrip("/") for origin in allowed}
    if public_url:
        parts = urlsplit(public_url)
        found.add(f"{parts.scheme}://{parts.netloc}")
    return frozenset(found)
