"""Nothing reaches more than one connection but over the bus, and each durable event says its place in the log there."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager

import pytest

from chatserver.config import load
from chatserver.delivery.bus_local import LocalBus
from chatserver.model.tuning import Timeouts
from chatserver.server.server import ChatServer
from chatserver.testing import Client
from chatserver.testing.settings import write_settings


class Watched(LocalBus):
    """Carries all, and keeps what it carried; ``cut`` it carries nothing."""

    def __init__(self, deliver, deliver_apart):
        super().__init__(deliver, deliver_apart)
        self.carried = []
        self.cut = False

    def publish(self, topic, payload, position=None, *, ephemeral=False):
        if not self.cut:
            self.carried.append((topic, json.loads(payload), position and position.seq, ephemeral))
            super().publish(topic, payload, position, ephemeral=ephemeral)

    def publish_apart(self, topic, payload, instead, users, position=None):
        if not self.cut:
            self.carried.append((topic, json.loads(payload), position and position.seq, False))
            super().publish_apart(topic, payload, instead, users, position)

    def here(self, topic, payload, instead=None, users=(), *, ephemeral=False):
        if not self.cut:
            self.carried.append((topic, json.loads(payload), None, ephemeral))
            super().here(topic, payload, instead, users, ephemeral=ephemeral)


@pytest.fixture
def watched(tmp_path):
    @asynccontextmanager
    async def run():
        plugins = ["basics", "moderation"]
        settings = load(write_settings(tmp_path, plugins=plugins, store="memory:"), {})
        server = ChatServer(settings, strict=True, timeouts=Timeouts(presence_grace=0.0), make_bus=Watched)
        await server.start()
        clients = []

        async def client(name, role="member"):
            user = await server.services.accounts.add(name, "correct horse", role)
            clients.append(each := Client(f"ws://127.0.0.1:{server.port}/ws"))
            await each.hello(token=await server.services.accounts.tokens.issue(user, "session"))
            return each

        try:
            yield server, client
        finally:
            for each in clients:
                await each.leave()
            await server.stop()

    return run


async def act(alice, bob):
    """All kinds of things that others hear of."""
    for each in (alice, bob):
        await each.join("general")
    sent = await bob.says("hello @alice")
    await bob.ask("edit", message_id=sent.message_id, content="hello")
    await bob.ask("typing", room="general", on=True)
    await bob.ask("presence", status="away")
    await alice.ask("read", room="general", seq=sent.seq)
    await bob.says("to you alone", to="alice")
    await alice.says("/topic news")
    await alice.says("/kick bob enough")


async def test_each_durable_event_says_its_place_and_nothing_else_does(watched):
    async with watched() as (server, client):
        await act(await client("alice", "moderator"), await client("bob"))
        places: dict[str, list[int]] = {}
        for topic, event, seq, ephemeral in server.services.bus.carried:
            if seq is not None:
                assert (topic, seq, ephemeral) == (event["room"], event["seq"], False)
                places.setdefault(topic, []).append(seq)
        for seqs in places.values():
            assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
        durable, other = (
            {event["type"] for _, event, seq, _ in server.services.bus.carried if (seq is not None) is wanted}
            for wanted in (True, False)
        )
        assert durable == {"message", "edited", "room", "member"}
        assert other == {"rooms", "kicked", "mention", "read", "joined", "left", "typing", "presence"}
        lost = {event["type"] for _, event, _, ephemeral in server.services.bus.carried if ephemeral}
        assert lost == {"read", "joined", "left", "typing", "presence"}


async def test_without_the_bus_a_client_hears_nothing_of_others(watched):
    async with watched() as (server, client):
        alice, bob = await client("alice", "moderator"), await client("bob")
        server.services.bus.cut = True
        before = len(alice.everything), len(bob.everything)
        await act(alice, bob)
        heard = [event for each, n in zip((alice, bob), before, strict=True) for event in each.everything[n:]]
        # Replies, and what a command answers to the one who gave it.
        assert {event["type"] for event in heard} <= {"ok", "notice"}
