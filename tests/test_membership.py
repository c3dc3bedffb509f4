"""What changes make of a room in memory is what they make of it in the database."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import get_args

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from chatserver.chat.members import MemberList
from chatserver.chat.membership import apply
from chatserver.model.values import Member, Room, RoomPosition, User
from chatserver.store import Batch, Committed, Store
from chatserver.store import accounts as people
from chatserver.store.changes import Action, ChangeMember, ChangeRoom, CreateRoom, Post
from chatserver.store.queries import room_state

USERS = [User(f"u{n}", f"name{n}", f"name{n}") for n in range(3)]
NOW = 1000.0
UNTIL = st.sampled_from([0.0, NOW + 60, NOW + 120])

member_changes = st.builds(
    ChangeMember,
    st.sampled_from(USERS),
    st.sampled_from(USERS),
    st.sampled_from(get_args(Action)),
    st.sampled_from(["", "why"]),
    UNTIL,
)
room_changes = st.builds(
    ChangeRoom,
    st.sampled_from(USERS),
    st.dictionaries(st.sampled_from(["title", "topic"]), st.sampled_from(["", "tea"]), max_size=2),
)
posts = st.builds(Post, st.sampled_from(USERS), st.just("x"), st.just("x"))


class Memory(RuleBasedStateMachine):
    """Batches go to a store; what it commits is applied to a room in memory, as `LiveRoom` does."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.position = RoomPosition()
        self.state = SimpleNamespace(
            room=Room("tea"),
            member_list=MemberList({USERS[0].id: Member(USERS[0], "owner")}),
            mutes={},
            bans={},
        )

    def run(self, work):
        return self.loop.run_until_complete(work)

    @initialize()
    def make(self) -> None:
        async def opened():
            store = Store.open("memory:", None, "normal")

            def add(conn):
                for user in USERS:
                    people.ensure_user(conn, user, user.name, 0.0)

            await store.write(add)
            return store

        self.store = self.run(opened())
        self.append([CreateRoom(USERS[0], self.state.room, ((USERS[0], "owner"),))])

    @rule(changes=st.lists(st.one_of(member_changes, room_changes, posts), min_size=1, max_size=5))
    def append(self, changes) -> None:
        async def appended():
            future = self.loop.create_future()
            self.store.append(Batch("tea", NOW, changes, self.position.version), future.set_result)
            return await future

        for change, done in zip(changes, self.run(appended()), strict=True):
            assert isinstance(done, Committed), done
            self.position = done.position
            apply(change, self.state, done.position.seq - (done.event is not None))

    @invariant()
    def both_are_the_same(self) -> None:
        if self.position.seq:
            stored = self.run(self.store.read(lambda conn: room_state(conn, "tea", NOW)))
            assert stored.room == self.state.room
            assert stored.position == self.position
            assert stored.members == self.state.member_list.by_id
            assert (stored.mutes, stored.bans) == (self.state.mutes, self.state.bans)
            assert MemberList(stored.members).in_order == self.state.member_list.in_order

    def teardown(self) -> None:
        if self.position.seq:
            self.store.close()
        self.loop.close()


def test_memory_and_database_agree():
    run_state_machine_as_test(
        Memory,
        settings=settings(
            max_examples=40, stateful_step_count=8, deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )  # fmt: skip
