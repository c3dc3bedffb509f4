"""``self.http``: requests to other servers, with limits, and never to a private network by mistake."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urljoin, urlsplit, urlunsplit

import msgspec
from tornado.httpclient import HTTPRequest
from tornado.httputil import HTTPHeaders, HTTPInputError
from tornado.netutil import Resolver
from tornado.simple_httpclient import SimpleAsyncHTTPClient

from .networks import Network, PublicResolver

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


class FetchError(Exception):
    """No answer: the server can't be found or reached, is in a private network, is too slow, or says too much."""

    def __init__(self, message: str) -> None:
        super().__init__(message.encode(errors="backslashreplace").decode())


class HttpResponse(msgspec.Struct, frozen=True):
    """What a server answered, an error too. ``headers`` have lower-case names; ``url`` is where redirects led;
    ``cut`` says that the server had more to say than the ``limit``."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
    cut: bool = False

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
            # What is read is counted as it comes, unpacked: an answer may be longer than what is wanted of it.
            max_body_size=2**62,
            max_buffer_size=BODY_BYTES,
            resolver=PublicResolver(allowed, resolver or Resolver()),
        )

    async def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        timeout: float = SECONDS,
        limit: int | None = None,
        types: Sequence[str] = (),
        check: Callable[[str], object] | None = None,
    ) -> HttpResponse:
        """`request` with GET."""
        return await self.request(
            "GET", url, headers=headers, timeout=timeout, limit=limit, types=types, check=check
        )

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
        limit: int | None = None,
        types: Sequence[str] = (),
        check: Callable[[str], object] | None = None,
    ) -> HttpResponse:
        """Ask another server; whatever it answers is returned, an error too. ``timeout`` is for all of it, in seconds.

        With ``limit`` only the first so many bytes of the body are read. ``types`` are the content types that are
        wanted, such as ``image/*``: the body of an answer (2xx) of another type is not read, and is a `FetchError`.
        ``check(url)`` is called before an address is asked, each that a redirect leads to as well, and may raise.

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
        if limit is not None and not 0 < limit <= BODY_BYTES:
            raise ValueError(f"limit is from 1 to {BODY_BYTES} bytes, not {limit}")
        by = None if any(name.lower() == "user-agent" for name in sent) else "chatserver"
        asked = HTTPRequest(
            url,
            method.upper(),
            sent,
            body,
            user_agent=by,
            follow_redirects=False,
            allow_nonstandard_methods=True,
        )
        reading = _Reading(limit, types)
        try:
            async with asyncio.timeout(timeout) as clock:
                for _ in range(REDIRECTS + 1):
                    reading = _Reading(limit, types)
                    if check is not None:
                        check(asked.url)
                    left = (clock.when() or 0) - asyncio.get_running_loop().time()
                    answer = await self._once(asked, reading, max(left, 0.01))
                    further = redirected(asked, answer)
                    if further is None:
                        break
                    asked = further
        except TimeoutError:
            reading.over = True
            raise FetchError(f"{host}: timeout after {timeout:g} seconds") from None
        except Exception as error:
            raise FetchError(f"{host}: {error}") from error
        return answer

    async def _once(self, asked: HTTPRequest, reading: _Reading, seconds: float) -> HttpResponse:
        """What the server says to one request, a redirect too."""
        asked.connect_timeout, asked.request_timeout = min(seconds, CONNECT_SECONDS), seconds
        asked.header_callback, asked.streaming_callback = reading.header, reading.chunk
        try:
            await self._client.fetch(asked, raise_error=False)
        except Exception:
            # It ends so where we have heard enough.
            if not reading.cut:
                raise
        return reading.answer(asked.url)

    def close(self) -> None:
        """Begin no more requests."""
        self._client.close()


class _Reading:
    """Takes an answer as it comes, and ends it where there is enough."""

    def __init__(self, limit: int | None, types: Sequence[str]) -> None:
        self._limit = limit
        self._types = types
        self._headers = HTTPHeaders()
        self._status = 0
        self._body = bytearray()
        self.cut = False
        """Whether there was more to be read, or nothing that is wanted."""
        self.over = False
        """Whether the answer is waited for no more."""

    def header(self, line: str) -> None:
        """One line of a head; the first one has the status, the last one is empty."""
        if line.startswith("HTTP/"):
            # Not the first head after an early hint (103).
            self._headers = HTTPHeaders()
            self._status = int(line.split(" ", 2)[1])
        elif line.strip():
            self._headers.parse_line(line)
        elif 200 <= self._status < 300 and not self._is_wanted():
            self._enough()

    def chunk(self, data: bytes) -> None:
        """A part of the body, unpacked."""
        self._body += data
        most = BODY_BYTES if self._limit is None else self._limit
        if len(self._body) > most:
            del self._body[most:]
            self._enough()
        if self.over:
            self._enough()

    def answer(self, url: str) -> HttpResponse:
        """What came from there. Raises `FetchError` where it is of no type that is wanted."""
        if 200 <= self._status < 300 and not self._is_wanted():
            raise FetchError(f"it answers with {self._type() or 'no type'}, not {', '.join(self._types)}")
        if self.cut and self._limit is None:
            raise FetchError(f"it answers with more than {BODY_BYTES} bytes")
        headers = {name.lower(): value for name, value in self._headers.get_all()}
        return HttpResponse(self._status, headers, bytes(self._body), url, self.cut)

    def _type(self) -> str:
        return self._headers.get("Content-Type", "").partition(";")[0].strip().lower()

    def _is_wanted(self) -> bool:
        return not self._types or any(fnmatchcase(self._type(), wanted) for wanted in self._types)

    def _enough(self) -> None:
        self.cut = True
        # The one error that closes the connection without a word in the log.
        raise HTTPInputError("enough")


def redirected(asked: HTTPRequest, answer: HttpResponse) -> HTTPRequest | None:
    """The request that follows from an answer; None if it is no redirect. Raises ValueError for where none can go.

    What proves who asks goes to no other server (as in curl and browsers).
    """
    location = answer.headers.get("location")
    if answer.status not in (301, 302, 303, 307, 308) or location is None:
        return None
    url = urljoin(asked.url, location)
    _host(url)
    before, after = urlsplit(asked.url), urlsplit(url)
    headers, method = asked.headers.copy(), asked.method
    body: bytes | None = asked.body
    headers.pop("Host", None)
    if before[:2] != after[:2]:
        url = urlunsplit(after._replace(netloc=after.netloc.rpartition("@")[2]))
        for name in ("Authorization", "Cookie"):
            headers.pop(name, None)
    if (answer.status == 303 and method != "HEAD") or (answer.status in (301, 302) and method == "POST"):
        method, body = "GET", None
        for name in ("Content-Length", "Content-Type", "Content-Encoding", "Transfer-Encoding"):
            headers.pop(name, None)
    return HTTPRequest(url, method, headers, body, follow_redirects=False, allow_nonstandard_methods=True)


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
