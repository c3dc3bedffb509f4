"""All who come from one address have a limit together."""

from __future__ import annotations

import asyncio
import logging

from chatserver.testing import Refused

SETTINGS = {"server": {"trusted_proxies": ["127.0.0.1"]}, "limits": {"requests_per_second_per_ip": 2}}


async def guest(server, address, name):
    client = await server.connect(headers={"X-Forwarded-For": address})
    await client.hello(name=name)
    await client.join("general")
    return client


async def outcomes(clients, count, content="x"):
    """What becomes of so many messages of each."""
    work = (client.says(content, "general") for client in clients for _ in range(count))
    done = await asyncio.gather(*work, return_exceptions=True)
    return [each.error if isinstance(each, Refused) else None for each in done]


async def test_many_guests_of_one_address_are_one(chat, caplog):
    caplog.set_level(logging.INFO, "chatserver.refused")
    async with chat(plugins=["history"], settings=SETTINGS) as server:
        # A /64 of IPv6 is one.
        pests = [await guest(server, f"2001:db8:1:2::{n}", f"pest{n}") for n in range(1, 6)]
        other = await guest(server, "2001:db8:1:3::1", "other")
        refused = [each for each in await outcomes(pests, 10) if each is not None]
        assert len(refused) > 25
        assert {each["code"] for each in refused} == {"rate_limited"}
        assert all(0 < each["retry_after"] < 60 for each in refused)
        # Reading is no way round it, nor is HTTP.
        for work in (pests[0].ask("history", room="general"), pests[1].ask("members", room="general")):
            (failed,) = await asyncio.gather(work, return_exceptions=True)
            assert failed.error["code"] == "rate_limited"
        headers = {"X-Forwarded-For": "2001:db8:1:2::77"}
        status, answer = await server.api("GET", "rooms", token=pests[0].token, headers=headers)
        assert (status, answer["error"]["code"]) == (429, "rate_limited")
        assert await outcomes([other], 5) == [None] * 5
        assert any("rate_limited request" in record.getMessage() for record in caplog.records)
        # What is this machine's own is not counted.
        (own,) = await server.join("general", "own")
        assert await outcomes([own], 50) == [None] * 50


async def test_bytes_count(chat):
    async with chat(settings=SETTINGS) as server:
        short, long = await guest(server, "203.0.113.1", "short"), await guest(server, "203.0.113.2", "long")
        assert [each for each in await outcomes([short], 8) if each] == []
        assert len([each for each in await outcomes([long], 8, "y" * 7000) if each]) >= 4
