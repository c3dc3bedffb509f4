"""HTTP streams where each request may come to another server of the cluster."""

from __future__ import annotations

import asyncio
import json

import pytest
from clusters import round_robin, two_servers, until

from chatserver.testing import HttpClient

pytestmark = pytest.mark.slow


def texts(client):
    return [event["content"] for event in client.everything if event["type"] == "message"]


@pytest.mark.parametrize("reading", ["events", "poll"])
async def test_a_client_talks_through_a_proxy_that_spreads_its_requests(tmp_path, reading):
    async with two_servers(tmp_path) as (one, two), round_robin(tmp_path, one, two) as url:
        alice, bob = HttpClient(url, reading), await two.client("bob")
        await alice.hello(name="alice")
        await alice.join("general")
        await bob.join("general")
        for number in range(30):
            await alice.says(f"a{number}")
            await bob.says(f"b{number}")
        wanted = [f"{name}{number}" for number in range(30) for name in "ab"]
        await until(lambda: len(texts(alice)) == len(texts(bob)) == 60)
        assert texts(alice) == texts(bob) == wanted
        # The stream was one server's, and both were asked for it.
        here = [len(each.server.context.keepalive) for each in (one, two)]
        assert sum(here) == 2
        if reading == "poll":
            assert all(each.services.metrics.stream_answers["poll"] for each in (one, two))
        # Its end is told, too, and where it is over the next one goes on from what the client has.
        seen, token = alice.seen, alice.token
        owner = one if alice.stream.startswith(one.services.bus.node) else two
        for session in owner.services.sessions.all():
            if session.user.name == "alice":
                owner.services.sessions.close(session.user.id, 4001, "signed out")
        assert await alice.closed() == 4001
        await bob.says("meanwhile")
        again = HttpClient(url, reading)
        await again.hello(token=token, resume={"epoch": alice.welcome.epoch, "rooms": seen})
        await until(lambda: texts(again) == ["meanwhile"])
        await again.leave()


async def asked(server, method, address, token, body=None, after=1, wait=0):
    headers = {"Last-Event-ID": str(after), "Accept": "application/json"}
    answer = await server.http(method, address, body, token=token, headers=headers)
    return answer.code, json.loads(answer.body)


async def test_what_is_asked_of_another_server_is_refused_as_by_the_own_one(tmp_path):
    async with two_servers(tmp_path) as (one, two):
        status, opened = await one.api("POST", "stream", {"name": "alice"})
        assert status == 201
        token = opened.welcome["token"]
        address = f"/api/v1/stream/{opened.stream}"
        other = (await two.client("mallory")).token
        batch = {"batch": 1, "requests": [{"type": "join", "id": "j", "room": "general"}]}
        for server in (one, two):
            for method, body in (("GET", None), ("POST", batch), ("DELETE", None)):
                for wrong in (other, None):
                    status, answer = await asked(server, method, address, wrong, body)
                    assert (status, answer["error"]["code"]) == (404, "not_found"), (method, wrong)
            status, answer = await asked(server, "GET", f"{address}?wait=0", token, after=99)
            assert (status, answer["error"]["field"]) == (400, "Last-Event-ID")
            status, answer = await asked(server, "POST", address, token, {"batch": 7, "requests": []})
            assert (status, answer["error"]["field"]) == (400, "batch")
        # A batch that comes to both counts once, and all is read by either of them.
        for server in (one, two):
            assert (await asked(server, "POST", address, token, batch))[0] == 200
        last, events = 1, []
        while not [event for event in events if event["type"] == "ok"]:
            status, answer = await asked(two, "GET", f"{address}?wait=5", token, after=last)
            events, last = events + answer["events"], answer["last"]
        assert len([event for event in events if event.get("re") == "j"]) == 1
        assert (await asked(one, "GET", f"{address}?wait=0", token, after=last))[0] == 200
        status, answer = await asked(two, "GET", f"{address}?wait=0", token, after=1)
        assert answer["error"]["code"] == "outdated"
        # One answer that reads is replaced by the next, wherever it comes to.
        waiting = asyncio.ensure_future(asked(two, "GET", f"{address}?wait=20", token, after=last))
        owner = one.services.metrics
        before = owner.stream_answers["poll"]
        while not waiting.done():
            await asked(one, "GET", f"{address}?wait=0", token, after=last)
        assert owner.stream_answers["poll"] > before
        assert (await waiting)[1]["error"]["code"] == "replaced"
        assert (await asked(two, "DELETE", address, token))[0] == 200
        assert (await asked(one, "GET", address, token))[0] == 404
        # Of a server that is not there.
        nowhere = f"/api/v1/stream/0badcafe{opened.stream[8:]}"
        assert (await asked(two, "GET", nowhere, token))[0] == 404
        # A server of another version, which doesn't know the question, is no end of the stream.
        _, opened = await one.api("POST", "stream", {"name": "ann"})
        address, token = f"/api/v1/stream/{opened.stream}", opened.welcome["token"]
        del one.services.nodes.requests.work["stream"]
        status, answer = await asked(two, "GET", address, token)
        assert (status, answer["error"]["code"]) == (503, "unavailable")
        assert answer["error"]["retry_after"] > 0
