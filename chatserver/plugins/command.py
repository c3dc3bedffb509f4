"""One command: what the decorator says, and what a method's signature makes of it."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

import msgspec

from ..model.values import Message, Room, User
from .arguments import Argument, Finder, arguments_of
from .endpoints import Session
from .forms import Form
from .problems import Problems, mistake

T = TypeVar("T")
Method = TypeVar("Method", bound=Callable[..., Any])

_MARK = "__chatserver_command__"
_NAME = re.compile(r"[^\s/]+(?: [^\s/]+)?")
_SUGGESTED = frozenset({"str", "int", "float", "text"})


class Context(Finder, Protocol):
    """The call of a command: its user, room and connection. Commands get it as ``ctx``."""

    @property
    def user(self) -> User: ...

    @property
    def room(self) -> Room | None:
        """None outside of a room."""

    def here(self) -> Room:
        """The room. Raises `Reject` ``invalid`` outside of one."""

    @property
    def session(self) -> Session | None:
        """The connection it came by; None over HTTP."""

    async def may(self, permission: str) -> bool:
        """Whether the user has the permission in this room."""

    def t(self, key: str, **values: Any) -> str:
        """A text of the plugin's ``i18n`` in the language of the user's client, else in English; ``{name}`` in it takes
        a value. Raises KeyError for an unknown key or a value that is missing."""

    async def ask(self, form: Form[T]) -> T:
        """Have the user fill in a form. The values are those of its dataclass.

        Raises FormClosed when it is cancelled or late, and `Reject` ``invalid`` where the client can't show one.
        """

    async def reply(self, text: str, **options: Any) -> Message:
        """Post in this room as the plugin's bot; ``options`` are those of ``self.chat.post``. Raises `Reject`."""


Suggestion = str | tuple[str, str]
"""What could stand for an argument, and a hint that is shown beside it."""
Suggest = Callable[[Any, Context, str], Awaitable[Iterable[Suggestion]] | Iterable[Suggestion]]
"""A method of a plugin: ``async def feeds(self, ctx, typed: str)``."""


class Spec(msgspec.Struct, frozen=True):
    """The arguments of `command`."""

    name: str | None
    aliases: tuple[str, ...]
    permission: str | None
    examples: tuple[str, ...]
    complete: Mapping[str, Suggest]
    cooldown: float


class Command(msgspec.Struct, frozen=True):
    """A command, ready to be called. ``name`` has one word, or two for a subcommand. ``rooms`` are the only ones it
    works in; None: everywhere. ``cooldown`` is in seconds."""

    name: str
    aliases: tuple[str, ...]
    permission: str | None
    examples: tuple[str, ...]
    plugin: str
    rooms: frozenset[str] | None
    method: Callable[..., Any]
    arguments: tuple[Argument, ...]
    description: str
    complete: Mapping[str, Callable[..., Any]] = MappingProxyType({})
    cooldown: float = 0.0

    @property
    def usage(self) -> str:
        """``/kick USER [MINUTES] [REASON…]``."""
        return " ".join([f"/{self.name}", *(argument.usage for argument in self.arguments)])

    def works_in(self, room: Room | None) -> bool:
        return self.rooms is None or (room is not None and room.name in self.rooms)

    def listing(self) -> dict[str, Any]:
        """As clients see it, in ``welcome``."""
        return {
            "name": self.name,
            "aliases": list(self.aliases),
            "usage": self.usage,
            "help": self.description.partition("\n")[0],
            "description": self.description,
            "plugin": self.plugin,
            "examples": list(self.examples),
            "args": [
                {**argument.listing(), **({"complete": True} if argument.name in self.complete else {})}
                for argument in self.arguments
            ],
        }


def command(
    name: str | None = None,
    *,
    aliases: Sequence[str] = (),
    permission: str | None = None,
    examples: Sequence[str] = (),
    complete: Mapping[str, Suggest] = MappingProxyType({}),
    cooldown: float = 0,
) -> Callable[[Method], Method]:
    """Make a method of a plugin a command: ``async def kick(self, ctx, user: User, *, reason: str = "")``.

    Arguments are typed ``str``, ``int``, ``float``, ``bool``, ``Literal``, ``User``, ``Room`` or ``timedelta``, or
    one of these ``| None``; a keyword-only ``str`` takes the rest of the line; ``Annotated[T, "help"]`` explains one.
    The docstring is the help, its first line the short one. A returned string is shown to the caller alone.
    Without ``name`` the command is called like the method; ``"karma top"`` is a subcommand. ``complete`` has a
    function for an argument, which is asked for suggestions while a user types. A user may call it once in
    ``cooldown`` seconds.
    """
    if callable(name):
        raise TypeError("write @command() with parentheses")
    spec = Spec(name, tuple(aliases), permission, tuple(examples), dict(complete), cooldown)

    def mark(method: Method) -> Method:
        setattr(method, _MARK, spec)
        return method

    return mark


def commands_of(
    plugin_name: str, plugin: object, rooms: frozenset[str] | None, problems: Problems
) -> Iterator[Command]:
    """The plugin's commands in the order of their definition, base classes first, without the ``problems``."""
    names = dict.fromkeys(name for each in reversed(type(plugin).__mro__) for name in vars(each))
    for name in names:
        spec = getattr(inspect.getattr_static(plugin, name), _MARK, None)
        if isinstance(spec, Spec):
            with problems.noted():
                yield _command(plugin_name, plugin, getattr(plugin, name), spec, rooms)


def _command(
    plugin_name: str, plugin: object, method: Callable[..., Any], spec: Spec, rooms: frozenset[str] | None
) -> Command:
    function = method.__func__  # type: ignore[attr-defined]
    name = spec.name or function.__name__.strip("_").replace("_", "-")
    try:
        for each in (name, *spec.aliases):
            if not _NAME.fullmatch(each) or each != each.lower():
                raise TypeError(f"{each!r} can't be its name: one or two words in lower case, without /")
        if not 0 <= spec.cooldown < math.inf:
            raise TypeError("cooldown is a number of seconds")
        arguments = arguments_of(function)
        complete = {each: _suggest(plugin, arguments, each, given) for each, given in spec.complete.items()}
    except (TypeError, NameError) as error:
        raise mistake(plugin_name, f"command /{name}: {error}", function) from None
    return Command(
        name=name,
        aliases=spec.aliases,
        permission=spec.permission,
        examples=spec.examples,
        plugin=plugin_name,
        rooms=rooms,
        method=method,
        arguments=arguments,
        description=inspect.getdoc(function) or "",
        complete=complete,
        cooldown=spec.cooldown,
    )


def _suggest(plugin: object, arguments: Sequence[Argument], name: str, function: Any) -> Callable[..., Any]:
    """The function that suggests values for an argument, as a method of ``plugin``. Raises TypeError."""
    argument = next((each for each in arguments if each.name == name), None)
    if argument is None:
        raise TypeError(f"complete: it has no argument {name!r}")
    if argument.type not in _SUGGESTED:
        raise TypeError(f"complete: the argument {name!r} is completed by its type")
    if not inspect.isfunction(function) or len(inspect.signature(function).parameters) != 3:
        raise TypeError(f"complete: for {name!r} it takes a function (self, ctx, typed) of the class")
    method: Callable[..., Any] = function.__get__(plugin)
    return method
