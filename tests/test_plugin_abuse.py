"""Everything that a plugin is asked, answered in every wrong way: it is that plugin's failure, and the chat goes on."""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import contextmanager

import pytest

from chatserver.chat.retention import Retention
from chatserver.plugins.hookspecs import KINDS, SYNC_ONLY
from chatserver.testing import Clock, Refused

PLUGINS = ["bad", "other", "basics"]
WAYS = {
    "raise": "raise ValueError('oops')",
    "exit": "raise SystemExit(3)",
    "wrong type": "return object()",
    "unencodable": "return '\\ud800'",
    "hang": "await asyncio.Event().wait()",
    "swallow": "await stubborn()",
    "huge": "return 'x' * 50_000_000",
}
ENDLESS = ("hang", "swallow")
"""What is not plain can't be tried where nothing is awaited."""
BAD = """
import asyncio
import msgspec
from chatserver import Handler, Plugin, RequestSpec, Route, command, hookimpl

class Fields(msgspec.Struct):
    pass

class Page(Handler):
    async def get(self):
        self.reply({"answer": await misbehave()})

async def stubborn():
    # The second time it is the test that ends.
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        await asyncio.Event().wait()

async def misbehave():
    {WAY}

def misbehave_now():
    {PLAIN}

class Bad(Plugin):
    armed = set()

    def fires(self, what):
        fires = what in self.armed
        self.armed = self.armed - {what}
        return fires

    @hookimpl
    def register_requests(self):
        return [RequestSpec("ask", Fields, self.ask)]

    @hookimpl
    def register_routes(self):
        return [Route("page", Page)]

    async def ask(self, ctx, fields):
        answer = await misbehave()
        return {"answer": answer} if isinstance(answer, str) else answer

    @command()
    async def fail(self, ctx):
        return await misbehave()

    @command()
    def job(self, ctx):
        self.spawn(misbehave())
{HOOKS}
"""
ASYNC = """
    @hookimpl
    async def {NAME}(self):
        if self.fires("{NAME}"):
            return await misbehave()
"""
PLAIN = """
    @hookimpl
    def {NAME}(self):
        if self.fires("{NAME}"):
            return misbehave_now()
"""
OTHER = """
from pathlib import Path

from chatserver import Plugin, Upload, command, hookimpl

class Other(Plugin):
    told = 0

    @hookimpl
    def after_post(self, message):
        self.told += 1

    @command()
    async def upload(self, ctx):
        upload = await self.chat.before_upload(Upload(ctx.user, ctx.room, "x.txt", 1, "text/plain"))
        await self.chat.before_store(upload, Path(__file__))
        self.chat.after_upload(upload)
        return upload.name
"""
AT_START = {
    "register_permissions", "register_requests", "register_events", "register_routes", "startup", "shutdown",
}  # fmt: skip
"""These have tests of their own: there is no chat yet, or no more."""
ROUNDS = 7
"""In so many all hooks fail, some in each: `everything` takes long."""
HOOKS = [name for kind in KINDS for name in vars(kind) if not name.startswith("_") and name not in AT_START]


@pytest.fixture
def dirs(tmp_path):
    def write(way):
        plain = WAYS["raise" if way in ENDLESS else way]
        hooks = "".join((PLAIN if name in SYNC_ONLY else ASYNC).replace("{NAME}", name) for name in HOOKS)
        source = BAD.replace("{WAY}", WAYS[way]).replace("{PLAIN}", plain).replace("{HOOKS}", hooks)
        (tmp_path / "bad.py").write_text(source)
        (tmp_path / "other.py").write_text(OTHER)
        return [tmp_path]

    return write


async def everything(server, round, eventually):
    """All that a hook can be about happens once."""
    _, _, root = server.people
    guest = await server.client(f"guest{round}")
    await guest.join("general")
    await guest.ask("message", room="general", content="hello")
    await guest.says(f"/nick renamed{round}")
    await guest.says("/upload")
    sent = await guest.says("to be edited")
    await root.ask("read", room="general", seq=sent.seq)
    await guest.ask("edit", message_id=sent.message_id, content="edited")
    await guest.ask("delete", message_id=sent.message_id)
    await guest.ask("leave", room="general")
    await root.says(f"/invite renamed{round}")
    await guest.ask("leave", room="general")
    await guest.leave()
    services = server.services
    # A year later: all that was said is too old.
    later = Retention(services.store, services.rooms, services.notifier, 1, lambda: time.time() + 3e7)
    await later.step()
    progress = await services.erasure.begin(None, guest.id)
    await eventually(lambda: progress.state != "running")
    await server.api("POST", "register", {"name": f"account{round}", "password": "correct horse"})
    await server.api("POST", "login", {"name": "root", "password": "correct horse"})
    await server.http("GET", "/api/v1/me/data", token=root.token)


@pytest.mark.parametrize("way", WAYS)
async def test_the_chat_goes_on(chat, dirs, way, eventually, caplog):
    seconds = {
        "hooks": 0.05,
        "scans": 0.05,
        "erase": 0.05,
        "calls": 4.0,
        "cancelled": 0.01,
        "stop_http": 0.1,
        "stop_plugin_step": 0.1,
    }
    before = asyncio.all_tasks()
    settings = {
        "auth": {"registration": "open", "sessions_per_user": 1000},
        "limits": {"registrations_per_hour": 1000},
    }
    server = chat(plugins=PLUGINS, dirs=dirs(way), timeouts=seconds, settings=settings)
    await server.start()
    try:
        await abuse(server, way, eventually)
    finally:
        await server.stop()
        # What was left behind was cancelled once; the loop goes on to other tests.
        left = asyncio.all_tasks() - before - {asyncio.current_task()}
        while left:
            for task in left:
                task.cancel()
            _, left = await asyncio.wait(left, timeout=0.01)
    # What can't be ended is left behind, and told.
    assert [each.what for each in server.failures()] == (["ending its jobs"] if way == "swallow" else [])
    assert (way == "swallow") == any("though it was cancelled" in text for text in caplog.messages)


async def abuse(server, way, eventually):
    bad, other = (server.server.host.current.peer(name) for name in ("bad", "other"))
    server.people = *await server.join("general", "alice", "bob"), await server.account("root", "admin")
    alice, bob, root = server.people
    await root.join("general")
    for round in range(ROUNDS):
        hooks = HOOKS[round::ROUNDS]
        # Before it is suspended.
        await server.reload(PLUGINS)
        bad.armed = set(hooks)
        await everything(server, round, eventually)
        while "health" in bad.armed:
            # What is asked so often is a second old.
            await server.http("GET", "/readyz")
        await eventually(lambda hooks=hooks: len(server.server.host.failures) >= len(hooks))
        assert sorted(each.what for each in server.failures()) == sorted(hooks)
    assert not server.server.host.current.hooks.suspended("bad")
    # At once, as what does not end takes its time.
    for refused in await asyncio.gather(alice.says("/fail"), bob.ask("bad:ask"), return_exceptions=True):
        assert isinstance(refused, Refused)
        assert (refused.code, refused.error["plugin"]) == ("plugin_failed", "bad")
    assert sorted(each.what for each in server.failures()) == ["/fail", "request bad:ask"]
    answer = await server.http("GET", "/plugins/bad/page")
    assert answer.code == (200 if way == "huge" else 503)
    assert [each.what for each in server.failures()] == ([] if way == "huge" else ["GET Page"])
    await alice.says("/job")
    if way in ("raise", "exit"):
        await eventually(lambda: "job" in [each.what for each in server.server.host.failures])
    server.failures()
    # Two people talk, and another plugin works.
    before = other.told
    await alice.says("still here")
    assert (await bob.hears(content="still here")).user["name"] == "alice"
    await bob.says("me, too")
    await alice.hears(content="me, too")
    await eventually(lambda: other.told == before + 2)
    await bob.says("/upload")
    assert (await bob.hears("notice")).text == "x.txt"


LATER = """
import asyncio
from chatserver import Plugin, command, hookimpl, job

async def stubborn():
    # The second time it is the test that ends.
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        await asyncio.Event().wait()

async def misbehave():
    {WAY}

class Bad(Plugin):
    migrations = (
        "CREATE TABLE bad_seen (room TEXT NOT NULL, seq BIGINT NOT NULL, text TEXT, PRIMARY KEY (room, seq))",
    )
    right = False

    @hookimpl
    def startup(self):
        self.follow(lambda tx, events: self.seen(tx, events))
        self.every(6 * 3600, self.again)
        self.daily("12:00", self.wrongly)

    def seen(self, tx, events):
        for event in events:
            text = event.message.content if event.message is not None else None
            row = {"room": event.room, "seq": event.seq, "text": text}
            tx.execute("INSERT INTO bad_seen VALUES (:room, :seq, :text)", **row)
            if text == "now" and not self.right:
                {FOLLOW}

    async def again(self):
        return await misbehave()

    async def wrongly(self):
        return await misbehave()

    @job
    async def planned(self, data):
        return await misbehave()

    @command()
    async def plan(self, ctx):
        for _ in range(25):
            await self.at(0, "planned")
"""
FOLLOWS = {
    "raise": WAYS["raise"],
    "exit": WAYS["exit"],
    "wrong type": "return misbehave()",
    "unencodable": "tx.execute('INSERT INTO bad_seen VALUES (:room, 0, :text)', room='x', text='\\ud800')",
    "hang": "tx.execute('INSERT INTO other_point VALUES (1, 1)')",
    "swallow": "tx.execute('nonsense')",
}
"""The function of ``follow`` is plain: instead of waiting it writes what it may not, and what is no SQL."""
PLANS = """
from chatserver import Plugin, command, hookimpl, job

class Other(Plugin):
    migrations = ("CREATE TABLE other_point (room TEXT NOT NULL, seq BIGINT NOT NULL, PRIMARY KEY (room, seq))",)
    ran = 0

    @hookimpl
    def startup(self):
        self.follow(self.seen, events=["message"])

    def seen(self, tx, events):
        rows = [{"room": event.room, "seq": event.seq} for event in events]
        tx.executemany("INSERT INTO other_point VALUES (:room, :seq)", rows)

    @job
    async def planned(self, data):
        self.ran += 1

    @command()
    async def other(self, ctx):
        await self.at(0, "planned")
"""


class Impatient(Clock):
    """It doesn't wait for the jobs that it wakes."""

    @contextmanager
    def running(self):
        yield


@pytest.mark.parametrize("way", FOLLOWS)
async def test_what_follows_and_what_is_planned_hold_up_their_plugin_alone(
    chat, tmp_path, way, eventually, caplog
):
    (tmp_path / "bad.py").write_text(LATER.replace("{WAY}", WAYS[way]).replace("{FOLLOW}", FOLLOWS[way]))
    (tmp_path / "other.py").write_text(PLANS)
    clock = Impatient()
    before = asyncio.all_tasks()
    server = chat(
        plugins=PLUGINS, dirs=[tmp_path], clock=clock, settings={"rooms": [{"name": "general"}, {"name": "tea"}]},
        timeouts={"stop_plugin_step": 0.1}, strict=False, patience=20,
    )  # fmt: skip
    await server.start()
    try:
        await abuse_later(server, way, eventually, clock, caplog)
    finally:
        await server.stop()
        left = asyncio.all_tasks() - before - {asyncio.current_task()}
        while left:
            for task in left:
                task.cancel()
            _, left = await asyncio.wait(left, timeout=0.01)


async def abuse_later(server, way, eventually, clock, caplog):
    bad, other = (server.plugin(name) for name in ("bad", "other"))
    alice, bob = await server.join("general", "alice", "bob")
    await alice.says("now")
    await alice.says("/plan")
    await clock.move(days=1)
    if way in ("raise", "exit"):
        jobs = {"the job planned", "the job again", "the job wrongly"}
        await eventually(lambda: {"follow <lambda>", *jobs} <= failed(caplog), 20)
    else:
        await eventually(lambda: "follow <lambda>" in failed(caplog), 20)
    # Two people talk, its other room goes on, and another plugin's jobs run, and it has all events.
    await bob.hears(content="now")
    for person in (alice, bob):
        await person.join("tea")
    await alice.says("still here")
    await bob.hears(content="still here")
    await bob.says("/other")
    await eventually(lambda: other.ran == 1, 20)
    await until(lambda: other.db.query("SELECT seq FROM other_point"), lambda rows: len(rows) == 2)
    seen = "SELECT room, seq, text FROM bad_seen WHERE seq > 0 AND text IS NOT NULL ORDER BY room"
    await until(lambda: bad.db.query(seen), lambda rows: [row["text"] for row in rows][-1:] == ["still here"])
    # Once it is right, it goes on where it was, and nothing comes twice.
    bad.right = True
    await until(
        lambda: bad.db.query(seen),
        lambda rows: (
            [(row["room"], row["text"]) for row in rows] == [("general", "now"), ("tea", "still here")]
        ),
        lambda: clock.move(60),
    )
    server.failures()


def failed(caplog):
    """What the log says has failed."""
    found = (re.match(r"plugin bad: (.*) failed: ", text) for text in caplog.messages)
    return {each[1] for each in found if each}


async def until(ask, right, meanwhile=lambda: asyncio.sleep(0)):
    async with asyncio.timeout(30):
        while not right(await ask()):
            await meanwhile()
            await asyncio.sleep(0.005)


async def test_every_hook_is_tried():
    assert set(HOOKS) | AT_START == {
        name for kind in KINDS for name in vars(kind) if not name.startswith("_")
    }
