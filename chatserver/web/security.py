"""The headers of every answer, the trusted proxies, and the allowed hosts and origins."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from urllib.parse import urlsplit

from tornado.httputil import HTTPServerRequest

from ..model.addresses import Network, is_in, plain_address

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
