"""Sessions over HTTP streams: opening, reading, sending, cuts and ends, and what is done wrong on the way."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager

import pytest

from chatserver.testing import HttpClient, Refused
from chatserver.web.cookies import xsrf_value

LIMIT = 65_536


def code_of(answer):
    return answer.code, json.loads(answer.body)["error"]["code"]


async def opened(server, hello, **options):
    """A stream that is opened and not read: its address, its welcome, and the headers of its user."""
    status, answer = await server.api("POST", "stream", hello, **options)
    assert status == 201, answer
    return f"/api/v1/stream/{answer.stream}", answer.welcome


async def polled(server, address, token, after=1, wait=0):
    """What has come after an event, and the number of the last one."""
    headers = {"Last-Event-ID": str(after), "Accept": "application/json"}
    answer = await server.http("GET", f"{address}?wait={wait}", token=token, headers=headers)
    assert answer.code == 200, answer.body
    got = json.loads(answer.body)
    return got["events"], got["last"]


async def polled_until(server, address, token, type, after=1):
    """All events up to the first one of this type, as if over one connection."""
    events, last = [], after
    while not [event for event in events if event["type"] == type]:
        more, last = await polled(server, address, token, last, wait=5)
        events += more
    return events, last


@asynccontextmanager
async def reading(raw, server, address, token, *lines, after=1, version="1.1"):
    """The socket of an answer of events, and its head."""
    async with raw(server) as socket:
        head = [
            f"GET {address} HTTP/{version}", "Host: 127.0.0.1", f"Authorization: Bearer {token}",
            f"Last-Event-ID: {after}", *lines,
        ]  # fmt: skip
        await socket.send("\r\n".join([*head, "", ""]).encode())
        yield socket, await socket.head()


def joins(room="general"):
    return {"batch": 1, "requests": [{"type": "join", "id": "j", "room": room}]}


async def test_a_stream_is_opened_read_and_left(chat, eventually):
    async with chat() as server:
        alice = (await server.join("general", "alice"))[0]
        address, welcome = await opened(server, {"type": "hello", "id": "h", "name": "bob"})
        token = welcome["token"]
        assert (welcome["type"], welcome["re"], welcome["user"]["name"]) == ("welcome", "h", "bob")
        events, last = await polled_until(server, address, token, "live")
        assert [event["type"] for event in events] == ["live"]
        assert last == 2
        assert (await server.http("POST", address, joins(), token=token)).code == 200
        events, last = await polled_until(server, address, token, "ok", last)
        assert events[-1]["re"] == "j" or events[0]["re"] == "j"
        assert (await alice.hears("joined")).user["name"] == "bob"
        # Nothing is new: nothing comes.
        events, last = await polled(server, address, token, last)
        while events:
            events, last = await polled(server, address, token, last)
        assert (await server.http("DELETE", address, token=token)).code == 200
        assert (await alice.hears("left")).user["name"] == "bob"
        assert code_of(await server.http("GET", address, token=token)) == (404, "not_found")
        assert len(server.server.context.keepalive) == 1


@pytest.mark.parametrize("reading", ["events", "poll"])
async def test_a_page_that_is_signed_in_by_its_cookie_has_a_stream(chat, reading):
    async with chat() as server:
        answer = await server.http("POST", "/api/v1/guest", {"name": "alice"})
        token = json.loads(answer.body)["token"]
        page = {
            "Cookie": f"chat_session={token}",
            "X-XSRFToken": xsrf_value(token),
            "Origin": server.url,
            "Sec-Fetch-Site": "same-origin",
        }
        client = HttpClient(server.url, reading, headers=page)
        await client.hello()
        assert client.token is None
        await client.join("general")
        await client.says("hello")
        assert (await client.hears()).content == "hello"
        await client.leave()


async def test_what_can_not_be_opened_leaves_nothing(chat, quiet):
    async with chat(settings={"limits": {"connections": 2}}) as server:
        await server.client("alice")
        for body, expected in (
            ({"name": "alice"}, (409, "name_taken")),
            ({"name": "no spaces here"}, (400, "invalid")),
            ({"token": "no such token"}, (401, "unauthorized")),
            ({}, (401, "unauthorized")),
            ({"name": 7}, (400, "invalid")),
            ({"type": "join", "room": "general"}, (400, "invalid")),
            ({"name": "bob", "resume": {"rooms": {}}}, (400, "invalid")),
            ([], (400, "invalid")),
        ):
            assert code_of(await server.http("POST", "/api/v1/stream", body)) == expected, body
        broken = {"body": b"{", "headers": {"Content-Type": "application/json"}}
        assert code_of(await server.http("POST", "/api/v1/stream", **broken)) == (400, "bad_request")
        form = {"body": b"name=bob", "headers": {"Content-Type": "application/x-www-form-urlencoded"}}
        assert code_of(await server.http("POST", "/api/v1/stream", **form)) == (400, "bad_request")
        assert code_of(await server.http("GET", "/api/v1/stream")) == (405, "bad_request")
        assert len(server.server.context.keepalive) == 1
        await opened(server, {"name": "bob"})
        assert code_of(await server.http("POST", "/api/v1/stream", {"name": "carl"})) == (429, "rate_limited")


async def test_a_stream_is_for_its_session_alone(chat):
    async with chat(accounts={"carl": "admin"}) as server:
        address, welcome = await opened(server, {"name": "bob"})
        token = welcome["token"]
        other = await server.client("alice")
        carl = await server.client("carl")
        # Another session of the same user is another one too.
        again = await server.services.accounts.tokens.issue(
            await server.services.accounts.find(carl.id), "session"
        )
        of_carl, _ = await opened(server, {"token": carl.token})
        for wrong, theirs in (
            (address, {"token": other.token}),
            (address, {"token": carl.token}),
            (address, {}),
            (of_carl, {"token": again}),
            ("/api/v1/stream/no-such-stream", {"token": token}),
            (f"{address}x", {"token": token}),
        ):
            for method, body in (("GET", None), ("POST", joins()), ("DELETE", None)):
                answer = await server.http(method, wrong, body, **theirs)
                assert code_of(answer) == (404, "not_found"), (method, wrong)
        assert (await polled_until(server, address, token, "live"))[0]
        assert (await polled_until(server, of_carl, carl.token, "live"))[0]


async def test_foreign_pages_and_forged_requests_are_refused(chat):
    async with chat() as server:
        token = json.loads((await server.http("POST", "/api/v1/guest", {"name": "bob"})).body)["token"]
        address, _ = await opened(server, {"token": token})
        cookie = {"Cookie": f"chat_session={token}"}
        foreign = {"Origin": "https://evil.example", **cookie, "X-XSRFToken": xsrf_value(token)}
        marked = {"Sec-Fetch-Site": "cross-site", **cookie, "X-XSRFToken": xsrf_value(token)}
        for headers in (foreign, marked):
            for method, where, body in (
                ("POST", "/api/v1/stream", {}),
                ("GET", address, None),
                ("POST", address, joins()),
                ("DELETE", address, None),
            ):
                answer = await server.http(method, where, body, headers=headers)
                assert code_of(answer) == (403, "forbidden"), (method, headers)
        for method, where, body in (
            ("POST", "/api/v1/stream", {}),
            ("POST", address, joins()),
            ("DELETE", address, None),
        ):
            assert code_of(await server.http(method, where, body, headers=cookie)) == (403, "forbidden")
        events, _ = await polled_until(server, address, token, "live")
        assert [event["type"] for event in events] == ["live"]


async def test_a_batch_that_is_refused_does_nothing(chat):
    async with chat(settings={"limits": {"frame_bytes": 2000, "content_chars": 100_000}}) as server:
        address, welcome = await opened(server, {"name": "bob"})
        token = welcome["token"]
        join = {"type": "join", "room": "general"}
        for body, expected in (
            ({"batch": 1, "requests": [join, {"type": "ping", "id": "x" * 3000}]}, (413, "too_large")),
            ({"batch": 1, "requests": [join] * 101}, (400, "invalid")),
            ({"batch": 0, "requests": [join]}, (400, "invalid")),
            ({"batch": 2, "requests": [join]}, (400, "invalid")),
            ({"batch": "1", "requests": [join]}, (400, "invalid")),
            ({"batch": 1, "requests": join}, (400, "invalid")),
            ({"batch": 1, "requests": [join], "more": 1}, (400, "invalid")),
            ({"requests": [join]}, (400, "invalid")),
            ([join], (400, "invalid")),
        ):
            assert code_of(await server.http("POST", address, body, token=token)) == expected, body
        large = {"body": b'{"batch":1,"requests":["' + b"x" * 2_000_000 + b'"]}'}
        json_type = {"Content-Type": "application/json"}
        assert code_of(await server.http("POST", address, token=token, headers=json_type, **large)) == (
            413,
            "too_large",
        )
        assert code_of(await server.http("PUT", address, joins(), token=token)) == (405, "bad_request")
        assert server.services.hub.count("general") == 0
        assert (await server.http("POST", address, joins(), token=token)).code == 200
        assert server.services.hub.count("general") == 1


async def test_requests_that_are_no_requests_are_answered_one_by_one(chat):
    async with chat() as server:
        address, welcome = await opened(server, {"name": "bob"})
        requests = [7, {"type": "nonsense", "id": "a"}, {"id": "b"}, {"type": "hello", "id": "c"}, None]
        requests.append({"type": "ping", "id": "end"})
        sent = await server.http("POST", address, {"batch": 1, "requests": requests}, token=welcome["token"])
        assert sent.code == 200
        events, _ = await polled_until(server, address, welcome["token"], "ok")
        answers = [(event["re"], event["code"]) for event in events if event["type"] == "error"]
        assert answers == [
            (None, "bad_request"), ("a", "unknown_type"), (None, "bad_request"), ("c", "bad_request"),
            (None, "bad_request"),
        ]  # fmt: skip


async def test_a_batch_that_comes_again_counts_once(chat):
    async with chat() as server:
        alice = (await server.join("general", "alice"))[0]
        address, welcome = await opened(server, {"name": "bob"})
        await server.http("POST", address, joins(), token=welcome["token"])

        def batch(number):
            said = [{"type": "message", "room": "general", "content": f"{number}.{n}"} for n in range(3)]
            return {"batch": number, "requests": said}

        for number in (2, 2, 3):
            assert (await server.http("POST", address, batch(number), token=welcome["token"])).code == 200
        both = [server.http("POST", address, batch(4), token=welcome["token"]) for _ in range(2)]
        assert [answer.code for answer in await asyncio.gather(*both)] == [200, 200]
        assert (await server.http("POST", address, batch(1), token=welcome["token"])).code == 200
        assert code_of(await server.http("POST", address, batch(6), token=welcome["token"])) == (
            400,
            "invalid",
        )
        for number in (2, 3, 4):
            for n in range(3):
                assert (await alice.hears()).content == f"{number}.{n}"
        assert not await alice.heard()


@pytest.mark.parametrize("number", ["0", "-1", "x", "1.5", "99999999999999999", "٣", "5"])
async def test_a_number_that_no_event_has_is_refused(chat, number):
    async with chat() as server:
        address, welcome = await opened(server, {"name": "bob"})
        await polled_until(server, address, welcome["token"], "live")
        for accept in ("application/json", "text/event-stream"):
            headers = {"Last-Event-ID": number.encode().decode("latin1"), "Accept": accept}
            answer = await server.http("GET", address, token=welcome["token"], headers=headers)
            assert code_of(answer) == (400, "invalid")
        for wait in ("26", "-1", "x", ""):
            answer = await server.http("GET", f"{address}?wait={wait}", token=welcome["token"])
            assert code_of(answer) == (400, "invalid")
        assert await polled(server, address, welcome["token"], 2) == ([], 2)


async def test_who_reads_last_has_the_stream(chat, raw, eventually):
    async with chat() as server:
        alice = (await server.join("general", "alice"))[0]
        address, welcome = await opened(server, {"name": "bob"})
        token = welcome["token"]
        transport = transport_of(server, welcome)
        await server.http("POST", address, joins(), token=token)
        _, last = await polled_until(server, address, token, "ok")
        await eventually(lambda: server.services.hub.count("general") == 2)
        async with reading(raw, server, address, token, after=last) as (first, head):
            assert head.startswith("HTTP/1.1 200")
            assert "Content-Type: text/event-stream; charset=utf-8" in head
            assert "X-Accel-Buffering: no" in head
            assert "Cache-Control: no-store" in head
            await eventually(lambda: transport._reader is not None)
            before = transport._reader
            late = asyncio.ensure_future(polled(server, address, token, last, wait=25))
            await eventually(lambda: transport._reader is not before)
            assert b'"code":"replaced"' in await first.reader.readuntil(b"0\r\n\r\n")
            poll = transport._reader
            newest = asyncio.ensure_future(
                server.http("GET", address, token=token, headers={"Last-Event-ID": str(last)})
            )
            await eventually(lambda: transport._reader is not poll)
            with pytest.raises(AssertionError, match="replaced"):
                await late
            await alice.says("on")
            await eventually(lambda: not transport.buffered)
            await server.http("DELETE", address, token=token)
            assert b'"content":"on"' in (await newest).body


async def test_a_cut_answer_goes_on_where_it_was_cut(chat, raw, eventually):
    async with chat() as server:
        alice = (await server.join("general", "alice"))[0]
        address, welcome = await opened(server, {"name": "bob"})
        token = welcome["token"]
        await server.http("POST", address, joins(), token=token)
        got, last = await polled_until(server, address, token, "ok")
        for round in range(5):
            async with reading(raw, server, address, token, after=last) as (socket, _):
                for n in range(20):
                    await alice.says(f"{round}.{n}")
                # Some whole events, and a part of the next one.
                data = b""
                while data.count(b"data: ") < 3 + round:
                    data += unchunked(await socket.reader.readuntil(b"\n\n\r\n"))
                data = data[: data.rindex(b"data: ") + 20]
                for block in data.split(b"\n\n")[:-1]:
                    if block.startswith(b"data: "):
                        got.append(json.loads(block[6:]))
                        last += 1
                    elif block.startswith(b"id: "):
                        assert int(block[4:]) == last
        while got[-1].get("content") != "4.19":
            more, last = await polled(server, address, token, last, wait=5)
            got += more
        said = [event["content"] for event in got if event["type"] == "message"]
        assert said == [f"{round}.{n}" for round in range(5) for n in range(20)]
        assert [event["seq"] for event in got if event["type"] == "message"] == sorted(
            event["seq"] for event in got if event["type"] == "message"
        )


async def test_what_is_kept_no_more_is_said_and_a_new_stream_resumes(chat, raw, quiet):
    async with chat(
        plugins=["history"], settings={"limits": {"messages_per_second": 1000, "burst": 1000}}
    ) as server:
        alice = (await server.join("general", "alice"))[0]
        address, welcome = await opened(server, {"name": "bob"})
        token = welcome["token"]
        await server.http("POST", address, joins(), token=token)
        _, last = await polled_until(server, address, token, "ok")
        async with reading(raw, server, address, token, after=last) as (socket, _):
            newest = last
            for n in range(60):
                await alice.says(f"{n} " + "x" * 7000)
                await socket.reader.readuntil(b"\n\nid: ")
                newest = int(await socket.reader.readuntil(b"\n\n"))
        answer = await server.http("GET", address, token=token, headers={"Last-Event-ID": f"{last}"})
        assert code_of(answer) == (404, "outdated")
        # It did no harm, and what is on the way is there.
        events, end = await polled(server, address, token, newest - 1)
        assert ([event["content"][:3] for event in events], end) == (["59 "], newest)
        room = next(room for room in welcome["rooms"] if room["name"] == "general")
        resume = {"epoch": welcome["epoch"], "rooms": {"general": room["head"]}}
        other, _ = await opened(server, {"token": token, "resume": resume})
        events, _ = await polled_until(server, other, token, "live")
        said = [event["content"].split()[0] for event in events if event["type"] == "message"]
        assert said == [f"{n}" for n in range(60)]


async def test_a_client_that_does_not_read_is_closed_with_4013(chat, quiet):
    settings = {"limits": {"send_buffer_bytes": LIMIT, "messages_per_second": 1000, "burst": 1000}}
    async with chat(settings=settings) as server:
        alice, carl = await server.join("general", "alice", "carl")
        address, welcome = await opened(server, {"name": "bob"})
        token = welcome["token"]
        await server.http("POST", address, joins(), token=token)
        _, last = await polled_until(server, address, token, "ok")
        transport = transport_of(server, welcome)
        while transport.buffered < LIMIT * 0.6:
            await alice.says("x" * 4000)
        await alice.ask("typing", room="general", on=True)
        await carl.hears("typing")
        while transport.writable:
            await alice.says("x" * 4000)
        events, last = await polled_until(server, address, token, "closed", last)
        assert (events[-1]["code"], events[-1]["reason"]) == (4013, "too slow")
        assert not [event for event in events if event["type"] == "typing"]
        said = [event["seq"] for event in events if event["type"] == "message"]
        assert said == list(range(said[0], said[0] + len(said)))
        assert code_of(
            await server.http("GET", address, token=token, headers={"Last-Event-ID": str(last)})
        ) == (404, "not_found")
        assert code_of(
            await server.http("POST", address, {"batch": 2, "requests": [{"type": "ping"}]}, token=token)
        ) == (404, "not_found")


async def test_who_asks_without_reading_waits(chat):
    settings = {"limits": {"send_buffer_bytes": LIMIT, "messages_per_second": 1000, "burst": 1000}}
    async with chat(plugins=["history"], settings=settings) as server:
        alice = (await server.join("general", "alice"))[0]
        for _ in range(20):
            await alice.says("x" * 4000)
        address, welcome = await opened(server, {"name": "bob"})
        token = welcome["token"]
        await server.http("POST", address, joins(), token=token)
        pages = [{"type": "sync", "id": f"{n}", "room": "general", "after": 0} for n in range(10)]
        sending = asyncio.ensure_future(
            server.http("POST", address, {"batch": 2, "requests": pages}, token=token)
        )
        for _ in range(20):
            await alice.ask("ping")
        assert not sending.done()
        assert transport_of(server, welcome).buffered < 4 * LIMIT
        events, last = [], 1
        while not events or events[-1].get("re") != "9":
            more, last = await polled(server, address, token, last, wait=5)
            events += more
        assert [event["re"] for event in events if event["type"] == "ok"] == [
            "j",
            *(f"{n}" for n in range(10)),
        ]
        assert (await sending).code == 200


async def test_a_stream_that_is_not_read_again_ends(chat, raw, eventually):
    async with chat(timeouts={"stream_cut": 2.0}) as server:
        alice = (await server.join("general", "alice"))[0]
        address, welcome = await opened(server, {"name": "bob"})
        token = welcome["token"]
        async with reading(raw, server, address, token):
            await server.http("POST", address, joins(), token=token)
            await alice.hears("joined")
            for _ in range(20):
                await alice.ask("ping")
            assert transport_of(server, welcome).writable
        assert (await alice.hears("left")).user["name"] == "bob"
        await eventually(lambda: len(server.server.context.keepalive) == 1)
        assert code_of(await server.http("GET", address, token=token)) == (404, "not_found")


async def test_polls_are_not_answered_one_by_one(chat):
    async with chat(timeouts={"poll_pause": 1000.0}) as server:
        alice = (await server.join("general", "alice"))[0]
        address, welcome = await opened(server, {"name": "bob"})
        token = welcome["token"]
        await server.http("POST", address, joins(), token=token)
        _, last = await polled(server, address, token, 1, wait=5)
        waiting = asyncio.ensure_future(polled(server, address, token, last, wait=25))
        for n in range(20):
            await alice.says(f"{n}")
        assert not waiting.done()
        # What ends the stream is told at once, with all that came before.
        await server.api("POST", "logout", token=token)
        events, _ = await waiting
        assert [event["content"] for event in events if event["type"] == "message"] == [
            f"{n}" for n in range(20)
        ]
        assert events[-1]["type"] == "closed"


@pytest.mark.parametrize("reading", ["events", "poll"])
async def test_a_session_that_ends_says_so(chat, reading):
    async with chat(over=reading) as server:
        bob = await server.client("bob")
        assert (await server.api("POST", "logout", token=bob.token))[0] == 200
        assert await bob.closed() == 4003
        last = bob.everything[-1]
        assert (last.type, last.code, last.reason) == ("closed", 4003, "signed out")
        with pytest.raises(ConnectionError):
            await bob.ask("ping")


async def test_a_session_that_ends_between_two_reads_says_so(chat):
    async with chat() as server:
        address, welcome = await opened(server, {"name": "bob"})
        token = welcome["token"]
        _, last = await polled_until(server, address, token, "live")
        await server.api("POST", "logout", token=token)
        for _ in range(2):
            events, end = await polled(server, address, token, last)
            assert [(event["type"], event["code"]) for event in events] == [("closed", 4003)]
        answer = await server.http("GET", address, token=token, headers={"Last-Event-ID": str(end)})
        assert code_of(answer) == (404, "not_found")


async def test_heartbeats_keep_a_stream_and_silence_ends_it(chat, eventually):
    async with chat(timeouts={"heartbeat": 1, "silence": 2.5, "stream_cut": 30}, over="events") as server:
        address, welcome = await opened(server, {"name": "carl"})
        silent = transport_of(server, welcome)
        bob = await server.client("bob")
        transport = transport_of(server, bob.welcome)
        first = await eventually(lambda: transport._reader)
        assert (await bob.hears("heartbeat")).heads == {}
        # An answer ends after two heartbeats, and the next request is the sign of life.
        await eventually(lambda: transport._reader not in (first, None))
        for _ in range(3):
            await bob.hears("heartbeat")
        assert not bob._reader.done()
        await eventually(lambda: not silent.writable)
        events, _ = await polled_until(server, address, welcome["token"], "closed")
        assert events[-1]["code"] == 4008


async def test_an_answer_over_http_1_0_ends_with_its_connection(chat, raw, eventually):
    async with chat(timeouts={"heartbeat": 1}) as server:
        address, welcome = await opened(server, {"name": "bob"})
        keeps = "Connection: keep-alive"
        async with reading(raw, server, address, welcome["token"], keeps, version="1.0") as (socket, head):
            assert "Transfer-Encoding" not in head
            body = await asyncio.wait_for(socket.reader.read(-1), 10)
        assert b'data: {"type":"live"}\n\nid: 2\n\n' in body
        assert b"\n:\n" in body
        assert transport_of(server, welcome).writable


@pytest.mark.parametrize("reading", ["events", "poll"])
async def test_a_stop_says_goodbye(chat, reading, eventually):
    server = chat(over=reading)
    await server.start()
    bob = await server.client("bob")
    await eventually(lambda: transport_of(server, bob.welcome)._reader)
    await server.server.stop()
    assert await bob.closed() == 4000
    types = [event.type for event in bob.everything]
    assert types[-2:] == ["bye", "closed"]
    await bob.leave()


async def test_all_streams_share_the_bytes_of_an_event(chat):
    async with chat(over="events") as server:
        alice, bob, carl = await server.join("general", "alice", "bob", "carl")
        await alice.says("x" * 1000)
        await bob.hears()
        await carl.hears()
        kept = [transport_of(server, client.welcome)._kept.after(1)[0] for client in (bob, carl)]
        one, other = (next(chunk for chunk in chunks if b"x" * 1000 in chunk) for chunks in kept)
        assert one is other


async def test_sockets_and_streams_hear_the_same(chat):
    async with chat() as server:
        alice = (await server.join("general", "alice"))[0]
        others = [HttpClient(server.url, reading) for reading in ("events", "poll")]
        for client, name in zip(others, ("bob", "carl"), strict=True):
            await client.hello(name=name)
            await client.join("general")
        for n, client in enumerate((alice, *others)):
            await client.says(f"{n}")
        for client in (alice, *others):
            assert [(await client.hears()).content for _ in range(3)] == ["0", "1", "2"]
        with pytest.raises(Refused, match="not_found"):
            await others[0].ask("edit", message_id="m0123456789abcdef", content="x")
        for client in others:
            await client.leave()


def transport_of(server, welcome):
    (session,) = server.services.after_commit.sessions.of(welcome["user"]["id"])
    return session.connection._transport


def unchunked(piece):
    """A chunk without its length and its end (RFC 9112, section 7.1)."""
    return piece.partition(b"\r\n")[2].removesuffix(b"\r\n")
