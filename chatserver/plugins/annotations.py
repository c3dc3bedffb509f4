"""Whether a hook is annotated as what it is: an argument with a wrong type is a plugin that expects something else."""

from __future__ import annotations

import inspect
import types
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

from ..model import values
from . import database, endpoints, hookspecs

_NAMES = {"Path": Path, **vars(endpoints), **vars(database), **vars(values)}


def wrong_annotation(hook: str, function: Callable[..., Any]) -> str | None:
    """What is wrong with the annotations of ``function``; None if nothing is, or if it can't be told."""
    try:
        hints = get_type_hints(function)
    except Exception:
        # Such as a name that is only there for a type checker.
        return None
    spec = next(vars(kind)[hook] for kind in hookspecs.KINDS if hook in vars(kind))
    known = get_type_hints(spec, _NAMES)
    for name in inspect.signature(function).parameters:
        if name in hints and name in known and not _takes(hints[name], known[name]):
            return f"the argument {name!r} is {_shown(known[name])}, not {_shown(hints[name])}"
    # A plain function may give an awaitable of it.
    if "return" in hints and not _takes(known["return"] | Awaitable, hints["return"]):
        return f"it returns {_shown(known['return'])}, not {_shown(hints['return'])}"
    return None


def _takes(wide: Any, narrow: Any) -> bool:
    """Whether a value of the type ``narrow`` is one of ``wide``, as far as the classes say."""
    if Any in (wide, narrow):
        return True
    members = get_args(narrow) if get_origin(narrow) in (Union, types.UnionType) else (narrow,)
    choices = get_args(wide) if get_origin(wide) in (Union, types.UnionType) else (wide,)
    return all(any(_is(member, choice) for choice in choices) for member in members)


def _is(member: Any, choice: Any) -> bool:
    inner, outer = get_origin(member) or member, get_origin(choice) or choice
    if not (isinstance(inner, type) and isinstance(outer, type)):
        # A Literal, a type variable, an alias: not to be told by its class.
        return True
    if getattr(inner, "_is_protocol", False) or getattr(outer, "_is_protocol", False):
        return True
    # One who gets a mapping may call it a dict.
    return issubclass(inner, outer) or issubclass(outer, inner)


def _shown(hint: Any) -> str:
    if hint is type(None):
        return "None"
    return (
        hint.__name__ if isinstance(hint, type) and not get_args(hint) else str(hint).replace("typing.", "")
    )
