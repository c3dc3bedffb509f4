"""Reactions: who may, what all see, and counts that are right whatever happens at once."""

from __future__ import annotations

import asyncio
import contextlib
import random
import sqlite3

import pytest
from chatserver_plugins.reactions import QUICK
from chatserver_plugins.reactions.characters import character
from chatserver_plugins.reactions.table import ALL, MIGRATIONS, Unchanged, forget, react
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec.structs import replace

from chatserver import Message, Reject, User
from chatserver.testing import Refused

pytestmark = pytest.mark.storage

ALICE = User("ua", "alice", "alice")


async def who(client, message_id, **fields):
    reply = await client.ask("reactions", message_id=message_id, **fields)
    return {each["emoji"]: [user["name"] for user in each["users"]] for each in reply.reactions}


async def refused(client, **fields):
    with pytest.raises(Refused) as refusal:
        await client.ask("react", **fields)
    return refusal.value.code, refusal.value.field


async def test_everybody_sees_who_and_how_many(chat):
    async with chat(plugins=["reactions", "history"]) as server:
        alice, bob = await server.join("general", "alice", "bob")
        id = (await alice.says("hello")).message_id
        seq = (await bob.ask("react", message_id=id, emoji=":+1:")).seq
        heard = await alice.hears("reaction")
        assert (heard.seq, heard.message_id, heard.emoji, heard.on, heard.user["id"]) == (
            seq,
            id,
            "👍",
            True,
            bob.id,
        )
        assert (heard.count, heard.reactions) == (1, [{"emoji": "👍", "count": 1, "users": [bob.id]}])
        # It is set, not toggled: once more is no change, however it is spelt.
        for spelling in ("👍", ":thumbsup:", ":THUMBSUP:"):
            assert "seq" not in await bob.ask("react", message_id=id, emoji=spelling)
        await alice.ask("react", message_id=id, emoji="❤")
        await alice.ask("react", message_id=id, emoji="👍")
        assert await who(bob, id) == {"👍": ["bob", "alice"], "❤️": ["alice"]}
        assert await who(bob, id, emoji="❤️") == {"❤️": ["alice"]}
        await alice.ask("edit", message_id=id, content="hello!")
        (event,) = [
            each for each in (await bob.ask("history", room="general")).events if each["type"] == "message"
        ]
        assert event["reactions"][0] == {"emoji": "👍", "count": 2, "users": [bob.id, alice.id]}
        assert "extras" not in event
        for emoji in ("👍", "❤️"):
            await alice.ask("react", message_id=id, emoji=emoji, on=False)
        assert "seq" not in await alice.ask("react", message_id=id, emoji="👍", on=False)
        await bob.ask("react", message_id=id, emoji="👍", on=False)
        assert await who(bob, id) == {}
        last = [each async for each in _all(bob)][-1]
        assert (last.count, last.reactions) == (0, [])


async def _all(client):
    for each in await client.heard("reaction"):
        yield each


async def test_who_may_not_write_may_not_react(chat):
    rooms = [{"name": "general"}, {"name": "cellar", "kind": "private"}]
    async with chat(plugins=["reactions", "moderation", "history"], settings={"rooms": rooms}) as server:
        root = await server.account("root", "admin")
        bob, carol = await server.client("bob"), await server.client("carol")
        for client in (root, bob):
            await client.join("general")
        await root.join("cellar")
        id = (await root.says("hello", "general")).message_id
        hidden = (await root.says("hello", "cellar")).message_id
        assert await refused(carol, message_id=id, emoji="👍") == ("not_member", "room")
        assert await refused(bob, message_id=hidden, emoji="👍") == ("not_found", "message_id")
        assert await refused(bob, message_id="m0z0", emoji="👍") == ("not_found", "message_id")
        await root.says("/mute bob 5", "general")
        assert (await refused(bob, message_id=id, emoji="👍"))[0] == "muted"
        await root.says("/unmute bob", "general")
        await bob.ask("react", message_id=id, emoji="👍")
        await root.says("/ban bob", "general")
        assert (await refused(bob, message_id=id, emoji="🎉"))[0] == "not_found"
        assert await who(root, id) == {"👍": ["bob"]}
        await root.ask("delete", message_id=id)
        assert await refused(root, message_id=id, emoji="👍") == ("not_found", "message_id")
        with pytest.raises(Refused):
            await who(root, id)


@pytest.mark.parametrize("emoji", ["", "x", ":nope:", "👍👍", "👍 ", "<b>", "1", "x" * 101, None, 7])
async def test_what_is_no_emoji_is_refused(chat, emoji):
    async with chat(plugins=["reactions"]) as server:
        (alice,) = await server.join("general", "alice")
        id = (await alice.says("hello")).message_id
        assert await refused(alice, message_id=id, emoji=emoji) == ("invalid", "emoji")


async def test_the_quick_ones_are_emoji(chat):
    assert [character(each) for each in QUICK] == list(QUICK)
    async with chat(plugins={"reactions": {"quick": [":heart:", "🎉"]}}) as server:
        alice = await server.client("alice")
        assert alice.welcome.plugins["reactions"]["settings"] == {"quick": ["❤️", "🎉"]}
    with pytest.raises(Exception, match=r"quick: 'x' is no emoji"):
        await chat(plugins={"reactions": {"quick": ["x"]}}).start()


async def test_a_message_has_a_limit_of_kinds(chat):
    async with chat(plugins={"reactions": {"kinds": 2}}) as server:
        alice, bob = await server.join("general", "alice", "bob")
        id = (await alice.says("hello")).message_id
        for emoji in ("👍", "🎉"):
            await alice.ask("react", message_id=id, emoji=emoji)
        assert await refused(bob, message_id=id, emoji="❤️") == ("invalid", "emoji")
        await bob.ask("react", message_id=id, emoji="🎉")
        await alice.ask("react", message_id=id, emoji="👍", on=False)
        await bob.ask("react", message_id=id, emoji="❤️")
        assert await who(bob, id) == {"🎉": ["alice", "bob"], "❤️": ["bob"]}


async def test_all_at_once_and_a_deletion_in_the_middle(chat):
    limits = {"limits": {"burst": 10_000, "messages_per_second": 10_000}}
    async with chat(plugins=["reactions", "history"], settings=limits) as server:
        people = await server.join("general", *(f"user{number}" for number in range(6)))
        kept = (await people[0].says("kept")).message_id
        gone = (await people[0].says("gone")).message_id
        chance = random.Random(5)

        async def click(client, id):
            for _ in range(15):
                with contextlib.suppress(Refused) if id == gone else contextlib.nullcontext():
                    on = chance.random() < 0.6
                    await client.ask("react", message_id=id, emoji=chance.choice("👍🎉"), on=on)

        await asyncio.gather(
            *(click(each, id) for each in people for id in (kept, gone)),
            people[0].ask("delete", message_id=gone),
        )
        names = await who(people[1], kept)
        page = await people[1].ask("history", room="general")
        message = next(each for each in page.events if each.get("message_id") == kept)
        shown = {each["emoji"]: each for each in message.get("reactions", ())}
        by_id = {each.id: each.name for each in people}
        assert {emoji: [by_id[user] for user in each["users"]] for emoji, each in shown.items()} == names
        assert all(each["count"] == len(each["users"]) for each in shown.values())
        rows = await server.server.services.store.read(
            lambda conn: conn.exec_driver_sql("SELECT DISTINCT message_id FROM reactions_reaction").all()
        )
        assert {row[0] for row in rows} <= {kept}


@pytest.mark.parametrize(
    ("text", "expected"), [("❤", "❤️"), (":heart:", "❤️"), ("👋🏽", "👋🏽"), ("🇹🇼", "🇹🇼"), (":+1:", "👍")]
)
def test_an_emoji_has_one_spelling(text, expected):
    assert character(text) == expected


class ReactionMachine(RuleBasedStateMachine):
    """The rows and what a message shows, against sets of people."""

    @initialize()
    def begin(self):
        self.conn = sqlite3.connect(":memory:")
        self.conn.row_factory = sqlite3.Row
        for migration in MIGRATIONS:
            self.conn.execute(migration)
        self.messages = {id: Message(id, "a", 1, 0.0, ALICE, "", "") for id in ("m1", "m2")}
        self.model = {id: {} for id in self.messages}

    def execute(self, sql, **params):
        return [dict(row) for row in self.conn.execute(sql, params)]

    def annotate(self, id, extra):
        extras = {} if extra is None else {"reactions": extra}
        self.messages[id] = replace(self.messages[id], extras=extras)

    @rule(
        id=st.sampled_from(["m1", "m2"]),
        emoji=st.sampled_from("abcd"),
        user=st.integers(1, 60),
        on=st.booleans(),
    )
    def click(self, id, emoji, user, on):
        users = self.model[id].get(emoji, [])
        name = f"u{user}"
        try:
            react(self, self.messages[id], emoji, name, on, kinds=3)
        except Unchanged:
            assert (name in users) == on
        except Reject:
            assert emoji not in self.model[id]
            assert len(self.model[id]) == 3
        else:
            assert (name in users) != on
            self.model[id][emoji] = [*users, name] if on else [each for each in users if each != name]
            if not self.model[id][emoji]:
                del self.model[id][emoji]

    @rule(id=st.sampled_from(["m1", "m2"]), emoji=st.sampled_from("ab"))
    def crowd(self, id, emoji):
        for user in range(1, 61):
            self.click(id, emoji, user, True)

    @rule(id=st.sampled_from(["m1", "m2"]))
    def delete(self, id):
        forget(self, id)
        self.annotate(id, None)
        self.model[id] = {}

    @invariant()
    def the_counts_are_right(self):
        for id, wanted in getattr(self, "model", {}).items():
            shown = self.messages[id].extras.get("reactions", {})
            assert {emoji: each["count"] for emoji, each in shown.items()} == {
                e: len(u) for e, u in wanted.items()
            }
            assert list(shown) == list(wanted)
            for emoji, each in shown.items():
                assert each["users"] == wanted[emoji][: len(each["users"])]
                assert len(each["users"]) == min(len(wanted[emoji]), 50)
            rows = self.execute(ALL, message_id=id)
            assert sorted((row["emoji"], row["user_id"]) for row in rows) == sorted(
                (e, u) for e, us in wanted.items() for u in us
            )


TestReactions = ReactionMachine.TestCase
TestReactions.settings = settings(max_examples=20, stateful_step_count=25, deadline=None)
