"""What plugins register, checked against the core and against each other: one name, one owner."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, get_args

import msgspec
from tornado.web import RequestHandler

from ..config import Settings
from ..model.errors import PluginError
from ..model.permissions import CORE, Permissions
from ..model.values import EVENT_TYPES, ROLES, Role
from ..protocol.requests import Core
from .api import RequestSpec, Route
from .commands import Commands
from .failures import described
from .hooks import HookCaller
from .implementation import BY_EVENT, HookImpl

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_CORE_REQUESTS = frozenset(each.__struct_config__.tag for each in get_args(Core))


def permissions(hooks: HookCaller, settings: Settings) -> Permissions:
    """The core's and the plugins' permissions, with what the settings add. Raises PluginError and ConfigError."""
    grants: dict[str, Role] = {}
    for plugin, found in _registered(hooks, "register_permissions", Mapping):
        for name, role in found.items():
            if not isinstance(name, str) or not name.startswith(f"{plugin}."):
                raise PluginError(f"its permissions begin with {plugin!r} and a dot, not {name!r}", plugin)
            if role not in ROLES:
                raise PluginError(f"permission {name}: there is no role {role!r}", plugin)
            grants[name] = role
    extra: dict[Role, Sequence[str]] = {role: getattr(settings.auth.permissions, role) for role in ROLES}
    known = {**CORE, **grants}
    for role, names in extra.items():
        for position, name in enumerate(names):
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f'; did you mean "{near[0]}"?' if near else ""
                path = ("auth", "permissions", role, position)
                raise settings.source.error(path, f"there is no permission {name!r}{hint}")
    return Permissions(grants, extra)


def requests(hooks: HookCaller, bundled: Callable[[str], bool]) -> dict[str, tuple[str, RequestSpec]]:
    """The plugins' requests by wire type, each with its plugin's name. Raises PluginError."""
    found: dict[str, tuple[str, RequestSpec]] = {}
    for plugin, specs in _registered(hooks, "register_requests", Sequence):
        for spec in specs:
            _check_request(plugin, spec)
            if spec.bare and not bundled(plugin):
                raise PluginError(f"request {spec.name}: only bundled plugins may have bare names", plugin)
            type = spec.name if spec.bare else f"{plugin}:{spec.name}"
            if type in _CORE_REQUESTS or type in found:
                owner = f"plugin {found[type][0]!r}" if type in found else "the core"
                raise PluginError(f"the request {type!r} is there already, in {owner}", plugin)
            found[type] = (plugin, spec)
    return found


def event_types(hooks: HookCaller) -> frozenset[str]:
    """The wire types of the plugins' durable events. Raises PluginError."""
    found = set()
    for plugin, names in _registered(hooks, "register_events", Sequence):
        for name in names:
            if not isinstance(name, str) or not _NAME.fullmatch(name):
                raise PluginError(f"event {name!r}: a name has small letters, digits and _", plugin)
            found.add(f"{plugin}:{name}")
    return frozenset(found)


def check_events(hooks: HookCaller, own: frozenset[str], absent: Collection[str]) -> None:
    """Raises PluginError for a type of events that a hook wants and that isn't there.

    ``own`` are the plugins' types; ``absent`` names plugins that could be enabled, whose types can't be known.
    """
    known = {*EVENT_TYPES, *own}
    for hook in sorted(BY_EVENT):
        for impl in hooks.impls(hook):
            for name in sorted((impl.events or frozenset()) - known):
                if name.partition(":")[0] not in absent or ":" not in name:
                    near = difflib.get_close_matches(name, known, n=1)
                    hint = f"; did you mean {near[0]!r}?" if near else ""
                    raise PluginError(f"hook {hook}: there is no event {name!r}{hint}", impl.plugin)


def routes(hooks: HookCaller) -> list[tuple[str, Route]]:
    """The plugins' HTTP routes, each with its plugin's name. Raises PluginError."""
    found = []
    for plugin, own in _registered(hooks, "register_routes", Sequence):
        for route in own:
            if not isinstance(route, Route):
                raise PluginError(f"a route is a Route, not {type(route).__name__}", plugin)
            try:
                regex = re.compile(route.pattern)
            except re.error as error:
                raise PluginError(f"route {route.pattern!r}: {error}", plugin) from None
            if len(regex.groupindex) not in (0, regex.groups):
                raise PluginError(f"route {route.pattern!r}: name all of its groups, or none", plugin)
            handler: Any = route.handler
            if not (isinstance(handler, type) and issubclass(handler, RequestHandler)):
                raise PluginError(f"route {route.pattern!r}: its handler is no subclass of Handler", plugin)
            found.append((plugin, route))
    return found


def check_commands(commands: Commands, known: Permissions) -> None:
    """Raises PluginError for a command whose permission doesn't exist, since no user could ever call it."""
    for command in commands:
        if command.permission is not None and command.permission not in known:
            raise PluginError(
                f"command /{command.name}: no permission {command.permission!r}", command.plugin
            )


def _registered(hooks: HookCaller, name: str, kind: type) -> Iterator[tuple[str, Any]]:
    for impl in hooks.impls(name):
        answer = _answer(impl)
        if isinstance(answer, str) or not isinstance(answer, kind):
            raise PluginError(f"hook {name}: returned {type(answer).__name__}", impl.plugin)
        yield impl.plugin, answer


def _answer(impl: HookImpl) -> Any:
    try:
        return impl.function()
    except BaseException as error:
        text = described(error, type(getattr(impl.function, "__self__", None)), impl.function)
        raise PluginError(f"hook {impl.hook}: {text}", impl.plugin) from error


def _check_request(plugin: str, spec: object) -> None:
    if not isinstance(spec, RequestSpec):
        raise PluginError(f"a request is a RequestSpec, not {type(spec).__name__}", plugin)
    if not _NAME.fullmatch(spec.name):
        raise PluginError(f"request {spec.name!r}: a name has small letters, digits and _", plugin)
    try:
        msgspec.json.Decoder(spec.fields)
    except (TypeError, NameError) as error:
        raise PluginError(f"request {spec.name}: its fields can't be read: {error}", plugin) from None
