"""What a plugin may do with the server: the type of ``self.chat``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from ..model.values import Event, Message, Role, Room, RoomRole, Upload, User
from .database import Also, AlsoWork
from .gateways import Format, GatewaySession, Link
from .moderation_api import ModerationAPI
from .people_api import PeopleAPI


class ChatAPI(PeopleAPI, ModerationAPI, Protocol):
    """``self.chat``: the server, as a plugin sees it. Refusals are raised as `chatserver.Reject`.

    A room is given as a `Room` or by name. ``user`` and ``by`` are the user who acts: their permissions, mutes and bans
    count. Where there is a default, that is the plugin's bot.
    """

    # The plugin itself
    async def bot(
        self, name: str | None = None, *, display_name: str | None = None, role: Role | None = None
    ) -> User:
        """A user of the plugin's, made when first asked for and kept for ever: the one called like the plugin, or
        another one. ``display_name`` and ``role`` change it; a new one is a member called ``name``. No one can sign
        in as it.

        Raises `Reject` ``name_taken`` where another user has the name, or one that looks like it.
        """

    def here(self, room: Room | str) -> bool:
        """Whether the plugin works in this room: the settings may limit it (``rooms``)."""

    # Messages and events
    async def post(
        self,
        room: Room | str,
        content: str,
        *,
        user: User | None = None,
        kind: str = "text",
        reply_to: str | None = None,
        extra: Mapping[str, Any] | None = None,
        files: Sequence[str] = (),
        nonce: str | None = None,
        also: Sequence[Also] | AlsoWork = (),
        display_name: str | None = None,
        actions: Iterable[Mapping[str, Any]] = (),
    ) -> Message:
        """Post through the same checks and hooks as any message. A bot posts to a public room without joining it; in
        a private one it has to be a member.

        ``extra`` is kept with the message, as ``extras[<plugin>]``; ``files`` are ids of uploads; a ``nonce`` that was
        used before gives the message of then. ``also`` is written in the same transaction, as `append` does it.
        ``display_name`` is shown in the place of the user's; ``actions`` are the buttons below it. ``kind`` is text,
        action or ``<plugin>:<name>``.

        Raises TypeError and ValueError for an extra or actions that JSON can't hold or longer than 16 KiB.
        """

    async def post_direct(
        self,
        other: User,
        content: str,
        *,
        user: User | None = None,
        kind: str = "text",
        reply_to: str | None = None,
        extra: Mapping[str, Any] | None = None,
        files: Sequence[str] = (),
        nonce: str | None = None,
        also: Sequence[Also] | AlsoWork = (),
        display_name: str | None = None,
        actions: Iterable[Mapping[str, Any]] = (),
    ) -> Message:
        """`post` to another user; the first message makes the direct room."""

    async def may_post(self, room: Room | str, *, user: User | None = None) -> None:
        """Raises the `Reject` that a message would get just now: ``muted``, ``banned``, ``not_member``, ``not_found``,
        or ``forbidden`` (the permission, or an archived room)."""

    async def rendered(self, room: Room | str, content: str, *, user: User) -> str:
        """The HTML that a text of ``user`` would have in the room, by the hooks ``render``: nothing is posted, and no
        hook ``before_post`` is asked. Raises `Reject` as `may_post`, and ``invalid`` and ``too_large`` for the text."""

    async def edit(self, message_id: str, content: str, *, by: User | None = None) -> Message: ...

    async def delete(self, message_id: str, *, by: User | None = None) -> None: ...

    async def message(self, message_id: str) -> Message | None: ...

    async def message_for(self, user: User, message_id: str) -> Message:
        """A message that ``user`` may read. Raises `Reject` ``not_found`` for any other, and for a deleted one."""

    async def append(
        self,
        room: Room | str,
        type: str,
        data: Mapping[str, Any],
        *,
        user: User | None = None,
        also: Sequence[Also] | AlsoWork = (),
        as_message: bool | User = False,
    ) -> Event:
        """Append a durable event ``<plugin>:<type>`` to the room's log, and the plugin's own rows with it.

        ``also`` are statements, or a plain function of an `EventTransaction` that may read and write. What it raises
        is raised here, and nothing is appended or written then: a `Reject` refuses the event, a `Conflict` tells of a
        row that was there already. It may be called twice and must do nothing else. With ``as_message`` the event is
        refused as a message would be (`may_post`), in the log's order: after a mute nothing of theirs follows. A `User`
        there is the one who has to be allowed to, where the event is not to say that it was them.

        Raises ValueError for names in ``data`` that the event has by itself, and above 64 KiB, TypeError for what JSON
        can't hold.
        """

    async def events(
        self,
        room: Room | str,
        *,
        user: User,
        before: int | None = None,
        after: int | None = None,
        around: int | None = None,
        limit: int = 50,
    ) -> tuple[list[Event], bool]:
        """A page of the timeline that ``user`` may see, ascending, and whether there is more in that direction."""

    async def mentions(
        self, *, user: User, before: str | None = None, limit: int = 50
    ) -> tuple[list[tuple[Event, bool]], str | None]:
        """The messages that mention ``user``, the newest first, 100 at most, each with whether the user has read that
        far; and what to give as ``before`` for those before them, None where there are none. Raises `Reject`
        ``invalid`` for another ``before``."""

    async def may_read(self, room: Room | str, *, user: User, seq: int | None = None) -> bool:
        """Whether ``user`` may read the room, and, with ``seq``, what stands there."""

    async def before_upload(self, upload: Upload) -> Upload:
        """Ask the hooks ``before_upload``: the upload as they leave it. Raises their `Reject`."""

    async def before_store(self, upload: Upload, path: Path) -> None:
        """Ask the hooks ``before_store`` about a file that lies at ``path``. Raises their `Reject`."""

    def after_upload(self, upload: Upload) -> None:
        """Tell the hooks ``after_upload``, later."""

    def notice(self, user: User, text: str, *, room: Room | str | None = None, level: str = "info") -> None:
        """A line that only this user sees, on all connections, now or never."""

    def publish(self, room: Room | str, type: str, data: Mapping[str, Any]) -> None:
        """Send an ephemeral event ``<plugin>:<type>`` to all in the room. Not kept, may be dropped. Raises like
        `append`."""

    def publish_to(self, user: User, type: str, data: Mapping[str, Any]) -> None:
        """Send an ephemeral event ``<plugin>:<type>`` to all connections of a user. Not kept, may be dropped. Raises
        like `append`."""

    async def audit(
        self, action: str, *, by: User | None = None, user: User | None = None, room: Room | str | None = None,
        reason: str = "", until: float = 0.0, detail: str = "",
    ) -> None:  # fmt: skip
        """Add an entry ``<plugin>:<action>`` to the audit log: what ``by`` did to ``user``, who may read it. ``until``
        is in seconds since 1970, 0 for no end. Kicks, mutes, bans, deletions and changes of rooms are noted by the
        server."""

    def wire(self, event: Event) -> dict[str, Any]:
        """The event as it goes on the wire, for replies of a plugin's own."""

    # Rooms
    async def room(self, name: str) -> Room:
        """Raises `Reject` ``not_found``."""

    async def rooms(self, *, user: User) -> list[Room]:
        """The rooms that ``user`` is in, and the public ones."""

    async def create_room(self, name: str, *, by: User | None = None, **settings: Any) -> Room:
        """Make a room. ``settings`` are those that a `Room` shows: ``title``, ``topic``, ``kind``, ``history`` …
        Raises TypeError for other names."""

    async def change_room(self, room: Room | str, *, by: User | None = None, **settings: Any) -> Room:
        """Change settings of a room, all but ``kind``. None leaves a value alone. Raises TypeError for other names."""

    async def direct(self, user: User, other: User, *, make: bool = True) -> Room:
        """The direct room of two people, made if there is none. Without ``make`` it is left to their first message, and
        refused if ``user`` may not send one."""

    async def join(self, room: Room | str, *, user: User | None = None) -> Room:
        """Join as the user would: permissions, bans and ``before_join`` count."""

    async def leave(self, room: Room | str, *, user: User | None = None) -> None: ...

    async def invite(self, room: Room | str, user: User, *, by: User | None = None) -> bool:
        """Add a user to a room. False where the user wants to be asked, and was."""

    async def set_room_role(
        self, room: Room | str, user: User, role: RoomRole, *, by: User | None = None
    ) -> None:
        """Make a member a ``member``, ``moderator`` or ``owner`` of the room, as ``by`` would: it takes the permission
        ``room.roles`` there and a higher rank."""

    # Plugins
    async def why(self, message_id: str | None = None, *, room: Room | str | None = None, by: User) -> str:
        """What each plugin did with a message, in lines: changed, refused, took how long; without an id the newest one,
        of ``room`` where it is given. It is kept for as many as the setting ``plugins.trace`` says.

        Raises `Reject` ``not_found``, and ``invalid`` where nothing is kept.
        """

    def plugins(self) -> list[Mapping[str, Any]]:
        """The enabled plugins in order, then those that are switched off: ``name``, ``on``, ``suspended`` (part and
        last failure), ``calls``, ``failures``, ``seconds`` in all calls, and ``waiting``, the calls of ``after_*`` to
        come."""

    async def switch_plugin(self, name: str, on: bool, *, by: User) -> None:
        """Begin to switch an enabled plugin on or off; ``by`` gets the outcome as a notice. It lasts beyond a
        restart. Raises `Reject` ``forbidden``.
        """

    async def reload_plugins(self, *, by: User) -> None:
        """Begin to read the settings again, as SIGHUP does; ``by`` gets the outcome as a notice. Raises `Reject`
        ``forbidden``."""

    # Gateways
    async def open_session(
        self,
        link: Link,
        format: Format,
        *,
        remote_ip: str,
        user: User | None = None,
        name: str | None = None,
        token: str | None = None,
    ) -> GatewaySession:
        """Say hello for a client that came over a connection of the plugin's own: for ``user``, whom the plugin has
        signed in itself, for the owner of ``token``, or for a new guest called ``name``.

        ``remote_ip`` counts for the limits by address. Raises `Reject`; the link stays open.
        """
