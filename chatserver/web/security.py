"""The headers of every answer, the trusted proxies, and the allowed hosts and origins."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection, Sequence
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


def own_names(public_url: str, host: str) -> frozenset[str]:
    """The names of this server: that of its public address, else those of this machine and of the ``host`` it listens
    on."""
    if public_url:
        return frozenset({"localhost", urlsplit(public_url).hostname or ""})
    machine = socket.gethostname().lower()
    short = machine.partition(".")[0]
    return frozenset({"localhost", host.lower(), machine, short, f"{short}.local"})


def is_ours(host: str, names: Collection[str]) -> bool:
    """Whether a Host header may name this server: one of its own ``names``, or a bare address.

    Another name is a foreign page that had its own name pointed here (DNS rebinding).
    """
    try:
        name = urlsplit("//" + host).hostname or ""
    except ValueError:
        return False
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name.rstrip(".") in names
    return True


def same_scheme(origin: str, secure: bool) -> bool:
    """Whether a page of our host came by TLS, where the server is known to be reached so."""
    return not secure or origin.lower().startswith("https:")


def origins(public_url: str, allowed: Sequence[str]) -> frozenset[str]:
    """Origins besides the server's own whose pages may connect."""
    found = {origin.rstrip("/") for origin in allowed}
    if public_url:
        parts = urlsplit(public_url)
        found.add(f"{parts.scheme}://{parts.netloc}")
    return frozenset(found)
