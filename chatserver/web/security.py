"""What every answer carries, whose addresses are believed, and whose pages may come in."""

from __future__ import annotations

import ipaddress
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


def is_in(address: str, trusted: Sequence[Network]) -> bool:
    """Whether an address is one of these."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in trusted)


def client_address(request: HTTPServerRequest, trusted: Sequence[Network]) -> str:
    """The address of whoever asks: behind trusted proxies the last one in X-Forwarded-For that is not theirs."""
    address = str(request.remote_ip or "")
    if not is_in(address, trusted):
        return address
    for hop in reversed(request.headers.get("X-Forwarded-For", "").split(",")):
        hop = hop.strip()
        try:
            ipaddress.ip_address(hop)
        except ValueError:
            break
        address = hop
        if not is_in(address, trusted):
            break
    return address


def is_ours(host: str, public_url: str) -> bool:
    """Whether a Host header may name this server: its public name, this machine, or a bare address.

    Without a public address any name may be ours. With one, another name is somebody else's page that had its own
    name pointed here (DNS rebinding).
    """
    if not public_url:
        return True
    name = urlsplit("//" + host).hostname or ""
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
