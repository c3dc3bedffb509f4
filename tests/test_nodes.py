"""Two servers on one PostgreSQL, which hear of each other by a Redis: one chat."""

from __future__ import annotations

import asyncio
import secrets
import time
from contextlib import asynccontextmanager

import pytest
from lossy import LossyProxy

from chatserver.model.errors import Close, ConfigError
from chatserver.testing.harness import Harness
from chatserver.testing.postgresql import NoPostgresql, postgresql
from chatserver.testing.redis import NoRedis, redis_server

pytestmark = pytest.mark.slow

SOON = {"node_beat": 0.2, "node_silence": 1.5}


@pytest.fixture(scope="module")
def redis():
    try:
        postgresql()
        return redis_server()
    except (NoPostgresql, NoRedis) as error:
        pytest.skip(f"several servers are not tested: {error}")


@pytest.fixture
def cluster(redis, tmp_path):
    """``async with cluster() as (one, two)``: two servers, one chat. ``url`` is the way to Redis."""

    @asynccontextmanager
    async def run(url=redis.url, **options):
        database, prefix = postgresql().make(), secrets.token_hex(4)
        options.setdefault("plugins", ["basics", "moderation"])
        options["timeouts"] = {**SOON, **options.get("timeouts", {})}
        settings = {
            "store": {"url": database},
            "bus": {"url": url, "prefix": prefix},
            **options.pop("settings", {}),
        }
        folders = [tmp_path / name for name in ("one", "two")]
        for folder in folders:
            folder.mkdir()
        try:
            async with (
                Harness(folders[0], settings=settings, **options) as one,
                Harness(folders[1], settings=settings, **options) as two,
            ):
                await connected(one, two)
                yield one, two
        finally:
            postgresql().drop(database)

    return run


async def connected(*servers):
    await until(
        lambda: all(
            server.services.bus.problem is None and server.services.nodes.others() for server in servers
        )
    )


async def account_on(server, other, name, role="member"):
    """A client of an account on one server, and one of the same account on the other."""
    user = await server.services.accounts.add(name, "correct horse", role)
    clients = []
    for each in (server, other):
        token = await each.services.accounts.tokens.issue(user, "session")
        clients.append(await each.client(token=token))
    return clients


def log_of(client, room):
    """The numbers of a room's log, as the client got them."""
    heard = [event for event in client.everything if event.get("room") == room and "seq" in event]
    return [event["seq"] for event in heard if event["type"] not in ("read", "ok")]


def comings(client, name):
    return [
        e["type"] for e in client.everything if e["type"] in ("joined", "left") and e["user"]["name"] == name
    ]


def texts(client, room):
    return [e["content"] for e in client.everything if e["type"] == "message" and e["room"] == room]


async def until(condition):
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - anything may be waited for
            await asyncio.sleep(0.01)


async def flood(client, room, words):
    for start in range(0, len(words), 20):
        await asyncio.gather(
            *(
                client.ask("message", room=room, content=word, nonce=word)
                for word in words[start : start + 20]
            )
        )


async def test_two_servers_start_at_once(redis, tmp_path):
    database = postgresql().make()
    settings = {
        "store": {"url": database},
        "bus": {"url": redis.url, "prefix": secrets.token_hex(4)},
        "rooms": [{"name": f"room{n}"} for n in range(5)],
    }
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
    servers = [Harness(folder, settings=settings, plugins=["basics", "moderation"]) for folder in folders]
    try:
        await asyncio.gather(*(server.start() for server in servers))
        for server in servers:
            await (await server.client("alice" if server is servers[0] else "bob")).join("room4")
    finally:
        await asyncio.gather(*(server.stop() for server in servers))
        postgresql().drop(database)


async def test_two_servers_are_one_chat_in_one_order(cluster):
    async with cluster() as (one, two):
        alice, bob = await one.client("alice"), await two.client("bob")
        for client in (alice, bob):
            await client.join("general")
        await asyncio.gather(
            flood(alice, "general", [f"a{n}" for n in range(200)]),
            flood(bob, "general", [f"b{n}" for n in range(200)]),
        )
        await until(lambda: len(texts(alice, "general")) >= 400 and len(texts(bob, "general")) >= 400)
        assert texts(alice, "general") == texts(bob, "general")
        for client in (alice, bob):
            seqs = log_of(client, "general")
            assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
            assert len(set(texts(client, "general"))) == 400
        said = texts(alice, "general")
        for letter in "ab":
            assert sorted(w for w in said if w[0] == letter) == sorted(f"{letter}{n}" for n in range(200))


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_carrier_that_loses_doubles_and_delays_is_not_noticed(cluster, redis, seed):
    async with LossyProxy(redis.port, seed) as proxy, cluster(url=proxy.url) as (one, two):
        boss = await one.account("boss", "admin")
        talkers = [boss, await one.client("alice"), await two.client("bob"), await two.client("carl")]
        for client in talkers:
            await client.join("general")
        for number in range(4):
            await asyncio.gather(
                *(
                    flood(client, "general", [f"{client.name}{number}.{n}" for n in range(30)])
                    for client in talkers
                ),
                boss.ask("message", room="general", content=f"/topic {number}"),
            )
        last = await talkers[-1].ask("message", room="general", content="the end")
        for client in talkers:
            await until(lambda client=client: last.seq in log_of(client, "general"))
        assert proxy.lost
        assert proxy.doubled
        assert proxy.late
        first = max(log_of(client, "general")[0] for client in talkers)
        for client in talkers:
            seqs = [seq for seq in log_of(client, "general") if seq >= first]
            assert seqs == list(range(first, last.seq + 1))
        said = texts(talkers[-1], "general")
        assert all(texts(client, "general")[-len(said) :] == said for client in talkers)
        assert len(set(texts(boss, "general"))) == 4 * 4 * 30 + 1


async def test_coming_and_going_are_told_on_both(cluster):
    async with cluster() as (one, two):
        alice = await one.client("alice")
        await alice.join("general")
        alice_id = alice.welcome.user["id"]
        await until(lambda: "general" in two.services.presence.rooms(alice_id))
        bob = await two.client("bob")
        await bob.join("general")
        await until(lambda: comings(alice, "bob") == ["joined"])
        await alice.ask("presence", status="away", text="tea")
        assert (await bob.hears("presence")).status == "away"
        seen = {m["user"]["name"]: m["status"] for m in (await bob.ask("members", room="general")).members}
        assert seen == {"alice": "away", "bob": "online"}
        await alice.leave()
        assert (await bob.hears("left")).user["name"] == "alice"
        assert comings(alice, "bob") == ["joined"]
        assert comings(bob, "alice") == ["left"]


async def test_a_user_on_both_is_one_person(cluster):
    async with cluster() as (one, two):
        watcher = await one.client("watcher")
        await watcher.join("general")
        here, there = await account_on(one, two, "alice")
        await here.join("general")
        await until(lambda: comings(watcher, "alice") == ["joined"])
        # The other session follows the room from here on.
        assert (await there.hears("rooms")).rooms[0]["name"] == "general"
        await watcher.ask("message", room="general", content="hi")
        assert (await there.hears("message")).content == "hi"
        await here.leave()
        await watcher.ask("typing", room="general", on=True)
        assert (await there.hears("typing")).user["name"] == "watcher"
        await there.leave()
        await until(lambda: comings(watcher, "alice") == ["joined", "left"])


async def test_after_a_kick_on_one_nothing_follows_on_the_other(cluster):
    async with cluster() as (one, two):
        admin = await one.account("boss", "admin")
        await admin.join("general")
        target = await two.client("pest")
        await target.join("general")
        flooding = asyncio.create_task(asyncio.wait_for(_flood_until_refused(target, "general"), 20))
        await until(lambda: len(texts(admin, "general")) > 5)
        await admin.ask("message", room="general", content="/kick pest")
        await flooding
        kicked = await target.hears("kicked")
        assert kicked.room == "general"
        await admin.ask("message", room="general", content="quiet")
        await until(lambda: "quiet" in texts(admin, "general"))
        kick = next(e["seq"] for e in admin.everything if e["type"] == "member" and e["action"] == "kicked")
        after = [e for e in admin.everything if e["type"] == "message" and e["seq"] > kick]
        assert [e["content"] for e in after] == ["quiet"]
        assert log_of(target, "general")[-1] == kick


async def _flood_until_refused(client, room):
    for n in range(10_000):
        try:
            await client.ask("message", room=room, content=f"spam {n}")
        except Exception:
            return
    raise AssertionError("never refused")


async def test_a_session_that_ends_on_one_closes_on_the_other(cluster):
    async with cluster() as (one, two):
        user = await one.services.accounts.add("alice", "correct horse", "member")
        token = await one.services.accounts.tokens.issue(user, "session")
        here, there = await one.client(token=token), await two.client(token=token)
        await one.services.account_changes.sign_out(token)
        for client in (here, there):
            assert await client.closed() == Close.REVOKED


async def test_who_is_put_out_of_the_server_is_out_on_all(cluster):
    async with cluster() as (one, two):
        boss = (await one.account("boss", "admin")).welcome["user"]["id"]
        moderation, accounts = one.services.moderation, one.services.accounts
        by = await accounts.find(boss)
        for name, code in (("pest", Close.KICKED), ("troll", Close.BANNED)):
            client = await two.client(name)
            await until(lambda client=client: one.services.presence.is_here(client.id))
            target = await accounts.find(name)
            if code == Close.KICKED:
                await moderation.server_kick(target, by=by, reason="")
            else:
                await moderation.server_ban(target, by=by, minutes=0, reason="", address_minutes=0)
            assert await client.closed() == code
        await until(lambda: two.services.sanctions.is_banned(target))


async def test_what_is_too_old_is_gone_on_both(cluster, clock):
    settings = {"retention": {"keep_days": 1}}
    async with cluster(plugins=["history"], clock=clock, settings=settings) as (one, two):
        ann, bob = await one.client("ann"), await two.client("bob")
        for each in (ann, bob):
            await each.join("general")
        await ann.says("old", "general")
        assert (await bob.hears()).content == "old"
        clock.seconds = 2 * 86_400
        new = await ann.says("new", "general")
        await one.services.retention.run()
        for each in (ann, bob):
            assert (await each.hears("floor")).seq == new.seq - 1
            assert [event["seq"] for event in (await each.ask("history", room="general")).events] == [new.seq]


async def test_redis_dies_and_comes_back(cluster, redis):
    async with cluster() as (one, two):
        alice, bob, carl = await one.client("alice"), await two.client("bob"), await one.client("carl")
        for client in (alice, bob, carl):
            await client.join("general")
        redis.kill()
        try:
            await until(lambda: one.services.bus.problem and two.services.bus.problem)
            answer = await one.http("GET", "/readyz")
            assert answer.code == 503
            assert b"can't be reached" in answer.body
            for n in range(5):
                await alice.ask("message", room="general", content=f"a{n}")
                await bob.ask("message", room="general", content=f"b{n}")
            # On one server all goes on; the other is heard by the database.
            await until(lambda: len(texts(carl, "general")) == 10)
        finally:
            redis.start()
        await connected(one, two)
        await bob.ask("message", room="general", content="back")
        for client in (alice, bob, carl):
            await until(lambda client=client: texts(client, "general")[-1:] == ["back"])
            seqs = log_of(client, "general")
            assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
        assert texts(alice, "general") == texts(bob, "general") == texts(carl, "general")
        async with asyncio.timeout(15):
            while (await one.http("GET", "/readyz")).code != 200:  # an answer may be a second old
                pass


async def test_a_server_that_dies_takes_its_people_offline(cluster):
    async with cluster() as (one, two):
        alice, bob = await one.client("alice"), await two.client("bob")
        await alice.join("general")
        await bob.join("general")
        await alice.hears("joined")
        # Nothing comes from it any more, as if it were killed.
        await two.services.bus.stop()
        assert (await alice.hears("left")).user["name"] == "bob"


async def test_of_a_server_that_dies_those_who_dont_come_back_go_and_once(cluster):
    async with cluster(plugins=["basics"]) as (one, two):
        watcher = await one.client("watcher")
        await watcher.join("general")
        people = [await two.client(f"user{n}") for n in range(6)]
        for client in people:
            await client.join("general")
        await until(lambda: len(comings(watcher, "user5")) == 1)
        await two.services.bus.stop()
        for client in people[:3]:
            await one.client(token=client.token)
        await until(lambda: all(comings(watcher, f"user{n}") == ["joined", "left"] for n in range(3, 6)))
        for number in range(3):
            assert comings(watcher, f"user{number}") == ["joined"]


async def test_a_server_that_stood_still_takes_no_other_for_dead(cluster):
    silence = 3.0
    async with cluster(timeouts={"node_silence": silence}) as (one, two):
        alice, bob = await one.client("alice"), await two.client("bob")
        for client in (alice, bob):
            await client.join("general")
        await until(lambda: comings(alice, "bob") == ["joined"])
        # Both are in this process: it stands still.
        time.sleep(silence + 0.5)  # noqa: ASYNC251
        for number in range(5):
            await bob.says(f"{number}", "general")
            await alice.hears(content=f"{number}")
        assert comings(alice, "bob") == ["joined"]
        assert comings(bob, "alice") == []


async def test_a_server_that_stops_hands_its_people_over(cluster):
    async with cluster(timeouts={"presence_grace": 5.0}) as (one, two):
        alice, bob = await one.client("alice"), await two.client("bob")
        for client in (alice, bob):
            await client.join("general")
        await until(lambda: comings(alice, "bob") == ["joined"])
        carl = await two.client("carl")
        await carl.join("general")
        await alice.ask("message", room="general", content="before")
        await until(lambda: texts(bob, "general") == ["before"])
        seen, token, epoch = dict(bob.seen), bob.token, bob.welcome.epoch
        await two.stop()
        await alice.ask("message", room="general", content="meanwhile")
        back = await one.client(token=token, resume={"epoch": epoch, "rooms": seen})
        assert (await back.hears("message")).content == "meanwhile"
        # Who came back was never away.
        await until(lambda: comings(alice, "carl") == ["joined", "left"])
        assert comings(alice, "bob") == ["joined"]
        await two.start()


async def test_a_message_to_a_user_on_the_other_server(cluster):
    async with cluster() as (one, two):
        alice = await one.client("alice")
        bob = await two.client("bob")
        await alice.ask("message", to="bob", content="psst")
        assert (await bob.hears("rooms")).rooms[0]["kind"] == "direct"
        assert (await bob.hears("message")).content == "psst"


async def test_another_cluster_with_the_same_prefix_is_refused(cluster, tmp_path):
    async with cluster() as (one, _):
        other = postgresql().make_empty()
        try:
            bus = one.server.settings.bus
            folder = tmp_path / "other"
            folder.mkdir()
            settings = {"store": {"url": other}, "bus": {"url": bus.url, "prefix": bus.prefix}}
            with pytest.raises(ConfigError, match="another cluster"):
                await Harness(folder, settings=settings).start()
        finally:
            postgresql().drop(other)
