"""Every hook a plugin can implement, typed. The tense is the contract.

- ``before_*`` and ``render`` may change (return a replacement) or refuse (raise `Reject`); None means unchanged.
- ``after_*`` only hears. It runs after the sender's reply and can neither delay nor refuse anything.
- ``register_*`` runs once, at start, and may not be async.
- A name without prefix asks a question; its docstring says whose answer counts.

Arguments are passed by name and a plugin takes only those it wants. Hooks are called in the order in which the
settings enable the plugins. All but ``register_*``, ``client_settings`` and ``in_commit`` may be ``async def``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

import pluggy

if TYPE_CHECKING:
    from pathlib import Path

    from ..model.values import Draft, Event, Message, Request, Role, Room, Upload, User
    from .database import Transaction
    from .endpoints import RequestSpec, Route

PROJECT = "chatserver"

hookspec = pluggy.HookspecMarker(PROJECT)
_pluggy_mark = pluggy.HookimplMarker(PROJECT)
_EVENTS = "__chatserver_events__"

Method = TypeVar("Method", bound=Callable[..., Any])


@overload
def hookimpl(method: Method, /) -> Method: ...
@overload
def hookimpl(
    *, events: Collection[str] | None = None, specname: str | None = None, **options: bool
) -> Callable[[Method], Method]: ...
def hookimpl(
    method: Method | None = None,
    /,
    *,
    events: Collection[str] | None = None,
    specname: str | None = None,
    **options: bool,
) -> Method | Callable[[Method], Method]:
    """Make a method of a plugin an implementation of the hook of its name, or of ``specname``.

    ``events`` names the only types of events that ``in_commit`` or ``after_event`` is called for; a type of a
    plugin's own has its prefix. Further ``options`` are pluggy's (its wrappers and priorities are refused at start).
    """

    def mark(method: Method) -> Method:
        if events is not None:
            setattr(method, _EVENTS, events)
        return _pluggy_mark(method, specname=specname, **options)

    return mark if method is None else mark(method)


def events_of(method: object) -> Any:
    """What `hookimpl` was given as ``events``, unchecked; None: every type."""
    return getattr(method, _EVENTS, None)


class Collect:
    """Asked at start, ``client_settings`` at each welcome, ``health`` by each ``/readyz``, and ``own_data`` when users
    take out theirs; all answers count."""

    @hookspec
    def register_permissions(self) -> Mapping[str, Role]:  # type: ignore[empty-body]
        """Permissions of this plugin, each with the lowest role that has it: ``{"x.kick": "moderator"}``."""

    @hookspec
    def register_requests(self) -> Sequence[RequestSpec]:  # type: ignore[empty-body]
        """Wire requests this plugin answers, over WebSocket: name, fields, handler."""

    @hookspec
    def register_events(self) -> Sequence[str]:  # type: ignore[empty-body]
        """Types of durable events this plugin appends to rooms, without the prefix ``<plugin>:``."""

    @hookspec
    def register_routes(self) -> Sequence[Route]:  # type: ignore[empty-body]
        """HTTP routes below ``/plugins/<plugin>/``."""

    @hookspec
    def client_settings(self, user: User) -> Mapping[str, Any]:  # type: ignore[empty-body]
        """What the plugin's part in the browser gets to know: ``plugins.<plugin>.settings`` in ``welcome``."""

    @hookspec
    async def health(self) -> str | None:
        """What is wrong with this plugin, in a line, or None: asked by ``/readyz``."""

    @hookspec
    async def own_data(self, user: User) -> Sequence[Mapping[str, Any]]:  # type: ignore[empty-body]
        """What this plugin keeps of a user who takes out their own data: objects of JSON, each with a ``type``."""


class Life:
    """Called for each plugin when it starts and stops."""

    @hookspec
    async def startup(self) -> None:
        """Before the server listens. Tables are there, ``self.chat`` works. An error stops the start."""

    @hookspec
    async def shutdown(self) -> None:
        """After the last message. What ``every`` and ``spawn`` started is ended already."""


class Erase:
    """All are asked, one after the other; it is not done before all have done it."""

    @hookspec
    async def erase_user(self, user: User, alias: str) -> None:
        """All about a user is to be gone: what the plugin keeps of them, by them and under their names. ``alias``
        stands where a name has to. Their messages are gone already. Asked again where it was interrupted."""


class Questions:
    """Asked while people chat."""

    @hookspec(firstresult=True)
    async def authenticate(self, request: Request) -> User | None:
        """The user of a request. The first answer that is not None counts; without one the server's sign-in decides."""

    @hookspec
    async def may(self, user: User, permission: str, room: Room | None) -> bool | None:
        """Veto: one False forbids what the roles allow. True and None leave it as it is."""

    @hookspec(firstresult=True)
    async def backlog(self, user: User, room: Room) -> int | None:
        """How many of the newest events a user that joins is shown at once. First answer; none without one."""


class Filters:
    """Called in order, each with what the one before made of it."""

    @hookspec
    async def before_post(self, draft: Draft) -> Draft | None:
        """A message, before it is accepted. Change it with ``draft.replace(…)``, refuse with `Reject`."""

    @hookspec
    async def render(self, draft: Draft) -> str | None:
        """The HTML shown for ``draft.content``, after all ``before_*``. Starts as ``draft.html``, the escaped text;
        what comes out is sanitised. The result is stored: rendering happens once per revision."""

    @hookspec
    async def before_edit(self, message: Message, draft: Draft) -> Draft | None:
        """A new text for ``message``, before it is accepted."""

    @hookspec
    async def before_delete(self, message: Message, user: User) -> None:
        """``user`` wants to delete ``message``. Refuse with `Reject`."""

    @hookspec
    async def before_join(self, user: User, room: Room) -> None:
        """``user`` wants to join ``room``. Refuse with `Reject`."""

    @hookspec
    async def before_invite(self, user: User, room: Room, by: User) -> None:
        """``by`` wants to add ``user`` to ``room``. Refuse with `Reject`."""

    @hookspec
    async def before_register(self, name: str, request: Request) -> None:
        """An account called ``name`` is about to be made by the person who asks for it. Refuse with `Reject`."""

    @hookspec
    async def before_login(self, user: User, request: Request) -> None:
        """Someone has shown that they are ``user``, by a password or a link of the server's. Refuse with `Reject`."""

    @hookspec
    async def before_text(self, user: User | None, kind: str, text: str, room: Room | None) -> None:
        """``user`` sets a text that others see: a ``name``, a ``status``, or a ``room``'s name, its ``topic`` or
        ``title``. None is a guest who is about to come in. Refuse with `Reject`."""

    @hookspec
    async def before_upload(self, upload: Upload) -> Upload | None:
        """A file, before its first byte is taken. ``files`` asks this."""

    @hookspec
    async def before_store(self, upload: Upload, path: Path) -> None:
        """A file that has come whole: it lies at ``path``, to be read only. Refuse with `Reject`. ``files`` asks this,
        and waits for minutes."""


class InCommit:
    """Called inside the transaction that writes the events."""

    @hookspec
    def in_commit(self, tx: Transaction, events: Sequence[Event]) -> None:
        """Write along with the events, in their transaction, as a rule on the writer's thread: short, no ``self.chat``.
        For indexes and counts that must never drift. A failure undoes this plugin's rows only, or, with
        ``on_error: reject``, the events too. ``@hookimpl(events=…)`` says which types it wants."""


class Notify:
    """Told afterwards, in the order of ``seq``, live only: a crash may come between. What must not be missed belongs
    into ``in_commit``."""

    @hookspec
    async def after_event(self, event: Event) -> None:
        """Any durable event, of any type, or of those in ``@hookimpl(events=…)``."""

    @hookspec
    async def after_post(self, message: Message) -> None:
        """A new message."""

    @hookspec
    async def after_edit(self, message: Message) -> None:
        """A message has a new text."""

    @hookspec
    async def after_delete(self, message: Message) -> None:
        """A message was deleted; its text is gone."""

    @hookspec
    async def after_expire(self, room: Room, seq: int) -> None:
        """All messages of a room up to ``seq`` are blanked, as they are older than they may get. ``in_commit`` was told
        of each, as ``deleted`` with ``expired`` in its data."""

    @hookspec
    async def after_join(self, user: User, room: Room) -> None:
        """A user became a member of a room."""

    @hookspec
    async def after_leave(self, user: User, room: Room) -> None:
        """A user is a member no longer, in whatever way."""

    @hookspec
    async def after_read(self, user: User, room: Room, seq: int) -> None:
        """A user says that they have read a room up to ``seq``."""

    @hookspec
    async def after_rename(self, user: User, old: str) -> None:
        """A user has another name; ``old`` is the shown name of before."""

    @hookspec
    async def after_command(self, user: User, room: Room | None, command: str, text: str) -> None:
        """A user has run a command, and it was not refused: its name, without ``/``, and what stood after it."""

    @hookspec
    async def after_upload(self, upload: Upload) -> None:
        """A file was stored."""

    @hookspec
    async def after_login(self, user: User, request: Request) -> None:
        """A user has signed in, by a password or a link of the server's: a new session has begun."""

    @hookspec
    async def after_connect(self, user: User) -> None:
        """A user's first connection."""

    @hookspec
    async def after_disconnect(self, user: User) -> None:
        """A user's last connection is gone, and the grace after it too."""


KINDS = (Collect, Life, Erase, Questions, Filters, InCommit, Notify)
SYNC_ONLY = frozenset(
    {
        "register_permissions",
        "register_requests",
        "register_events",
        "register_routes",
        "client_settings",
        "in_commit",
    }
)
