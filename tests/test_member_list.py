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
        self.member_list = MemberList(dict(self.plain))

    @rule(id=IDS, name=NAMES, role=st.sampled_from(["member", "owner"]))
    def put(self, id, name, role):
        self.plain[id] = Member(User(id, name, name), role)
        self.member_list.put(self.plain[id])

    @rule(id=IDS)
    def remove(self, id):
        self.plain.pop(id, None)
        self.member_list.remove(id)

    @rule(id=IDS, name=NAMES)
    def rename(self, id, name):
        if id in self.plain:
            self.plain[id] = Member(User(id, name, "shown " + name), self.plain[id].role)
        self.member_list.rename(User(id, name, "shown " + name))

    @rule(name=NAMES)
    def find(self, name):
        found = self.member_list.named(name)
        alike = {m.user.id for m in self.plain.values() if m.user.name.casefold() == name.casefold()}
        assert found in alike if alike else found is None

    @invariant()
    def same(self):
        assert self.member_list.by_id == self.plain
        by_name = sorted(self.plain.values(), key=lambda m: (m.user.name.casefold(), m.user.id))
        assert self.member_list.in_order == by_name


TestRosters = Rosters.TestCase


def test_a_shown_name_finds_somebody_too_but_a_name_of_ones_own_comes_first():
    anna, ben = Member(User("u1", "anna", "Ben")), Member(User("u2", "ben", "Benjamin"))
    member_list = MemberList({"u1": anna, "u2": ben})
    assert (member_list.named("BEN"), member_list.named("benjamin"), member_list.named("carla")) == (
        "u2",
        "u2",
        None,
    )
