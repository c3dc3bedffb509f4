"""A roster stays what a plain dict of members is, in order, through any changes."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from chatserver.chat.members import Roster
from chatserver.model.values import Member, User

IDS = st.sampled_from("abcdef")
NAMES = st.sampled_from(["Ann", "ann", "BOB", "bob", "Ärger", "straße", "STRASSE"])


class Rosters(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.plain = {"a": Member(User("a", "Zoe", "Zoe"))}
        self.roster = Roster(dict(self.plain))

    @rule(id=IDS, name=NAMES, role=st.sampled_from(["member", "owner"]))
    def put(self, id, name, role):
        self.plain[id] = Member(User(id, name, name), role)
        self.roster.put(self.plain[id])

    @rule(id=IDS)
    def remove(self, id):
        self.plain.pop(id, None)
        self.roster.remove(id)

    @rule(id=IDS, name=NAMES)
    def rename(self, id, name):
        if id in self.plain:
            self.plain[id] = Member(User(id, name, "shown " + name), self.plain[id].role)
        self.roster.rename(User(id, name, "shown " + name))

    @rule(name=NAMES)
    def find(self, name):
        found = self.roster.named(name)
        alike = {m.user.id for m in self.plain.values() if m.user.name.casefold() == name.casefold()}
        assert found in alike if alike else found is None

    @invariant()
    def same(self):
        assert self.roster.by_id == self.plain
        by_name = sorted(self.plain.values(), key=lambda m: (m.user.name.casefold(), m.user.id))
        assert self.roster.in_order == by_name


TestRosters = Rosters.TestCase


def test_a_shown_name_finds_somebody_too_but_a_name_of_ones_own_comes_first():
    anna, ben = Member(User("u1", "anna", "Ben")), Member(User("u2", "ben", "Benjamin"))
    roster = Roster({"u1": anna, "u2": ben})
    assert (roster.named("BEN"), roster.named("benjamin"), roster.named("carla")) == ("u2", "u2", None)
