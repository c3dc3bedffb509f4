"""Pages of other origins that the settings allow: what a browser lets them ask and read (CORS).

They bring their token in a header. Cookies are never said to be allowed: a page of another origin has none of ours.
"""

from __future__ import annotations

from collections.abc import Collection

from tornado.httputil import HTTPServerRequest
from tornado.web import RequestHandler

from ..model.errors import Reject

PATHS = ("/api/", "/plugins/")
METHODS = "GET, POST, PUT, PATCH, DELETE"
SECONDS = 600
"""How long a browser may remember the answer."""


def allow_origin(handler: RequestHandler, origins: Collection[str]) -> None:
    """Let a page that may connect read the answer."""
    if not handler.request.path.startswith(PATHS):
        return
    handler.set_header("Vary", "Origin")
    if _is_allowed(handler, origins):
        handler.set_header("Access-Control-Allow-Origin", handler.request.headers["Origin"])
        handler.set_header("Access-Control-Expose-Headers", "Retry-After")


def is_preflight(request: HTTPServerRequest) -> bool:
    """Whether a browser asks what a page may ask."""
    return request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers


def answer_preflight(handler: RequestHandler, origins: Collection[str]) -> None:
    """Answer that. Raises `Reject` ``forbidden`` where no page may ask, or none of this origin."""
    if not handler.request.path.startswith(PATHS) or not _is_allowed(handler, origins):
        raise Reject("Pages of this origin may not connect.", "forbidden")
    asked = handler.request.headers.get("Access-Control-Request-Headers")
    if asked:
        handler.set_header("Access-Control-Allow-Headers", asked)
    handler.set_header("Access-Control-Allow-Methods", METHODS)
    handler.set_header("Access-Control-Max-Age", str(SECONDS))
    handler.set_status(204)
    handler.finish()


def _is_allowed(handler: RequestHandler, origins: Collection[str]) -> bool:
    return handler.request.headers.get("Origin", "") in origins
