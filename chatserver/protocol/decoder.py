"""Frames to requests, and to the refusal of what is none."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, get_args

import msgspec
from msgspec import Struct

from ..model import errors
from ..model.errors import Reject
from .requests import Core, PluginRequest


class BadRequest(Exception):
    """A frame that is no request. ``re`` is its id, as far as it could be read."""

    def __init__(self, re: str | None, reject: Reject) -> None:
        super().__init__(reject.message)
        self.re = re
        self.reject = reject


class _Envelope(Struct):
    type: Any = None
    id: Any = None


_FRAME = "A frame"
_CORE_TYPES = frozenset(each.__struct_config__.tag for each in get_args(Core))
_AT = re.compile(r"^(?P<what>.*?)(?: - at `\$\.?(?P<path>[^`]*)`)?$", re.DOTALL)
_MISSING = re.compile(r"missing required field `(?P<name>[^`]+)`")


class Decoder:
    """Frames to requests. ``plugin_requests`` maps a wire type to the type of its fields.

    ``failed(type, error)`` gives the refusal for what the code of such a type raised (its ``__post_init__``).
    """

    def __init__(
        self,
        plugin_requests: Mapping[str, type],
        failed: Callable[[str, BaseException], Reject] | None = None,
    ) -> None:
        self._failed = failed
        self._core: msgspec.json.Decoder[Core] = msgspec.json.Decoder(Core)
        self._envelope = msgspec.json.Decoder(_Envelope)
        self._plugins: dict[str, msgspec.json.Decoder[Any]] = {
            name: msgspec.json.Decoder(fields) for name, fields in plugin_requests.items()
        }

    def decode(self, frame: str | bytes) -> Core | PluginRequest:
        """The request in ``frame``. Raises BadRequest with ``bad_request``, ``unknown_type`` or ``invalid``."""
        try:
            return self._core.decode(frame)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            return self._decode_other(frame, error)

    def _decode_other(self, frame: str | bytes, error: Exception) -> PluginRequest:
        """A plugin's request, known or not. Raises BadRequest with the reason for any other frame."""
        try:
            envelope = self._envelope.decode(frame)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            raise BadRequest(_id_of_broken(frame), errors.not_json(_FRAME)) from None
        if not isinstance(envelope.type, str):
            raise BadRequest(None, Reject('A request has a "type".', "bad_request", field="type"))
        if envelope.id is not None and not _is_id(envelope.id):
            reject = Reject("An id is a string of 1 to 64 characters.", "invalid", field="id")
            raise BadRequest(None, reject)
        decoder = self._plugins.get(envelope.type)
        if decoder is None:
            refusal = _refusal(envelope.type, error)
            if refusal.code == "unknown_type" and ":" in envelope.type:
                return PluginRequest(envelope.type, envelope.id, known=False)
            raise BadRequest(envelope.id, refusal)
        try:
            return PluginRequest(envelope.type, envelope.id, decoder.decode(frame))
        except (msgspec.DecodeError, UnicodeError, RecursionError) as wrong:
            raise BadRequest(envelope.id, invalid(wrong)) from None
        except BaseException as broken:
            if self._failed is None:
                raise
            raise BadRequest(envelope.id, self._failed(envelope.type, broken)) from broken


def _is_id(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 64


def _id_of_broken(frame: str | bytes) -> str | None:
    """The id in a frame that would be JSON but for texts with half a surrogate pair, as JavaScript may send them."""
    try:
        id = json.loads(frame)["id"]
        return id if _is_id(id) and id.encode() else None
    except (ValueError, LookupError, TypeError, RecursionError):
        return None


def _refusal(type: str, error: Exception) -> Reject:
    if not str(error).endswith("at `$.type`"):
        return invalid(error)
    if type in _CORE_TYPES:
        return Reject("A request has one type; this one has two.", "bad_request", field="type")
    return unknown_type(type)


def unknown_type(type: str) -> Reject:
    """The refusal of a request of an unknown type."""
    return Reject(f"There is no request {type[:64]!r}.", "unknown_type", field="type")


def invalid(error: Exception, what: str = _FRAME) -> Reject:
    """The refusal for a failed conversion of a frame, or of what ``what`` says; it names the field."""
    if not isinstance(error, msgspec.ValidationError):
        return errors.not_json(what)
    match = _AT.match(str(error))
    what, path = (match["what"], match["path"]) if match else (str(error), None)
    missing = _MISSING.search(what)
    field = missing["name"] if missing else (path or None)
    return Reject(f"{field or 'request'}: {what}", "invalid", field=field)
