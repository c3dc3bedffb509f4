"""Tornado's application with what it lacks: plugins that come and go, and an answer to a body that is too large."""

from __future__ import annotations

from typing import Any

from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.routing import Rule
from tornado.web import Application, RequestHandler, stream_request_body

from ..model.errors import Reject
from .handler import Handler
from .listener import BODY_BYTES
from .plugin_routes import PluginRoutes


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
