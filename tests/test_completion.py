"""Suggestions for an argument of a command, asked for while a user types."""

from __future__ import annotations

import asyncio

import pytest

from chatserver.testing import Refused

FEEDS = '''
import asyncio

from chatserver import Plugin, command, hookimpl


class Feeds(Plugin):
    @hookimpl
    def register_permissions(self):
        return {"feeds.drop": "moderator"}

    async def names(self, ctx, typed):
        if typed == "boom":
            raise SystemExit(3)
        if typed == "hang":
            await asyncio.sleep(60)
        return [(f"{typed}-{ctx.room.name if ctx.room else 'nowhere'}", ctx.user.name), "a b"]

    @command("feeds read", complete={"name": names})
    def read(self, ctx, name: str):
        """Read a feed."""

    @command("feeds drop", complete={"name": names}, permission="feeds.drop")
    def drop(self, ctx, name: str):
        """Drop a feed."""
'''


@pytest.fixture
def feeds(chat, tmp_path):
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "feeds.py").write_text(FEEDS)
    return lambda **options: chat(plugins=["feeds"], dirs=[folder], **options)


ASKED = {"command": "feeds read", "argument": "name"}


async def test_a_client_asks_for_what_fits(feeds):
    async with feeds() as server:
        (alice,) = await server.join("general", "alice")
        (read,) = (each for each in alice.welcome.commands if each["name"] == "feeds read")
        assert read["args"][0]["complete"] is True
        reply = await alice.ask("complete", **ASKED, typed="t", room="general")
        assert reply.choices == [{"value": "t-general", "hint": "alice"}, {"value": "a b"}]
        reply = await alice.ask("complete", **ASKED)
        assert reply.choices[0]["value"] == "-nowhere"


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"command": "feeds drop", "argument": "name"}, "forbidden", None),
        ({"command": "feeds", "argument": "name"}, "not_found", "command"),
        ({"command": "feeds read", "argument": "other"}, "not_found", "argument"),
        ({**ASKED, "room": "nowhere"}, "not_found", "room"),
        ({**ASKED, "typed": 3}, "invalid", "typed"),
        ({**ASKED, "typed": "x" * 257}, "invalid", "typed"),
        ({"argument": "name"}, "invalid", "command"),
    ],
)
async def test_what_cannot_be_completed_is_refused(fields, code, field, feeds):
    async with feeds() as server:
        (alice,) = await server.join("general", "alice")
        with pytest.raises(Refused) as caught:
            await alice.ask("complete", **fields)
        assert (caught.value.code, caught.value.field) == (code, field)


@pytest.mark.parametrize("typed", ["boom", "hang"])
async def test_a_plugin_that_fails_or_hangs_holds_up_no_one(typed, feeds):
    async with feeds(strict=False) as server:
        alice, bob = await server.join("general", "alice", "bob")
        with pytest.raises(Refused) as caught:
            await alice.ask("complete", **ASKED, typed=typed)
        assert (caught.value.code, caught.value.error.plugin) == ("plugin_failed", "feeds")
        await alice.says("still here")
        assert (await bob.hears()).content == "still here"


async def test_asking_is_limited(feeds):
    slow = {"limits": {"messages_per_second": 1, "burst": 1}}
    async with feeds(settings=slow) as server:
        (alice,) = await server.join("general", "alice")
        asked = [alice.ask("complete", **ASKED) for _ in range(20)]
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        assert "rate_limited" in {outcome.code for outcome in outcomes if isinstance(outcome, Refused)}
