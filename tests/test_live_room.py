"""What a room's live puts into one batch, and where it has to stop."""

from __future__ import annotations

import time

from chatserver.chat.resends import Resends
from chatserver.chat.room import LiveRoom
from chatserver.model.values import Member, Room, RoomPosition, User
from chatserver.store import Committed
from chatserver.store.changes import ChangeMember, ChangeRoom, Post, RoomState

ALICE, BOB, CAROL = (User(f"u{name}", name, name) for name in ("alice", "bob", "carol"))


class Storage:
    """Keeps batches until it is told that they are committed."""

    def __init__(self):
        self.batches = []

    def append(self, batch, done):
        self.batches.append((batch, done))

    def commit(self):
        """Commit what is under way; the changes of it."""
        batch, done = self.batches.pop()
        done([Committed(RoomPosition()) for _ in batch.changes])
        return batch.changes


class Nobody:
    shared = False

    def refuse_sanctioned(self, user):
        pass

    def may(self, live, user, permission):
        return True

    def publish(self, *_):
        raise AssertionError("these entries have no events")

    def before_publish(self, *_):
        pass

    def after_publish(self, *_):
        pass


class Refusals:
    """Takes replies: keeps the change when it is refused."""

    def __init__(self, change, refused):
        self._change = change
        self._refused = refused

    def committed(self, done):
        pass

    def refused(self, refusal):
        self._refused.append(self._change)


def post(user):
    return Post(user, "hi", "hi")


def live_room_of(*members):
    state = RoomState(Room("tea"), RoomPosition(), {user.id: Member(user) for user in members}, {}, {})
    storage = Storage()
    return LiveRoom(state, storage, Nobody(), Nobody(), Resends(storage), time.time), storage


def batches(live, storage, *entries):
    """The batches that become of entries which wait behind one that is under way, and what was refused."""
    refused = []
    for entry in (post(ALICE), *entries):
        live.submit(entry, Refusals(entry, refused))
    storage.commit()
    made = []
    while storage.batches:
        made.append(storage.commit())
    return made, refused


def test_those_who_come_share_a_batch_with_those_who_talk():
    live, storage = live_room_of(ALICE)
    entries = [
        ChangeMember(BOB, BOB, "joined"),
        post(ALICE),
        ChangeMember(ALICE, CAROL, "added"),
        post(ALICE),
    ]
    assert batches(live, storage, *entries) == ([entries], [])
    assert set(live.members) == {ALICE.id, BOB.id, CAROL.id}


def test_what_follows_a_user_being_muted_or_removed_is_checked_against_it():
    for action in ("muted", "kicked", "banned", "removed"):
        live, storage = live_room_of(ALICE, BOB)
        change, late, other = ChangeMember(ALICE, BOB, action), post(BOB), post(ALICE)
        assert batches(live, storage, post(BOB), change, late, other) == (
            [[post(BOB), change], [other]], [late],
        )  # fmt: skip


def test_nothing_is_said_in_a_room_behind_its_archiving():
    live, storage = live_room_of(ALICE)
    archiving, late = ChangeRoom(ALICE, {"archived": True}), post(ALICE)
    assert batches(live, storage, archiving, late) == ([[archiving]], [late])


def test_a_banned_one_does_not_come_back_behind_the_ban():
    live, storage = live_room_of(ALICE, BOB)
    ban, back = ChangeMember(ALICE, BOB, "banned"), ChangeMember(BOB, BOB, "joined")
    assert batches(live, storage, ban, back) == ([[ban]], [back])
    assert set(live.members) == {ALICE.id}
