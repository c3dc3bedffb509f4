"""A command's arguments: their types from the signature, their values from the text of the command."""

from __future__ import annotations

import inspect
import math
import re
import types
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal, Protocol, Union, get_args, get_origin, get_type_hints

import msgspec

from ..model.errors import Reject
from ..model.values import Room, User
from .durations import duration_at, read_duration

ArgumentType = Literal["str", "int", "float", "bool", "choice", "user", "room", "duration", "text"]

_WORD = re.compile(r'\s*(?:"([^"]*)"(?=\s|$)|(\S+))')
_NUMBER_LIKE = re.compile(r"[-+−]?[.,]?\d")
_YES = frozenset({"yes", "true", "on", "1"})
_NO = frozenset({"no", "false", "off", "0"})


class Finder(Protocol):
    """Finds the user or room that a text names. Both raise `Reject` ``not_found``."""

    async def find_user(self, text: str) -> User: ...

    async def find_room(self, text: str) -> Room: ...


class Argument(msgspec.Struct, frozen=True):
    """One parameter of a command. ``rest``: it takes the rest of the line as it is."""

    name: str
    type: ArgumentType
    required: bool
    default: Any = None
    rest: bool = False
    choices: tuple[str, ...] = ()
    help: str = ""

    @property
    def usage(self) -> str:
        """``USER``, ``[MINUTES]``, ``on|off``, ``[REASON…]``."""
        text = "|".join(self.choices) or self.name.strip("_").upper().replace("_", "-")
        text += "…" if self.rest else ""
        return text if self.required else f"[{text}]"

    def listing(self) -> dict[str, Any]:
        """As clients see it, for completion."""
        entry: dict[str, Any] = {
            "name": self.name,
            "type": self.type,
            "required": self.required,
            "rest": self.rest,
        }
        if self.choices:
            entry["choices"] = list(self.choices)
        if self.help:
            entry["help"] = self.help
        return entry

    def match(self, text: str, position: int) -> re.Match[str] | None:
        """What stands there for this argument, in the match's last group: a word, a quoted text, or a duration."""
        spelled = duration_at(text, position) if self.type == "duration" else None
        return spelled or _WORD.match(text, position)

    def is_meant(self, word: str) -> bool:
        """Whether an unreadable word was meant for this argument rather than for the text; one in quotes never is."""
        if self.type in ("int", "float", "duration"):
            return _NUMBER_LIKE.match(word) is not None
        return word.startswith({"user": "@", "room": "#"}.get(self.type, " "))

    async def read(self, word: str, finder: Finder) -> Any:
        """The value that ``word`` stands for. Raises `Reject` ``invalid`` or ``not_found``, with the field's name."""
        if self.type in ("user", "room"):
            try:
                return await (finder.find_user(word) if self.type == "user" else finder.find_room(word))
            except Reject as refusal:
                refusal.field = self.name
                raise
        try:
            return _READERS[self.type](word, self)
        except (ValueError, OverflowError):
            raise Reject(f"{self.name}: {_EXPECTED[self.type](self)}.", "invalid", field=self.name) from None


def arguments_of(method: Callable[..., Any]) -> tuple[Argument, ...]:
    """What the method of a command takes after ``self`` and ``ctx``. Raises TypeError for what can't be parsed."""
    parameters = list(inspect.signature(method).parameters.values())[1:]
    if not parameters or parameters[0].name != "ctx" or parameters[0].kind is inspect.Parameter.KEYWORD_ONLY:
        raise TypeError("its method takes ctx, the call, right after self")
    # The types are needed for real here; `from __future__ import annotations` made text of them.
    hints = get_type_hints(method, include_extras=True)
    arguments = tuple(_argument(parameter, hints) for parameter in parameters[1:])
    if sum(argument.rest for argument in arguments) > 1:
        raise TypeError("only one argument can take the rest of the line")
    return arguments


async def parse(arguments: tuple[Argument, ...], text: str, finder: Finder) -> dict[str, Any]:
    """The values in ``text``, by name. Raises `Reject` ``invalid`` or ``not_found``, naming the argument.

    An optional argument that can't read the word keeps its default when one follows that takes the rest of the line,
    unless the word was meant for it: one that begins like a number, or with the ``@`` or ``#`` of its type.
    """
    values = {argument.name: argument.default for argument in arguments if not argument.required}
    rest = arguments[-1] if arguments and arguments[-1].rest else None
    position = 0
    meant: Reject | None = None
    for argument in arguments:
        found = argument.match(text, position)
        if argument is rest or found is None:
            break
        try:
            values[argument.name] = await argument.read(_word(found), finder)
        except Reject as refusal:
            unreadable = refusal.code in ("invalid", "not_found")
            if argument.required or rest is None or not unreadable:
                raise
            meant = meant or (refusal if argument.is_meant(found[0].strip()) else None)
            continue
        position, meant = found.end(), None
    if meant is not None:
        raise meant
    remaining = text[position:].strip()
    if remaining and rest is None:
        raise Reject(f"Nothing was expected at {remaining!r}.", "invalid")
    if remaining and rest is not None:
        values[rest.name] = remaining
    missing = next((each for each in arguments if each.name not in values), None)
    if missing is not None:
        raise Reject(f"{missing.name} is missing.", "invalid", field=missing.name)
    return values


def _word(found: re.Match[str]) -> str:
    return str(found[found.lastindex or 0])


def _argument(parameter: inspect.Parameter, hints: Mapping[str, Any]) -> Argument:
    name = parameter.name
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
        raise TypeError(f"the argument {name!r} has to be a named one: no *, ** or /")
    if name not in hints:
        raise TypeError(f"the argument {name!r} has no type")
    required = parameter.default is parameter.empty
    bare, optional, help = _peel(hints[name])
    if optional and required:
        raise TypeError(f"the argument {name!r} may be None, so it needs a default")
    default = None if required else parameter.default
    if parameter.kind is parameter.KEYWORD_ONLY:
        if bare is not str:
            raise TypeError(f"the argument {name!r} takes the rest of the line, so its type is str")
        return Argument(name, "text", required, default, rest=True, help=help)
    if get_origin(bare) is Literal:
        choices = get_args(bare)
        if not all(isinstance(choice, str) for choice in choices):
            raise TypeError(f"the choices of {name!r} have to be text")
        return Argument(name, "choice", required, default, choices=choices, help=help)
    if bare not in _TYPES:
        raise TypeError(f"the argument {name!r} has a type that commands can't read: {bare!r}")
    return Argument(name, _TYPES[bare], required, default, help=help)


def _peel(hint: Any) -> tuple[Any, bool, str]:
    """The type itself, whether it may be None, and its help: what ``Annotated[T | None, "help"]`` says."""
    optional, help = False, ""
    while True:
        if get_origin(hint) is Annotated:
            hint, *metadata = get_args(hint)
            help = help or next((each for each in metadata if isinstance(each, str)), "")
        elif get_origin(hint) in (Union, types.UnionType) and type(None) in get_args(hint):
            others = [each for each in get_args(hint) if each is not type(None)]
            if len(others) != 1:
                return hint, True, help
            hint, optional = others[0], True
        else:
            return hint, optional, help


def _read_int(word: str, argument: Argument) -> int:
    # As much as a database column and JSON in a browser hold.
    if len(word) > 17 or "_" in word or abs(value := int(word)) >= 2**53:
        raise ValueError
    return value


def _read_float(word: str, argument: Argument) -> float:
    value = float(word)
    if "_" in word or not math.isfinite(value):
        raise ValueError
    return value


def _read_bool(word: str, argument: Argument) -> bool:
    if word.lower() not in _YES | _NO:
        raise ValueError
    return word.lower() in _YES


def _read_choice(word: str, argument: Argument) -> str:
    if word not in argument.choices:
        raise ValueError
    return word


_TYPES: Mapping[Any, ArgumentType] = types.MappingProxyType(
    {
        str: "str",
        int: "int",
        float: "float",
        bool: "bool",
        User: "user",
        Room: "room",
        timedelta: "duration",
    }
)
_READERS: Mapping[str, Callable[[str, Argument], Any]] = types.MappingProxyType(
    {
        "str": lambda word, argument: word,
        "int": _read_int,
        "float": _read_float,
        "bool": _read_bool,
        "choice": _read_choice,
        "duration": lambda word, argument: read_duration(word),
    }
)
_EXPECTED: Mapping[str, Callable[[Argument], str]] = types.MappingProxyType(
    {
        "int": lambda argument: "a whole number is expected",
        "float": lambda argument: "a number is expected",
        "bool": lambda argument: "yes or no is expected",
        "choice": lambda argument: "one of these is expected: " + ", ".join(argument.choices),
        "duration": lambda argument: "a time is expected, such as 10m, 1h30m or 2 days",
    }
)
