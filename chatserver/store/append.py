"""Appending to the rooms' logs: many rooms' batches as a few statements of one transaction.

Runs on the writer's thread. New messages, the hot path, are collected and inserted together at the end; all other
changes write their rows at once, in order. ``seq`` has no holes because it comes from the row of the room, which
moves in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from ..model import errors
from ..model.errors import Reject
from ..model.values import Event, Message, RoomPosition, User
from ..plugins.database import AlsoWork
from ..plugins.failures import refused
from . import queries as reading
from .append_statements import AppendStatements
from .audit import note_change
from .changes import Append as AppendChange
from .changes import (
    Batch,
    Change,
    ChangeMember,
    ChangeRoom,
    Committed,
    CreateRoom,
    Delete,
    Edit,
    Expire,
    Outcome,
    Post,
    StaleRoom,
)
from .erasing import note_erased
from .expiring import expire
from .failures import reason
from .members import change_member
from .message_ids import message_id
from .messages import blank_message, edit_hash, last_edit, replace_mentions, write_edit
from .plugin_transaction import EventTx, contained
from .rooms import change_settings, insert_members, insert_room, told_settings
from .rows import pack
from .savepoint import Aborted, savepoint


class _Room:
    """A room's row in this transaction: where it stands by now, and where it stood before."""

    __slots__ = ("before", "id", "marks", "messages", "name", "seq", "version")

    def __init__(self, id: int, name: str, seq: int = 0, messages: int = 0, version: int = 0) -> None:
        self.id = id
        self.name = name
        self.seq = seq
        self.messages = messages
        self.version = version
        self.before = (seq, messages, version)
        # By user, so that each author's mark is written once.
        self.marks: dict[str, tuple[Any, ...]] = {}

    def position(self) -> RoomPosition:
        return RoomPosition(self.seq, self.messages, self.version)


class BatchAppender:
    """One transaction's appends. ``check_nonces`` looks for repeated sends first: it is only set after the unique
    index has found one, so that the usual case pays nothing."""

    def __init__(
        self, conn: Connection, statements: AppendStatements, batches: Sequence[Batch], check_nonces: bool
    ) -> None:
        self.conn = conn
        self._statements = statements
        self.batches = sorted(batches, key=lambda batch: batch.room)
        self.check_nonces = check_nonces
        self.events: list[Event] = []
        self.expired: list[Event] = []
        """Of messages that are blanked without an event in the log: for plugins' ``in_commit`` alone."""
        self._rooms: dict[str, _Room] = {}
        self._message_rows: list[tuple[Any, ...]] = []
        self._event_rows: list[tuple[Any, ...]] = []
        self._mention_rows: list[tuple[Any, ...]] = []
        self._seen: dict[tuple[int, str, str], tuple[Event | None, str | None]] = {}

    def run(self) -> dict[str, list[Outcome]]:
        """Write everything; the outcomes of each room's batch, in its order."""
        for row in self._statements.rooms(self.conn, [batch.room for batch in self.batches]):
            self._rooms[row.name] = _Room(*row)
        outcomes = {batch.room: self._batch(batch) for batch in self.batches}
        self._insert()
        return outcomes

    def _insert(self) -> None:
        rooms = self._rooms.values()
        marks = [mark for room in rooms for mark in room.marks.values()]
        self._statements.insert(self.conn, self._message_rows, self._event_rows, self._mention_rows, marks)
        moved = [room for room in rooms if room.before != (room.seq, room.messages, room.version)]
        self._statements.move(self.conn, [(room.seq, room.messages, room.version, room.id) for room in moved])

    def _batch(self, batch: Batch) -> list[Outcome]:
        room = self._rooms.get(batch.room)
        first = batch.changes[0]
        if isinstance(first, CreateRoom):
            if room is not None:
                return [errors.room_exists(batch.room) for _ in batch.changes]
            room = self._rooms[batch.room] = _Room(insert_room(self.conn, first.room), batch.room)
        elif room is None:
            return [errors.no_room(batch.room) for _ in batch.changes]
        elif room.version != batch.version:
            state = reading.room_state(self.conn, batch.room, batch.ts)
            assert state is not None
            return [StaleRoom(state) for _ in batch.changes]
        return [
            self._post(room, batch.ts, change) if isinstance(change, Post) else self._other(room, batch.ts, change)
            for change in batch.changes
        ]  # fmt: skip

    def _other(self, room: _Room, ts: float, change: Change) -> Outcome:
        try:
            done = self._write(room, ts, change)
            note_change(self.conn, ts, room.name, change, done)
            return done
        except Reject as refusal:
            return refusal

    def _write(self, room: _Room, ts: float, change: Change) -> Outcome:
        match change:
            case Edit():
                return self._edit(room, ts, change)
            case Delete():
                return self._delete(room, ts, change)
            case AppendChange():
                return self._append(room, ts, change)
            case ChangeMember():
                return self._change_member(room, ts, change)
            case ChangeRoom():
                return self._change_room(room, ts, change)
            case CreateRoom():
                return self._create_room(room, ts, change)
            case Expire():
                return self._expire(room, ts, change)
        raise TypeError(f"no such change: {change!r}")

    def _take(
        self, room: _Room, ts: float, type: str, user: User, data: dict[str, Any] | None = None,
        message: Message | None = None, mentioned: tuple[str, ...] = (), before: Message | None = None,
    ) -> Committed:  # fmt: skip
        """Give the next seq to an event that is not a new message; ``message`` is the one it is about, ``before`` what
        it was."""
        room.seq += 1
        about, target = (message.id, message.seq) if message is not None else (None, None)
        event = Event(room.name, room.seq, type, ts, user, about, message, data or {})
        self.events.append(event if before is None else msgspec.structs.replace(event, before=before))
        self._event_rows.append(
            (room.id, room.seq, type, user.id, ts, room.messages, target, pack(data) if data else None)
        )
        return Committed(room.position(), event, mentioned=mentioned)

    def _post(self, room: _Room, ts: float, post: Post) -> Outcome:
        user, nonce, content, html, mentions = post.user, post.nonce, post.content, post.html, post.mentions
        # What is written along with a message must not stumble over itself.
        check_nonce = nonce is not None and (self.check_nonces or post.also is not None)
        if check_nonce and nonce is not None:
            earlier = self._sent_before(room, user, nonce, post.request_hash)
            if earlier is not None:
                return earlier
        if post.also is not None and post.plugin is not None:
            # Before anything is counted: it may refuse.
            posted = message_id(room.id, room.seq + 1)
            try:
                self._work(
                    post.also, EventTx(self.conn, post.plugin, room.id, room.name, posted), post.plugin
                )
            except Reject as refusal:
                return refusal
        room.seq = seq = room.seq + 1
        room.messages = messages = room.messages + 1
        id = message_id(room.id, seq)
        message = Message(
            id, room.name, seq, ts, user, content, html, post.kind, 1, nonce, post.reply_to, post.attachments,
            None, False, post.extras, post.plugin, post.display_name, post.actions,
        )  # fmt: skip
        event = Event(room.name, seq, "message", ts, user, id, message)
        self.events.append(event)
        self._message_rows.append(
            (
                room.id, seq, "message", user.id, ts, messages, post.kind, content,
                None if html == content else html, nonce, post.request_hash, post.reply_to,
                pack(post.attachments) if post.attachments else None,
                pack(post.extras) if post.extras else None, post.plugin, post.display_name,
                pack(post.actions) if post.actions else None,
            )
        )  # fmt: skip
        for user_id in mentions:
            self._mention_rows.append((user_id, room.id, seq, seq))
        room.marks[user.id] = (room.id, user.id, seq, messages)
        if check_nonce and nonce is not None:
            self._seen[room.id, user.id, nonce] = event, post.request_hash
        return Committed(RoomPosition(seq, messages, room.version), event, False, mentions)

    def _sent_before(self, room: _Room, user: User, nonce: str, request_hash: str | None) -> Outcome | None:
        key = room.id, user.id, nonce
        if key in self._seen:
            event, earlier = self._seen[key]
        else:
            found = reading.sent_before(self.conn, room.name, user.id, nonce)
            if found is None:
                return None
            seq, earlier = found
            event = reading.event_at(self.conn, room.name, seq)
        if earlier != request_hash:
            return errors.nonce_conflict()
        return Committed(room.position(), event, dup=True)

    def _message(self, room: _Room, message_id: str) -> Message:
        message = reading.message(self.conn, message_id)
        if message is None or message.deleted or message.room != room.name:
            raise errors.no_message()
        return message

    def _edit(self, room: _Room, ts: float, edit: Edit) -> Outcome:
        message = self._message(room, edit.message_id)
        if edit.rev is not None and edit.rev != message.rev + 1:
            event = self._same_edit(room, message, edit)
            if event is not None:
                return Committed(room.position(), event, dup=True)
            raise Reject(f"The message is at revision {message.rev} by now.", "rev_conflict", field="rev")
        note_erased(self.conn)
        edited = write_edit(self.conn, room.id, message, edit, ts)
        added = replace_mentions(self.conn, room.id, message.seq, room.seq + 1, edit.mentions)
        return self._take(room, ts, "edited", edit.user, message=edited, mentioned=added, before=message)

    def _same_edit(self, room: _Room, message: Message, edit: Edit) -> Event | None:
        """The event of this very edit, where it was committed before and nothing came after it."""
        if edit.rev != message.rev:
            return None
        edits = (each for each in reversed(self.events) if each.type == "edited")
        event = next((each for each in edits if each.message_id == message.id), None)
        if event is None:
            seq = last_edit(self.conn, room.id, message.seq)
            event = reading.event_at(self.conn, room.name, seq) if seq is not None else None
        same = edit_hash(self.conn, room.id, message.seq) == edit.request_hash
        return event if same else None

    def _delete(self, room: _Room, ts: float, delete: Delete) -> Outcome:
        message = self._message(room, delete.message_id)
        # Plugins get the blanked message with the event; the wire shows only its id.
        note_erased(self.conn)
        gone = blank_message(self.conn, room.id, message, traces=not delete.erasing)
        return self._take(room, ts, "deleted", delete.user, message=gone, before=message)

    def _expire(self, room: _Room, ts: float, change: Expire) -> Outcome:
        note_erased(self.conn)
        self.expired += expire(self.conn, room.id, room.name, ts, change)
        room.version += 1
        return Committed(room.position())

    def _append(self, room: _Room, ts: float, append: AppendChange) -> Outcome:
        message, data = None, append.data
        if append.also is not None:
            plugin = append.type.partition(":")[0]
            tx = EventTx(self.conn, plugin, room.id, room.name)
            self._work(append.also, tx, plugin)
            message = tx.annotated
            if tx.new_actions and message is not None:
                data = {**data, "actions": message.actions}
        return self._take(room, ts, append.type, append.user, data, message)

    def _work(self, work: AlsoWork, tx: EventTx, plugin: str) -> None:
        """Let a plugin write. What it raises undoes that, and is the cause of the `Reject` here."""
        try:
            with savepoint(self.conn):
                contained(work, tx)
        except (Reject, Aborted):
            raise
        except Exception as error:
            if reason(error) is not None:
                raise
            raise refused(plugin) from error

    def _change_member(self, room: _Room, ts: float, change: ChangeMember) -> Outcome:
        if not change_member(self.conn, room.id, room.position(), change):
            return Committed(room.position())
        room.version += 1
        if change.action in ("joined", "left"):
            return Committed(room.position())
        data: dict[str, Any] = {"action": change.action, "target": _as_of_now(change.target)}
        if change.action == "role":
            data["role"] = change.role
        if change.reason:
            data["reason"] = change.reason
        if change.until:
            data["until"] = change.until
        return self._take(room, ts, "member", change.user, data)

    def _change_room(self, room: _Room, ts: float, change: ChangeRoom) -> Outcome:
        changes = change_settings(self.conn, room.id, change.settings)
        if not changes:
            return Committed(room.position())
        room.version += 1
        return self._take(room, ts, "room", change.user, {"action": "changed", **changes})

    def _create_room(self, room: _Room, ts: float, create: CreateRoom) -> Outcome:
        insert_members(self.conn, room.id, create.members)
        room.version += 1
        return self._take(room, ts, "room", create.user, {"action": "created", **told_settings(create.room)})


def _as_of_now(user: User) -> dict[str, Any]:
    """A user as an event keeps them: without a picture, which may be gone when the event is read."""
    return msgspec.structs.replace(user, avatar=None).public()
