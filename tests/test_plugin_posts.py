"""What plugins post: as themselves, with a shown name, with buttons, and what is kept and told of it."""

from __future__ import annotations

import pytest

from chatserver import Reject

PLUGIN = """
from chatserver import Plugin, hookimpl


class Robot(Plugin):
    @hookimpl
    def register_events(self):
        return ["pressed"]
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


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"actions": ["yes"]}, TypeError),
        ({"actions": [{"id": "yes"}]}, TypeError),
        ({"actions": [{"id": "", "label": "Yes"}]}, TypeError),
        ({"actions": [{"id": "yes", "label": "Yes", "more": object()}]}, TypeError),
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
