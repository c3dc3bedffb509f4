"""What clients may ask: one type a request, and the decoder that turns frames into them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import fields

from ..model import errors
from ..model.errors import Reject
from ..model.values import RoomChange, RoomRole

Id = Annotated[str, Meta(min_length=1, max_length=64)]
Seq = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Name = Annotated[str, Meta(min_length=1, max_length=256)]
Token = Annotated[str, Meta(min_length=1, max_length=4096)]
Page = Annotated[int, Meta(ge=1, le=500)]
Language = Annotated[str, Meta(max_length=35, pattern="^[A-Za-z0-9]+(-[A-Za-z0-9]+)*$")]
"""A tag of BCP 47, such as ``zh-Hant``."""
SEARCH_CHARS = 64
Search = Annotated[str, Meta(max_length=SEARCH_CHARS)]


class Request(Struct, tag_field="type", frozen=True):
    """Any request may carry an ``id``; its reply carries it back as ``re``."""

    id: Id | None = None


_RoomChange = msgspec.defstruct(
    "_RoomChange",
    [(each.name, each.type, each.default) for each in fields(RoomChange)],
    bases=(Request,),
    frozen=True,
    kw_only=True,
    module=__name__,
)


class Resume(Struct, frozen=True):
    """Where a client left off: the epoch it knows, and the last seq of each room."""

    epoch: str
    rooms: dict[str, Seq] = {}


class Hello(Request, tag="hello", frozen=True):
    """The first request. A token, else the cookie, else a new guest called ``name``. ``status`` is how others see the
    user from the first connection on, ``language`` what the user reads; ``forms``: the client can show forms."""

    token: Token | None = None
    name: Name | None = None
    status: Literal["online", "away", "busy", "invisible"] | None = None
    resume: Resume | None = None
    language: Language | None = None
    forms: bool = False


class Join(Request, tag="join", frozen=True, kw_only=True):
    """Become a member of a room and follow it, from ``after`` on."""

    room: Name
    after: Seq | None = None


class Leave(Request, tag="leave", frozen=True, kw_only=True):
    """Stop being a member of a room."""

    room: Name


class Post(Request, tag="message", frozen=True, kw_only=True):
    """A message, to a ``room`` or ``to`` a user."""

    room: Name | None = None
    to: Name | None = None
    content: str = ""
    nonce: Id | None = None
    reply_to: Id | None = None
    files: Annotated[tuple[Id, ...], Meta(max_length=20)] = ()


class Edit(Request, tag="edit", frozen=True, kw_only=True):
    """A new text for a message; ``rev`` is the revision this makes."""

    message_id: Id
    content: str
    rev: Annotated[int, Meta(ge=2, le=2**31)] | None = None


class Delete(Request, tag="delete", frozen=True, kw_only=True):
    """Blank a message's text, for good."""

    message_id: Id


class Typing(Request, tag="typing", frozen=True, kw_only=True):
    """The user starts or stops writing."""

    room: Name
    on: bool = True


class Read(Request, tag="read", frozen=True, kw_only=True):
    """Everything up to ``seq`` has been read."""

    room: Name
    seq: Seq


class SetPresence(Request, tag="presence", frozen=True, kw_only=True):
    """How others see the user."""

    status: Literal["online", "away", "busy", "invisible"]
    text: Annotated[str, Meta(max_length=100)] = ""


class Sync(Request, tag="sync", frozen=True, kw_only=True):
    """A page of a room's log, every seq."""

    room: Name
    after: Seq
    limit: Page = 200


class SetRoom(_RoomChange, tag="set_room", frozen=True, kw_only=True):  # type: ignore[call-arg, misc, valid-type]
    """New values for some of a room's settings."""

    room: Name


class SetRole(Request, tag="room_role", frozen=True, kw_only=True):
    """Give a member another role in a room."""

    room: Name
    user: Name
    role: RoomRole


class Members(Request, tag="members", frozen=True, kw_only=True):
    """A page of a room's members; ``after`` is the last user id of the page before."""

    room: Name
    after: Id | None = None


class Complete(Request, tag="complete", frozen=True, kw_only=True):
    """What could stand for an ``argument`` of a command, of which so much is ``typed``."""

    command: Name
    argument: Name
    typed: Annotated[str, Meta(max_length=256)] = ""
    room: Name | None = None


class Press(Request, tag="action", frozen=True, kw_only=True):
    """The user presses a button of a plugin's below a message."""

    message_id: Id
    plugin: Name
    action: Name


class Answer(Request, tag="answer", frozen=True, kw_only=True):
    """The values of a form, by its fields' names; without them it is cancelled."""

    form: Id
    values: dict[str, str | float | bool | None] | None = None


class Rooms(Request, tag="rooms", frozen=True, kw_only=True):
    """The user's rooms, and some public ones; with ``search``, a page of the public ones alone. ``after`` is the last
    name of the page before."""

    search: Search | None = None
    after: Name | None = None


class Audit(Request, tag="audit", frozen=True, kw_only=True):
    """A page of the audit log, the newest entries first: what fits all fields that are given. ``cursor`` is the id of
    the last entry of the page before."""

    room: Name | None = None
    user: Name | None = None
    by: Name | None = None
    action: Annotated[str, Meta(max_length=64)] | None = None
    search: Search | None = None
    after: Annotated[str, Meta(max_length=40)] | None = None
    before: Annotated[str, Meta(max_length=40)] | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    cursor: Seq | None = None


class Stats(Request, tag="stats", frozen=True):
    """The server in figures."""


class Ping(Request, tag="ping", frozen=True):
    """A sign of life, which the server answers."""


Core = (
    Hello
    | Join
    | Leave
    | Post
    | Edit
    | Delete
    | Typing
    | Read
    | SetPresence
    | Sync
    | SetRoom
    | SetRole
    | Members
    | Complete
    | Press
    | Answer
    | Rooms
    | Audit
    | Stats
    | Ping
)
"""Every request that needs no plugin."""


class PluginRequest(Struct, frozen=True):
    """A plugin's request: its wire type, and the fields as the plugin typed them.

    One that is not ``known`` has no fields; its plugin may have been switched off since the client heard of it.
    """

    type: str
    id: str | None
    fields: Any = None
    known: bool = True


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
