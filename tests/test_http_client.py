"""``self.http``: what plugins may ask of other servers, and what they are kept from."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
from ipaddress import ip_address

import pytest
from tornado.httpserver import HTTPServer
from tornado.netutil import Resolver, bind_sockets
from tornado.web import Application, RequestHandler

from chatserver import FetchError
from chatserver.plugins.http import BODY_BYTES, Http
from chatserver.plugins.networks import PublicResolver, networks
from chatserver.testing import Harness

LOOPBACK = networks(["127.0.0.0/8", "::1"])


class Answers(RequestHandler):
    async def get(self, what):
        self.application.asked.append(self.request.path)
        if what == "hello":
            self.set_header("X-Said", "hello")
            self.write({"said": "hello", "by": self.request.headers.get("User-Agent")})
        elif what == "missing":
            self.send_error(404)
        elif what == "large":
            self.write(b"x" * (BODY_BYTES + 1))
        elif what == "bomb":
            self.set_header("Content-Encoding", "gzip")
            self.write(gzip.compress(bytes(4 * BODY_BYTES)))
        elif what == "slow":
            await asyncio.Event().wait()
        elif what == "inside":
            self.redirect("http://169.254.169.254/latest/meta-data")
        elif what == "file":
            self.redirect("file:///etc/passwd")
        elif what == "round":
            self.redirect("/round")

        elif what == "away":
            self.redirect(self.application.elsewhere, status=307)
        elif what == "late":
            await asyncio.sleep(0.2)
            self.redirect("/late")
        elif what == "what":
            self.write({name: value for name, value in self.request.headers.get_all() if name != "Host"})

    def post(self, what):
        if what == "moved":
            self.redirect("/what", status=303)
            return
        self.write({"type": self.request.headers.get("Content-Type"), "body": self.request.body.decode()})


@pytest.fixture
def other():
    """Another server: its address, and what it was asked."""
    application = Application([("/(.*)", Answers)])
    application.asked = []
    server = HTTPServer(application)
    (sock, *_) = bind_sockets(0, "127.0.0.1", family=socket.AF_INET)
    server.add_socket(sock)
    yield f"http://127.0.0.1:{sock.getsockname()[1]}", application.asked
    server.stop()


@pytest.fixture
def http():
    client = Http(LOOPBACK)
    yield client
    client.close()


async def test_what_a_server_says_is_returned(other, http):
    url, _ = other
    answer = await http.get(f"{url}/hello")
    assert (answer.status, answer.ok, answer.headers["x-said"]) == (200, True, "hello")
    assert answer.json() == {"said": "hello", "by": "chatserver"}
    missing = await http.get(f"{url}/missing")
    assert (missing.status, missing.ok) == (404, False)
    posted = (await http.post(f"{url}/x", json={"a": 1})).json()
    assert posted == {"type": "application/json", "body": '{"a":1}'}
    assert (await http.post(f"{url}/x", body="plain", headers={"Content-Type": "text/plain"})).json()[
        "body"
    ] == "plain"
    assert json.loads((await http.post(f"{url}/x")).text)["body"] == ""


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("large", "127.0.0.1: "),
        ("bomb", "127.0.0.1: "),
        ("slow", "(?i)timeout"),
        ("inside", "in a private network, which the settings don't allow"),
        ("file", "an address begins with http"),
    ],
)
async def test_there_are_limits(other, http, what, told):
    url, _ = other
    with pytest.raises(FetchError, match=told):
        await http.get(f"{url}/{what}", timeout=0.5 if what == "slow" else 10)


async def test_a_limit_ends_the_reading(other, http):
    url, _ = other
    answer = await http.get(f"{url}/large", limit=1000)
    assert (answer.status, answer.body, answer.cut) == (200, b"x" * 1000, True)
    whole = await http.get(f"{url}/hello", limit=1000)
    assert (whole.ok, whole.cut) == (True, False)
    # Of what is packed as well, and it is no error to have a limit that is just met.
    assert len((await http.get(f"{url}/bomb", limit=1000)).body) == 1000
    assert not (await http.get(f"{url}/hello", limit=len(whole.body))).cut
    for wrong in (0, -1, BODY_BYTES + 1):
        with pytest.raises(ValueError, match="limit is from 1"):
            await http.get(f"{url}/hello", limit=wrong)


async def test_what_is_of_another_type_is_not_read(other, http):
    url, _ = other
    assert (await http.get(f"{url}/hello", types=["text/html", "application/*"])).ok
    with pytest.raises(FetchError, match=r"answers with text/html, not image/\*"):
        await http.get(f"{url}/large", types=["image/*"])
    # An error is told as it is.
    assert (await http.get(f"{url}/missing", types=["image/*"])).status == 404


async def test_the_time_is_for_all_redirects_together(other, http):
    url, asked = other
    with pytest.raises(FetchError, match=r"timeout after 0\.5 seconds"):
        await http.get(f"{url}/late", timeout=0.5)
    assert len(asked) < 6


async def test_what_proves_who_asks_goes_to_no_other_server(other, http):
    url, _ = other
    secret = {"Authorization": "Bearer s", "Cookie": "a=b", "X-Kept": "yes", "User-Agent": "tea"}
    own = (await http.request("GET", f"{url}/what", headers=secret)).json()
    assert secret.items() <= own.items()
    app = HTTPServer(Application([("/(.*)", Answers)], asked=[]))
    app.request_callback.asked, app.request_callback.elsewhere = [], f"{url}/what"
    (sock,) = bind_sockets(0, "127.0.0.1", family=socket.AF_INET)
    app.add_socket(sock)
    away = await http.get(f"http://127.0.0.1:{sock.getsockname()[1]}/away", headers=secret)
    app.stop()
    assert away.url == f"{url}/what"
    assert {name: away.json().get(name) for name in secret} == {
        "Authorization": None, "Cookie": None, "X-Kept": "yes", "User-Agent": "tea",
    }  # fmt: skip
    # After a form comes a page.
    moved = await http.post(f"{url}/moved", json={"a": 1})
    assert "Content-Type" not in moved.json()


async def test_each_address_may_be_checked_before_it_is_asked(other, http):
    url, asked = other
    seen = []

    def check(address):
        seen.append(address)
        if len(seen) > 2:
            raise FetchError("enough")

    with pytest.raises(FetchError, match="enough"):
        await http.get(f"{url}/round", check=check)
    assert (seen, asked) == ([f"{url}/round"] * 3, ["/round"] * 2)


async def test_a_redirect_without_end_is_an_answer(other, http):
    url, asked = other
    assert (await http.get(f"{url}/round")).status == 302
    assert len(asked) == 6


@pytest.mark.parametrize(
    "url", ["ftp://example.org/", "file:///etc/passwd", "example.org", "http://", "//host/x", ""]
)
async def test_what_is_no_address_is_an_error_at_once(http, url):
    with pytest.raises(ValueError, match="an address begins with http"):
        await http.get(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:99999/", "http://127.0.0.1:abc/", "http://127.0.0.1:0/", "http://127.0.0.1:-1/",
        "http://127.0.0.1:/", "http://127.0.0.1:\u0661/", "http://exa mple/", "http://127.0.0.1/a b",
        "http://127.0.0.1/a\r\nX: y", "http://127.0.0.1/\t", "http://127.0.0.1\x00/", "http://127.0.0.1/\x7f",
        "http://127.0.0.1/\ud800", "http://\ud800.x/", "http://a..b/", f"http://{'a' * 70}.de/", "http://[::1",
        " http://127.0.0.1/",
    ],
)  # fmt: skip
async def test_an_address_that_can_not_be_asked_is_no_failure_of_a_server(url):
    client = Http((), Names({}))  # a lookup would be a FetchError
    with pytest.raises(ValueError, match=r"address|port|host|IPv6") as caught:
        await client.get(url)
    str(caught.value).encode()
    client.close()


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("", {}), ("GE T", {}), ("GET\r\nX: y", {}), ("GET", {"X": "a\r\nY: b"}), ("GET", {"X\n": "a"}),
        ("GET", {"": "a"}), ("GET", {"X": "\ud800"}),
    ],
)  # fmt: skip
async def test_nothing_is_put_into_a_request_by_its_method_or_headers(http, method, headers):
    with pytest.raises(ValueError, match=r"a method is one word|characters that no header can have"):
        await http.request(method, "http://127.0.0.1:1/", headers=headers)


def test_a_failure_can_be_told_whatever_a_server_said():
    assert str(FetchError("no \ud800")) == "no \\ud800"


class Names(Resolver):
    """Names that lead where a test says: one answer after the other."""

    def initialize(self, answers):
        self.answers = answers

    async def resolve(self, host, port, family=0):
        addresses = self.answers[host].pop(0)
        return [(socket.AF_INET6 if ":" in each else socket.AF_INET, (each, port)) for each in addresses]


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "255.255.255.255", "224.0.0.1", "240.0.0.1", "::1", "::", "fc00::1", "fe80::1", "::ffff:127.0.0.1",
        "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::", "ff02::1",
        "fec0::1",
    ],
)  # fmt: skip
async def test_private_addresses_are_refused(address):
    resolver = PublicResolver((), Names({"host": [[address], ["8.8.8.8", address]]}))
    with pytest.raises(OSError, match="private network"):
        await resolver.resolve("host", 80)
    # Of several only the public one is connected to.
    assert await resolver.resolve("host", 80) == [(socket.AF_INET, ("8.8.8.8", 80))]


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"]
)
async def test_public_addresses_are_not(address):
    resolver = PublicResolver((), Names({"host": [[address]]}))
    ((_, (found, _)),) = await resolver.resolve("host", 80)
    assert ip_address(found) == ip_address(address)


async def test_nothing_is_asked_of_a_private_network(other):
    url, asked = other
    port = url.rpartition(":")[2]
    # A name is asked for once, and what is connected to is what was checked.
    names = Names({"rebind.example": [["127.0.0.1"]], "localhost": [["127.0.0.1", "::1"]]})
    for client, host in (
        (Http((), names), "rebind.example"),
        (Http((), names), "localhost"),
        (Http(()), "127.0.0.1"),
    ):
        with pytest.raises(FetchError, match=rf"{host}: it is in a private network"):
            await client.get(f"http://{host}:{port}/hello")
        client.close()
    assert asked == []


PLUGIN = "from chatserver import Plugin\n\n\nclass Asks(Plugin):\n    pass\n"


async def test_the_settings_say_which_private_networks_may_be_asked(tmp_path, other):
    url, _ = other
    (tmp_path / "asks.py").write_text(PLUGIN)
    for allowed in ([], ["127.0.0.1"]):
        settings = {"plugins": {"private_networks": allowed}}
        async with Harness(tmp_path, plugins=["asks"], dirs=[tmp_path], settings=settings) as server:
            asks = server.server.host.current.peer("asks")
            if allowed:
                assert (await asks.http.get(f"{url}/hello")).ok
            else:
                with pytest.raises(FetchError):
                    await asks.http.get(f"{url}/hello")
            http = asks.http
        # It ends with the plugin.
        with pytest.raises((FetchError, RuntimeError), match="closed"):
            await http.get(f"{url}/hello")
