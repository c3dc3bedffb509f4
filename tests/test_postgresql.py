"""PostgreSQL as the store: several servers at one database, and its bad days. A real one each time."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import time
from contextlib import suppress

import psycopg
import pytest
from commit_proxy import CommitProxy

from chatserver.model.errors import ConfigError, Reject
from chatserver.model.values import Room, User
from chatserver.store import Batch, Committed, Store
from chatserver.store import accounts as people
from chatserver.store import queries as reading
from chatserver.store.changes import ChangeMember, CreateRoom, Post, StaleRoom
from chatserver.store.choice import database
from chatserver.store.plugin_tables import migrate
from chatserver.testing.postgresql import NoPostgresql, PostgresqlServer, postgresql

ALICE, BOB = User("u0", "alice", "alice"), User("u1", "bob", "bob")
ROOMS = ("a", "b", "c")
PATIENCE = 10.0


@pytest.fixture
def server():
    try:
        return postgresql()
    except NoPostgresql as error:
        pytest.skip(f"PostgreSQL is not tested: {error}")


@pytest.fixture
def url(server):
    made = server.make()
    yield made
    server.drop(made)


@pytest.fixture
def opened(tmp_path):
    """``opened(url)``: a store, closed at the end."""
    stores = []

    def make(url, durability="full"):
        stores.append(Store.open(url, tmp_path, durability))
        return stores[-1]

    yield make
    for store in stores:
        store.close()


async def furnish(store):
    """Two people, and rooms."""
    for user in (ALICE, BOB):
        await store.write(lambda conn, user=user: people.ensure_user(conn, user, user.name, 0.0))
    for room in ROOMS:
        (made,) = await append(store, room, CreateRoom(ALICE, Room(room)))
        assert isinstance(made, Committed)


async def append(store, room, *changes, version=1):
    future = asyncio.get_running_loop().create_future()
    store.append(Batch(room, 1.0, list(changes), version), future.set_result)
    return await future


async def log(store, room):
    events = await store.read(lambda conn: reading.events_after(conn, room, 0, 10_000))
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    return [event.message.content for event in events if event.message is not None]


# Several servers


async def test_two_servers_write_to_the_same_rooms_and_leave_no_hole(url, opened):
    one, two = opened(url), opened(url)
    assert one.epoch == two.epoch
    await furnish(one)

    async def talk(store, user):
        for n in range(30):
            posts = [
                append(store, room, Post(user, f"{user.name} {n}", "", nonce=f"{n}", request_hash="h"))
                for room in (ROOMS if user is ALICE else reversed(ROOMS))
            ]
            for (done,) in await asyncio.gather(*posts):
                assert isinstance(done, Committed), done
                assert not done.dup

    await asyncio.gather(talk(one, ALICE), talk(two, BOB))
    for room in ROOMS:
        said = await log(one, room)
        assert said == await log(two, room)
        for user in (ALICE, BOB):
            assert [each for each in said if each.startswith(user.name)] == [
                f"{user.name} {n}" for n in range(30)
            ]


async def test_a_nonce_counts_once_whichever_server_it_is_sent_to(url, opened):
    one, two = opened(url), opened(url)
    await furnish(one)
    post = Post(ALICE, "x", "", nonce="n", request_hash="h")
    for _ in range(2):
        outcomes = await asyncio.gather(*(append(store, "a", post) for store in (one, two)))
        assert {done.event.seq for (done,) in outcomes} == {2}
    assert all(done.dup for (done,) in outcomes)
    assert await log(one, "a") == ["x"]


async def test_a_room_and_an_account_are_made_once(url, opened):
    stores = opened(url), opened(url)
    await furnish(stores[0])
    made = await asyncio.gather(*(append(store, "new", CreateRoom(ALICE, Room("new"))) for store in stores))
    assert sorted(getattr(outcome, "code", "made") for (outcome,) in made) == ["made", "name_taken"]
    named = await asyncio.gather(
        *(
            store.write(lambda conn, n=n: people.create_user(conn, User(f"n{n}", "eve", "eve"), "eve", 0.0))
            for n, store in enumerate(stores)
        ),
        return_exceptions=True,
    )
    assert sorted(type(each).__name__ for each in named) == ["NoneType", "Reject"]


async def test_two_servers_that_start_at_once_make_a_plugins_tables_once(url, opened):
    one, two = opened(url), opened(url)
    began = asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(tx):
        loop.call_soon_threadsafe(began.set)
        # The other one has looked by then, and found nothing.
        with psycopg.connect(url, autocommit=True) as conn:
            until = time.monotonic() + PATIENCE
            while conn.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone() is None:
                assert time.monotonic() < until
        tx.execute("CREATE TABLE polls_x (n INTEGER)")

    first = asyncio.ensure_future(migrate(one, "polls", [slow]))
    await began.wait()
    await asyncio.gather(first, migrate(two, "polls", [slow]))


async def test_no_message_slips_past_a_mute_of_another_server(url, opened):
    one, two = opened(url), opened(url)
    await furnish(one)
    (muted,) = await append(two, "a", ChangeMember(ALICE, BOB, "muted"))
    (late,) = await append(one, "a", Post(BOB, "x", ""))
    assert isinstance(late, StaleRoom)
    assert list(late.state.mutes) == [BOB.id]
    assert late.state.position.version == muted.position.version
    assert await log(one, "a") == []


@pytest.fixture
def pgbouncer(server):
    """The port of a PgBouncer in transaction mode, with fewer connections than a store has."""
    program = shutil.which("pgbouncer", path="/usr/bin:/usr/sbin")
    if program is None:
        pytest.skip(
            "PgBouncer is not tested: there is none here (on Debian and Ubuntu: apt-get install pgbouncer)"
        )
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    settings = server.folder / f"pgbouncer-{port}.ini"
    settings.write_text(
        f"[databases]\n* = host=127.0.0.1 port={server.port} user=postgres\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n"
        "pool_mode = transaction\ndefault_pool_size = 2\n"
    )
    settings.chmod(0o644)
    own = {"user": server.user[1], "group": server.user[2], "extra_groups": ()} if server.user else {}
    running = subprocess.Popen(
        [program, settings], cwd=server.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **own
    )
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            break
    yield port
    running.kill()
    running.wait()


async def test_all_goes_by_way_of_a_pooler_of_transactions(server, pgbouncer, opened):
    url = server.make()
    by_pooler = url.replace(f":{server.port}/", f":{pgbouncer}/")
    one, two = opened(by_pooler), opened(by_pooler)
    await furnish(one)
    # More often than it takes for a statement to be prepared.
    for n in range(12):
        for store, user in ((one, ALICE), (two, BOB)):
            posts = [
                append(store, room, Post(user, f"{n}", "", nonce=f"{n}", request_hash="h")) for room in ROOMS
            ]
            for (done,) in await asyncio.gather(*posts):
                assert isinstance(done, Committed), done
            assert len(await log(store, "a")) == 2 * n + (1 if user is ALICE else 2)
    (again,) = await append(two, "a", Post(ALICE, "0", "", nonce="0", request_hash="h"))
    assert again.dup
    assert await one.try_to_write() is None


async def test_no_command_has_a_database_for_itself_through_a_pooler(server, pgbouncer, opened, tmp_path):
    url = server.make()
    by_pooler = url.replace(f":{server.port}/", f":{pgbouncer}/")
    for use in ("alone", "target"):
        found = database(by_pooler, tmp_path)
        with pytest.raises(ConfigError, match="through a pooler"):
            found.claim(use)
        found.close()
    # Nor does it take no notice of a server that came by one.
    await furnish(opened(by_pooler))
    found = database(url, tmp_path)
    with pytest.raises(ConfigError, match="connections of servers: stop those first"):
        found.claim("alone")
    found.close()


# A connection that is cut


@pytest.mark.parametrize("cut", ["before", "after"])
async def test_a_commit_whose_answer_is_lost_counts_once(server, url, opened, cut):
    with CommitProxy(server.port) as proxy:
        store = opened(proxy.url(url))
        await furnish(store)
        for n in range(5):
            proxy.cut = cut
            # Without nonces: nothing but the transaction itself says whether it was committed.
            first, second = await append(store, "a", Post(ALICE, f"{n}", ""), Post(BOB, f"{n}", ""))
            assert (first.event.seq + 1, first.dup) == (second.event.seq, False)
            proxy.cut = cut
            assert await store.write(lambda conn: people.add_signal(conn, "u0")) is None
        assert await log(store, "a") == [f"{n}" for n in range(5) for _ in range(2)]
        assert len(await store.read(lambda conn: people.signals_after(conn, 0))) == 5
        assert store.failures.why is None


async def test_readers_go_on_after_their_connections_were_cut(server, url, opened):
    with CommitProxy(server.port) as proxy:
        store = opened(proxy.url(url))
        await furnish(store)
        for _ in range(3):
            assert await log(store, "a") == []
            proxy.break_all()
        assert await log(store, "a") == []
        (done,) = await append(store, "a", Post(ALICE, "x", ""))
        assert done.event.seq == 2


async def test_what_was_acknowledged_outlives_a_crash_of_the_database(tmp_path, eventually):
    try:
        server = PostgresqlServer(fsync="on", synchronous_commit="on")
    except NoPostgresql as error:
        pytest.skip(f"PostgreSQL is not tested: {error}")
    try:
        store = Store.open(server.make(), tmp_path)
        await furnish(store)
        acknowledged = {"a": [], "b": []}

        async def talk(room, user):
            for n in range(60):
                post = Post(user, f"{user.name} {n}", "", nonce=f"{n}", request_hash="h")
                while True:
                    (done,) = await append(store, room, post)
                    if isinstance(done, Committed):
                        break
                    assert not isinstance(done, Reject | StaleRoom), done
                    await asyncio.sleep(0.05)
                acknowledged[room].append((done.event.seq, post.content))

        talking = asyncio.gather(talk("a", ALICE), talk("b", BOB))
        for wanted in (10, 40):
            await eventually(lambda wanted=wanted: len(acknowledged["a"]) > wanted)
            await asyncio.to_thread(server.stop)
            await asyncio.to_thread(server.start)
        await talking
        for room, told in acknowledged.items():
            assert [seq for seq, _ in told] == list(range(2, 62))
            assert [content for _, content in told] == await log(store, room)
        store.close()
    finally:
        server.remove()


# At the start


def test_a_wrong_address_is_told_without_its_password(server, tmp_path):
    with pytest.raises(ConfigError) as caught:
        Store.open(f"postgresql://nosuch:secret@127.0.0.1:{server.port}/nothing", tmp_path)
    assert caught.value.path == "store.url"
    assert "postgresql://nosuch@127.0.0.1" in str(caught.value)
    assert 'role "nosuch" does not exist' in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_host_that_is_down_is_told(tmp_path):
    with pytest.raises(ConfigError, match=r"the database server can't be reached .*[Cc]onnection refused"):
        Store.open("postgresql://chat@127.0.0.1:1/chat", tmp_path)


async def test_a_start_waits_for_the_database_and_says_so(process, tmp_path, eventually):
    try:
        server = PostgresqlServer()
    except NoPostgresql as error:
        pytest.skip(f"PostgreSQL is not tested: {error}")
    try:
        url = server.make_empty()
        server.stop()
        chat = process(settings={"store": {"url": url}})
        starting = asyncio.ensure_future(chat.start())
        said = tmp_path / "errors.txt"
        await eventually(
            lambda: said.exists() and f"Waiting for the database {url}" in said.read_text(), 4 * PATIENCE
        )
        assert not starting.done()
        await asyncio.to_thread(server.start)
        await starting
        alice = await chat.client(name="alice")
        await alice.join("general")
        await alice.says("hello", "general")
        await alice.leave()
        await chat.kill()
        server.stop()
        chat = process(settings={"store": {"url": url}}, options=["--wait", "0"])
        with pytest.raises(AssertionError):
            await chat.start()
        assert "the database server can't be reached" in chat.errors().splitlines()[-1]
    finally:
        server.remove()


def test_a_refusal_is_not_waited_for(server, tmp_path):
    refused = database(f"postgresql://nosuch@127.0.0.1:{server.port}/nothing", tmp_path)
    with pytest.raises(ConfigError, match="refuses the user, the password or the database"):
        refused.wait(3600)


def test_an_old_version_is_told(server, url, tmp_path):
    with CommitProxy(server.port) as proxy:
        proxy.said = b"server_version\0" + server.version.encode(), b"server_version\0" + b"13"
        with pytest.raises(ConfigError, match="is PostgreSQL 13; it has to be 14 or newer"):
            Store.open(proxy.url(url), tmp_path)


def test_a_database_that_cant_be_written_to_is_told(server, tmp_path):
    import psycopg

    url = server.make_empty()
    with psycopg.connect(url) as conn:
        conn.execute(f"ALTER DATABASE {url.rpartition('/')[2]} SET default_transaction_read_only = on")
    with pytest.raises(ConfigError, match="the database can't be written to"):
        Store.open(url, tmp_path)
    server.drop(url)


def test_the_database_of_another_program_is_left_alone(server, tmp_path):
    import psycopg

    url = server.make_empty()
    with psycopg.connect(url) as conn:
        conn.execute('CREATE TABLE "user" (id integer)')
    with pytest.raises(ConfigError, match="tables of another program"):
        Store.open(url, tmp_path)
    with psycopg.connect(url) as conn:
        tables = conn.execute("SELECT relname FROM pg_stat_user_tables").fetchall()
    assert tables == [("user",)]
    server.drop(url)


def test_a_newer_database_is_refused_with_both_revisions(url, tmp_path):
    import psycopg

    with psycopg.connect(url) as conn:
        conn.execute("UPDATE alembic_version SET version_num = '99'")
    with pytest.raises(ConfigError, match=r"at revision 99, this program knows \d"):
        Store.open(url, tmp_path)


async def test_a_command_that_has_to_be_alone_waits_for_no_server(url, opened, tmp_path):
    server = opened(url)
    with pytest.raises(ConfigError, match="another server uses it"):
        Store.open_existing(url, tmp_path, "full", "alone")
    Store.open_existing(url, tmp_path, "full", "beside").close()
    server.close()
    alone = Store.open_existing(url, tmp_path, "full", "alone")
    with pytest.raises(ConfigError, match="a command is changing it"):
        Store.open(url, tmp_path)
    alone.close()
    opened(url)


async def test_a_second_server_that_would_not_hear_of_the_first_is_refused(url, tmp_path):
    first = Store.open(url, tmp_path, use="only")
    with pytest.raises(ConfigError, match="would not hear of each other"):
        Store.open(url, tmp_path, use="only")
    first.close()
    # Those that hear of each other are as many as they like.
    stores = [Store.open(url, tmp_path) for _ in range(2)]
    for store in stores:
        store.close()
    Store.open(url, tmp_path, use="only").close()


def test_servers_that_start_together_make_the_tables_once(server, tmp_path):
    from concurrent.futures import ThreadPoolExecutor

    url = server.make_empty()
    with ThreadPoolExecutor(4) as pool:
        for made in [pool.submit(Store.make, url, tmp_path) for _ in range(4)]:
            made.result()
    server.drop(url)
