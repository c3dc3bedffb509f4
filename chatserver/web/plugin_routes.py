"""The plugins' routes below ``/plugins/<name>/`` and ``/api/v1/``, and their files, as enabled when a request comes."""

from __future__ import annotations

from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from tornado.httputil import HTTPServerRequest
from tornado.routing import PathMatches
from tornado.web import RequestHandler

from ..plugins.endpoints import Route
from ..plugins.plugin_set import PluginSet
from .site import Site
from .static import PluginStatic

PREFIX = "/plugins/"
API = "/api/v1/"
"""Below it are the bare routes of bundled plugins, beside the server's own."""


def address(plugin: str, route: Route) -> str:
    """The whole pattern of a plugin's route."""
    above = API if route.bare else f"{PREFIX}{plugin}/"
    return above + route.pattern.lstrip("/")


class FoundRoute(NamedTuple):
    """The handler of a request, and what it is called with."""

    handler: type[RequestHandler]
    arguments: dict[str, Any]
    path_args: list[bytes] | None
    path_kwargs: dict[str, bytes] | None


Rule = tuple[PathMatches, type[RequestHandler], dict[str, Any]]


class PluginRoutes:
    """Finds handlers among the current set of plugins, whose rules are compiled once for each set."""

    def __init__(self, site: Site) -> None:
        self._site = site
        # An old set is not kept for the sake of its rules.
        self._rules: WeakKeyDictionary[PluginSet, dict[str, list[Rule]]] = WeakKeyDictionary()

    def find(self, request: HTTPServerRequest) -> FoundRoute | None:
        """The handler of a request, or None."""
        if not request.path.startswith((PREFIX, API)):
            return None
        current = self._site.services.host.current
        rules = self._rules.get(current)
        if rules is None:
            rules = self._rules[current] = self._compiled(current)
        bare = request.path.startswith(API)
        name = "" if bare else request.path.removeprefix(PREFIX).partition("/")[0]
        for matcher, handler, arguments in rules.get(name, ()):
            matched = matcher.match(request)
            if matched is not None:
                return FoundRoute(handler, arguments, matched.get("path_args"), matched.get("path_kwargs"))
        return None

    def _compiled(self, plugins: PluginSet) -> dict[str, list[Rule]]:
        rules: dict[str, list[Rule]] = {"": [], **{plugin.name: [] for plugin in plugins.plugins}}
        for plugin, route in plugins.routes:
            matcher = PathMatches(address(plugin.name, route))
            arguments = {"site": self._site, "plugin": plugin.instance}
            rules["" if route.bare else plugin.name].append((matcher, route.handler, arguments))
        for plugin in plugins.plugins:
            if plugin.static_dir is not None:
                matcher = PathMatches(f"{PREFIX}({plugin.name})/static/(.*)")
                rules[plugin.name].append((matcher, PluginStatic, {"site": self._site}))
        return rules
