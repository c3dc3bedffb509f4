"""What plugins are told afterwards: each at its own pace, in order, and no more than can wait."""

from __future__ import annotations

from tests.test_metrics import scraped

SLOW = """
import asyncio
from chatserver import Plugin, command, hookimpl

class Slow(Plugin):
    def __init__(self, *args):
        super().__init__(*args)
        self.go = asyncio.Event()
        self.told = []

    @hookimpl
    async def after_post(self, message):
        await self.go.wait()
        self.told.append(message.content)

    @hookimpl
    async def after_delete(self, message):
        self.told.append("deleted")

    @command()
    def release(self, ctx):
        self.go.set()
"""
QUICK = """
from chatserver import Plugin, hookimpl

class Quick(Plugin):
    told = ()

    @hookimpl
    def after_event(self, event):
        self.told += (f"{event.room} {event.type}",)
"""


def written(folder):
    (folder / "slow.py").write_text(SLOW)
    (folder / "quick.py").write_text(QUICK)
    return {"plugins": ["slow", "quick"], "dirs": [folder]}


async def test_a_slow_plugin_delays_only_itself(chat, tmp_path, eventually):
    async with chat(**written(tmp_path)) as server:
        slow, quick = (server.server.host.current.peer(name) for name in ("slow", "quick"))
        (alice,) = await server.join("general", "alice")
        sent = await alice.says("one")
        await alice.says("two")
        await alice.ask("delete", message_id=sent.message_id)
        await eventually(lambda: quick.told[-3:] == (*["general message"] * 2, "general deleted"))
        assert slow.told == []
        assert server.services.notifier.waiting() == {"slow": 2, "quick": 0}
        await alice.says("/release")
        await eventually(lambda: slow.told == ["one", "two", "deleted"])


async def test_what_a_plugin_is_too_slow_for_is_dropped_counted_and_told(chat, tmp_path, eventually, caplog):
    async with chat(**written(tmp_path), sizes={"plugin_calls": 2}) as server:
        slow, quick = (server.server.host.current.peer(name) for name in ("slow", "quick"))
        root = await server.account("root", "admin")
        await root.join("general")
        for number in range(5):
            await root.says(str(number))
        told = await root.hears("notice")
        assert told.text == "The plugin slow is too slow: 2 calls wait for it, and new ones are dropped."
        await eventually(lambda: quick.told.count("general message") == 5)
        figures = await scraped(server)
        for name, plugin, value in [
            ("notifications_waiting", "slow", 2),
            ("notifications_dropped_total", "slow", 2),
            ("notifications_dropped_total", "quick", 0),
        ]:
            assert figures["chatserver_" + name, (("plugin", plugin),)] == value
        await root.says("/release")
        await eventually(lambda: slow.told == ["0", "1", "2"])
        assert "plugin slow has caught up; 2 calls were dropped" in caplog.messages
        assert not await root.heard("notice")


async def test_a_stop_waits_for_what_was_not_told_yet(chat, tmp_path):
    async with chat(**written(tmp_path)) as server:
        slow = server.server.host.current.peer("slow")
        (alice,) = await server.join("general", "alice")
        for number in range(5):
            await alice.says(str(number))
        await alice.says("/release")
    assert slow.told == ["0", "1", "2", "3", "4"]


async def test_a_stop_does_not_wait_without_end(chat, tmp_path, caplog):
    async with chat(**written(tmp_path), timeouts={"stop_hooks": 0.05}) as server:
        slow = server.server.host.current.peer("slow")
        (alice,) = await server.join("general", "alice")
        await alice.says("one")
        await alice.says("two")
    assert slow.told == []
    assert any("stopping without all after_ hooks" in text for text in caplog.messages)


TWICE = """
from chatserver import Plugin, hookimpl

class Twice(Plugin):
    told = ()

    @hookimpl
    def after_post(self, message):
        self.told += ("first",)

    @hookimpl(specname="after_post")
    async def remember(self, message):
        self.told += ("second",)
"""


async def test_two_methods_of_one_hook_are_called_once_each(chat, tmp_path, eventually):
    (tmp_path / "twice.py").write_text(TWICE)
    async with chat(plugins=["twice"], dirs=[tmp_path]) as server:
        (alice,) = await server.join("general", "alice")
        await alice.says("one")
        await alice.says("two")
        twice = server.server.host.current.peer("twice")
        await eventually(lambda: sorted(twice.told) == ["first", "first", "second", "second"])
