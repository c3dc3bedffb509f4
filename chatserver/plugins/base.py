"""The base class of every plugin: the one handle for what a plugin has. Stopping undoes all of it."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar
from uuid import uuid4

import msgspec

from ..model.time_zones import zone_of
from ..model.values import EVENT_TYPES, Event, Role, Room, User
from .answers import EVENT_BYTES, encoded, text
from .api import ChatAPI
from .database import Database, Transaction
from .failures import contained, described, raised
from .implementation import OnError
from .jobs import Jobs, job_name, jobs_of, moment, time_of_day
from .keep import Keep
from .plugin_server import Alone, PluginServer
from .settings_type import settings

if TYPE_CHECKING:
    from .apart import Apart
    from .http import Http
    from .networks import Network

Ran = Callable[[float, BaseException | None, str | None], bool]
"""Counts a run of a job: the seconds it took, what it failed with, and its own name where it comes again and again.
Whether that has failed too often to go on."""
ID_CHARS = 100
LEAST_SECONDS = 0.01
"""Between two runs of a job: with less it would take a whole core."""
Migration = str | Mapping[str, str] | Callable[[Transaction], None]

T = TypeVar("T")


class Plugin:
    """Base of all plugins. The server makes one instance of each that the settings enable.

    ``self.settings``, ``self.log`` and ``self.data_dir`` are there from the start; ``self.chat`` and ``self.db``
    from the hook ``startup`` on, which is the place to set a plugin up.
    """

    @settings
    class Settings:
        """Without a class of its own, a plugin has nothing to set."""

    requires: ClassVar[tuple[str, ...]] = ()
    """Plugins that have to be enabled, and to stand before this one."""
    migrations: ClassVar[tuple[Migration, ...]] = ()
    """What makes the plugin's tables, in order: SQL, or SQL by the name of a database where they differ (``sqlite``,
    ``postgresql``), or a function that gets a `Transaction`. Each runs once, ever, before ``startup``, all that are
    new in one transaction. Only ever add to the end."""
    tables_from_log: ClassVar[bool] = False
    """All that is in the tables is made from the log by followers. So ``chatserver move`` makes them empty, and lets
    the plugin's followers begin anew."""
    on_error: ClassVar[OnError] = "skip"
    """What a crash in a hook means: go on without this plugin, or refuse. The YAML may say otherwise."""

    def __init_subclass__(cls, **options: Any) -> None:
        """Raises TypeError for a method that would hide one which every plugin has."""
        super().__init_subclass__(**options)
        for name in sorted(vars(cls).keys() & _HANDLE):
            raise TypeError(
                f"{cls.__name__}.{name} hides the method that every plugin has: give it another name, and a command"
                f' its own by @command("{name}")'
            )

    chat: ChatAPI
    db: Database
    keep: Keep
    """A few JSON values by name, in memory and in the database."""

    def __init__(
        self,
        name: str,
        settings: Any,
        data_dir: Path,
        peers: Callable[[str], Plugin | None] = lambda name: None,
        ran: Ran = lambda seconds, error, again: False,
    ) -> None:
        self.name = name
        self.settings = settings
        self.data_dir = data_dir
        """A folder of the plugin's own. The plugin makes it when it needs it."""
        self.log = logging.getLogger(f"chatserver.plugin.{name}")
        self._peers = peers
        self._tasks: set[asyncio.Task[Any]] = set()
        self._ran = ran
        self._server: PluginServer = Alone()
        self._following: set[str] = set()
        self._job_names: Counter[str] = Counter()
        self._networks: Sequence[Network] = ()
        self._http: Http | None = None

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run ``work`` beside everything else. A failure is logged; a stop cancels it."""
        task = asyncio.get_running_loop().create_task(contained(work), name=f"plugin {self.name}")
        self._tasks.add(task)
        started = perf_counter()

        def ended(task: asyncio.Task[T]) -> None:
            self._tasks.discard(task)
            # Cancelled before its first step, it would be reported as never awaited.
            work.close()
            if not task.cancelled():
                self._count_job(started, task.exception())

        task.add_done_callback(ended)
        return task

    def now(self) -> float:
        """The time of day in seconds since 1970; in tests with a `Clock`, the time there."""
        return self._server.timer()

    def every(
        self, seconds: float, function: Callable[[], Any], *, first: float | None = None
    ) -> asyncio.Task[Any]:
        """Call ``function``, plain or async, again and again with ``seconds`` between; ``first`` is how long before
        the first time, if not as long. A failure is logged; one that fails 20 times within a minute, and never works
        in between, ends. Raises ValueError below 0.01 seconds."""
        wait = seconds if first is None else first
        if not seconds >= LEAST_SECONDS:
            raise ValueError(f"{LEAST_SECONDS} seconds is the least, not {seconds}")
        if not wait >= 0:
            raise ValueError(f"first is 0 seconds or more, not {first}")
        return self.spawn(self._jobs.every(seconds, function, wait, self._own_name(function)))

    def daily(self, at: str, function: Callable[[], Any], zone: str = "UTC") -> asyncio.Task[Any]:
        """Call ``function``, plain or async, each day at a time like ``18:00``, by the clocks of a zone like
        ``Europe/Berlin``. What falls into a time when the server is off is left out. Raises ValueError."""
        daily = self._jobs.daily(time_of_day(at), zone_of(zone), function, self._own_name(function))
        return self.spawn(daily)

    def _own_name(self, function: Callable[[], Any]) -> str:
        """What a job that comes again is called where it is suspended: no other has the same name."""
        name = job_name(function)
        self._job_names[name] += 1
        return name if self._job_names[name] == 1 else f"{name} ({self._job_names[name]})"

    async def at(
        self,
        when: float | datetime | timedelta,
        name: str,
        data: Any = None,
        *,
        id: str | None = None,
    ) -> str:
        """Call the method ``name``, which has the decorator ``@job``, with ``data`` at a time (seconds since 1970, a
        datetime with its zone, or a timedelta from now on), once and at least once, also after a restart. Returns the
        job's id; one that is given takes the place of the job that had it.

        Raises ValueError for a name that is no job's, a time before 1970 or after 9999, and more than 64 KiB of data,
        TypeError for what JSON can't hold.
        """
        if name not in jobs_of(self):
            raise ValueError(f"{name!r} is no method of {type(self).__name__} with the decorator @job")
        stored = bytes(encoded(data, EVENT_BYTES)).decode()
        key = uuid4().hex if id is None else text(id, ID_CHARS)
        await self._server.put_job(self.name, key, name, moment(when, self._server.timer()), stored)
        return key

    async def cancel_job(self, id: str) -> bool:
        """Take back what `at` has planned; False if there is no such job (any more)."""
        return await self._server.drop_job(self.name, id)

    def follow(
        self,
        function: Callable[[Transaction, Sequence[Event]], Any],
        *,
        since: Literal["start", "now"] = "start",
        events: Sequence[str] | None = None,
        anew: Callable[[Transaction], Any] | None = None,
        only_missed: bool = False,
    ) -> None:
        """Let the plain ``function(tx, events)`` have every event of all rooms that the plugin works in, in order
        within a room, each once: what it writes and how far it is are one transaction. What came while the plugin was
        off comes when it is on.

        ``since`` says where it begins when it is new: at the start of the logs, or now. ``events`` are the types that
        it wants. ``anew(tx)`` empties what it has written, where an admin may let it begin again (``chatserver plugin
        rebuild``). With ``only_missed`` the function is for those that the plugin's ``in_commit`` has not had, as it
        was off or failed; some that it has had may come all the same.

        It is known by its name, so it keeps it. It runs on the writer's thread, gets 500 events at most, and does
        nothing but read and write. One that fails is tried again. Raises TypeError, and ValueError for a name that
        follows already.
        """
        if inspect.iscoroutinefunction(function):
            raise TypeError("what follows is a plain function: it runs on the writer's thread")
        if since not in ("start", "now"):
            raise ValueError(f"since is start or now, not {since!r}")
        types = None if events is None else frozenset([events] if isinstance(events, str) else events)
        for wrong in (type for type in types or () if ":" not in type and type not in EVENT_TYPES):
            raise ValueError(f"there is no type of events {wrong!r}: {', '.join(EVENT_TYPES)} or PLUGIN:NAME")
        name = function.__name__
        if name in self._following:
            raise ValueError(f"{name!r} follows already")
        self._following.add(name)
        count = partial(self._count_job, what=f"follow {name}")
        begins = since == "now"
        self.spawn(self._server.follow(self.name, name, function, types, begins, only_missed, count, anew))

    @property
    def http(self) -> Http:
        """Asks other servers, within limits, and none in a private network unless the settings allow it."""
        if self._http is None:
            # It takes a while to import.
            from .http import Http

            self._http = Http(self._networks)
        return self._http

    @cached_property
    def apart(self) -> Apart:
        """Runs functions in processes of their own: ``await self.apart(function, …)``."""
        from .apart import Apart

        return Apart()

    async def following(self) -> Mapping[str, int]:
        """What follows, by name, and how many events it has still to read."""
        return await self._server.following(self.name)

    async def _run_job(self, name: str, data: str) -> bool:
        """Run a job that was planned with ``data``, JSON; whether it worked. The server calls this."""
        function = jobs_of(self).get(name)
        try:
            if function is None:
                raise LookupError(f"there is no method {name!r} with the decorator @job any more")
            given = msgspec.json.decode(data)
        except Exception as error:
            self._count_job(perf_counter(), error, f"the job {name}")
            return False
        return await self._jobs.run(function, given)

    @property
    def _jobs(self) -> Jobs:
        return Jobs(self._server.timer, self._count_job, self._server.leads)

    async def bot(self, *, display_name: str | None = None, role: Role | None = None) -> User:
        """The plugin's own user, called like the plugin: made when first asked for, and kept for ever. It is who posts
        where no user is named. ``display_name`` and ``role`` change it. Raises like `ChatAPI.bot`."""
        return await self.chat.bot(display_name=display_name, role=role)

    def here(self, room: Room | str) -> bool:
        """Whether the plugin works in this room: the settings may limit it (``rooms``)."""
        return self.chat.here(room)

    def peer(self, name: str) -> Any:
        """Another enabled plugin, or None. One that is in ``requires`` is always there."""
        return self._peers(name)

    async def cancel_tasks(self) -> None:
        """End what `spawn`, `every` and `daily` started. The host calls this before ``shutdown``."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            # Not `gather`, which can't be cancelled itself before they are.
            await asyncio.wait(tasks)

    async def _close(self) -> None:
        """Store what is kept, and ask other servers no more. The host calls this after ``shutdown``."""
        if self._http is not None:
            self._http.close()
        keep = getattr(self, "keep", None)
        if keep is not None:
            await keep.save()

    def _count_job(
        self,
        started: float,
        error: BaseException | None,
        what: str = "a background job",
        again: str | None = None,
    ) -> bool:
        if error is not None:
            error = raised(error)
            self.log.error("plugin %s: %s failed: %s", self.name, what, described(error, type(self)))
            self.log.debug("plugin %s: the failure in full", self.name, exc_info=error)
        return self._ran(perf_counter() - started, error, again)


_HANDLE = frozenset(
    name
    for name, value in vars(Plugin).items()
    if not name.startswith("__") and (inspect.isfunction(value) or isinstance(value, property))
)
"""What every plugin has, and what the server calls of it, by these names."""
