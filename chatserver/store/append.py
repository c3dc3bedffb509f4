"""Appending to the rooms' logs: many rooms' batches as a few statements of one transaction.

Runs on the writer's thread. New messages, the hot path, are collected and inserted together at the end; all other
entries change their rows at once, in order. ``seq`` has no holes because it comes from the row of the room, which
moves in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, insert, select, text, update

from ..model import errors
from ..model.errors import Reject
from ..model.values import Event, Message, RoomPosition, User
from . import queries as reading
from . import schema as s
from .append_statements import AppendStatements
from .changes import Append as AppendEntry
from .changes import (
    Batch,
    Change,
    ChangeMember,
    ChangeRoom,
    Committed,
    CreateRoom,
    Delete,
    Edit,
    Outcome,
    Post,
)
from .members import change_member
from .rows import pack


class Appending:
    """One transaction's appends. ``check_nonces`` looks for repeated sends first: it is only set after the unique
    index has found one, so that the usual case pays nothing."""

    def __init__(
        self, conn: Connection, hot: AppendStatements, batches: Sequence[Batch], check_nonces: bool
    ) -> None:
        self.conn = conn
        self._hot = hot
        self.batches = sorted(batches, key=lambda batch: batch.room)
        self.check_nonces = check_nonces
        self.events: list[Event] = []
        self._heads: dict[str, RoomPosition] = {}
        self._event_rows: list[tuple[Any, ...]] = []
        self._message_rows: list[tuple[Any, ...]] = []
        self._mention_rows: list[tuple[Any, ...]] = []
        self._marks: dict[tuple[str, str], tuple[Any, ...]] = {}
        self._seen: dict[tuple[str, str, str], tuple[Committed, str | None]] = {}

    def run(self) -> dict[str, list[Outcome]]:
        """Write everything; the outcomes of each room's batch, in its order."""
        before = self._hot.position(self.conn, [batch.room for batch in self.batches])
        self._heads = dict(before)
        outcomes = {batch.room: [self._entry(batch, e) for e in batch.entries] for batch in self.batches}
        self._insert(before)
        return outcomes

    def _insert(self, before: dict[str, RoomPosition]) -> None:
        marks = list(self._marks.values())
        self._hot.insert(self.conn, self._message_rows, self._event_rows, self._mention_rows, marks)
        self._hot.move_heads(
            self.conn,
            [
                (position.seq, position.messages, name)
                for name, position in self._heads.items()
                if before.get(name) != position
            ],
        )

    def _entry(self, batch: Batch, entry: Change) -> Outcome:
        if batch.room not in self._heads and not isinstance(entry, CreateRoom):
            return errors.no_room(batch.room)
        if isinstance(entry, Post):
            return self._post(batch, entry)
        try:
            match entry:
                case Edit():
                    return self._edit(batch, entry)
                case Delete():
                    return self._delete(batch, entry)
                case AppendEntry():
                    return self._append(batch, entry)
                case ChangeMember():
                    return self._change_member(batch, entry)
                case ChangeRoom():
                    return self._change_room(batch, entry)
                case CreateRoom():
                    return self._create_room(batch, entry)
        except Reject as refusal:
            return refusal

    def _take(
        self,
        batch: Batch,
        type: str,
        user: User,
        data: dict[str, Any] | None = None,
        message_id: str | None = None,
        message: Message | None = None,
    ) -> Committed:
        """Give the next seq to an event."""
        last = self._heads[batch.room]
        position = RoomPosition(last.seq + 1, last.messages + (type == "message"))
        self._heads[batch.room] = position
        event = Event(batch.room, position.seq, type, batch.ts, user, message_id, message, data or {})
        self.events.append(event)
        self._event_rows.append(
            (
                batch.room, position.seq, type, message_id, user.id, batch.ts, pack(data) if data else None,
                position.messages,
            )
        )  # fmt: skip
        return Committed(position, event)

    def _post(self, batch: Batch, entry: Post) -> Outcome:
        room, ts, user = batch.room, batch.ts, entry.user
        if self.check_nonces:
            earlier = self._sent_before(room, entry)
            if earlier is not None:
                return earlier
        seq = self._heads[room].seq + 1
        message = Message(
            entry.message_id, room, seq, ts, user, entry.content, entry.html, entry.kind, 1, entry.nonce,
            entry.reply_to, entry.attachments,
        )  # fmt: skip
        done = self._take(batch, "message", user, None, entry.message_id, message)
        self._message_rows.append(
            (
                entry.message_id, room, seq, ts, user.id, entry.nonce, entry.request_hash, 1,
                entry.kind, entry.content, entry.html, entry.reply_to,
                pack(entry.attachments) if entry.attachments else None, None, None, False,
            )
        )  # fmt: skip
        for user_id in entry.mentions:
            self._mention_rows.append((user_id, room, seq))
        self._marks[room, user.id] = (room, user.id, seq, done.position.messages)
        if self.check_nonces and entry.nonce is not None:
            self._seen[room, user.id, entry.nonce] = done, entry.request_hash
        return done

    def _sent_before(self, room: str, entry: Post) -> Outcome | None:
        user_id, nonce = entry.user.id, entry.nonce
        if nonce is None:
            return None
        key = room, user_id, nonce
        if key in self._seen:
            done, request_hash = self._seen[key]
            event = done.event
        else:
            found = reading.sent_before(self.conn, room, user_id, nonce)
            if found is None:
                return None
            event, request_hash = reading.event_at(self.conn, room, found[1]), found[3]
        if request_hash != entry.request_hash:
            return errors.nonce_conflict()
        return Committed(self._heads[room], event, dup=True)

    def _message(self, batch: Batch, message_id: str) -> Message:
        message = reading.message(self.conn, message_id)
        if message is None or message.deleted or message.room != batch.room:
            raise errors.no_message()
        return message

    def _edit(self, batch: Batch, entry: Edit) -> Outcome:
        message = self._message(batch, entry.message_id)
        if entry.rev is not None and entry.rev != message.rev + 1:
            edit_hash = self.conn.execute(
                select(s.message.c.edit_hash).where(s.message.c.id == message.id)
            ).scalar()
            if entry.rev == message.rev and edit_hash == entry.request_hash:
                return Committed(self._heads[batch.room], self._last_edit(batch, message), dup=True)
            raise Reject(f"The message is at revision {message.rev} by now.", "rev_conflict", field="rev")
        changed = {
            "content": entry.content,
            "html": entry.html,
            "rev": message.rev + 1,
            "edited_at": batch.ts,
        }
        self.conn.execute(
            update(s.message)
            .where(s.message.c.id == message.id)
            .values(edit_hash=entry.request_hash, **changed)
        )
        edited = Message(
            message.id, message.room, message.seq, message.ts, message.user, entry.content, entry.html,
            message.kind, message.rev + 1, message.nonce, message.reply_to, message.attachments, batch.ts,
        )  # fmt: skip
        return self._take(batch, "edited", entry.user, message_id=message.id, message=edited)

    def _last_edit(self, batch: Batch, message: Message) -> Event | None:
        for event in reversed(self.events):
            if event.type == "edited" and event.message_id == message.id:
                return event
        query = (
            select(s.event.c.seq)
            .where(
                s.event.c.room == batch.room,
                s.event.c.seq > message.seq,
                s.event.c.message_id == message.id,
                s.event.c.type == "edited",
            )
            .order_by(s.event.c.seq.desc())
            .limit(1)
        )
        seq = self.conn.execute(query).scalar()
        return reading.event_at(self.conn, batch.room, seq) if seq else None

    def _delete(self, batch: Batch, entry: Delete) -> Outcome:
        message = self._message(batch, entry.message_id)
        self.conn.execute(
            update(s.message)
            .where(s.message.c.id == message.id)
            .values(content="", html="", attachments=None, reply_to=None, deleted=True)
        )
        gone = Message(
            message.id, message.room, message.seq, message.ts, message.user, "", "", message.kind,
            message.rev, deleted=True,
        )  # fmt: skip
        # HookCaller get the blanked message with the event; the wire shows only its id.
        return self._take(batch, "deleted", entry.user, message_id=message.id, message=gone)

    def _append(self, batch: Batch, entry: AppendEntry) -> Outcome:
        for also in entry.also:
            self.conn.execute(text(also.sql), also.params)
        return self._take(batch, entry.type, entry.user, entry.data)

    def _change_member(self, batch: Batch, entry: ChangeMember) -> Outcome:
        position = self._heads[batch.room]
        changed = change_member(self.conn, batch.room, position, entry)
        if entry.action in ("joined", "left") or not changed:
            return Committed(position)
        data: dict[str, Any] = {"action": entry.action, "target": entry.target.public()}
        if entry.reason:
            data["reason"] = entry.reason
        if entry.until:
            data["until"] = entry.until
        if entry.action == "role":
            data["role"] = entry.role
        return self._take(batch, "member", entry.user, data)

    def _change_room(self, batch: Batch, entry: ChangeRoom) -> Outcome:
        row = self.conn.execute(select(s.room).where(s.room.c.name == batch.room)).one()
        changes = {key: value for key, value in entry.changes.items() if getattr(row, key) != value}
        if not changes:
            return Committed(self._heads[batch.room])
        self.conn.execute(update(s.room).where(s.room.c.name == batch.room).values(**changes))
        return self._take(batch, "room", entry.user, {"action": "changed", **changes})

    def _create_room(self, batch: Batch, entry: CreateRoom) -> Outcome:
        if batch.room in self._heads:
            raise errors.room_exists(batch.room)
        room = entry.room
        self.conn.execute(
            insert(s.room).values(
                name=room.name, title=room.title, topic=room.topic, kind=room.kind, history=room.history,
                archived=room.archived, head=0, messages=0, floor=0,
            )
        )  # fmt: skip
        self._heads[room.name] = RoomPosition()
        if entry.members:
            self.conn.execute(
                insert(s.member),
                [{"room": room.name, "user_id": u.id, "role": role, "since": 0} for u, role in entry.members],
            )
        data: dict[str, Any] = {"action": "created", "kind": room.kind, "history": room.history}
        if room.title:
            data["title"] = room.title
        if room.topic:
            data["topic"] = room.topic
        return self._take(batch, "room", entry.user, data)
