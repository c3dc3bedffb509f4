"""What plugins post: as themselves, with a shown name, with buttons, and what is kept and told of it."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from chatserver import Also, Conflict, Reject, User

NO_SUCH = "no such table|no such column|does not exist"
"""What the drivers say of tables and columns that aren't there."""
PLUGIN = """
from chatserver import Plugin, hookimpl


class Robot(Plugin):
    migrations = ("CREATE TABLE robot_entry (guid TEXT NOT NULL PRIMARY KEY, message TEXT)",)

    @hookimpl
    def register_events(self):
        return ["pressed"]

    asked = answer = None

    @hookimpl
    async def may(self, user, permission, room):
        if self.answer is not None and permission == "message.post":
            self.asked.set()
            await self.answer.wait()
"""
BUTTONS = [{"id": "yes", "label": "Approve", "style": "primary"}, {"id": "no", "label": "No"}]


@pytest.fixture
def server(chat, on_file, tmp_path):
    (tmp_path / "robot.py").write_text(PLUGIN)
    settings = {**on_file, "rooms": [{"name": "general"}, {"name": "other"}]}
    return chat(plugins=["robot", "history"], settings=settings, dirs=[tmp_path])


def robot_of(server):
    return server.server.host.current.peer("robot")


async def stored(server, client) -> list[dict]:
    """The log as all ways of reading it show it, which is the same."""
    events = (await client.ask("sync", room="general", after=1))["events"]
    _, *paged = (await client.ask("history", room="general", limit=100))["events"]
    assert paged == [event for event in events if event["type"] in ("message", "member", "room")]
    tab = await server.client(
        token=client.token, resume={"epoch": client.welcome["epoch"], "rooms": {"general": 1}}
    )
    resumed = [event for event in tab.everything if event.get("room") == "general"]
    await tab.leave()
    assert resumed == events
    return events


async def test_a_shown_name_and_buttons_go_with_the_message_everywhere(server):
    async with server:
        (alice,) = await server.join("general", "alice")
        chat = robot_of(server).chat
        user = await chat.user("alice")
        message = await chat.post("general", "hi", user=user, display_name=" Build  bot ", actions=BUTTONS)
        named = [{**button, "plugin": "robot"} for button in BUTTONS]
        assert (message.plugin, message.display_name, list(message.actions)) == ("robot", "Build bot", named)
        await chat.post("general", "plain", user=user)
        await alice.says("of a person")
        live = await alice.heard()
        shown = [[event.get(name) for name in ("plugin", "display_name", "actions")] for event in live]
        assert shown == [["robot", "Build bot", named], ["robot", None, None], [None, None, None]]
        assert "bot" not in live[0].user
        assert [dict(event) for event in live] == await stored(server, alice)
        await server.restart()
        alice = await server.client(token=alice.token)
        assert [dict(event) for event in live] == await stored(server, alice)


async def test_buttons_change_with_an_event_and_go_with_the_text(server):
    async with server:
        (alice,) = await server.join("general", "alice")
        chat = robot_of(server).chat
        user = await chat.user("alice")
        message = await chat.post("general", "hi", user=user, actions=BUTTONS)

        async def press(**what):
            return await chat.append(
                "general", "pressed", {}, user=user, also=lambda tx: tx.annotate(message.id, **what)
            )

        await press(actions=[{"id": "undo", "label": "Undo"}])
        told = (await alice.hears("robot:pressed")).actions
        assert told == [{"id": "undo", "label": "Undo", "plugin": "robot"}]
        _, event = await stored(server, alice)
        assert event["actions"] == told
        # An event that leaves them alone doesn't tell them.
        await press(extra={"by": 1})
        assert "actions" not in await alice.hears("robot:pressed")
        await press(actions=[])
        assert (await alice.hears("robot:pressed")).actions == []
        first, event, _, _ = await stored(server, alice)
        assert "actions" not in first
        assert event["actions"] == []
        await press(actions=BUTTONS)
        await chat.delete(message.id, by=user)
        first, *_ = await stored(server, alice)
        assert first["deleted"]
        assert (first["plugin"], first.get("actions")) == ("robot", None)


async def test_a_nonce_that_was_used_before_gives_the_message_of_then(server):
    async with server:
        (alice,) = await server.join("general", "alice")
        chat = robot_of(server).chat
        user = await chat.user("alice")
        first = await chat.post("general", "hi", user=user, nonce="feed-1")
        assert await chat.post("general", "hi", user=user, nonce="feed-1") == first
        with pytest.raises(Reject) as refused:
            await chat.post("general", "other", user=user, nonce="feed-1")
        assert refused.value.code == "nonce_conflict"
        assert len(await alice.heard()) == 1


DEEP = msgspec.Raw(b"[" * 99 + b"]" * 99)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"actions": ["yes"]}, TypeError),
        ({"actions": [{"id": "yes"}]}, TypeError),
        ({"actions": [{"id": "", "label": "Yes"}]}, TypeError),
        ({"actions": [{"id": "yes", "label": "Yes", "more": object()}]}, TypeError),
        ({"actions": [{"id": "yes", "label": "Yes", "data": DEEP}]}, ValueError),
        ({"actions": [{"id": "yes", "label": "Yes"}] * 2}, ValueError),
        ({"actions": [{"id": str(n), "label": "Yes"} for n in range(26)]}, ValueError),
        ({"display_name": " "}, Reject),
        ({"display_name": "x" * 65}, Reject),
        ({"display_name": "a\u202eb"}, Reject),
    ],
)
async def test_what_cant_go_with_a_message_is_told_to_the_plugin(server, wrong, error):
    async with server:
        (alice,) = await server.join("general", "alice")
        chat = robot_of(server).chat
        with pytest.raises(error):
            await chat.post("general", "hi", user=await chat.user("alice"), **wrong)
        assert not await alice.heard()


ENTRY = "INSERT INTO robot_entry (guid, message) VALUES (:guid, :message)"


async def test_what_is_written_along_with_a_message_is_there_with_it_or_not_at_all(server):
    async with server:
        (alice,) = await server.join("general", "alice")
        robot = robot_of(server)
        entries = "SELECT guid, message FROM robot_entry"

        def entry(guid):
            return lambda tx: tx.execute(ENTRY, guid=guid, message=tx.posted)

        posted = await robot.chat.post("general", "one", also=entry("1"), nonce="1")
        assert await robot.db.query(entries) == [{"guid": "1", "message": posted.id}]
        # Twice is once: the nonce tells.
        again = await asyncio.gather(
            *(robot.chat.post("general", "one", also=entry("1"), nonce="1") for _ in range(3))
        )
        assert [message.id for message in again] == [posted.id] * 3
        fresh = await asyncio.gather(
            *(robot.chat.post("general", "two", also=entry("2"), nonce="2") for _ in range(3))
        )
        assert len({message.id for message in fresh}) == 1
        for also in (entry("1"), [Also(ENTRY, {"guid": "1", "message": None})]):
            with pytest.raises(Conflict, match="guid"):
                await robot.chat.post("general", "no", also=also)
            with pytest.raises(Conflict):
                await robot.chat.append("general", "pressed", {}, also=also)
        with pytest.raises(Conflict):
            await robot.db.execute(ENTRY, guid="1", message=None)
        for wrong in ("INSERT INTO robot_nosuch VALUES (1)", "SELECT no SQL"):
            with pytest.raises(Exception, match=NO_SUCH):
                await robot.chat.post("general", "no", also=[Also(wrong)])
            with pytest.raises(Exception, match=NO_SUCH):
                await robot.chat.append("general", "pressed", {}, also=[Also(wrong)])

        def refuse(tx):
            tx.execute(ENTRY, guid="3", message=None)
            raise Reject("No.", "invalid")

        with pytest.raises(Reject, match="No"):
            await robot.chat.post("general", "no", also=refuse)
        with pytest.raises(ValueError, match="from the start"):
            await robot.chat.post("general", "no", also=lambda tx: tx.annotate(posted.id, {}))
        with pytest.raises(TypeError):
            await robot.chat.post("general", "no", also=["INSERT"])
        said = await asyncio.gather(
            robot.chat.post("general", "no", also=refuse), alice.says("person"), return_exceptions=True
        )
        assert isinstance(said[0], Reject)
        assert said[1].seq == fresh[0].seq + 1
        assert [row["guid"] for row in await robot.db.query(entries)] == ["1", "2"]
        assert [event.content for event in await alice.heard()] == ["one", "two", "person"]
        first, *_ = await stored(server, alice)
        assert first["message_id"] == posted.id


async def test_an_event_as_a_message_is_refused_after_a_mute_in_the_logs_order(server):
    async with server:
        await server.join("general", "alice")
        admin = await server.account("anna", "admin")
        await admin.join("general")
        robot = robot_of(server)
        chat = robot.chat
        alice, anna = await chat.user("alice"), await chat.user("anna")
        await chat.append("general", "pressed", {}, user=alice, as_message=True)
        robot.asked, robot.answer = asyncio.Event(), asyncio.Event()
        # Muted after it was found that she may, and before it is appended.
        pressed = asyncio.ensure_future(chat.append("general", "pressed", {}, user=alice, as_message=True))
        await robot.asked.wait()
        await chat.mute("general", alice, by=anna)
        robot.answer.set()
        with pytest.raises(Reject) as refused:
            await pressed
        assert refused.value.code == "muted"
        events = (await admin.ask("sync", room="general", after=1))["events"]
        assert [event["type"] for event in events] == ["robot:pressed", "member"]
        # Not as a message, it is the plugin's to decide.
        await chat.append("general", "pressed", {}, user=alice)
        await chat.unmute("general", alice, by=anna)
        await chat.leave("general", user=alice)
        with pytest.raises(Reject) as refused:
            await chat.append("general", "pressed", {}, user=alice, as_message=True)
        assert refused.value.code == "not_member"


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ([], TypeError),
        ({"a": object()}, TypeError),
        ({"a": "\ud800"}, UnicodeEncodeError),
        ({"room": 1}, ValueError),
        ({"a": "x" * 65_536}, ValueError),
    ],
)
async def test_data_that_cant_be_told_is_the_plugins_mistake(server, data, error):
    async with server:
        (alice,) = await server.join("general", "alice")
        chat = robot_of(server).chat
        with pytest.raises(error):
            await chat.append("general", "pressed", data)
        with pytest.raises(error):
            chat.publish("general", "pressed", data)
        await alice.says("hello")
        assert [event["type"] for event in await stored(server, alice)] == ["message"]


async def test_arguments_of_wrong_types_are_told_by_name(server):
    async with server:
        await server.join("general", "alice")
        chat = robot_of(server).chat
        for attempt, told in (
            (chat.post(7, "x"), "a room is a Room or its name, not int"),
            (chat.post("general", b"x"), "content is a text, not bytes"),
            (chat.post("general", "x", user="alice"), "a user is a User, not str"),
            (chat.append("general", "pressed", {}, user="alice"), "a user is a User, not str"),
        ):
            with pytest.raises(TypeError, match=told):
                await attempt
        for attempt, told in (
            (chat.post("general", "x", kind="polls:poll"), "begins with 'robot:'"),
            (chat.append("general", "nosuch", {}), "not among the events"),
        ):
            with pytest.raises(ValueError, match=told):
                await attempt
        stranger = User("u0", "nobody", "nobody", bot=True)
        for attempt in (
            chat.post("general", "x", user=stranger),
            chat.append("general", "pressed", {}, user=stranger),
        ):
            with pytest.raises(Reject, match="There is no user 'nobody'"):
                await attempt
        with pytest.raises(Reject) as refused:
            await chat.post("nosuch", "x")
        assert refused.value.code == "not_found"
