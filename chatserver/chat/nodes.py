"""The other servers of a cluster: what they send is taken over here, and what of it was lost is found."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial

import msgspec

from ..delivery.bus import NODES, Bus, Carried
from ..delivery.hub import ALL
from ..delivery.local_sessions import LocalSessions
from ..model.errors import Reject
from ..model.tuning import Timeouts
from ..model.values import RoomPosition
from ..store import Store
from ..store.positions import memberships, positions
from . import node_notes as notes
from .log_order import GRACE_SECONDS
from .node_notes import Note
from .node_requests import NodeRequests
from .registry import RoomRegistry
from .shared_limits import SharedLimits
from .shared_presence import SharedPresence

log = logging.getLogger(__name__)

AT_ONCE = 500
"""So many rooms are compared with one query."""


class Node(msgspec.Struct):
    """A server: where it listens, since when it runs (seconds since the epoch), when it was last heard of (on the
    monotonic clock), how many users are connected to it, and how many events it has not delivered yet."""

    id: str
    address: str
    since: float
    heard: float
    leaving: bool = False
    version: str = ""
    users: int = 0
    behind: int = 0


class Nodes:
    """Takes what comes over the bus. ``apply_signals`` applies what is written about users in the database, and
    ``look(user_id, room, entered)`` lets a user's sessions follow a room, or not, from where the user ``entered``."""

    def __init__(
        self,
        bus: Bus,
        store: Store,
        rooms: RoomRegistry,
        presence: SharedPresence,
        timeouts: Timeouts,
        sessions: LocalSessions,
        apply_signals: Callable[[], Awaitable[None]],
        look: Callable[[str, str, RoomPosition | None], Awaitable[None]],
    ) -> None:
        self.requests = NodeRequests(bus)
        self._bus = bus
        self._store = store
        self._rooms = rooms
        self._presence = presence
        self._timeouts = timeouts
        self._sessions = sessions
        self._apply_signals = apply_signals
        self._look = look
        self._nodes: dict[str, Node] = {}
        self._unsure: set[str] = set()
        """Servers whose users were not as many as they say, the last time."""
        self._to_compare: dict[str, None] = {}
        self._users_to_compare: dict[str, None] = {}
        self._last_compared = ""
        self._tasks: set[asyncio.Task[None]] = set()
        self._beating: asyncio.Task[None] | None = None
        self._leads = False
        self.jobs_changed: Callable[[], None] | None = None
        """Is called when there may be other jobs to run here."""
        self.facts_changed: list[Callable[[], Awaitable[object]]] = []
        """Look for what all servers have to know alike."""
        self.limits: SharedLimits | None = None
        self._since = time.time()

    async def start(self, address: Callable[[], str], version: str) -> None:
        """Begin to take part; ``address()`` is what others are told. Raises ConfigError where it must not."""
        self._address = address
        self._version = version
        self._bus.listen(self.requests.topic)
        await self._bus.start(self)
        self._beating = asyncio.get_running_loop().create_task(self._beat())

    async def stop(self) -> None:
        """Say goodbye."""
        self.send(notes.Bye())
        if self._beating is not None:
            self._beating.cancel()
        for task in self._tasks:
            task.cancel()
        self.requests.stop()
        await self._bus.stop()

    def others(self) -> list[Node]:
        """The other servers that are there."""
        return [node for node in self._nodes.values() if not node.leaving]

    @property
    def here_id(self) -> str:
        """What this server is called."""
        return self._bus.node

    def here(self) -> Node:
        """This server."""
        live = filter(None, map(self._rooms.in_memory, self._rooms.names()))
        behind = sum(each.order.behind for each in live if each.order is not None)
        return Node(
            self._bus.node,
            self._address(),
            self._since,
            time.monotonic(),
            version=self._version,
            users=len(self._presence.local_users()),
            behind=behind,
        )

    def leads(self) -> bool:
        """Whether this server runs the jobs of the cluster: of those that are there, the one whose name is first.

        While the others are not heard, it stays as it was.
        """
        return self._leads

    # What comes

    def carried(self, topic: str, what: Carried, node: str) -> None:
        """Something that another server sent."""
        if topic == NODES:
            note = notes.decode(what.payload)
            if note is not None:
                self._noted(note, node)
        elif topic == self.requests.topic:
            self.requests.carried(what.payload, node)
        elif what.note and topic.startswith("@"):
            self._begin(self._look(topic[1:], what.payload.decode(), what.position))
        elif what.position is not None:
            live = self._rooms.in_memory(topic)
            if live is None or live.order is None:
                return
            if what.note:
                live.order.known(what.position)
            else:
                live.follow(what)
        else:
            self._bus.here(topic, what.payload, what.instead, what.users, ephemeral=what.ephemeral)

    def listening(self, topic: str) -> None:
        """What was sent to a topic before is looked for in the log."""
        if topic == NODES:
            self._sign_of_life()
            self.send(notes.Who())
            self._presence.tell_all()
            self._begin(self._apply_signals())
        elif topic.startswith("@"):
            self._compare_user_soon(topic[1:])
        elif topic not in (ALL, self.requests.topic):
            self._compare_soon(topic)

    def _noted(self, note: Note, node: str) -> None:
        known = self._nodes.setdefault(node, Node(node, "", 0.0, 0.0))
        known.heard = time.monotonic()
        match note:
            case notes.Beat():
                self._alive(note, known)
            case notes.People():
                self._presence.take(node, note)
            case notes.Everyone():
                self._presence.take_all(node, note)
            case notes.Who():
                if note.node in ("", self._bus.node):
                    self._presence.tell_all()
            case notes.Bye():
                # Its users have a while to come back elsewhere.
                known.leaving = True
            case notes.Closed():
                self._sessions.close(note.user, note.code, note.reason)
            case notes.Signals():
                self._begin(self._apply_signals())
            case notes.Jobs():
                self._look_for_jobs()
            case notes.Used() if self.limits is not None:
                self.limits.used(note)
            case notes.Failed() if self.limits is not None:
                self.limits.failed(note)
            case notes.Facts():
                self._look_for_facts()

    def _alive(self, beat: notes.Beat, node: Node) -> None:
        if not node.since:
            log.info("another server is there: %s at %s", node.id, beat.address)
        node.address, node.since, node.version = beat.address, beat.since, beat.version
        node.users, node.behind = beat.users, beat.behind
        if self._presence.count_of(node.id) == beat.users:
            self._unsure.discard(node.id)
        elif node.id in self._unsure:
            self._unsure.discard(node.id)
            self.send(notes.Who(node.id))
        else:
            # What changed may be on its way.
            self._unsure.add(node.id)

    # What is sent

    def send(self, note: Note) -> None:
        """Tell the other servers."""
        self._bus.elsewhere(NODES, Carried(notes.encode(note), note=True))

    async def _beat(self) -> None:
        """Give signs of life, miss those of others, and compare what is here with the log."""
        started = due = time.monotonic()
        while True:
            self._sign_of_life()
            self._forgive(time.monotonic() - due)
            self._miss()
            self._look_for_facts()
            self._choose_leader(started)
            for name in self._rooms.names():
                self._compare_soon(name)
            for user_id in self._next_users():
                self._compare_user_soon(user_id)
            due = time.monotonic() + self._timeouts.node_beat
            await asyncio.sleep(self._timeouts.node_beat)

    def _sign_of_life(self) -> None:
        here = self.here()
        self.send(notes.Beat(here.users, here.address, here.since, here.version, here.behind))

    def _forgive(self, late: float) -> None:
        """While this server itself stood still, as a machine does that is asleep, it heard no other."""
        for known in self._nodes.values():
            known.heard += max(0.0, late)

    def _miss(self) -> None:
        since = time.monotonic() - self._timeouts.node_silence
        for node, known in list(self._nodes.items()):
            if known.heard < since:
                del self._nodes[node]
                if self._bus.problem is None and not known.leaving:
                    log.warning("the server %s at %s is not heard any more", node, known.address)
                self._presence.lost(node)

    # What was lost

    def _choose_leader(self, started: float) -> None:
        # Before it has listened for a while it does not know who else is there.
        if self._bus.problem is not None or time.monotonic() - started < 2 * self._timeouts.node_beat:
            return
        leads = all(self._bus.node < other.id for other in self.others())
        if leads != self._leads:
            self._leads = leads
            self._look_for_jobs()

    def _look_for_jobs(self) -> None:
        if self.jobs_changed is not None:
            self.jobs_changed()

    def _look_for_facts(self) -> None:
        for look in self.facts_changed:
            self._begin(look())

    def _compare_soon(self, room: str) -> None:
        if not self._to_compare:
            self._begin(self._compare())
        self._to_compare[room] = None

    async def _compare(self) -> None:
        """Let rooms read their logs that are not where the database is."""
        # With what else comes in this turn.
        await asyncio.sleep(0)
        names, self._to_compare = list(self._to_compare), {}
        for first in range(0, len(names), AT_ONCE):
            some = names[first : first + AT_ONCE]
            for name, position in await self._store.read(partial(positions, rooms=some)):
                live = self._rooms.in_memory(name)
                if live is not None and live.order is not None:
                    live.order.known(position, grace=GRACE_SECONDS)

    def _next_users(self) -> list[str]:
        """Some of the users with sessions here, all in turn."""
        users = sorted(self._presence.local_users())
        some = [user_id for user_id in users if user_id > self._last_compared][:AT_ONCE]
        self._last_compared = some[-1] if len(some) == AT_ONCE else ""
        return some

    def _compare_user_soon(self, user_id: str) -> None:
        if not self._users_to_compare:
            self._begin(self._compare_users())
        self._users_to_compare[user_id] = None

    async def _compare_users(self) -> None:
        """Look at the rooms that sessions follow without being in them, or don't follow though they are."""
        await asyncio.sleep(0)
        users, self._users_to_compare = list(self._users_to_compare), {}
        for first in range(0, len(users), AT_ONCE):
            found = await self._store.read(partial(memberships, users=users[first : first + AT_ONCE]))
            for user_id, rooms in found.items():
                for session in self._sessions.of(user_id):
                    for room in session.rooms ^ rooms:
                        self._begin(self._look(user_id, room, None))

    def _begin(self, work: Awaitable[object]) -> None:
        task = asyncio.ensure_future(self._guarded(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, work: Awaitable[object]) -> None:
        try:
            await work
        except Reject as refusal:
            # The storage has logged it, and the next beat comes.
            log.debug("what another server did is taken over later: %s", refusal)
        except Exception:
            log.exception("what another server did could not be taken over")
