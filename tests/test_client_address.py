"""Whose address counts: straight from the socket, or as trusted proxies pass it on."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatserver.model.addresses import is_in, networks, one_client, plain_address

FORMS = [
    ("203.0.113.5", "203.0.113.5"),
    ("203.0.113.5:4711", "203.0.113.5"),
    (" 203.0.113.5 ", "203.0.113.5"),
    ("::ffff:203.0.113.5", "203.0.113.5"),
    ("[::ffff:203.0.113.5]:80", "203.0.113.5"),
    ("2001:DB8:0::1", "2001:db8::1"),
    ("[2001:db8::1]", "2001:db8::1"),
    ("[2001:db8::1]:443", "2001:db8::1"),
    ("fe80::1%eth0", "fe80::1"),
]


@pytest.mark.parametrize(("written", "plain"), FORMS)
def test_an_address_has_one_form(written: str, plain: str) -> None:
    assert plain_address(written) == plain


@pytest.mark.parametrize(
    "text", ["", "unknown", "_hidden", "203.0.113.5:", "203.0.113.5:x", "[203", "2001:db8::1:443x"]
)
def test_what_is_no_address_is_none(text: str) -> None:
    assert plain_address(text) is None
    assert not is_in(text, networks(["0.0.0.0/0", "::/0"]))


@given(st.ip_addresses(), st.integers(0, 65535))
def test_a_port_never_changes_whose_address_it_is(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int
) -> None:
    host = f"[{address}]" if address.version == 6 else str(address)
    assert plain_address(f"{host}:{port}") == plain_address(str(address))


@given(st.text())
def test_any_text_is_an_address_or_none(text: str) -> None:
    plain = plain_address(text)
    assert plain is None or plain_address(plain) == plain


@pytest.mark.parametrize(("written", "plain"), FORMS[1:])
async def test_a_client_behind_a_proxy_has_its_own_limits(chat, written: str, plain: str) -> None:
    settings = {"limits": {"connections_per_ip": 1}, "server": {"trusted_proxies": ["127.0.0.1"]}}
    async with chat(settings=settings) as server:
        first = await server.connect(headers={"X-Forwarded-For": f"198.51.100.1, {plain}"})
        await first.hello(name="alice")
        second = await server.connect(headers={"X-Forwarded-For": f"198.51.100.1, {written}"})
        assert await second.closed() == 4030
        other = await server.connect(headers={"X-Forwarded-For": "[2001:db8:1::2]:4711"})
        await other.hello(name="bob")


def test_a_slash_64_is_one_client() -> None:
    assert one_client("2001:db8::1") == one_client("[2001:DB8::ffff:1]:443") == "2001:db8::/64"
    assert one_client("2001:db8:0:1::1") == "2001:db8:0:1::/64"
    assert one_client("::ffff:203.0.113.5") == one_client("203.0.113.5") == "203.0.113.5"
    assert one_client("a gateway") == "a gateway"


async def test_who_has_a_whole_network_has_the_limits_of_one_client(chat) -> None:
    settings = {"limits": {"connections_per_ip": 2}, "server": {"trusted_proxies": ["127.0.0.1"]}}
    async with chat(settings=settings) as server:
        for n in range(2):
            client = await server.connect(headers={"X-Forwarded-For": f"2001:db8::{n}"})
            await client.hello(name=f"guest{n}")
        third = await server.connect(headers={"X-Forwarded-For": "2001:db8::3"})
        assert await third.closed() == 4030
        await client.leave()
        again = await server.connect(headers={"X-Forwarded-For": "2001:db8::4"})
        await again.hello(token=client.token)


@pytest.mark.parametrize(
    "written", ["203.0.113.5,", "203.0.113.5, ,", '"203.0.113.5:4711"', '"[::ffff:203.0.113.5]"']
)
async def test_empty_and_quoted_hops_hide_no_client(chat, written: str) -> None:
    settings = {"limits": {"connections_per_ip": 1}, "server": {"trusted_proxies": ["127.0.0.1"]}}
    async with chat(settings=settings) as server:
        first = await server.connect(headers={"X-Forwarded-For": "203.0.113.5"})
        await first.hello(name="alice")
        second = await server.connect(headers={"X-Forwarded-For": written})
        assert await second.closed() == 4030


@pytest.mark.parametrize("host", ["[::1", "[zz]"])
async def test_a_host_that_is_none_is_refused(chat, quiet, host: str) -> None:
    async with chat(settings={"server": {"public_url": "https://chat.example.org"}}) as server:
        assert (await server.http("GET", "/api/v1/server", headers={"Host": host})).code == 403


async def test_a_probe_may_call_the_server_by_any_name(chat) -> None:
    async with chat(settings={"server": {"public_url": "https://chat.example.org"}}) as server:
        for path in ("/healthz", "/readyz"):
            answer = await server.http("GET", path, headers={"Host": "chatserver.internal:8080"})
            assert answer.code == 200, path
        for path in ("/metrics", "/api/v1/server", "/"):
            answer = await server.http("GET", path, headers={"Host": "chatserver.internal:8080"})
            assert answer.code == 403, path


async def test_a_scrape_by_another_name_needs_a_token(chat) -> None:
    async with chat(settings={"server": {"public_url": "https://chat.example.org"}}) as server:
        member, admin = await server.account("mia"), await server.account("ada", "admin")
        inside = {"Host": "chatserver.internal:8080"}

        async def scrape(token=None, **headers: str) -> int:
            return (await server.http("GET", "/metrics", token=token, headers={**inside, **headers})).code

        assert await scrape(admin.token) == 200
        assert await scrape(member.token) == 403
        assert await scrape("nonesuch") == 401
        # A page that had its name pointed here might be sent a cookie for this name.
        assert await scrape(Cookie=f"chat_session={admin.token}") == 403
        assert (await server.http("GET", "/api/v1/server", token=admin.token, headers=inside)).code == 403
