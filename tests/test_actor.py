"""What a room's actor puts into one batch, and where it has to stop."""

from __future__ import annotations

import time

from chatserver.chat.room import RoomActor
from chatserver.model.errors import Reject
from chatserver.model.values import Heads, Member, Room, User
from chatserver.store import Done
from chatserver.store.changes import ChangeMember, ChangeRoom, Post
from chatserver.store.queries import RoomState

ALICE, BOB, CAROL = (User(f"u{name}", name, name) for name in ("alice", "bob", "carol"))


class Storage:
    """Keeps batches until it is told that they are committed."""

    def __init__(self):
        self.batches = []

    def append(self, batch, done):
        self.batches.append((batch, done))

    def commit(self):
        """Commit what is under way; the entries of it."""
        batch, done = self.batches.pop()
        done([Done(Heads()) for _ in batch.entries])
        return batch.entries


class Nobody:
    def publish(self, *_):
        raise AssertionError("these entries have no events")

    def before_publish(self, *_):
        pass

    def after_publish(self, *_):
        pass


def post(user):
    return Post(user, f"m{user.name}", "hi", "hi")


def actor_of(*members):
    state = RoomState(Room("tea"), Heads(), {user.id: Member(user) for user in members}, {}, {})
    storage = Storage()
    return RoomActor(state, storage, Nobody(), Nobody(), time.time), storage


def batches(actor, storage, *entries):
    """The batches that become of entries which wait behind one that is under way, and what was refused."""
    refused = []
    actor.submit(post(ALICE), lambda outcome: None)
    for entry in entries:
        actor.submit(
            entry, lambda outcome, entry=entry: refused.append(entry) if isinstance(outcome, Reject) else None
        )
    storage.commit()
    made = []
    while storage.batches:
        made.append(storage.commit())
    return made, refused


def test_those_who_come_share_a_batch_with_those_who_talk():
    actor, storage = actor_of(ALICE)
    entries = [
        ChangeMember(BOB, BOB, "joined"),
        post(ALICE),
        ChangeMember(ALICE, CAROL, "added"),
        post(ALICE),
    ]
    assert batches(actor, storage, *entries) == ([entries], [])
    assert set(actor.members) == {ALICE.id, BOB.id, CAROL.id}


def test_what_follows_somebody_being_muted_or_removed_is_checked_against_it():
    for action in ("muted", "kicked", "banned", "removed"):
        actor, storage = actor_of(ALICE, BOB)
        change, late, other = ChangeMember(ALICE, BOB, action), post(BOB), post(ALICE)
        assert batches(actor, storage, post(BOB), change, late, other) == (
            [[post(BOB), change], [other]], [late],
        )  # fmt: skip


def test_nothing_is_said_in_a_room_behind_its_archiving():
    actor, storage = actor_of(ALICE)
    archiving, late = ChangeRoom(ALICE, {"archived": True}), post(ALICE)
    assert batches(actor, storage, archiving, late) == ([[archiving]], [late])


def test_a_banned_one_does_not_come_back_behind_the_ban():
    actor, storage = actor_of(ALICE, BOB)
    ban, back = ChangeMember(ALICE, BOB, "banned"), ChangeMember(BOB, BOB, "joined")
    assert batches(actor, storage, ban, back) == ([[ban]], [back])
    assert set(actor.members) == {ALICE.id}
