"""What the server tells about itself: /metrics for Prometheus, stats for all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from tornado.websocket import websocket_connect

from chatserver.model.metrics import Histogram, Rate

pytestmark = pytest.mark.transport


async def scraped(server, token=None, **options):
    answer = await server.http("GET", "/metrics", token=token, **options)
    assert answer.code == 200, answer.body
    samples = {}
    for family in text_string_to_metric_families(answer.body.decode()):
        for sample in family.samples:
            samples[sample.name, tuple(sorted(sample.labels.items()))] = sample.value
    return samples


async def test_what_happens_is_counted(chat):
    async with chat(plugins=["emoji"]) as server:
        alice, bob = await server.join("general", "alice", "bob")
        before = await scraped(server)
        for text in ("one", "two", "three :tada:"):
            await alice.says(text)
        assert len(await bob.heard()) == 3
        after = await scraped(server)

        def more(name, **labels):
            key = "chatserver_" + name, tuple(sorted(labels.items()))
            return after[key] - before.get(key, 0)

        assert more("messages_total") == 3
        assert more("deliveries_total") == 6
        assert 2 <= more("sends_total") <= 6
        assert more("frames_in_total") == 4
        assert more("commit_events_count") >= 1
        assert more("hook_calls_total", plugin="emoji", hook="before_post") == 3
        assert more("hook_failures_total", plugin="emoji", hook="before_post") == 0
        assert after["chatserver_connections", ()] == 2


async def test_what_compression_saves_is_counted(chat):
    async with chat(settings={"server": {"compression": True}}, plugins=["history"]) as server:
        (alice,) = await server.join("general", "alice")
        url = f"ws://127.0.0.1:{server.server.port}/ws/general"
        socket = await websocket_connect(url, compression_options={})
        await socket.write_message('{"type":"hello","name":"bob"}')
        await alice.hears("joined")
        before = await scraped(server)
        await alice.says("x" * 5000)
        await alice.says("short")
        after = await scraped(server)
        socket.close()
        while await socket.read_message() is not None:
            pass
        names = "chatserver_compressed_frames_total", "chatserver_saved_bytes_total"
        frames, saved = (after[name, ()] - before[name, ()] for name in names)
        assert frames == 1
        # Content and html, for the one of the two who takes it.
        assert 9500 < saved < 10_500


async def test_closes_are_counted_by_code(chat):
    async with chat() as server:
        stranger = await server.connect()
        await stranger.send("{}")
        await stranger.send({"type": "ping"})
        assert await stranger.closed() == 4001
        assert (await scraped(server))["chatserver_closes_total", (("code", "4001"),)] == 1


async def test_only_admins_may_scrape_from_elsewhere(chat):
    proxies = {"server": {"trusted_proxies": ["127.0.0.1"]}}
    async with chat(settings=proxies) as server:
        elsewhere = {"X-Forwarded-For": "203.0.113.9"}
        assert (await server.http("GET", "/metrics", headers=elsewhere)).code == 401
        member, admin = await server.account("mia"), await server.account("ada", "admin")
        assert (await server.http("GET", "/metrics", headers=elsewhere, token=member.token)).code == 403
        assert await scraped(server, admin.token, headers=elsewhere)


@given(st.lists(st.floats(0, 100)))
def test_a_histogram_counts_each_value_once_and_below_its_bound(values):
    histogram = Histogram((1, 10, 50))
    for value in values:
        histogram.observe(value)
    counted = dict(histogram.cumulative())
    assert counted == {
        "1.0": sum(value <= 1 for value in values),
        "10.0": sum(value <= 10 for value in values),
        "50.0": sum(value <= 50 for value in values),
        "+Inf": len(values),
    }


def test_a_rate_is_the_mean_of_ten_seconds():
    rate = Rate()
    assert rate.per_second(0.5, 20) == 2
    for second in range(1, 21):
        rate.sample(second, 5 * second)
    assert rate.per_second(20, 100) == rate.per_second(20.5, 102.5) == 5
    assert rate.per_second(25, 100) == 2.5
    assert rate.per_second(100, 100) == 0
    rate.sample(107, 500)
    assert rate.per_second(130, 500) == 0


async def test_transports_are_told_apart(chat):
    async with chat() as server:
        await server.client("alice")
        for name in ("bob", "carl"):
            status, answer = await server.api("POST", "stream", {"name": name})
            assert status == 201
        token = answer.welcome["token"]
        poll = await server.http("GET", f"/api/v1/stream/{answer.stream}?wait=0", token=token)
        assert poll.code == 200
        samples = await scraped(server)
        transports = {
            name: samples["chatserver_transport_connections", (("transport", name),)]
            for name in ("websocket", "http_stream")
        }
        assert transports == {"websocket": 1, "http_stream": 2}
        assert samples["chatserver_connections", ()] == 3
        assert samples["chatserver_stream_answers_total", (("reading", "poll"),)] == 1
