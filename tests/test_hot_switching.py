"""Every bundled plugin is switched off, on and over, twenty times, while people chat: no client notices."""

from __future__ import annotations

import asyncio
import gc
import weakref

from sqlalchemy import text

from chatserver.testing import Refused

ENABLED = {"basics": {}, "moderation": {}, "emoji": {}, "history": {}, "files": {}}
ROUNDS = 20
CHATTING = """
import asyncio
from chatserver import Plugin, command, hookimpl, settings

class Chatting(Plugin):
    migrations = ("CREATE TABLE chatting_seen (message TEXT)",)

    @settings
    class Settings:
        word: str = ""

    @hookimpl
    async def startup(self):
        self.every(0.01, self.tick)
        self.spawn(asyncio.Event().wait())

    def tick(self):
        pass

    @hookimpl
    async def before_post(self, draft):
        await asyncio.sleep(0)

    @hookimpl
    async def after_post(self, message):
        await asyncio.sleep(0)

    @hookimpl(events=("message",))
    def in_commit(self, tx, events):
        tx.executemany("INSERT INTO chatting_seen VALUES (:id)", [{"id": event.message_id} for event in events])
"""


def states():
    """The plugins of each moment of a round."""
    yield {"basics": {}, "emoji": {}}
    yield {"history": {"replay": 3}, "moderation": {"words": ["nonsense"]}, "files": {"max_bytes": 1000}}
    yield ENABLED


async def talk(client, stop):
    """Send one message after the other; how many."""
    sent = 0
    while not stop.is_set():
        await client.says(f"{client.name} {sent}")
        sent += 1
    return sent


async def ask(client, stop):
    """Ask what a plugin answers; it may be away just now, and nothing else may be wrong."""
    while not stop.is_set():
        try:
            await client.ask("history", room="general", limit=3)
            await client.says("/who")
        except Refused as refused:
            if refused.code not in ("unknown_type", "not_found"):
                raise
            # As a client does: it asks again once it is told that there are other plugins.
            await client.hears("plugins")


def tasks_now():
    """What runs, by what it does: the waiting of one task for an event may be a task of its own."""
    running = sorted(task.get_coro().__qualname__ for task in asyncio.all_tasks())
    return [name for name in running if name != "Event.wait"]


async def test_no_client_notices_and_nothing_is_left(chat, tmp_path, eventually):
    (tmp_path / "chatting.py").write_text(CHATTING)
    own = {"chatting": {}}
    options = {"dirs": [tmp_path], "settings": {"store": {"url": "sqlite:"}}}
    async with chat(plugins={**ENABLED, **own}, **options) as server:
        alice, bob, carol, dave = await server.join("general", "alice", "bob", "carol", "dave")
        # What is made with the first reload, and kept, is no leak.
        await server.reload({**ENABLED, **own})
        tasks = tasks_now()
        tables = await tables_of(server)
        old, stop = [], asyncio.Event()
        working = [asyncio.ensure_future(talk(client, stop)) for client in (alice, bob)]
        asking = asyncio.ensure_future(ask(carol, stop))
        for _ in range(ROUNDS):
            for state in states():
                old += [weakref.ref(plugin.instance) for plugin in server.server.host.current.plugins]
                old.append(weakref.ref(server.server.host.current))
                await server.reload({**state, "chatting": {"word": str(len(old))}})
        stop.set()
        sent = await asyncio.gather(*working)
        heard = [event for event in await dave.heard() if event["user"]["name"] != "carol"]
        for client, count in zip((alice, bob), sent, strict=True):
            own_words = [event["content"] for event in heard if event["user"]["id"] == client.id]
            assert own_words == [f"{client.name} {number}" for number in range(count)]
        seqs = [event["seq"] for event in dave.everything if event.get("seq") and event["type"] != "ok"]
        assert seqs == sorted(set(seqs))
        assert min(sent) > ROUNDS
        await server.http("GET", "/plugins/chatting/nothing")
        await server.reload({**ENABLED, **own})
        await asking
        await eventually(lambda: tasks_now() == tasks)
        assert await tables_of(server) == tables
        here = {id(plugin.instance) for plugin in server.server.host.current.plugins}
        gc.collect()
        left = [ref() for ref in old]
        assert [each for each in left if each is not None and id(each) not in here] == []


async def tables_of(server):
    def names(conn):
        return sorted(conn.execute(text("SELECT name FROM sqlite_master")).scalars())

    return await server.services.store.read(names)
