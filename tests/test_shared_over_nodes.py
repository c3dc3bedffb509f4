"""What counts on all servers of a cluster: limits, failed sign-ins, slow mode, and which plugins are switched off."""

from __future__ import annotations

import asyncio
import time

import pytest
from clusters import two_servers, until

from chatserver.accounts.jwt_tokens import AUDIENCE
from chatserver.model.audit import entry
from chatserver.testing import Refused
from chatserver.testing.harness import Harness

pytestmark = pytest.mark.slow


async def on_both(one, two, name, role="member"):
    """A client of one account on each server."""
    user = await one.services.accounts.add(name, "correct horse", role)
    clients = []
    for server in (one, two):
        token = await server.services.accounts.tokens.issue(user, "session")
        clients.append(await server.client(token=token))
    return user, *clients


async def refused(asking, code):
    with pytest.raises(Refused) as error:
        await asking
    assert error.value.code == code


async def test_what_is_used_up_on_one_server_is_used_up_on_all(tmp_path):
    limits = {"messages_per_second": 0.01, "burst": 10}
    rooms = [{"name": "general"}, {"name": "slow", "slow_mode": 3600}]
    async with two_servers(tmp_path, settings={"limits": limits, "rooms": rooms}) as (one, two):
        user, here, there = await on_both(one, two, "alice")
        await here.join("general")
        await there.heard("joined")
        await asyncio.gather(*(here.says(f"{number}") for number in range(10)))
        limiter = two.services.message_limiter
        await until(lambda: limiter._full_at.get(user.id, 0) > time.monotonic() + 950)
        await refused(there.ask("message", room="general", content="one more"), "rate_limited")
        # A token that one has signed is good on the other at once, and signed with one key by both.
        for here, there in ((one, two), (two, one)):
            token = await here.services.jwt.issue(
                user, 60, [], AUDIENCE, entry("token", time.time(), target=user)
            )
            await until(lambda there=there: there.services.jwt.public_keys()["keys"])
            facts = await there.services.jwt.own(token)
            assert facts.user.id == user.id
        assert one.services.jwt.public_keys() == two.services.jwt.public_keys()
        # Slow mode.
        _, here, there = await on_both(one, two, "carol")
        bob = await two.client("bob")
        for client in (here, bob):
            await client.join("slow")
        await here.ask("message", room="slow", content="first")
        assert (await bob.hears("message")).content == "first"
        await refused(there.ask("message", room="slow", content="second"), "slow_mode")
        await bob.ask("message", room="slow", content="mine")
        # Failed sign-ins.
        wrong = {"name": "alice", "password": "wrong horse"}
        for _ in range(10):
            assert (await one.api("POST", "login", wrong))[0] == 401
        failed = two.services.credentials.attempts._failed
        await until(lambda: [count for count, _ in failed.values()] == [10, 10, 10])
        status, answer = await two.api("POST", "login", {"name": "alice", "password": "correct horse"})
        assert (status, answer["error"]["code"]) == (429, "rate_limited")


async def test_a_plugin_that_is_switched_off_is_off_on_all_servers(tmp_path):
    async with two_servers(tmp_path, plugins=["basics", "emoji", "pins"]) as (one, two):

        def here(server, name):
            return server.server.host.current.peer(name) is not None

        alice = (await on_both(one, two, "alice", "admin"))[1]
        await alice.join("general")
        await alice.says("/plugins off emoji")
        await until(lambda: not here(one, "emoji") and not here(two, "emoji"))
        assert here(one, "pins")
        assert here(two, "pins")
        folder = tmp_path / "three"
        folder.mkdir()
        settings = {
            "store": {"url": one.server.settings.store.url},
            "bus": {"url": one.server.settings.bus.url, "prefix": one.server.settings.bus.prefix},
        }
        async with Harness(folder, plugins=["basics", "emoji", "pins"], settings=settings) as three:
            assert not here(three, "emoji")
            assert here(three, "pins")
            await three.services.plugin_reload.switch("emoji", True)
            await until(lambda: all(here(server, "emoji") for server in (one, two, three)))
        # It is kept, as a file too, for a start without the others.
        await two.services.plugin_reload.switch("pins", False)
        await until(lambda: not here(one, "pins"))
        await until(lambda: "pins" in (one.server.settings.data_dir / "plugins_off.json").read_text())
