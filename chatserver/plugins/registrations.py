"""What plugins register, checked against the core and against each other: one name, one owner."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, get_args

import msgspec
from tornado.web import RequestHandler

from ..config import Settings
from ..model.errors import PluginError
from ..model.permissions import CORE, Permissions, Rules
from ..model.values import EVENT_TYPES, ROLES, Role
from ..protocol.requests import Core
from .commands import Commands
from .endpoints import RequestSpec, Route
from .failures import described
from .hooks import HookCaller
from .implementation import BY_EVENT, HookImpl
from .problems import Problems, mistake

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_ROLE = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_CORE_REQUESTS = frozenset(each.__struct_config__.tag for each in get_args(Core))


Found = Iterator[tuple[str, Callable[..., Any], Any]]


class Registrations:
    """Reads what the implementations in ``hooks`` register; what is wrong goes to ``problems``."""

    def __init__(self, hooks: HookCaller, problems: Problems) -> None:
        self._hooks = hooks
        self._problems = problems

    def permissions(self, settings: Settings, absent: Collection[str]) -> Permissions:
        """The core's and the plugins' permissions, with what the settings add.

        ``absent`` names plugins that could not be read, whose permissions can't be known.
        """
        grants: dict[str, Role] = {}
        for plugin, place, (name, role) in self._each("register_permissions", Mapping):
            with self._problems.noted():
                if not isinstance(name, str) or not name.startswith(f"{plugin}."):
                    text = f"its permissions begin with {plugin!r} and a dot, not {name!r}"
                    raise mistake(plugin, text, place)
                if role not in ROLES:
                    text = f"permission {name}: there is no role {role!r}; take one of {', '.join(ROLES)}"
                    raise mistake(plugin, text, place)
                grants[name] = role
        extra: dict[Role, Sequence[str]] = {role: getattr(settings.auth.permissions, role) for role in ROLES}
        known = {**CORE, **grants}
        given: dict[Role, list[str]] = {role: [] for role in ROLES}
        for role, names in extra.items():
            for position, name in enumerate(names):
                with self._problems.noted():
                    if name in known:
                        given[role].append(name)
                    elif name.partition(".")[0] not in absent:
                        path = ("auth", "permissions", role, position)
                        hint = _near(name, known).replace("'", '"')
                        raise settings.source.error(path, f"there is no permission {name!r}{hint}")
        return Permissions(grants, given, self._roles(settings, known, absent))

    def _roles(self, settings: Settings, known: Collection[str], absent: Collection[str]) -> dict[str, Rules]:
        """The admin's own roles, and what is changed of the server's."""
        found: dict[str, Rules] = {}
        for role, rules in settings.auth.roles.items():
            path = ("auth", "roles", role)
            with self._problems.noted():
                if not _ROLE.fullmatch(role) or role == "owner":
                    text = "a role's name has small letters, digits, - and _, and is not owner"
                    raise settings.source.error(path, text)
                if role in ROLES and rules.inherits is not None:
                    raise settings.source.error((*path, "inherits"), f"{role} is a role of the server's")
            for key in ("grants", "denies"):
                for position, name in enumerate(getattr(rules, key)):
                    with self._problems.noted():
                        if name not in known and name.partition(".")[0] not in absent:
                            hint = _near(name, known).replace("'", '"')
                            text = f"there is no permission {name!r}{hint}"
                            raise settings.source.error((*path, key, position), text)
            found[role] = Rules(
                inherits=rules.inherits or "member",
                grants=tuple(name for name in rules.grants if name in known),
                denies=tuple(name for name in rules.denies if name in known),
            )
        return found

    def requests(self, bundled: Callable[[str], bool]) -> dict[str, tuple[str, RequestSpec]]:
        """The plugins' requests by wire type, each with its plugin's name."""
        found: dict[str, tuple[str, RequestSpec]] = {}
        for plugin, place, spec in self._each("register_requests", Sequence):
            with self._problems.noted():
                _check_request(plugin, spec, place)
                if spec.bare and not bundled(plugin):
                    raise mistake(
                        plugin, f"request {spec.name}: only bundled plugins may have bare names", place
                    )
                type = spec.name if spec.bare else f"{plugin}:{spec.name}"
                if type in _CORE_REQUESTS or type in found:
                    owner = f"plugin {found[type][0]!r}" if type in found else "the core"
                    raise mistake(plugin, f"the request {type!r} is there already, in {owner}", place)
                found[type] = (plugin, spec)
        return found

    def event_types(self) -> frozenset[str]:
        """The wire types of the plugins' durable events."""
        found: set[str] = set()
        for plugin, place, name in self._each("register_events", Sequence):
            with self._problems.noted():
                if not isinstance(name, str) or not _NAME.fullmatch(name):
                    raise mistake(plugin, f"event {name!r}: a name has small letters, digits and _", place)
                if f"{plugin}:{name}" in found:
                    raise mistake(plugin, f"event {name!r} is registered twice", place)
                found.add(f"{plugin}:{name}")
        return frozenset(found)

    def check_events(self, own: frozenset[str], absent: Collection[str]) -> None:
        """Look for types of events that a hook wants and that aren't there.

        ``own`` are the plugins' types; ``absent`` names plugins whose types can't be known.
        """
        known = {*EVENT_TYPES, *own}
        for hook in sorted(BY_EVENT):
            for impl in self._hooks.impls(hook):
                for name in sorted((impl.events or frozenset()) - known):
                    if name.partition(":")[0] not in absent or ":" not in name:
                        with self._problems.noted():
                            text = f"hook {hook}: there is no event {name!r}{_near(name, known)}"
                            raise mistake(impl.plugin, text, impl.function)

    def routes(self, bundled: Callable[[str], bool]) -> list[tuple[str, Route]]:
        """The plugins' HTTP routes, each with its plugin's name."""
        found: list[tuple[str, Route]] = []
        for plugin, place, route in self._each("register_routes", Sequence):
            with self._problems.noted():
                _check_route(plugin, route, place)
                if route.bare and not bundled(plugin):
                    text = f"route {route.pattern!r}: only bundled plugins may have bare ones"
                    raise mistake(plugin, text, place)
                pattern = route.pattern.lstrip("/")
                if any(name == plugin and each.pattern.lstrip("/") == pattern for name, each in found):
                    text = f"route {route.pattern!r} is there twice: one handler can have several methods"
                    raise mistake(plugin, text, place)
                found.append((plugin, route))
        return found

    def check_commands(self, commands: Commands, known: Permissions) -> None:
        """Look for commands whose permission doesn't exist, since no user could ever call them."""
        for command in commands:
            if command.permission is not None and command.permission not in known:
                with self._problems.noted():
                    text = (
                        f"command /{command.name}: no permission {command.permission!r}: "
                        "name it in register_permissions, or take one of the core's"
                    )
                    raise mistake(command.plugin, text, command.method)

    def _each(self, name: str, kind: type) -> Found:
        """What the plugins register by a hook, one by one; of a mapping the pairs. With the place of the hook."""
        for impl in self._hooks.impls(name):
            with self._problems.noted():
                answer: Any = _answer(impl)
                fits: bool = isinstance(answer, kind) and not isinstance(answer, str)
                if not fits:
                    wanted = "a mapping" if kind is Mapping else "a list"
                    text = f"hook {name}: returned {type(answer).__name__}, not {wanted}"
                    raise mistake(impl.plugin, text, impl.function)
                items = list(answer.items() if kind is Mapping else answer)
                for each in items:
                    yield impl.plugin, impl.function, each


def _near(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _answer(impl: HookImpl) -> Any:
    try:
        return impl.function()
    except BaseException as error:
        text = described(error, type(getattr(impl.function, "__self__", None)), impl.function)
        raise PluginError(f"hook {impl.hook}: {text}", impl.plugin) from error


def _check_request(plugin: str, spec: Any, place: Callable[..., Any]) -> None:
    if not isinstance(spec, RequestSpec):
        raise mistake(plugin, f"a request is a RequestSpec, not {type(spec).__name__}", place)
    name: Any = spec.name
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise mistake(plugin, f"request {spec.name!r}: a name has small letters, digits and _", place)
    if not callable(spec.handler):
        raise mistake(
            plugin, f"request {spec.name}: its handler is a method, not {spec.handler!r:.100}", place
        )
    try:
        msgspec.json.Decoder(spec.fields)
    except (TypeError, NameError) as error:
        raise mistake(plugin, f"request {spec.name}: its fields can't be read: {error}", place) from None


def _check_route(plugin: str, route: object, place: Callable[..., Any]) -> None:
    if not isinstance(route, Route):
        raise mistake(plugin, f"a route is a Route, not {type(route).__name__}", place)
    try:
        regex = re.compile(route.pattern)
    except (re.error, TypeError) as error:
        raise mistake(plugin, f"route {route.pattern!r}: {error}", place) from None
    if len(regex.groupindex) not in (0, regex.groups):
        raise mistake(plugin, f"route {route.pattern!r}: name all of its groups, or none", place)
    handler: Any = route.handler
    if not (isinstance(handler, type) and issubclass(handler, RequestHandler)):
        raise mistake(plugin, f"route {route.pattern!r}: its handler is no subclass of Handler", place)
