"""Which address leads to which handler."""

from __future__ import annotations

import logging

from tornado.routing import URLSpec
from tornado.web import Application, RequestHandler

from . import accounts, api, audit, auth, people, sessions
from .application import ServerApplication
from .handler import Handler, NotFound
from .http_stream.elsewhere import Elsewhere
from .http_stream.handlers import OneStream, OpenStream
from .http_stream.streams import Streams
from .openapi import Address, Documents, OpenApi
from .plugin_routes import PluginRoutes
from .prometheus import Scrape
from .site import Site
from .static import Index, Static, Worker
from .websocket.codec import DeflateCodec, FrameCodec
from .websocket.handshake import SocketHandler

log = logging.getLogger(__name__)

NAME = "([^/]+)"


def application(site: Site) -> Application:
    """All routes: the page and its files, the WebSocket, the HTTP interface, the plugins'."""
    common = {"site": site}
    # One of each: clients of one family share the bytes.
    socket = {**common, "plain": FrameCodec(), "deflating": DeflateCodec(site.services.metrics)}
    routes: list[URLSpec] = [
        URLSpec("/healthz", api.Healthy, common),
        URLSpec("/readyz", api.Ready, common),
        URLSpec("/metrics", Scrape, common),
    ]
    for path, handler in (
        ("server", auth.Server),
        ("guest", auth.Guest),
        ("login", auth.Login),
        ("register", auth.Register),
        ("reset", auth.Reset),
        ("login/jwt", auth.JwtLogin),
        ("setup", auth.Setup),
        ("logout", auth.Logout),
        ("me", auth.Me),
        (f"users/{NAME}", people.OneUser),
        ("invitations", people.Invitations),
        (f"invitations/{NAME}", people.OneInvitation),
        ("blocked", people.Blocked),
        (f"blocked/{NAME}", people.OneBlocked),
        ("me/data", sessions.Data),
        ("me/delete", sessions.End),
        ("sessions", sessions.Sessions),
        (f"sessions/{NAME}", sessions.OneSession),
        ("password", sessions.Password),
        ("tokens", sessions.Tokens),
        ("tokens/jwt", sessions.Jwt),
        (f"tokens/{NAME}", sessions.OneToken),
        ("jwks", sessions.Jwks),
        ("accounts", accounts.Accounts),
        (f"accounts/{NAME}", accounts.OneAccount),
        (f"accounts/{NAME}/reset", accounts.AccountReset),
        (f"accounts/{NAME}/erasure", accounts.AccountErasure),
        (f"accounts/{NAME}/erasure/progress", accounts.ErasureProgress),
        ("invites", accounts.Invites),
        (f"invites/{NAME}", accounts.OneInvite),
        ("stats", api.Stats),
        ("rooms", api.RoomList),
        (f"rooms/{NAME}", api.OneRoom),
        (f"rooms/{NAME}/members", api.RoomMembers),
        (f"rooms/{NAME}/members/{NAME}", api.RoomMember),
        (f"rooms/{NAME}/messages", api.RoomMessages),
        (f"messages/{NAME}", api.OneMessage),
        ("audit", audit.AuditEntries),
    ):
        routes.append(URLSpec("/api/v1/" + path, handler, common))
    opened = Streams(site.context)
    streams = {**common, "streams": opened, "elsewhere": Elsewhere(opened, site.services.nodes)}
    routes.append(URLSpec("/api/v1/stream", OpenStream, streams))
    routes.append(URLSpec(f"/api/v1/stream/{NAME}", OneStream, streams))
    own = [Address(each.regex.pattern.removesuffix("$"), each.target) for each in routes]
    documents = {**common, "documents": Documents(site, own)}
    routes.append(URLSpec("/api/v1/openapi.json", OpenApi, documents))
    routes.append(URLSpec("/ws", SocketHandler, socket))
    routes.append(URLSpec("/ws/(?P<room>[^/]+)", SocketHandler, socket))
    routes.append(URLSpec("/", Index, common))
    routes.append(URLSpec("/sw.js", Worker, common))
    routes.append(URLSpec("/static/(.*)", Static, common))
    return ServerApplication(
        PluginRoutes(site),
        [*routes],
        default_handler_class=NotFound,
        default_handler_args=common,
        log_function=_log_request,
        xsrf_cookies=True,
        cross_origin_protection=True,
        secure=site.secure,
    )


def _log_request(handler: RequestHandler) -> None:
    level = logging.INFO if handler.get_status() >= 500 else logging.DEBUG
    request = handler.request
    ip = handler.remote_ip if isinstance(handler, Handler) else request.remote_ip
    log.log(level, "%s %s %s %d", ip, request.method, request.path, handler.get_status())
