"""Mentions: @here, @room, groups and keywords are counted like names, and the list of all survives."""

from __future__ import annotations

import pytest
from chatserver_plugins.mentions.keywords import Keywords
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from chatserver.testing import Clock, Refused

pytestmark = pytest.mark.storage

GROUPS = {"groups": {"backend": ["bob", "Carol", "gone"]}}


async def count(client, room="general"):
    rooms = (await client.ask("rooms")).rooms
    return next(each["mentions"] for each in rooms if each["name"] == room)


async def mentions(client, **fields):
    reply = await client.ask("mentions", **fields)
    return [(each["message"]["content"], each["read"]) for each in reply.mentions]


async def refused(client, type, **fields):
    with pytest.raises(Refused) as refusal:
        await client.ask(type, **fields)
    return refusal.value.code, refusal.value.field


async def test_room_here_and_groups_mention_members(chat):
    people = {"mona": "moderator", "bob": "member", "carol": "member"}
    async with chat(plugins={"mentions": GROUPS, "history": {}}, accounts=people) as server:
        mona, bob, carol, dan = await server.join("general", "mona", "bob", "carol", "dan")
        await dan.leave()
        await mona.says("（@room） tea")
        heard = await bob.hears("message")
        assert heard.extras == {"mentions": {"room": True}}
        assert (await bob.hears("mention")).message_id == heard.message_id
        assert await count(carol) == 1
        assert await mona.heard("mention") == []
        await mona.says("@backend's turn")
        assert (await bob.hears(content="@backend's turn")).extras["mentions"] == {
            "groups": ["backend"],
            "users": sorted([bob.id, carol.id], key=[bob.id, carol.id].index),
        }
        assert [await count(each) for each in (bob, carol)] == [2, 2]
        # Here are those who are here.
        again = await server.client(token=dan.token)
        assert await count(again) == 1
        await again.leave()
        await mona.says("@here now")
        again = await server.client(token=dan.token)
        assert [await count(each) for each in (bob, again)] == [3, 1]
        # What only looks like one is none.
        await mona.says("a@room.org @rooms /@herelser `@heretic`")
        assert await count(bob) == 3


async def test_who_may_not_call_all_is_told_so(chat):
    async with chat(plugins=["mentions", "history"]) as server:
        alice, bob = await server.join("general", "alice", "bob")
        await alice.says("@room @here hello")
        assert {(await alice.hears("notice")).text for _ in range(2)} == {
            "@room mentions no one: you may not.",
            "@here mentions no one: you may not.",
        }
        assert (await bob.hears()).content == "@room @here hello"
        assert await bob.heard("mention") == []
        assert await count(bob) == 0


async def test_too_many_are_refused(chat):
    async with chat(plugins={"mentions": {"most": 1}}, accounts={"mona": "moderator"}) as server:
        mona, bob = await server.join("general", "mona", "bob")
        with pytest.raises(Refused, match="more than 1 people"):
            await mona.says("@room")
        assert await bob.heard() == []


async def test_edits_and_deletions_count_once_and_no_longer(chat):
    async with chat(plugins=["mentions", "history"], accounts={"mona": "moderator"}) as server:
        mona, bob = await server.join("general", "mona", "bob")
        id = (await mona.says("hello")).message_id
        await mona.ask("edit", message_id=id, content="hello @room")
        assert (await bob.hears("edited")).extras == {"mentions": {"room": True}}
        await bob.hears("mention")
        await mona.ask("edit", message_id=id, content="hello @room and @bob")
        assert await bob.heard("mention") == []
        assert (await count(bob), await mentions(bob)) == (1, [("hello @room and @bob", False)])
        await mona.ask("edit", message_id=id, content="hello")
        assert (await count(bob), await mentions(bob)) == (0, [])
        (event,) = [
            each for each in (await bob.ask("history", room="general")).events if each["type"] == "message"
        ]
        assert "extras" not in event
        gone = (await mona.says("@bob")).message_id
        await mona.ask("delete", message_id=gone)
        assert (await count(bob), await mentions(bob)) == (0, [])


async def test_keywords_mention_those_who_wait_for_them(chat):
    async with chat(plugins=["mentions", "history"], settings={"store": {"url": "sqlite:"}}) as server:
        alice, bob = await server.join("general", "alice", "bob")
        reply = await bob.ask("mentions:wishes", keywords=["Tea", "release  plan", "上線", "!!"])
        assert reply.keywords == ["Tea", "release plan", "上線"]
        assert (await bob.hears("mentions:wishes")).keywords == reply.keywords
        for text in ("TEA!", "the release plan", "今天上線了"):
            await alice.says(text)
            heard = await bob.hears("message", content=text)
            assert (await bob.hears("mention")).message_id == heard.message_id
            # It is known to no one else.
            assert "extras" not in heard
        for text in ("teapot", "release the plan", "steam", "上 線"):
            await alice.says(text)
        await bob.says("my own tea")
        assert await bob.heard("mention") == []
        assert len(await mentions(bob)) == 3
        token = bob.token
        await server.restart()
        alice, bob = await server.client("ally"), await server.client(token=token)
        await alice.join("general")
        await alice.says("tea")
        await bob.hears("mention")
        await bob.ask("mentions:wishes", keywords=[])
        await alice.says("tea")
        assert await bob.heard("mention") == []


async def test_the_list_goes_over_all_rooms_page_by_page(chat):
    rooms = [{"name": name} for name in ("general", "tea", "left")]
    async with chat(
        plugins=["mentions", "history"], settings={"rooms": rooms, "limits": {"burst": 500}}
    ) as server:
        alice, bob = await server.client("alice"), await server.client("bob")
        for room in ("general", "tea", "left"):
            for client in (alice, bob):
                await client.join(room)
        texts = []
        for number in range(12):
            room = ("general", "tea", "left")[number % 3]
            text = f"{number} for @bob"
            await alice.says(text, room)
            texts += [text] if room != "left" else []
        await alice.says("for @bob too", to="bob")
        texts.append("for @bob too")
        await bob.ask("leave", room="left")
        read = max(each.seq for each in await bob.heard() if each["room"] == "tea")
        await bob.ask("read", room="tea", seq=read)
        found, before = [], None
        for _ in range(20):
            page = await bob.ask("mentions", before=before, limit=2)
            found += [(each["message"]["content"], each["room"], each["read"]) for each in page.mentions]
            assert page.more == (page.before is not None)
            before = page.before
            if before is None:
                break
        assert [text for text, _, _ in found] == texts[::-1]
        assert all(seen == (room == "tea") for _, room, seen in found)
        await bob.says("/mentions")
        lines = (await bob.hears("notice")).text.splitlines()
        assert lines[0] == "• alice: for @bob too"
        assert await mentions(alice) == []


async def test_counts_are_the_same_on_every_device_and_after_being_away(chat):
    async with chat(
        plugins=["mentions", "history"], accounts={"mona": "moderator", "bob": "member"}
    ) as server:
        mona, bob = await server.join("general", "mona", "bob")
        other = await server.client("bob")
        await bob.leave()
        await mona.says("@room one")
        await mona.says("@bob two")
        bob = await server.client("bob")
        counts = {each["name"]: each["mentions"] for each in bob.welcome.rooms}
        assert (counts["general"], await count(other)) == (2, 2)
        await other.ask("read", room="general", seq=other.seen["general"])
        assert (await count(bob), await count(other)) == (0, 0)
        assert await mentions(bob) == [("@bob two", True), ("@room one", True)]


async def test_a_level_is_for_all_devices_and_ends(chat):
    clock = Clock()
    async with chat(plugins=["mentions"], clock=clock, accounts={"mona": "moderator"}) as server:
        mona, bob = await server.join("general", "mona", "bob")
        until = clock.now + 3600
        await bob.ask("notify", room="general", level="none", until=until)
        told = await bob.hears("mentions:wishes")
        assert told.levels == {"general": {"level": "none", "until": until}}
        # A room that one doesn't want to hear of: by name alone.
        await mona.says("@room")
        await mona.says("@bob")
        named = await bob.hears("message", content="@bob")
        assert (await bob.hears("mention")).seq == named.seq
        assert await count(bob) == 1
        await clock.move(3601)
        await mona.says("@room")
        assert await count(bob) == 2
        await bob.says("/notify all")
        assert (await bob.ask("mentions:wishes")).levels == {"general": {"level": "all", "until": None}}
        await bob.says("/notify default")
        reply = await bob.ask("mentions:wishes")
        assert (reply.levels, reply.known) == ({}, True)
        assert (await mona.ask("mentions:wishes")).known is False


async def test_quiet_times_and_commands(chat):
    clock = Clock()
    async with chat(plugins=["mentions"], clock=clock) as server:
        (bob,) = await server.join("general", "bob")
        quiet = {"until": 0.0, "daily": True, "from": "22:30", "to": "06:15"}
        assert (await bob.ask("mentions:wishes", quiet=quiet)).quiet == quiet
        await bob.says("/dnd 2h")
        assert (await bob.ask("mentions:wishes")).quiet == {**quiet, "until": clock.now + 7200}
        await bob.says("/dnd off")
        await bob.says("/keywords tea, release plan")
        reply = await bob.ask("mentions:wishes", level="all")
        assert (reply.quiet, reply.keywords, reply.level) == (quiet, ["tea", "release plan"], "all")
        await bob.says("/keywords none")
        assert (await bob.ask("mentions:wishes")).keywords == []


@pytest.mark.parametrize(
    ("type", "fields", "answer"),
    [
        ("mentions", {"limit": 0}, ("invalid", "limit")),
        ("mentions", {"before": "x"}, ("invalid", "before")),
        ("mentions", {"before": "1.5.2"}, ("invalid", "before")),
        ("notify", {"room": "nowhere", "level": "all"}, ("not_found", "room")),
        ("notify", {"room": "cellar", "level": "all"}, ("not_found", "room")),
        ("notify", {"room": "general", "level": "loud"}, ("invalid", "level")),
        ("notify", {"room": "general", "level": "all", "until": 5}, ("invalid", "until")),
        ("notify", {"room": "general", "until": 9e9}, ("invalid", "until")),
        ("mentions:wishes", {"keywords": ["x" * 61]}, ("invalid", "keywords[0]")),
        ("mentions:wishes", {"keywords": ["x"] * 51}, ("invalid", "keywords")),
        ("mentions:wishes", {"quiet": {"from": "24:00"}}, ("invalid", "quiet.from")),
        ("mentions:wishes", {"level": 3}, ("invalid", "level")),
    ],
)
async def test_bad_wishes_are_refused(chat, type, fields, answer):
    rooms = [{"name": "general"}, {"name": "cellar", "kind": "private"}]
    async with chat(plugins=["mentions"], settings={"rooms": rooms}) as server:
        (bob,) = await server.join("general", "bob")
        assert await refused(bob, type, **fields) == answer
        assert (await bob.ask("mentions:wishes")).known is False


@pytest.mark.parametrize(
    "groups", [{"here": ["a"]}, {"two words": ["a"]}, {"": []}, {"a@b": []}, {"x" * 33: []}]
)
async def test_groups_that_can_not_be_called_stop_the_start(chat, groups):
    with pytest.raises(Exception, match="groups"):
        await chat(plugins={"mentions": {"groups": groups}}).start()


class KeywordMachine(RuleBasedStateMachine):
    """The index of all users' words against looking for each alone."""

    def __init__(self):
        super().__init__()
        self.index, self.words = Keywords(), {}

    @rule(
        user=st.sampled_from(["u1", "u2", "u3"]),
        words=st.lists(
            st.sampled_from(["tea", "tea time", "Tea", "上線", "線", "a.b", "!", "線 tea"]), max_size=4
        ),
    )
    def put(self, user, words):
        self.index.put(user, words)
        self.words[user] = words

    @rule(
        text=st.lists(st.sampled_from(["tea", "time", " ", "上", "線", ".", "a", "b", "x"]), max_size=8).map(
            "".join
        )
    )
    def find(self, text):
        expected = []
        for user, words in sorted(self.words.items()):
            alone = Keywords()
            alone.put(user, words)
            expected += alone.users(text)
            for word in words:
                if f" {text} ".find(f" {word.lower()} ") >= 0 and word != "!":
                    assert user in self.index.users(text)
        assert self.index.users(text) == expected

    @invariant()
    def nothing_is_left_of_words_that_are_gone(self):
        assert bool(self.index) == any(word != "!" for words in self.words.values() for word in words)


TestKeywords = KeywordMachine.TestCase
TestKeywords.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)
