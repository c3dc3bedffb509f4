"""Anything at once on two nodes, with a Redis that loses much: both nodes are as the database is, and their clients."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from functools import partial

import pytest
from chaos_client import LATEST
from chaos_cluster import ROUNDS
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from lossy import LossyProxy

from chatserver.store.queries import events_after, room_state
from chatserver.testing import Harness, Refused

USERS = ("alice", "bob", "carl")
NODES = st.integers(0, 1)
REFUSALS = {
    "muted", "not_member", "forbidden", "not_found", "rev_conflict", "unavailable", "banned", "invalid",
    "rejected", "conflict",
}  # fmt: skip
TIMEOUTS = {"node_beat": 0.2, "node_silence": 3.0}

act = st.tuples(
    st.sampled_from(("say", "say", "say", "edit", "delete", "join", "leave", "mute", "unmute", "kick")),
    st.sampled_from(USERS),
    NODES,
)


class Screen:
    """What one user sees of a room on one node, by the rule for clients."""

    def __init__(self, node, token) -> None:
        self.node = node
        self.token = token
        self.events: dict[int, tuple[str, str | None]] = {}
        self.client = None
        self._taken = 0

    async def connect(self, room) -> None:
        """Connect, and resume."""
        if self.client is not None:
            self.note(room)
            epoch = self.client.welcome.epoch
            await self.client.leave()
            resume = {"epoch": epoch, "rooms": {room: max(self.events, default=0)}}
            self.client = await self.node.client(token=self.token, resume=resume)
        else:
            self.client = await self.node.client(token=self.token)
        self._taken = 0

    def note(self, room) -> None:
        """Take down what came."""
        news, self._taken = self.client.everything[self._taken :], len(self.client.everything)
        for event in news:
            if event.get("room") == room and "seq" in event and event["type"] not in ("ok", "read"):
                self.events.setdefault(event["seq"], (event["type"], event.get("message_id")))

    def follows(self, room, wanted) -> bool:
        """Whether the session of this screen follows the room, or not, as is wanted."""
        *_, session = self.node.services.sessions.of(self.client.id)
        return (room in session.rooms) == wanted


class Cluster:
    """Two nodes in this process, over a carrier that loses; each user has a screen on both."""

    def __init__(self, folder, database, proxy) -> None:
        bus = {"url": proxy.url, "prefix": secrets.token_hex(4)}
        self.nodes = []
        for number in range(2):
            (folder / f"{number}").mkdir()
            self.nodes.append(
                Harness(
                    folder / f"{number}",
                    settings={"store": {"url": database}, "bus": bus},
                    plugins=["basics", "moderation", "history"],
                    timeouts=TIMEOUTS,
                )
            )
        self.screens: dict[tuple[str, int], Screen] = {}

    async def start(self) -> None:
        """Start, with all screens."""
        await asyncio.gather(*(node.start() for node in self.nodes))
        accounts = self.nodes[0].services.accounts
        for name in (*USERS, "boss"):
            user = await accounts.add(name, "correct horse", "admin" if name == "boss" else "member")
            for number, node in enumerate(self.nodes):
                screen = self.screens[name, number] = Screen(
                    node, await accounts.tokens.issue(user, "session")
                )
                await screen.connect("")

    async def stop(self) -> None:
        """End it all."""
        await asyncio.gather(*(node.stop() for node in self.nodes))


class Machine(RuleBasedStateMachine):
    """A room for each example."""

    numbers = itertools.count()

    def __init__(self, loop, cluster, proxy) -> None:
        super().__init__()
        self.loop = loop
        self.cluster = cluster
        self.proxy = proxy
        self.ids: list[str] = []
        self.said = itertools.count()

    def run(self, work):
        return self.loop.run_until_complete(asyncio.wait_for(work, 4 * LATEST))

    @initialize()
    def make(self) -> None:
        self.room = f"room{next(self.numbers)}"
        self.run(self.begin())

    async def begin(self) -> None:
        api = self.cluster.screens["boss", 0].client
        status, answer = await self.cluster.nodes[0].api(
            "POST", "rooms", {"name": self.room}, token=api.token
        )
        assert status == 201, answer
        for screen in self.cluster.screens.values():
            screen.events.clear()
            await screen.client.join(self.room)
        await self.cluster.screens["boss", 0].client.says("begin", self.room)

    @rule(acts=st.lists(act, min_size=1, max_size=8))
    def at_once(self, acts) -> None:
        self.run(self.all_of(acts))

    async def all_of(self, acts) -> None:
        await asyncio.gather(*(self.do(*each) for each in acts))

    async def do(self, what, user, number) -> None:
        client, boss = (self.cluster.screens[name, number].client for name in (user, "boss"))
        message = self.ids[-1 - len(user) % min(3, len(self.ids))] if self.ids else "none"
        try:
            match what:
                case "say":
                    said = await client.says(f"{user} {next(self.said)}", self.room)
                    self.ids.append(said.message_id)
                case "edit":
                    await client.ask("edit", message_id=message, content=f"edited {next(self.said)}")
                case "delete":
                    await client.ask("delete", message_id=message)
                case "join":
                    await client.join(self.room)
                case "leave":
                    await client.ask("leave", room=self.room)
                case command:
                    await boss.says(f"/{command} {user}", self.room)
        except Refused as refused:
            if refused.code not in REFUSALS:
                raise

    @rule(number=NODES)
    def restart(self, number) -> None:
        self.run(self.again(number))

    async def again(self, number) -> None:
        await self.cluster.nodes[number].stop()
        await self.cluster.nodes[number].start()
        await self.reconnect([(name, number) for name in (*USERS, "boss")])

    @rule(
        which=st.lists(
            st.tuples(st.sampled_from((*USERS, "boss")), NODES), min_size=1, max_size=4, unique=True
        )
    )
    def cut(self, which) -> None:
        self.run(self.reconnect(which))

    async def reconnect(self, which) -> None:
        await asyncio.gather(*(self.cluster.screens[each].connect(self.room) for each in which))

    @rule()
    def lose_redis(self) -> None:
        self.proxy.cut()
        self.proxy.mend()

    @invariant()
    def all_agree(self) -> None:
        if hasattr(self, "room"):
            self.run(self.agree())

    async def agree(self) -> None:
        store = self.cluster.nodes[0].services.store
        state = await store.read(partial(room_state, name=self.room, now=time.time()))
        log = await store.read(partial(events_after, room=self.room, after=0, limit=10_000))
        assert [event.seq for event in log] == list(range(1, state.position.seq + 1))
        wanted = {event.seq: (event.type, event.message_id) for event in log}
        for number, node in enumerate(self.cluster.nodes):
            live = await node.services.rooms.get(self.room)
            await until(lambda live=live: live.position == state.position)
            assert live.members == state.members
            assert (live.mutes, live.bans) == (state.mutes, state.bans)
            for name in (*USERS, "boss"):
                screen = self.cluster.screens[name, number]
                await until(partial(screen.follows, self.room, screen.client.id in state.members))
                screen.note(self.room)
                assert screen.events.items() <= wanted.items(), (name, number)
            boss = self.cluster.screens["boss", number]
            await until(
                lambda boss=boss: boss.note(self.room) or max(boss.events, default=0) == state.position.seq
            )
            first = min(boss.events)
            assert sorted(boss.events) == list(range(first, state.position.seq + 1))


async def until(condition) -> None:
    async with asyncio.timeout(LATEST):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.mark.skipif(not ROUNDS, reason="make chaos runs it")
def test_anything_at_once_on_two_nodes(tmp_path, database, redis):
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        proxy = LossyProxy(redis.port, ROUNDS)
        url = database.make()
        cluster = None
        try:
            loop.run_until_complete(proxy.__aenter__())
            cluster = Cluster(tmp_path, url, proxy)
            loop.run_until_complete(cluster.start())
            run_state_machine_as_test(
                lambda: Machine(loop, cluster, proxy),
                settings=settings(
                    max_examples=20 * ROUNDS,
                    stateful_step_count=20,
                    deadline=None,
                    # An example is not the same twice: nothing is to be gained by trying smaller ones.
                    phases=[Phase.explicit, Phase.generate],
                    suppress_health_check=list(HealthCheck),
                    database=None,
                ),
            )
        finally:
            if cluster is not None:
                loop.run_until_complete(cluster.stop())
            loop.run_until_complete(proxy.__aexit__(None, None, None))
            database.drop(url)
