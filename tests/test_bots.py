"""The users of plugins, and what they may do."""

from __future__ import annotations

import asyncio

import pytest

from chatserver import Reject, Request
from chatserver.testing import Refused

ROBOT = """
from chatserver import Plugin, hookimpl


class Robot(Plugin):
    answered = 0

    @hookimpl
    def register_events(self):
        return ["beeped"]

    @hookimpl
    async def after_post(self, message):
        if message.plugin != self.name:
            await self.chat.post(message.room, f"beep, {message.user.name}", reply_to=message.id)
"""
OTHER = "from chatserver import Plugin\n\n\nclass Other(Plugin):\n    pass\n"


@pytest.fixture
def make(chat, on_file, tmp_path):
    (tmp_path / "robot.py").write_text(ROBOT)
    (tmp_path / "other.py").write_text(OTHER)
    settings = {**on_file, "rooms": [{"name": "general"}, {"name": "tea"}]}

    def make(plugins=("robot", "other"), **options):
        return chat(plugins=plugins, settings=settings, dirs=[tmp_path], **options)

    return make


def plugin(server, name="robot"):
    return server.server.host.current.peer(name)


async def test_a_plugin_answers_as_its_own_user(make):
    async with make() as server:
        (alice,) = await server.join("general", "alice")
        await alice.says("hello")
        await alice.hears()
        answer = await alice.hears()
        bot = answer.user
        assert (bot["name"], bot["display_name"], bot["bot"]) == ("robot", "robot", True)
        assert (answer.content, answer.plugin) == ("beep, alice", "robot")
        # It joins nothing.
        assert len((await alice.ask("members", room="general"))["members"]) == 1
        await server.restart()
        alice = await server.client(token=alice.token)
        await alice.says("again", "general")
        assert (await alice.hears(content="beep, alice")).user == bot
        told = (await alice.ask("sync", room="general", after=1))["events"]
        assert [event["user"] for event in told if event["content"] == "beep, alice"] == [bot, bot]


async def test_a_bot_is_made_once_and_can_be_changed(make):
    async with make() as server:
        robot = plugin(server)
        one, *others = await asyncio.gather(*(robot.bot() for _ in range(5)))
        assert all(other == one for other in others)
        assert (one.name, one.role, one.bot) == ("robot", "member", True)
        changed = await robot.bot(display_name="The  robot", role="moderator")
        assert (changed.id, changed.display_name, changed.role) == (one.id, "The robot", "moderator")
        assert await robot.bot() == changed
        ci = await robot.chat.bot("ci", display_name="CI")
        assert ci.id != one.id
        assert await robot.chat.user("ci") == ci
        message = await robot.chat.post("general", "built", user=ci)
        assert message.user == ci
        await server.restart()
        assert await plugin(server).bot() == changed
        assert await plugin(server).chat.bot("ci") == ci


async def test_a_name_is_one_users(make):
    async with make() as server:
        robot, other = plugin(server), plugin(server, "other")
        await server.join("general", "alice")
        await server.account("carol")
        await robot.chat.bot("ci")
        for name in ("alice", "carol", "CAROL"):
            with pytest.raises(Reject, match=f"'robot' can't have a bot called '{name}'") as refused:
                await robot.chat.bot(name)
            assert (refused.value.code, refused.value.field) == ("name_taken", "name")
        with pytest.raises(Reject, match="another user has this name"):
            await other.chat.bot("ci")
        with pytest.raises(Reject) as refused:
            await robot.bot(display_name="carol")
        assert refused.value.code == "name_taken"
        for name in ("", "two words", "x" * 33):
            with pytest.raises(Reject) as refused:
                await robot.chat.bot(name)
            assert refused.value.code == "invalid"
        for name in ("ci", "robot"):
            with pytest.raises(Refused) as refused:
                await server.client(name)
            assert refused.value.code == "name_taken"


async def test_no_one_signs_in_as_a_bot(make):
    async with make() as server:
        bot, accounts = await plugin(server).bot(), server.services.accounts
        credentials = server.services.credentials
        for attempt in (
            accounts.tokens.issue(bot, "session"),
            credentials.set_password(bot, "correct horse"),
        ):
            with pytest.raises(Reject, match="no one can sign in as it"):
                await attempt
        with pytest.raises(Reject) as refused:
            await credentials.with_password("robot", "correct horse", Request("127.0.0.1"))
        assert refused.value.code == "unauthorized"


async def test_a_bot_posts_to_public_rooms_and_to_private_ones_that_it_is_in(make):
    async with make() as server:
        bob = await server.account("bob")
        await server.api("POST", "rooms", {"name": "den", "kind": "private"}, token=bob.token)
        robot = plugin(server)
        chat, bot = robot.chat, await robot.bot()
        for attempt in (
            chat.post("den", "x"),
            chat.may_post("den"),
            chat.append("den", "beeped", {}, as_message=True),
        ):
            with pytest.raises(Reject, match="invite it") as refused:
                await attempt
            assert refused.value.code == "not_member"
        await chat.invite("den", bot, by=await chat.user("bob"))
        await chat.post("den", "now")
        assert (await bob.hears(room="den")).user["bot"] is True
        # A direct room is made by the first message.
        await chat.post_direct(await chat.user("bob"), "psst", extra={"n": 1})
        told = await bob.hears(content="psst")
        assert (told.user["name"], told.extras) == ("robot", {"robot": {"n": 1}})


async def test_a_bot_is_muted_banned_and_answered_like_anyone(make):
    async with make() as server:
        admin = await server.account("anna", "admin")
        await admin.join("general")
        robot = plugin(server)
        chat, bot, anna = robot.chat, await robot.bot(), await robot.chat.user("anna")
        message = await chat.post("general", "one")
        assert (await chat.edit(message.id, "two")).content == "two"
        await chat.delete(message.id)
        with pytest.raises(Reject) as refused:
            await chat.kick("general", anna)
        assert refused.value.code == "forbidden"
        await chat.mute("general", bot, by=anna)
        for attempt in (chat.post("general", "x"), chat.may_post("general")):
            with pytest.raises(Reject) as refused:
                await attempt
            assert refused.value.code == "muted"
        await chat.unmute("general", bot, by=anna)
        await chat.may_post("general")
        await chat.change_room("general", by=anna, archived=True)
        with pytest.raises(Reject) as refused:
            await chat.may_post("general")
        assert refused.value.code == "forbidden"


async def test_a_plugin_acts_where_the_settings_let_it(make):
    async with make({"robot": {"rooms": ["tea"]}, "other": {}}) as server:
        await server.join("general", "alice")
        robot = plugin(server)
        assert [robot.here(room) for room in ("tea", "#Tea", "general")] == [True, True, False]
        assert plugin(server, "other").here("general")
        await robot.chat.post("tea", "here")
        alice = await robot.chat.user("alice")
        for attempt in (
            robot.chat.post("general", "x"),
            robot.chat.post_direct(alice, "x"),
            robot.chat.append("general", "beeped", {}),
            robot.chat.may_post("general"),
        ):
            with pytest.raises(Reject, match="works in these rooms only"):
                await attempt
        with pytest.raises(Reject, match="works in these rooms only"):
            robot.chat.publish("general", "x", {})


@pytest.mark.parametrize(
    ("nonce", "error"), [("", Reject), ("n" * 65, Reject), (7, TypeError), (b"n", TypeError)]
)
async def test_a_wrong_nonce_of_a_plugin_is_refused(make, nonce, error):
    async with make(["other"]) as server:
        (alice,) = await server.join("general", "alice")
        with pytest.raises(error, match="nonce"):
            await plugin(server, "other").chat.post("general", "hello", nonce=nonce)
        assert not await alice.heard("message")
