"""Sessions that a plugin opens over connections of its own: the same people, limits and endings as over a WebSocket."""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from chatserver import Reject

GATEWAYS = [Path(__file__).parent / "gateways"]
PATIENCE = 5.0


class Terminal:
    """A client of the plugin ``lines``."""

    def __init__(self, reader, writer):
        self.reader = reader
        self.writer = writer

    async def say(self, *lines):
        for line in lines:
            self.writer.write(f"{line}\r\n".encode())
        await self.writer.drain()

    async def line(self):
        """The next line; empty at the end."""
        return (await asyncio.wait_for(self.reader.readline(), PATIENCE)).decode().removesuffix("\r\n")

    async def until(self, start):
        """The next line that begins so; what comes before is passed over."""
        while not (line := await self.line()).startswith(start):
            assert line, f"it ended before a line {start!r}"
        return line

    async def rest(self):
        return (await asyncio.wait_for(self.reader.read(), PATIENCE)).decode().splitlines()


def plugin(server):
    return next(each.instance for each in server.server.host.current.plugins if each.name == "lines")


@asynccontextmanager
async def terminal(server, name=None, room=None, *, small=False):
    """A client; a ``small`` one takes little that it doesn't read."""
    address = plugin(server).listener.sockets[0].getsockname()
    plain = socket.socket()
    if small:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plain.setblocking(False)
    await asyncio.get_running_loop().sock_connect(plain, address)
    reader, writer = await asyncio.open_connection(sock=plain, limit=4096 if small else 2**16)
    client = Terminal(reader, writer)
    try:
        if name is not None:
            await client.say(f"NICK {name}")
            assert (await client.line()).startswith(f"You are {name}.")
        if room is not None:
            await client.say(f"JOIN {room}")
            await client.until(f"You are in {room}")
        yield client
    finally:
        writer.transport.abort()


@pytest.fixture
def lines(chat):
    """A server with the plugin ``lines``."""

    def make(settings=None, plugins=(), **options):
        return chat(plugins=[*plugins, "lines"], dirs=GATEWAYS, settings=settings, **options)

    return make


async def test_two_people_talk_over_two_protocols(lines, quiet, eventually):
    async with lines() as server:
        (alice,) = await server.join("general", "alice")
        async with terminal(server, "bob", "general") as bob:
            assert (await alice.hears("joined")).user["name"] == "bob"
            members = (await alice.ask("members", room="general")).members
            assert {m["user"]["name"]: m["status"] for m in members} == {"alice": "online", "bob": "online"}
            await bob.say("SAY general good morning")
            said = await alice.hears()
            assert (said.user["name"], said.content) == ("bob", "good morning")
            assert await bob.until("[general] bob:") == "[general] bob: good morning"
            await alice.says("and to you\nJOIN elsewhere")
            assert await bob.line() == "[general] alice: and to you / JOIN elsewhere"
        # The connection dropped: the session ends with it.
        assert (await alice.hears("left")).user["name"] == "bob"
        await eventually(lambda: len(server.server.context.keepalive) == 1)
        assert [user.name for user in server.server.services.presence.people()] == ["alice"]


async def test_a_client_that_quits_gets_all_that_was_for_it(lines, quiet, eventually):
    async with lines() as server:
        async with terminal(server, "bob", "general") as bob:
            await bob.say("SAY general one", "SAY general two", "DANCE", "QUIT")
            heard = await bob.rest()
            assert heard[-1] == "! There is no request 'DANCE'."
        await eventually(lambda: len(server.server.context.keepalive) == 0)


async def test_one_who_is_banned_hears_it_and_hears_no_more(lines, quiet):
    async with lines(plugins=["moderation"]) as server:
        moderator = await server.account("mona", "moderator")
        await moderator.join("general")
        async with terminal(server, "bob", "general") as bob:
            await moderator.says("/ban bob 1h spam")
            assert await bob.until("You were removed") == "You were removed from general. spam"
            await moderator.says("it is quiet now")
            await bob.say("SAY general again", "JOIN general")
            assert await bob.line() == "! You are banned from this room."
            assert await bob.line() == "! You are banned from this room."


async def test_the_limits_are_those_of_all(lines, quiet):
    settings = {"limits": {"burst": 2, "messages_per_second": 0.01, "connections_per_ip": 2}}
    async with (
        lines(settings) as server,
        terminal(server, "bob", "general") as bob,
        terminal(server, "bea") as bea,
    ):
        async with terminal(server) as third:
            await third.say("HELLO", "NICK carl")
            assert await third.line() == "! Say NICK and your name first."
            assert await third.line() == "! There are too many connections."
        await bob.say("SAY general 1", "SAY general 2", "SAY general 3")
        assert await bob.until("!") == "! Too fast. Wait a moment."
        await bea.say("SAY general 1")
        assert await bea.line() == "! You are not in this room."


async def test_a_name_that_is_refused_can_be_another(lines, quiet):
    async with lines() as server:
        await server.client("alice")
        async with terminal(server) as client:
            await client.say("NICK alice", "NICK " + "x" * 200, "NICK bob")
            assert await client.line() == "! This name, or one that looks like it, is taken."
            assert await client.line() == "! A name has at most 32 characters."
            assert await client.line() == "You are bob. JOIN a room, SAY something, or QUIT."
            assert len(server.server.context.keepalive) == 2


async def test_each_event_is_formatted_once_for_all_clients(lines, quiet, monkeypatch):
    async with lines() as server:
        formatted = []
        real = plugin(server).as_lines.text
        monkeypatch.setattr(
            plugin(server).as_lines, "text", lambda event: formatted.append(event) or real(event)
        )
        (alice,) = await server.join("general", "alice")
        async with (
            terminal(server, "bob", "general") as bob,
            terminal(server, "bea", "general") as bea,
            terminal(server, "ben", "general") as ben,
        ):
            await alice.says("hello")
            for client in (bob, bea, ben):
                assert await client.until("[general] alice") == "[general] alice: hello"
        assert [event["type"] for event in formatted].count("message") == 1


async def test_a_slow_reader_is_closed_and_disturbs_no_other(lines, eventually):
    settings = {"limits": {"send_buffer_bytes": 65_536}}
    async with lines(settings) as server:
        alice, carl = await server.join("general", "alice", "carl")
        async with terminal(server, "bob", "general", small=True) as bob:
            sent = 0
            while len(server.server.context.keepalive) == 3:
                await alice.says(f"{sent} {'x' * 4000}")
                sent += 1
                assert sent < 5000
            assert server.server.services.metrics.closes == {4013: 1}
            assert len(await carl.heard()) == sent
            heard = await bob.rest()
            got = [int(line.split()[2]) for line in heard if line.startswith("[general] alice: ")]
            assert got == list(range(len(got)))
            assert heard[-1] == "Goodbye: too slow."


async def test_silence_is_asked_about_and_then_is_a_loss(lines):
    async with lines() as server, terminal(server, "bob") as bob, terminal(server, "bea") as bea:

        def seconds_pass(seconds):
            for connection in server.server.context.keepalive.all():
                connection.heard -= seconds
            for _ in range(server.server.timeouts.heartbeat):
                server.server.context.keepalive.tick()

        for seconds in (30, 29):
            seconds_pass(seconds)
            assert await bob.line() == await bea.line() == "PING"
            await bea.say("PONG", "SAY nowhere x")
            await bea.line()
        seconds_pass(32)
        assert await bob.rest() == ["Goodbye: heartbeat lost."]
        assert await bea.line() == "PING"


async def test_without_a_ping_silence_is_no_loss(lines, eventually):
    async with lines() as server:
        link = Wire()
        session = await plugin(server).chat.open_session(link, Picky(), name="bob", remote_ip="192.0.2.1")
        (connection,) = server.server.context.keepalive.all()
        connection.heard -= 1000
        for _ in range(server.server.timeouts.heartbeat):
            server.server.context.keepalive.tick()
        assert not session.closed
        await eventually(lambda: link.sent == b"welcome live ")


async def test_a_stop_is_told_and_ends_the_connection(lines, quiet):
    server = lines()
    await server.start()
    async with terminal(server, "bob", "general") as bob:
        await server.stop()
        assert (await bob.rest())[-1] == "Goodbye: the server restarts."


async def test_a_user_whom_the_plugin_knows_and_a_guest_who_comes_back(lines, quiet):
    async with lines() as server:
        account = await server.server.services.accounts.add("anna", "correct horse", "member")
        api, as_lines = plugin(server).chat, plugin(server).as_lines
        known = await api.open_session(Wire(), as_lines, user=account, remote_ip="192.0.2.1")
        assert (known.user, known.token) == (account, None)
        guest = await api.open_session(Wire(), as_lines, name="gus", remote_ip="192.0.2.1")
        assert guest.token
        guest.close()
        again = await api.open_session(Wire(), as_lines, token=guest.token, remote_ip="192.0.2.1")
        assert again.user == guest.user
        renamed = await api.rename(guest.user, "gustav")
        assert again.user == renamed
        with pytest.raises(Reject, match="Sign in again"):
            await api.open_session(Wire(), as_lines, token="no such", remote_ip="192.0.2.1")
        for session in (known, again):
            session.close()
            assert session.closed
            await session.request("ping")
        assert len(server.server.context.keepalive) == 0


class Wire:
    """A link that keeps what is written to it."""

    buffered = 0

    def __init__(self):
        self.sent = b""
        self.ended = 0

    def write(self, data):
        self.sent += data

    async def drained(self):
        pass

    def close(self):
        self.ended += 1

    abort = close


class Broken(Wire):
    def write(self, data):
        raise OSError("no such luck")


async def test_a_link_that_fails_ends_its_session_alone(lines, caplog, eventually):
    async with lines() as server:
        (alice,) = await server.join("general", "alice")
        session = await plugin(server).chat.open_session(
            Broken(), plugin(server).as_lines, name="bob", remote_ip="192.0.2.1"
        )
        await eventually(lambda: session.closed)
        await eventually(lambda: len(server.server.context.keepalive) == 1)
        assert await alice.says("still here")
    assert "a gateway's connection failed" in caplog.text


class Picky:
    """Formats messages with a fault, and all else well."""

    def format(self, event):
        if event["type"] == "message":
            return event["no such field"]
        return f"{event['type']} ".encode() if event["type"] != "notice" else "a string"


async def test_what_fails_in_a_format_is_left_out_and_told_once(lines, caplog):
    async with lines() as server:
        alice, carl = await server.join("general", "alice", "carl")
        link = Wire()
        session = await plugin(server).chat.open_session(link, Picky(), name="bob", remote_ip="192.0.2.1")
        await session.request("join", room="general")
        for text in ("one", "two"):
            await alice.says(text)
            assert (await carl.hears()).content == text
        await alice.ask("typing", room="general", on=True)
        await carl.hears("typing")
        plugin(server).chat.notice(session.user, "psst")
        await alice.ask("ping")
        assert link.sent.split() == [b"welcome", b"live", b"rooms", b"joined", b"typing"]
        session.close()
    errors = [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR]
    assert errors == [
        "an event of type message can't be formatted: 'no such field'",
        "an event of type notice can't be formatted: format() gives bytes, not str",
    ]
