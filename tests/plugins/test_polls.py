"""Polls: what is asked, who may vote, and counts that are right whatever happens at once."""

from __future__ import annotations

import asyncio
import contextlib
import random
import sqlite3

import pytest
from chatserver_plugins.polls.question import Question, parse
from chatserver_plugins.polls.table import MIGRATIONS, VOTES, Unchanged, begin, close, enter, forget, vote
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec.structs import replace

from chatserver import Message, Reject, User
from chatserver.testing import Clock, Refused

pytestmark = pytest.mark.storage

ALICE = User("ua", "alice", "alice")
LUNCH = '/poll "Lunch?" pizza "pad thai" salad'


async def ask(client, line=LUNCH):
    await client.says(line, "general")
    return (await client.hears(kind="polls:poll")).message_id


async def refused(client, type="polls:vote", **fields):
    with pytest.raises(Refused) as refusal:
        await client.ask(type, **fields)
    return refusal.value.code, refusal.value.field


async def stands(client, id):
    """How a poll stands, as a page of the history has it."""
    page = await client.ask("history", room="general")
    return next(each for each in page.events if each.get("message_id") == id)["extras"]["polls"]


def counts(poll):
    return [each["votes"] for each in poll["choices"]]


async def test_all_see_the_counts_grow(chat):
    async with chat(plugins=["polls", "history"]) as server:
        alice, bob = await server.join("general", "alice", "bob")
        id = await ask(alice)
        heard = await bob.hears(kind="polls:poll")
        assert heard.content == "Lunch?\n1. pizza\n2. pad thai\n3. salad"
        assert (heard.user["name"], counts(heard.extras["polls"])) == ("alice", [0, 0, 0])
        seq = (await bob.ask("polls:vote", message_id=id, choices=[1])).seq
        voted = await alice.hears("polls:voted")
        assert (voted.seq, voted.user["id"], voted.choices, voted.message_id) == (seq, bob.id, [1], id)
        assert (counts(voted.extras["polls"]), voted.extras["polls"]["voters"]) == ([0, 1, 0], 1)
        assert (await bob.hears("polls:mine")).choices == [1]
        # It is set, not toggled; and a vote can be changed.
        assert "seq" not in await bob.ask("polls:vote", message_id=id, choices=[1, 1])
        await bob.ask("polls:vote", message_id=id, choices=[0])
        await alice.ask("polls:vote", message_id=id, choices=[0])
        votes = await alice.ask("polls:votes", message_id=id)
        assert (votes.mine, [sorted(user["name"] for user in each) for each in votes.users]) == (
            [0],
            [["alice", "bob"], [], []],
        )
        await bob.ask("polls:vote", message_id=id, choices=[])
        assert counts(await stands(alice, id)) == [1, 0, 0]


async def test_who_was_away_sees_how_it_stands(chat):
    async with chat(plugins=["polls", "history"]) as server:
        alice, bob = await server.join("general", "alice", "bob")
        id = await ask(alice)
        await bob.hears(kind="polls:poll")
        token, resume = bob.token, {"epoch": bob.welcome.epoch, "rooms": bob.seen}
        await bob.leave()
        await alice.ask("polls:vote", message_id=id, choices=[2])
        again = await server.connect()
        await again.hello(token=token, resume=resume)
        assert counts((await again.hears("polls:voted")).extras["polls"]) == [0, 0, 1]


async def test_an_anonymous_vote_does_not_say_whose_it_is(chat):
    async with chat(plugins=["polls", "history"]) as server:
        alice, bob = await server.join("general", "alice", "bob")
        id = await ask(alice, "/poll --anonymous Tea? yes no")
        await bob.ask("polls:vote", message_id=id, choices=[1])
        voted = await alice.hears("polls:voted")
        assert "choices" not in voted
        assert voted.user["id"] == alice.id
        assert counts(voted.extras["polls"]) == [0, 1]
        assert bob.id not in str(voted)
        votes = await alice.ask("polls:votes", message_id=id)
        assert (votes.mine, votes.users) == ([], [[], []])
        assert (await bob.ask("polls:votes", message_id=id)).mine == [1]
        assert await alice.heard("polls:mine") == []


async def test_several_choices_where_the_poll_allows_it(chat):
    async with chat(plugins=["polls", "history"]) as server:
        alice, bob = await server.join("general", "alice", "bob")
        id = await ask(alice, "/poll When? mon tue wed --several")
        for client, choices in ((alice, [0, 2]), (bob, [2])):
            await client.ask("polls:vote", message_id=id, choices=choices)
        poll = await stands(bob, id)
        assert (counts(poll), poll["voters"]) == ([1, 0, 2], 2)
        single = await ask(alice)
        assert await refused(bob, message_id=single, choices=[0, 1]) == ("invalid", "choices")


async def test_who_may_not_write_may_not_vote(chat):
    rooms = [{"name": "general"}, {"name": "cellar", "kind": "private"}]
    async with chat(plugins=["polls", "moderation", "history"], settings={"rooms": rooms}) as server:
        root = await server.account("root", "admin")
        bob, carol = await server.client("bob"), await server.client("carol")
        for client in (root, bob):
            await client.join("general")
        await root.join("cellar")
        for options in ("", " --anonymous"):
            id = await ask(root, f"/poll a b c{options}")
            assert await refused(carol, message_id=id, choices=[0]) == ("not_member", "room")
            await root.says("/mute bob 5", "general")
            assert (await refused(bob, message_id=id, choices=[0]))[0] == "muted"
            await root.says("/unmute bob", "general")
            await bob.ask("polls:vote", message_id=id, choices=[0])
            await root.says("/ban bob", "general")
            assert (await refused(bob, message_id=id, choices=[1]))[0] == "not_found"
            await root.says("/unban bob", "general")
            await bob.join("general")
            assert counts(await stands(root, id)) == [1, 0]
        await root.says("/poll a b c", "cellar")
        hidden = (await root.hears(kind="polls:poll", room="cellar")).message_id
        for type, more in (("polls:vote", {"choices": [0]}), ("polls:votes", {}), ("polls:close", {})):
            assert await refused(bob, type, message_id=hidden, **more) == ("not_found", "message_id")


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        ({"choices": [3]}, ("invalid", "choices")),
        ({"choices": [-1]}, ("invalid", "choices")),
        ({"choices": ["0"]}, ("invalid", "choices[0]")),
        ({"choices": [0] * 21}, ("invalid", "choices")),
        ({"choices": None}, ("invalid", "choices")),
        ({}, ("invalid", "choices")),
        ({"choices": [0], "message_id": "m0z0"}, ("not_found", "message_id")),
        ({"choices": [0], "message_id": "x" * 65}, ("invalid", "message_id")),
    ],
)
async def test_bad_votes_are_refused(chat, fields, answer):
    async with chat(plugins=["polls", "history"]) as server:
        (alice,) = await server.join("general", "alice")
        id = await ask(alice)
        assert await refused(alice, **{"message_id": id, **fields}) == answer
        assert counts(await stands(alice, id)) == [0, 0, 0]


async def test_a_message_that_is_no_poll_and_one_that_is_gone(chat):
    async with chat(plugins=["polls"]) as server:
        alice, bob = await server.join("general", "alice", "bob")
        plain = (await alice.says("hello")).message_id
        id = await ask(alice)
        await bob.ask("polls:vote", message_id=id, choices=[0])
        with pytest.raises(Refused, match="can't be edited"):
            await alice.ask("edit", message_id=id, content="Dinner?")
        await alice.ask("delete", message_id=id)
        for each in (plain, id):
            assert await refused(bob, message_id=each, choices=[0]) == ("not_found", "message_id")
            assert await refused(alice, "polls:close", message_id=each) == ("not_found", "message_id")
        for table in ("polls_poll", "polls_vote"):
            assert await server.plugin("polls").db.query(f"SELECT * FROM {table}") == []


async def test_who_asked_closes_it_and_moderators_do(chat):
    async with chat(plugins=["polls", "history"], accounts={"mona": "moderator"}) as server:
        alice, bob, mona = await server.join("general", "alice", "bob", "mona")
        for closing in (alice, mona):
            id = await ask(alice)
            assert await refused(bob, "polls:close", message_id=id) == ("forbidden", None)
            assert (await closing.ask("polls:close", message_id=id)).seq
            assert "seq" not in await closing.ask("polls:close", message_id=id)
            assert (await bob.hears("polls:closed")).extras["polls"]["closed"] is True
            assert await refused(bob, message_id=id, choices=[0]) == ("rejected", "message_id")


async def test_it_closes_at_its_time_even_over_a_restart(chat):
    clock = Clock()
    file = {"store": {"url": "sqlite:"}}
    async with chat(plugins=["polls", "history"], settings=file, clock=clock) as server:
        alice, bob = await server.join("general", "alice", "bob")
        id = await ask(alice, '/poll 2h "Lunch?" a b')
        later = await ask(alice, '/poll 3h "Dinner?" a b')
        await bob.ask("polls:vote", message_id=id, choices=[0])
        await clock.move(3600)
        await bob.ask("polls:vote", message_id=id, choices=[1])
        await clock.move(3601)
        assert (await bob.hears("polls:closed")).message_id == id
        assert await refused(bob, message_id=id, choices=[0]) == ("rejected", "message_id")
        # As if the server had died before it was planned.
        await server.plugin("polls").cancel_job(later)
        await server.restart()
        await clock.move(3600)
        again = await server.client("carol")
        await again.join("general")
        assert (await stands(again, later))["closed"] is True
        assert counts(await stands(again, id)) == [0, 1]


async def test_a_form_asks_for_it(chat):
    async with chat(plugins=["polls"]) as server:
        alice = await server.client("alice", forms=True)
        await alice.join("general")
        asking = asyncio.create_task(alice.says("/poll"))
        form = await alice.hears("form")
        values = {
            "question": " Lunch? ",
            "choices": "pizza\n\n pad  thai \n",
            "closes": "In a day",
            "several": True,
            "anonymous": False,
        }
        with pytest.raises(Refused) as refusal:
            await alice.ask("answer", form=form.form, values={**values, "closes": "Soon"})
        assert (refusal.value.code, refusal.value.field) == ("invalid", "closes")
        await alice.ask("answer", form=form.form, values=values)
        poll = (await alice.hears(kind="polls:poll")).extras["polls"]
        assert (poll["question"], [each["text"] for each in poll["choices"]]) == (
            "Lunch?",
            ["pizza", "pad thai"],
        )
        assert (poll["several"], poll["closes"] is not None) == (True, True)
        await asking


async def test_all_at_once_and_a_deletion_in_the_middle(chat):
    limits = {"limits": {"burst": 10_000, "messages_per_second": 10_000}}
    async with chat(plugins=["polls", "history"], settings=limits) as server:
        people = await server.join("general", *(f"user{number}" for number in range(6)))
        kept, gone = await ask(people[0], "/poll When? a b c --several"), await ask(people[0])
        chance = random.Random(7)

        async def click(client, id):
            for _ in range(15):
                choices = chance.sample(range(3), chance.randint(0, 3 if id == kept else 1))
                with contextlib.suppress(Refused) if id == gone else contextlib.nullcontext():
                    await client.ask("polls:vote", message_id=id, choices=choices)

        await asyncio.gather(
            *(click(each, id) for each in people for id in (kept, gone)),
            people[0].ask("delete", message_id=gone),
        )
        poll, votes = await stands(people[1], kept), await people[1].ask("polls:votes", message_id=kept)
        assert counts(poll) == [len(users) for users in votes.users]
        assert poll["voters"] == len({user["id"] for users in votes.users for user in users})
        rows = await server.plugin("polls").db.query("SELECT DISTINCT message_id FROM polls_vote")
        assert {row["message_id"] for row in rows} <= {kept}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('"Lunch?" pizza "pad thai"', ("Lunch?", ("pizza", "pad thai"), False, False)),
        ("“午餐？” 披薩 「炒 飯」", ("午餐？", ("披薩", "炒 飯"), False, False)),
        ("„Wann?“ «lundi matin» mardi —several", ("Wann?", ("lundi matin", "mardi"), True, False)),
        ('--Anonymous Q "--several" b', ("Q", ("--several", "b"), False, True)),
        ('5" 10" 12"', ('5"', ('10"', '12"'), False, False)),
        ('"a\tb\x00" x​ y', ("a b", ("x", "y"), False, False)),
    ],
)
def test_how_a_poll_is_written(line, expected):
    found = parse(line)
    assert (found.text, found.choices, found.several, found.anonymous) == expected


@pytest.mark.parametrize(
    "line",
    [
        "", "Lunch?", "Lunch? pizza", '"" a b', 'Q a ""', "Q a A", "Q a b --secret", '"Q a b', "Q a “b",
        "Q " + " ".join(map(str, range(21))), f"Q a {'b' * 101}", f"{'Q' * 301} a b",
    ],
)  # fmt: skip
def test_what_is_no_poll_is_refused(line):
    with pytest.raises(Reject) as refusal:
        parse(line)
    assert refusal.value.code == "invalid"


@given(st.text(alphabet='ab "“”„«»「」-—\\\n\t', max_size=60))
def test_any_line_is_a_poll_or_is_refused(line):
    with contextlib.suppress(Reject):
        found = parse(line)
        assert found.text
        assert len(found.content.splitlines()) == len(found.choices) + 1


class PollMachine(RuleBasedStateMachine):
    """The rows and what a message shows, against the sets of choices of each user."""

    @initialize()
    def begin(self):
        self.conn = sqlite3.connect(":memory:")
        self.conn.row_factory = sqlite3.Row
        for migration in MIGRATIONS:
            self.conn.execute(migration)
        self.messages, self.model, self.closed = {}, {}, set()
        for id, several in (("m1", False), ("m2", True)):
            question = Question("Q", ("a", "b", "c"), several=several)
            extras = {"polls": begin(question, 100.0)}
            self.messages[id] = Message(id, "a", 1, 0.0, ALICE, "", "", extras=extras)
            self.model[id] = {}
            enter(self, id, "a", "ua", 0.0, 100.0)

    def execute(self, sql, **params):
        return [dict(row) for row in self.conn.execute(sql, params)]

    def executemany(self, sql, params):
        self.conn.executemany(sql, params)

    def message(self, id):
        return self.messages.get(id)

    def annotate(self, id, extra):
        self.messages[id] = replace(self.messages[id], extras={"polls": extra})

    @rule(
        id=st.sampled_from(["m1", "m2"]),
        user=st.integers(1, 5),
        choices=st.lists(st.integers(-1, 3), max_size=3),
        now=st.sampled_from([1.0, 1.0, 1.0, 100.0]),
    )
    def click(self, id, user, choices, now):
        name, wanted = f"u{user}", set(choices)
        before = self.model.get(id, {}).get(name, set())
        allowed = (
            id in self.messages
            and id not in self.closed
            and now < 100.0
            and wanted <= {0, 1, 2}
            and (len(wanted) < 2 or id == "m2")
        )
        try:
            vote(self, id, name, choices, now)
        except Unchanged:
            assert allowed
            assert wanted == before
        except Reject:
            assert not allowed
        else:
            assert allowed
            assert wanted != before
            self.model[id][name] = wanted

    @rule(id=st.sampled_from(["m1", "m2"]))
    def close(self, id):
        try:
            close(self, id)
        except Unchanged:
            assert id in self.closed
        except Reject:
            assert id not in self.messages
        else:
            assert id not in self.closed
            self.closed.add(id)

    @rule(id=st.sampled_from(["m1", "m2"]))
    def delete(self, id):
        forget(self, id)
        self.messages.pop(id, None)
        self.model[id] = {}

    @invariant()
    def the_counts_are_right(self):
        for id, wanted in getattr(self, "model", {}).items():
            rows = [(row["choice"], row["user_id"]) for row in self.execute(VOTES, message_id=id)]
            assert rows == sorted((choice, user) for user, choices in wanted.items() for choice in choices)
            if id in self.messages:
                poll = self.messages[id].extras["polls"]
                assert counts(poll) == [sum(at in choices for choices in wanted.values()) for at in range(3)]
                assert poll["voters"] == sum(bool(choices) for choices in wanted.values())


TestPolls = PollMachine.TestCase
TestPolls.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
