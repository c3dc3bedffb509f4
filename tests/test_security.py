"""What keeps pages of other sites out, and what the log tells of those who are refused."""

from __future__ import annotations

import logging
import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from chatserver.web.security import is_ours, own_names

PUBLIC = {"server": {"public_url": "https://chat.example"}}


@pytest.mark.parametrize(("host", "ours"), [
    ("localhost", True), ("localhost:8080", True), ("127.0.0.1:8080", True), ("[::1]:8080", True),
    (socket.gethostname(), True), ("evil.example", False), ("localhost.evil.example", False), ("", False), ("[", False),
    ("user@localhost", True), ("127.0.0.1.evil.example", False),
])  # fmt: skip
def test_without_a_public_address_only_the_machines_own_names_count(host, ours):
    assert is_ours(host, own_names("", "0.0.0.0")) is ours


def test_the_name_that_the_server_listens_on_is_its_own():
    assert is_ours("intra.example:8080", own_names("", "Intra.example"))
    assert not is_ours("intra.example", own_names("https://chat.example", "intra.example"))
    assert is_ours("chat.example", own_names("https://chat.example", "0.0.0.0"))


async def test_a_page_that_had_its_name_pointed_here_is_refused(chat, raw):
    async with chat() as server:
        for path in ("/", "/api/v1/server"):
            answer = await server.http("GET", path, headers={"Host": "evil.example"})
            assert answer.code == 403
            assert b"server.public_url" in answer.body
        async with raw(server) as socket:
            await socket.send(
                b"GET /ws HTTP/1.1\r\nHost: evil.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
            )
            assert " 403 " in await socket.head()


async def test_over_tls_the_cookie_is_of_this_host_alone(chat):
    async with chat(settings=PUBLIC) as server:
        answer = await server.http("POST", "/api/v1/guest", {"name": "ann"})
        cookies = {line.split("=")[0]: line for line in answer.headers.get_list("Set-Cookie")}
        assert set(cookies) == {"__Host-chat_session", "_xsrf"}
        for line in cookies.values():
            assert "Secure" in line
            assert "Path=/" in line
            assert "Domain" not in line
        assert "HttpOnly" in cookies["__Host-chat_session"]
        pair = cookies["__Host-chat_session"].split(";")[0]
        assert (await server.http("GET", "/api/v1/me", headers={"Cookie": pair})).code == 200
        # One of the plain name may be from another host of the domain.
        tossed = pair.removeprefix("__Host-")
        assert (await server.http("GET", "/api/v1/me", headers={"Cookie": tossed})).code == 401


async def test_the_same_name_without_tls_is_foreign(chat, raw):
    async with chat(settings=PUBLIC) as server:
        for origin, status in (("http://chat.example", 403), ("https://chat.example", 200), (None, 200)):
            sent = {"Host": "chat.example", **({"Origin": origin} if origin else {})}
            answer = await server.http(
                "POST", "/api/v1/guest", {"name": f"ann{status}{len(sent)}"}, headers=sent
            )
            assert answer.code == status, origin
        own = f"http://127.0.0.1:{server.server.port}"
        async with raw(server) as plain:
            assert " 403 " in await plain.upgrade("/ws", f"Origin: {own}")
        async with raw(server) as secure:
            assert " 101 " in await secure.upgrade("/ws", "Origin: https://chat.example")


LINE = re.compile(r"(?P<address>[0-9a-f.:]+) (?P<code>\w+) .+")


def test_the_documented_filter_of_fail2ban_finds_those_who_guess():
    page = (Path(__file__).parent.parent / "docs" / "operations.md").read_text(encoding="utf-8")
    (pattern,) = re.findall(r"^failregex = (.+)$", page, re.M)
    (shown,) = re.findall(r"^(\S+ \S+ INFO chatserver\.refused: .+)$", page, re.M)
    # What fail2ban itself makes of <ADDR>, in short.
    found = re.compile(pattern.replace("<ADDR>", r"(?P<ip>[0-9a-f.:]+)"))
    assert found.search(shown)["ip"] == "203.0.113.5"
    head = "2026-05-04 12:30:00 INFO chatserver.refused: 2001:db8::1 "
    assert found.search(head + "rate_limited hello")["ip"] == "2001:db8::1"
    assert not found.search(head + "not_found GET /api/v1/nothing")


@pytest.mark.skipif(shutil.which("fail2ban-regex") is None, reason="fail2ban is not here")
def test_fail2ban_counts_by_the_documented_filter(tmp_path):
    page = (Path(__file__).parent.parent / "docs" / "operations.md").read_text(encoding="utf-8")
    (rules,) = re.findall(r"^```ini\n(\[Definition\].*?)^```", page, re.M | re.S)
    (tmp_path / "filter.conf").write_text(rules)
    format = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s", "%Y-%m-%d %H:%M:%S")
    told = [
        "203.0.113.5 unauthorized hello",
        "2001:db8::1 rate_limited connection",
        "203.0.113.5 rate_limited request",
        "203.0.113.5 not_found GET /x",
    ]
    records = [logging.LogRecord("chatserver.refused", logging.INFO, "", 0, each, (), None) for each in told]
    (tmp_path / "log").write_text("".join(format.format(each) + "\n" for each in records))
    command = ["fail2ban-regex", str(tmp_path / "log"), str(tmp_path / "filter.conf")]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert "Lines: 4 lines, 0 ignored, 2 matched, 2 missed" in said.stdout, said


async def test_each_refusal_is_a_line_with_the_address(chat, caplog):
    caplog.set_level(logging.INFO, "chatserver.refused")
    settings = {"server": {"trusted_proxies": ["127.0.0.1"]}}
    async with chat(settings=settings) as server:
        await server.services.accounts.add("carl", "correct horse", "member")
        sent = {"X-Forwarded-For": "203.0.113.5"}
        await server.api("POST", "login", {"name": "carl", "password": "wrong horse"}, headers=sent)
        client = await server.connect(headers=sent)
        with pytest.raises(Exception, match="session has ended"):
            await client.hello(token="wrong")
        lines = [record.getMessage() for record in caplog.records if record.name == "chatserver.refused"]
        assert lines == ["203.0.113.5 unauthorized POST /api/v1/login", "203.0.113.5 unauthorized hello"]
        # No password, and not more lines than can be read.
        for n in range(60):
            await server.api("GET", f"nothing-{n}", headers=sent)
        await server.api("GET", "nothing", headers={"X-Forwarded-For": "2001:db8::1"})
        lines = [record.getMessage() for record in caplog.records if record.name == "chatserver.refused"]
        assert 20 <= len([line for line in lines if line.startswith("203.")]) < 60
        assert lines[-1] == "2001:db8::1 not_found GET /api/v1/nothing"
        assert all(LINE.fullmatch(line) for line in lines)
        assert not [record for record in caplog.records if record.exc_info]
