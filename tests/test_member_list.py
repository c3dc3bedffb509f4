"""A member_list stays what a plain dict of members is, in order, through any changes."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from chatserver.chat.members import MemberList
from chatserver.model.values import Member, User

IDS = st.sampled_from("abcdef")
NAMES = st.sampled_from(["Ann", "ann", "BOB", "bob", "Ärger", "straße", "STRASSE"])


class Rosters(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.plain = {"a": Member(User("a", "Zoe", "Zoe"))}
        self.released = {"a"}
        self.member_list = MemberList(dict(self.plain), set(self.released))

    @rule(id=IDS, name=NAMES, role=st.sampled_from(["member", "owner"]))
    def put(self, id, name, role):
        self.plain[id] = Member(User(id, name, name), role)
        self.member_list.put(self.plain[id])

    @rule(id=IDS)
    def remove(self, id):
        self.plain.pop(id, None)
        self.released.discard(id)
        self.member_list.remove(id)

    @rule(id=IDS, name=NAMES)
    def rename(self, id, name):
        if id in self.plain:
            self.plain[id] = Member(User(id, name, "shown " + name), self.plain[id].role)
            self.released.discard(id)
        self.member_list.rename(User(id, name, "shown " + name))

    @rule(id=IDS)
    def hold_again(self, id):
        if id in self.plain:
            self.released.discard(id)
            self.member_list.rename(self.plain[id].user)

    @rule(id=IDS)
    def release(self, id):
        if id in self.plain:
            self.released.add(id)
        self.member_list.release(id)

    @rule(name=NAMES)
    def find(self, name):
        found = self.member_list.named(name)
        alike = {m.user.id for m in self.plain.values() if m.user.name.casefold() == name.casefold()}
        wanted = alike - self.released or alike
        assert found in wanted if wanted else found is None

    @rule(name=NAMES)
    def find_shown(self, name):
        found = self.member_list.named("shown " + name)
        alike = {
            m.user.id
            for m in self.plain.values()
            if m.user.display_name.casefold() == f"shown {name}".casefold()
        }
        wanted = alike - self.released
        assert found in wanted if wanted else found is None

    @invariant()
    def same(self):
        assert self.member_list.by_id == self.plain
        by_name = sorted(self.plain.values(), key=lambda m: (m.user.name.casefold(), m.user.id))
        assert self.member_list.in_order == by_name


TestRosters = Rosters.TestCase


def test_a_shown_name_finds_a_member_too_but_a_name_of_ones_own_comes_first():
    anna, ben = Member(User("u1", "anna", "Ben")), Member(User("u2", "ben", "Benjamin"))
    member_list = MemberList({"u1": anna, "u2": ben})
    assert (member_list.named("BEN"), member_list.named("benjamin"), member_list.named("carla")) == (
        "u2",
        "u2",
        None,
    )


def test_of_members_with_one_name_its_holder_is_meant():
    def ann(id: str) -> Member:
        return Member(User(id, "ann", "ann"))

    for holder, *others in (("a", "b", "c"), ("b", "a", "c"), ("c", "a", "b")):
        member_list = MemberList({id: ann(id) for id in "abc"}, others)
        assert member_list.named("ann") == holder
        member_list.release(holder)
        # The name has come back to one, who may not have been told of by another name.
        for id in others:
            member_list.rename(ann(id).user)
            assert member_list.named("ann") == id
            member_list.put(Member(ann(id).user, "owner"))
            assert member_list.named("ann") == id
            member_list.release(id)
            assert member_list.named("ann") in "abc"
        # Who is let in anew holds the name; the release of one who is not there means nothing.
        member_list.remove(holder)
        member_list.release(holder)
        member_list.put(ann(holder))
        assert member_list.named("ann") == holder
