"""The base of all HTTP handlers, ours and the plugins': the caller, JSON in and out, errors with their codes."""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Awaitable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

import msgspec
import tornado.web
from tornado.httputil import HTTPServerRequest

from ..chat.services import Services
from ..model.errors import HTTP_STATUS, Reject, forbidden
from ..model.permissions import READ, in_scope
from ..model.rate_limit import moves
from ..model.values import Request, User
from ..plugins.api import ChatAPI
from ..plugins.failures import own_failure, refused
from ..protocol.decoder import invalid
from .cookies import XSRF_COOKIE, session_cookie, xsrf_value
from .endpoint import endpoint_of
from .foreign_pages import allow_origin, answer_preflight, is_preflight
from .security import HEADERS, HSTS, client_address, is_ours, same_scheme
from .site import Site

log = logging.getLogger(__name__)

T = TypeVar("T")
Q = TypeVar("Q", bound=msgspec.Struct)

STOPPING_SECONDS = 3.0
"""Seconds after which a client may try again when the server is stopping."""
_CODES = {400: "bad_request", 401: "unauthorized", 403: "forbidden", 404: "not_found", 413: "too_large"}


class Handler(tornado.web.RequestHandler):
    """An HTTP handler. ``self.plugin`` is the plugin it belongs to, ``self.chat`` that plugin's handle.

    Raise `Reject` to answer with its code and status. Foreign origins, and cookies without the XSRF header, are
    refused before any method runs.
    """

    site: Site
    services: Services
    plugin: Any
    answers_while_stopping = False
    answers_any_host = False
    """Whether the Host header may name another server: for probes, which come by internal names."""
    takes_long = False
    """Whether an answer of a plugin may take longer than its commands may: for files."""
    chat: ChatAPI
    _user: User | None = None

    def initialize(self, site: Site, plugin: Any = None) -> None:
        self.site = site
        self.services = site.services
        self.plugin = plugin
        if plugin is not None:
            self.chat = plugin.chat
        allow_origin(self, site.origins)

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        for name, value in HEADERS.items():
            self.set_header(name, value)
        self.set_header("Cache-Control", "no-store")
        if self.settings.get("secure") or self.request.protocol == "https":
            self.set_header("Strict-Transport-Security", HSTS)
        if hasattr(self, "site"):
            # After an error the headers begin anew.
            allow_origin(self, self.site.origins)

    def prepare(self) -> Awaitable[None] | None:
        if not (self.answers_any_host or self.is_for_us):
            raise foreign_host()
        if is_preflight(self.request):
            answer_preflight(self, self.site.origins)
            return None
        if self.services.stopping and not self.answers_while_stopping:
            raise Reject("The server is stopping.", "unavailable", retry_after=STOPPING_SECONDS)
        if self.plugin is not None:
            self.services.host.current.hooks.require(self.plugin.name, self._route)
        return None

    @property
    def is_for_us(self) -> bool:
        """Whether the Host header may name this server."""
        return is_ours(self.request.host, self.site.hosts)

    @property
    def remote_ip(self) -> str:
        """The client's IP address."""
        return client_address(self.request, self.site.proxies)

    # Who

    @property
    def bearer(self) -> str | None:
        """The token in the Authorization header (RFC 6750)."""
        scheme, _, token = self.request.headers.get("Authorization", "").partition(" ")
        return token.strip() or None if scheme.lower() == "bearer" else None

    @property
    def token(self) -> str | None:
        """The caller's token: from the header, else from the cookie."""
        return self.bearer or self.session_cookie

    @property
    def secure(self) -> bool:
        """Whether the browser talks TLS."""
        return self.site.secure or self.request.protocol == "https"

    @property
    def session_cookie(self) -> str | None:
        """The token in the browser's cookie."""
        return self.get_cookie(session_cookie(self.secure))

    @property
    def _asked(self) -> Request:
        return request_of(self.request, self.remote_ip, self.token)

    @property
    def reads(self) -> bool:
        """Whether the answer tells what messages.read is needed for."""
        return self.request.method in ("GET", "HEAD")

    async def user(self) -> User | None:
        """The caller, if signed in. Raises `Reject` ``name_taken`` for a guest whose name is another user's by now, and
        ``forbidden`` for a token that may not read."""
        if self._user is None:
            self._user = await self.services.sign_in.of(self._asked)
            if self._user is not None and self.reads and not in_scope(self._user, READ):
                raise forbidden(READ)
        return self._user

    async def known_user(self) -> User | None:
        """The user whose session this is, for showing only: a guest's name may be another user's by now."""
        return self._user or await self.services.sign_in.known(self._asked)

    async def require_user(self) -> User:
        """The caller, whose requests are limited like those over the WebSocket.

        Raises `Reject` ``unauthorized``, ``name_taken`` or ``rate_limited``.
        """
        user = await self.user()
        if user is None:
            raise Reject("Sign in first.", "unauthorized")
        limit = self.services.address_limit
        limit.take(limit.key(self.remote_ip), len(self.request.body))
        self.services.request_limiter.take(user.id)
        return user

    async def require_writer(self) -> User:
        """The caller, for what others will notice; it is limited like messages.

        Raises `Reject` ``unauthorized``, ``name_taken`` or ``rate_limited``.
        """
        user = await self.require_user()
        self.services.message_limiter.take(moves(user))
        return user

    async def remember_again(self) -> None:
        """Renew the cookie of a user who comes back, so that it lives as long as its session."""
        token, user = self.session_cookie, await self.known_user()
        if user is not None and token is not None and self.bearer is None:
            auth = self.services.settings.auth
            self.remember(token, auth.guest_days if user.role == "guest" else auth.session_days)

    def remember(self, token: str, days: float) -> None:
        """Give the browser its session's cookie, and the one whose value unsafe requests repeat in their header."""
        facts: dict[str, Any] = {"expires_days": days, "samesite": "Lax", "secure": self.secure}
        self.set_cookie(session_cookie(self.secure), token, httponly=True, **facts)
        self.set_cookie(XSRF_COOKIE, xsrf_value(token), **facts)

    def forget(self) -> None:
        """Take the browser's cookies."""
        for name in (session_cookie(self.secure), XSRF_COOKIE):
            self.clear_cookie(name, samesite="Lax", secure=self.secure)

    def check_xsrf_cookie(self) -> None:
        # Only a cookie comes by itself; what brings a bearer token, or nothing, can't be forged.
        token = self.session_cookie
        if self.bearer is not None or token is None:
            return
        said = self.request.headers.get("X-XSRFToken", "")
        if not hmac.compare_digest(said.encode(), xsrf_value(token).encode()):
            raise tornado.web.HTTPError(403, "X-XSRFToken is not that of this session")

    def _origin_matches_host(self, origin: str) -> bool:
        return super()._origin_matches_host(origin) and same_scheme(origin, self.secure)

    def check_trusted_origin(self, origin: str) -> bool:
        return origin in self.site.origins

    # What

    def body(self, type: type[T]) -> T:
        """The request's JSON body as ``type``. Raises `Reject` ``bad_request`` or ``invalid``."""
        self._described("body", type)
        media = self.request.headers.get("Content-Type", "").partition(";")[0].strip()
        if media != "application/json":
            raise Reject("The body is JSON: say Content-Type: application/json.", "bad_request")
        try:
            return msgspec.json.decode(self.request.body, type=type)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise invalid(error, "A body") from None

    def query(self, kind: type[Q]) -> Q:
        """The request's query as ``kind``; what it has no field for means nothing. Raises `Reject`
        ``invalid``."""
        self._described("query", kind)
        given = {
            field.encode_name: self.get_query_argument(field.encode_name, strip=False)
            for field in msgspec.structs.fields(kind)
            if field.encode_name in self.request.query_arguments
        }
        try:
            return msgspec.convert(given, kind, strict=False)
        except msgspec.ValidationError as error:
            raise invalid(error, "A query") from None

    def _described(self, what: str, type: type) -> None:
        """Hold what is read against what the method says of itself, so that the description stays true."""
        said = endpoint_of(getattr(self, (self.request.method or "").lower(), None))
        if said is not None and getattr(said, what) is not type:
            raise TypeError(f"{self.request.method} {self.request.path} doesn't say {what}={type.__name__}")

    def flush(self, include_footers: bool = False) -> asyncio.Future[None]:
        """Send what was written, as `finish` does. A client that doesn't take it in time loses the connection."""
        written = super().flush(include_footers)
        if not written.done():
            late = asyncio.get_running_loop().call_later(self.services.timeouts.write, self._disconnect)
            written.add_done_callback(lambda _: late.cancel())
        return written

    def _disconnect(self) -> None:
        # What answers may stand between the handler and Tornado's own connection.
        stream = getattr(self.request.connection, "stream", None)
        if stream is not None:
            stream.close()

    def reply(self, data: Mapping[str, Any], status: int = 200) -> None:
        """Answer with JSON."""
        self.set_status(status)
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.finish(msgspec.json.encode(data))

    def refuse(self, reject: Reject) -> None:
        """Answer with an error."""
        error: dict[str, Any] = {"code": reject.code, "message": reject.message}
        if reject.field is not None:
            error["field"] = reject.field
        if reject.plugin is not None:
            error["plugin"] = reject.plugin
        if reject.retry_after is not None:
            error["retry_after"] = round(reject.retry_after, 2)
            self.set_header("Retry-After", str(int(reject.retry_after) + 1))
        self.reply({"error": error}, HTTP_STATUS[reject.code])

    async def _execute(self, *args: Any, **kwargs: Any) -> None:
        # Tornado takes care of Exception alone: SystemExit, as argparse raises it, would end the server.
        with self._counted():
            try:
                answering = super()._execute(*args, **kwargs)
                if self.plugin is None or self.takes_long:
                    await answering
                else:
                    await self.services.host.current.hooks.within(self.plugin.name, self._route, answering)
                if self.plugin is not None and self.get_status() < 500:
                    self.services.host.current.hooks.worked(self.plugin.name, self._route)
            except BaseException as error:
                self._handle_request_exception(own_failure(error))

    def _counted(self) -> AbstractContextManager[None]:
        if self.plugin is None:
            return nullcontext()
        return self.services.host.current.hooks.calling(self.plugin.name, self._route)

    @property
    def _route(self) -> str:
        return f"{self.request.method} {type(self).__name__}"

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs.get("exc_info", (None, None))[1]
        if isinstance(error, Reject):
            if self.plugin is not None:
                hooks = self.services.host.current.hooks
                error = hooks.refusal(self.plugin.name, self._route, error)
            self.refuse(error)
            return
        if self.plugin is not None and status_code >= 500:
            self.refuse(refused(self.plugin.name))
            return
        code = _CODES.get(status_code, "bad_request" if status_code < 500 else "internal")
        message = self._reason if status_code < 500 else "Something went wrong in the server."
        self.reply({"error": {"code": code, "message": message}}, status_code)

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        if isinstance(value, Reject | tornado.web.HTTPError):
            code = value.code if isinstance(value, Reject) else _CODES.get(value.status_code, "bad_request")
            self.services.refusals.note(self.remote_ip, code, f"{self.request.method} {self.request.path}")
        elif self.plugin is not None:
            self.services.host.current.hooks.failed(self.plugin.name, self._route, value)
        else:
            log.error("%s %s failed", self.request.method, self.request.path, exc_info=(typ, value, tb))


def foreign_host() -> Reject:
    """The Host header names another server."""
    return Reject("This server is not known by this name: set server.public_url to its address.", "forbidden")


def request_of(request: HTTPServerRequest, remote_ip: str, token: str | None) -> Request:
    """What plugins are shown of a request."""
    headers = {name.lower(): value for name, value in request.headers.get_all()}
    return Request(remote_ip, token, headers)


class NotFound(Handler):
    """Answers 404 for an unknown address."""

    def prepare(self) -> None:
        raise Reject("There is nothing here.", "not_found")

    def check_xsrf_cookie(self) -> None:
        """Skip the check: an unknown address has nothing to protect."""
