"""Forms that a plugin asks for: their fields from a dataclass, their values from what a client sends."""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Mapping
from typing import Annotated, Any, Generic, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from ..model.errors import Reject
from ..model.values import Room, User
from .answers import encoded, text
from .arguments import Finder

T = TypeVar("T")
FieldType = Literal["text", "multiline", "number", "choice", "checkbox", "user", "room"]

TEXT_CHARS = 200
MULTILINE_CHARS = 4000
WORDS_CHARS = 200
"""A title, a label, a choice, and what is on the button."""
HELP_CHARS = 1000
FORM_BYTES = 256 * 2**10
MOST_FIELDS = 20
MOST_SECONDS = 3600.0


class FormClosed(Exception):
    """A form was not answered: ``why`` is cancelled or late. It ends a command or action without a word, unless it is
    caught."""

    def __init__(self, why: Literal["cancelled", "late"]) -> None:
        super().__init__(f"the form was {why}")
        self.why = why


class Field(msgspec.Struct, frozen=True):
    """How a field is shown: ``why: Annotated[str, Field("Why?", multiline=True, max=500)]``.

    ``min`` and ``max`` limit a number, or the characters of a text. Raises TypeError and ValueError for words that
    can't be sent.
    """

    label: str = ""
    help: str = ""
    multiline: bool = False
    min: float | None = None
    max: float | None = None

    def __post_init__(self) -> None:
        _check("label", self.label, WORDS_CHARS)
        _check("help", self.help, HELP_CHARS)


class _Entry(msgspec.Struct, frozen=True):
    """A field of a form. ``required``: an empty one is refused."""

    name: str
    type: FieldType
    required: bool
    shown: Field
    default: Any
    whole: bool = False
    choices: tuple[str, ...] = ()


class Form(Generic[T]):
    """A form: ``Form("Refuse", Reasons, submit="Refuse it")``, asked with ``await ctx.ask(form)``.

    ``fields`` is a dataclass with fields of the types ``str``, ``int``, ``float``, ``bool``, a ``Literal`` of texts,
    `User` or `Room`, or one of these ``| None``, which may be left empty; ``Annotated[T, Field(…)]`` says how one is
    shown.
    ``seconds`` is how long there is to answer. Raises TypeError and ValueError for what is no form.
    """

    def __init__(self, title: str, fields: type[T], *, submit: str = "", seconds: float = 300.0) -> None:
        _check("title", title, WORDS_CHARS)
        _check("submit", submit, WORDS_CHARS)
        if not title.strip():
            raise ValueError("a form has a title")
        if not _is_dataclass(fields):
            raise TypeError("the fields of a form are a dataclass")
        if not 0 < seconds <= MOST_SECONDS:
            raise ValueError(f"a form waits for up to {MOST_SECONDS:g} seconds")
        self.title = title
        self.submit = submit
        self.seconds = seconds
        self._fields = fields
        hints = get_type_hints(fields, include_extras=True)
        self._entries = tuple(_entry(each, hints[each.name]) for each in _fields(fields))
        if not 0 < len(self._entries) <= MOST_FIELDS:
            raise ValueError(f"a form has 1 to {MOST_FIELDS} fields")
        encoded(self.listing(), FORM_BYTES)

    @property
    def usage(self) -> str:
        """What it asks for, in words: ``why (text), days (number)``."""
        return ", ".join(f"{each.shown.label or each.name} ({each.type})" for each in self._entries)

    def listing(self) -> list[dict[str, Any]]:
        """Its fields, as clients see them."""
        return [_listing(each) for each in self._entries]

    async def read(self, values: Mapping[str, Any], finder: Finder) -> T:
        """The values that were sent. Raises `Reject` ``invalid`` or ``not_found``, with the field's name."""
        known = {each.name for each in self._entries}
        for name in values:
            if name not in known:
                raise Reject(f"The form has no field {name[:64]!r}.", "invalid", field=name[:64])
        read = {each.name: await _read(each, values.get(each.name), finder) for each in self._entries}
        return self._fields(**read)


def _check(what: str, value: Any, most: float) -> None:
    """Raises TypeError and ValueError for a text that can't be sent."""
    try:
        text(value, int(most))
    except TypeError as error:
        raise TypeError(f"the {what} of a form: {error}") from None
    except ValueError as error:
        raise ValueError(f"the {what} of a form: {error}") from None


def _is_dataclass(fields: object) -> bool:
    return isinstance(fields, type) and dataclasses.is_dataclass(fields)


def _fields(fields: Any) -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(fields)


def _entry(field: dataclasses.Field[Any], hint: Any) -> _Entry:
    """A field of the dataclass. Raises TypeError and ValueError."""
    shown, optional = Field(), False
    if get_origin(hint) is Annotated:
        hint, *metadata = get_args(hint)
        shown = next((each for each in metadata if isinstance(each, Field)), shown)
    if get_origin(hint) in (Union, types.UnionType) and type(None) in get_args(hint):
        others = [each for each in get_args(hint) if each is not type(None)]
        hint, optional = (others[0] if len(others) == 1 else hint), True
    type_, whole, choices = _type(field.name, hint, shown)
    has_default = field.default is not dataclasses.MISSING
    default = field.default if has_default else None
    if field.default_factory is not dataclasses.MISSING or not field.init:
        raise TypeError(f"the field {field.name!r} has a plain default, or none")
    if optional and not has_default:
        raise TypeError(f"the field {field.name!r} may be None, so it needs a default")
    # A checkbox that is not ticked, and a text that has a default, may be empty.
    required = not optional and type_ != "checkbox" and not (type_ in ("text", "multiline") and has_default)
    entry = _Entry(field.name, type_, required, shown, default, whole, choices)
    if isinstance(default, str):
        _, most = _limits(entry)
        _check(f"default of the field {field.name!r}", default, WORDS_CHARS if most is None else most)
    return entry


def _type(name: str, hint: Any, shown: Field) -> tuple[FieldType, bool, tuple[str, ...]]:
    if get_origin(hint) is Literal:
        choices = get_args(hint)
        if not all(isinstance(each, str) for each in choices):
            raise TypeError(f"the choices of {name!r} have to be text")
        for each in choices:
            _check(f"choice of the field {name!r}", each, WORDS_CHARS)
        return "choice", False, choices
    if hint is str:
        return ("multiline" if shown.multiline else "text"), False, ()
    simple: dict[Any, FieldType] = {
        int: "number", float: "number", bool: "checkbox", User: "user", Room: "room",
    }  # fmt: skip
    if hint not in simple:
        raise TypeError(f"the field {name!r} has a type that forms don't have: {hint!r}")
    return simple[hint], hint is int, ()


def _listing(entry: _Entry) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "name": entry.name,
        "type": entry.type,
        "label": entry.shown.label or entry.name.replace("_", " ").capitalize(),
        "required": entry.required,
    }
    default = entry.default.name if isinstance(entry.default, User | Room) else entry.default
    least, most = _limits(entry)
    more = {"help": entry.shown.help or None, "default": default, "min": least, "max": most,
            "choices": list(entry.choices) or None, "whole": entry.whole or None}  # fmt: skip
    return {**fields, **{key: value for key, value in more.items() if value is not None}}


def _limits(entry: _Entry) -> tuple[float | None, float | None]:
    most = {"text": TEXT_CHARS, "multiline": MULTILINE_CHARS}.get(entry.type)
    return entry.shown.min, entry.shown.max if entry.shown.max is not None else most


async def _read(entry: _Entry, value: Any, finder: Finder) -> Any:
    """The value of a field. Raises `Reject` ``invalid`` or ``not_found``, with its name."""
    empty = value is None or (isinstance(value, str) and not value.strip())
    if empty and entry.type == "checkbox":
        return False
    if empty and entry.required:
        raise _invalid(entry, "it has to be filled in")
    if empty:
        return "" if entry.type in ("text", "multiline") and isinstance(entry.default, str) else None
    if entry.type == "checkbox":
        if not isinstance(value, bool):
            raise _invalid(entry, "true or false is expected")
        return value
    if entry.type == "number":
        return _number(entry, value)
    if not isinstance(value, str):
        raise _invalid(entry, "a text is expected")
    if entry.type == "choice":
        if value not in entry.choices:
            raise _invalid(entry, "one of these is expected: " + ", ".join(entry.choices))
        return value
    if entry.type in ("user", "room"):
        try:
            return await (finder.find_user(value) if entry.type == "user" else finder.find_room(value))
        except Reject as refusal:
            refusal.field = entry.name
            raise
    return _text(entry, value)


def _text(entry: _Entry, value: str) -> str:
    least, most = _limits(entry)
    if entry.type == "text" and "\n" in value:
        raise _invalid(entry, "one line is expected")
    if most is not None and len(value) > most:
        raise _invalid(entry, f"{most:g} characters at most; these are {len(value)}")
    if least is not None and len(value) < least:
        raise _invalid(entry, f"{least:g} characters at least; these are {len(value)}")
    return value


def _number(entry: _Entry, value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _invalid(entry, "a number is expected")
    if entry.whole and (value != int(value) or abs(value) >= 2**53):
        raise _invalid(entry, "a whole number is expected")
    least, most = _limits(entry)
    if (least is not None and value < least) or (most is not None and value > most):
        between = " and ".join(
            f"{word} {limit:g}"
            for word, limit in (("at least", least), ("at most", most))
            if limit is not None
        )
        raise _invalid(entry, f"a number of {between} is expected")
    return int(value) if entry.whole else float(value)


def _invalid(entry: _Entry, why: str) -> Reject:
    return Reject(f"{entry.shown.label or entry.name}: {why}.", "invalid", field=entry.name)
