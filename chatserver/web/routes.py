"""Which address leads to which handler."""

from __future__ import annotations

import logging
from typing import Any

from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.routing import Rule, URLSpec
from tornado.web import Application, RequestHandler, stream_request_body

from ..model.errors import Reject
from . import api, auth
from .handler import Handler, NotFound
from .listener import BODY_BYTES
from .plugin_routes import PluginRoutes
from .prometheus import Scrape
from .site import Site
from .static import Index, Static
from .websocket.codec import DeflateCodec, FrameCodec
from .websocket.handshake import SocketHandler

log = logging.getLogger(__name__)

NAME = "([^/]+)"


@stream_request_body
class TooLarge(Handler):
    """Refuses a body that is too large for its handler, before it comes."""

    def prepare(self) -> None:
        super().prepare()
        raise Reject(f"A request's body has {BODY_BYTES} bytes at most.", "too_large")

    def data_received(self, chunk: bytes) -> None:
        """Nothing comes here: it is answered already."""

    def check_xsrf_cookie(self) -> None:
        """Nothing to protect."""


class ServerApplication(Application):
    """An application that asks ``plugins`` for what is below ``/plugins/``, whichever they are by then.

    Large requests are answered by `TooLarge`; Tornado would only close the connection.
    """

    def __init__(self, plugins: PluginRoutes, routes: list[Rule], **settings: Any) -> None:
        super().__init__(routes, **settings)
        self._plugins = plugins

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> Any:
        found = self._plugins.find(request)
        if found is None:
            return super().find_handler(request, **kwargs)
        return self.get_handler_delegate(
            request, found.handler, found.arguments, found.path_args, found.path_kwargs
        )

    def get_handler_delegate(
        self,
        request: HTTPServerRequest,
        target_class: type[RequestHandler],
        target_kwargs: dict[str, Any] | None = None,
        path_args: list[bytes] | None = None,
        path_kwargs: dict[str, bytes] | None = None,
    ) -> Any:
        streams = getattr(target_class, "_stream_request_body", False)
        if not streams and announced_bytes(request.headers) > BODY_BYTES:
            return super().get_handler_delegate(request, TooLarge, self.settings["default_handler_args"])
        return super().get_handler_delegate(request, target_class, target_kwargs, path_args, path_kwargs)


def announced_bytes(headers: HTTPHeaders) -> int:
    """The Content-Length; 0 for none, or for what isn't a number."""
    header = headers.get("Content-Length", "")
    # More digits than these are no size, and Python refuses to read thousands.
    return int(header[:20]) if header.isascii() and header.isdigit() else 0


def application(site: Site) -> Application:
    """All routes: the page and its files, the WebSocket, the HTTP interface, the plugins'."""
    common = {"site": site}
    # One of each: clients of one family share the bytes.
    socket = {**common, "plain": FrameCodec(), "deflating": DeflateCodec(site.services.metrics)}
    routes: list[Rule] = [
        URLSpec("/ws", SocketHandler, socket),
        URLSpec("/ws/(?P<room>[^/]+)", SocketHandler, socket),
        URLSpec("/healthz", api.Healthy, common),
        URLSpec("/readyz", api.Ready, common),
        URLSpec("/metrics", Scrape, common),
    ]
    for path, handler in (
        ("server", auth.Server),
        ("guest", auth.Guest),
        ("login", auth.Login),
        ("setup", auth.Setup),
        ("logout", auth.Logout),
        ("me", auth.Me),
        ("stats", api.Stats),
        ("rooms", api.RoomList),
        (f"rooms/{NAME}", api.OneRoom),
        (f"rooms/{NAME}/members", api.RoomMembers),
        (f"rooms/{NAME}/members/{NAME}", api.RoomMember),
        (f"rooms/{NAME}/messages", api.RoomMessages),
        (f"messages/{NAME}", api.OneMessage),
    ):
        routes.append(URLSpec("/api/v1/" + path, handler, common))
    routes.append(URLSpec("/", Index, common))
    routes.append(URLSpec("/static/(.*)", Static, common))
    return ServerApplication(
        PluginRoutes(site),
        routes,
        default_handler_class=NotFound,
        default_handler_args=common,
        log_function=_log_request,
        xsrf_cookies=True,
        cross_origin_protection=True,
        secure=site.secure,
        xsrf_cookie_kwargs={"samesite": "Lax", "secure": site.secure},
    )


def _log_request(handler: RequestHandler) -> None:
    level = logging.INFO if handler.get_status() >= 500 else logging.DEBUG
    request = handler.request
    ip = handler.remote_ip if isinstance(handler, Handler) else request.remote_ip
    log.log(level, "%s %s %s %d", ip, request.method, request.path, handler.get_status())
