"""``self.http``: requests to other servers, with limits, and never to a private network by mistake."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

import msgspec
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.netutil import Resolver
from tornado.simple_httpclient import SimpleAsyncHTTPClient

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

BODY_BYTES = 10 * 2**20
CONNECT_SECONDS = 5.0
SECONDS = 20.0
REDIRECTS = 5
AT_ONCE = 10
"""So many requests of a plugin are under way; further ones wait."""
_NOT_IN_ADDRESS = re.compile(r"[\x00-\x20\x7f-\xa0\ud800-\udfff]")
_NOT_IN_HEADER = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_METHOD = re.compile(r"[A-Za-z]+")
_NAT64 = IPv6Network("64:ff9b::/96")


class FetchError(Exception):
    """No answer: the server can't be found or reached, is in a private network, is too slow, or says too much."""

    def __init__(self, message: str) -> None:
        super().__init__(message.encode(errors="backslashreplace").decode())


class HttpResponse(msgspec.Struct, frozen=True):
    """What a server answered, an error too. ``headers`` have lower-case names; ``url`` is where redirects led."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        """The body as UTF-8; what is none is replaced."""
        return self.body.decode(errors="replace")

    def json(self) -> Any:
        """The body as JSON. Raises ValueError."""
        return msgspec.json.decode(self.body)


class Http:
    """A plugin's HTTP client. ``allowed`` are private networks that it may reach. Redirects are followed."""

    def __init__(self, allowed: Sequence[Network], resolver: Resolver | None = None) -> None:
        self._client = SimpleAsyncHTTPClient(
            force_instance=True,
            max_clients=AT_ONCE,
            max_body_size=BODY_BYTES,
            max_buffer_size=BODY_BYTES,
            resolver=_PublicResolver(allowed, resolver or Resolver()),
        )

    async def get(
        self, url: str, *, headers: Mapping[str, str] | None = None, timeout: float = SECONDS
    ) -> HttpResponse:
        """`request` with GET."""
        return await self.request("GET", url, headers=headers, timeout=timeout)

    async def post(
        self,
        url: str,
        *,
        json: Any = msgspec.UNSET,
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = SECONDS,
    ) -> HttpResponse:
        """`request` with POST: ``json`` is encoded and named as such, or ``body`` is sent as it is."""
        return await self.request("POST", url, json=json, body=body or b"", headers=headers, timeout=timeout)

    async def request(
        self,
        method: str,
        url: str,
        *,
        json: Any = msgspec.UNSET,
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = SECONDS,
    ) -> HttpResponse:
        """Ask another server; whatever it answers is returned, an error too. ``timeout`` is for all of it, in seconds.

        Raises `FetchError` where there is no answer, and, before any connection, ValueError for what is no address,
        method or header of HTTP.
        """
        host = _host(url)
        sent = dict(headers or {})
        if not _METHOD.fullmatch(method):
            raise ValueError(f"a method is one word of letters, not {method!r:.80}")
        for name, value in sent.items():
            if not _HEADER.fullmatch(name) or _NOT_IN_HEADER.search(value):
                raise ValueError(f"the header {name!r:.80} has characters that no header can have")
        if json is not msgspec.UNSET:
            body = msgspec.json.encode(json)
            sent.setdefault("Content-Type", "application/json")
        asked = HTTPRequest(
            url, method.upper(), sent, body, connect_timeout=min(timeout, CONNECT_SECONDS), request_timeout=timeout,
            max_redirects=REDIRECTS, allow_nonstandard_methods=True, user_agent="chatserver",
        )  # fmt: skip
        try:
            answer = await self._client.fetch(asked, raise_error=False)
        except Exception as error:
            raise FetchError(f"{host}: {error}") from error
        if answer.code == 599 or (answer.error is not None and not isinstance(answer.error, HTTPClientError)):
            raise FetchError(f"{host}: {answer.error}") from answer.error
        given = {name.lower(): value for name, value in answer.headers.get_all()}
        return HttpResponse(answer.code, given, answer.body or b"", answer.effective_url)

    def close(self) -> None:
        """Begin no more requests."""
        self._client.close()


def _host(url: str) -> str:
    """The host of an address. Raises ValueError for what is no address of HTTP."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"an address begins with http:// or https:// and a host, not {url!r:.200}")
    if _NOT_IN_ADDRESS.search(url):
        raise ValueError(f"an address has no spaces and no control characters: {url!r:.200}")
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0 or parts.netloc.endswith(":"):
        raise ValueError(f"a port is a number from 1 to 65535: {url!r:.200}")
    try:
        parts.hostname.encode("idna" if ":" not in parts.hostname else "ascii")
    except UnicodeError:
        raise ValueError(f"{parts.hostname!r:.200} is no name of a host") from None
    return parts.hostname


class _PublicResolver(Resolver):
    """Gives only addresses that may be connected to. It is these that the client connects to: it asks no second time,
    as for a name that has another address by then."""

    def initialize(self, allowed: Sequence[Network], inner: Resolver) -> None:
        self._allowed = allowed
        self._inner = inner

    async def resolve(self, host: str, port: int, family: Any = 0) -> list[tuple[int, Any]]:
        found = await self._inner.resolve(host, port, family)
        public = [each for each in found if self._may(ip_address(str(each[1][0]).partition("%")[0]))]
        if not public:
            raise OSError(
                "it is in a private network, which the settings don't allow (plugins.private_networks)"
            )
        return public

    def _may(self, address: Address) -> bool:
        return any(address in network for network in self._allowed) or all(map(_is_public, _meant(address)))


def _meant(address: Address) -> list[Address]:
    """An address, and those that are wrapped into it."""
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address in _NAT64:
        return [IPv4Address(int(address) & 0xFFFFFFFF)]
    wrapped: list[Address] = [address]
    if address.sixtofour is not None:
        wrapped.append(address.sixtofour)
    if address.teredo is not None:
        wrapped += address.teredo
    return wrapped


def _is_public(address: Address) -> bool:
    local = isinstance(address, IPv6Address) and address.is_site_local
    return (
        address.is_global
        and not local
        and not (address.is_multicast or address.is_reserved or address.is_unspecified)
    )


def networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Networks such as ``10.0.0.0/8``. Raises ValueError."""
    return tuple(ip_network(text) for text in texts)
