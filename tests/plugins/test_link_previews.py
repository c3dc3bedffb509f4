"""Previews of links: what is shown of a page, who learns what, and pages that mean harm."""

from __future__ import annotations

import asyncio
import gzip
import io
import struct
import zlib

import pytest
from chatserver_plugins.links.page import decoded, plain, read_page
from chatserver_plugins.links.wanted import wanted
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from tornado.httpclient import AsyncHTTPClient

from chatserver import Message, User
from chatserver.testing import Clock, Refused

PAGE = """<!doctype html><html><head><meta charset=utf-8><title>  Tea &amp;
 cake </title><meta property="og:description" content="All about <b>it</b>."><meta property="og:image"
 content="/picture.png"></head><body>Hello</body></html>"""
HTML = {"Content-Type": "text/html; charset=utf-8"}


def png(width=1200, height=800):
    out = io.BytesIO()
    info = Image.Exif()
    info[0x010E] = "SECRET PLACE"
    Image.new("RGB", (width, height), "teal").save(out, "PNG", exif=info)
    return out.getvalue()


def huge_png():
    """A picture that says it has 900 million pixels."""

    def block(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + block(b"IHDR", head) + block(b"IDAT", zlib.compress(bytes(10**6)))


class Web:
    """The pages of another server, by their paths: a body and headers."""

    def __init__(self, outside):
        self.url = outside.url
        self.pages = {"/": (PAGE, HTML), "/picture.png": (png(), {"Content-Type": "image/png"})}
        self.asked = []
        outside.answer = self.answer

    def answer(self, request):
        self.asked.append(request.path)
        if request.path not in self.pages:
            return 404, "no", HTML
        body, headers = self.pages[request.path]
        return (302 if "Location" in headers else 200), body, headers


@pytest.fixture
def web(outside):
    return Web(outside)


@pytest.fixture
def links(chat, outside):
    def make(*, rooms=({"name": "general"},), reach=True, clock=None, **own):
        settings = {**(outside.settings if reach else {}), "rooms": list(rooms)}
        plugins = {"basics": {}, "markdown": {}, "history": {}, "links": own}
        return chat(plugins=plugins, settings=settings, clock=clock or Clock(), patience=30)

    return make


async def previews(client, message_id):
    event = await client.hears("links:preview", message_id=message_id)
    return (event.extras["links"] or {}).get("previews")


async def test_a_link_gets_a_preview_that_all_see(links, web):
    async with links() as server:
        alice, bob = await server.join("general", "alice", "bob")
        sent = await alice.says(f"look: {web.url}/")
        assert "extras" not in await bob.hears()
        (preview,) = await previews(bob, sent.message_id)
        picture = preview.pop("picture")
        assert preview == {
            "url": f"{web.url}/", "title": "Tea & cake", "text": "All about <b>it</b>.", "site": "127.0.0.1",
        }  # fmt: skip
        assert (picture["width"], picture["height"]) == (800, 533)
        # It is ours by now, and says nothing of what stood beside the pixels.
        answer = await fetched(server, bob, picture["id"])
        assert answer.headers["Content-Type"] == "image/webp"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert Image.open(io.BytesIO(answer.body)).size == (800, 533)
        assert b"SECRET" not in answer.body
        assert (await fetched(server, None, picture["id"])).code == 401
        assert (await fetched(server, bob, "0" * 32)).code == 404
        # The same address is asked once.
        again = await bob.says(f"<b>{web.url}/#part")
        assert (await previews(alice, again.message_id))[0]["title"] == "Tea & cake"
        assert web.asked == ["/", "/picture.png"]
        # Those who come later see it, too.
        carol = await server.client("carol")
        await carol.join("general")
        page = await carol.ask("history", room="general")
        assert [each["extras"]["links"]["previews"][0]["title"] for each in page.events if each.get("extras")] == [
            "Tea & cake", "Tea & cake",
        ]  # fmt: skip


async def fetched(server, client, picture):
    headers = {"Authorization": f"Bearer {client.token}"} if client else {}
    return await AsyncHTTPClient().fetch(
        f"{server.url}/plugins/links/p/{picture}", headers=headers, raise_error=False
    )


async def test_previews_follow_edits_and_deletions(links, web):
    web.pages["/other"] = ("<title>Other</title>", HTML)
    clock = Clock()
    async with links(clock=clock) as server:
        alice, bob = await server.join("general", "alice", "bob")
        plugin = server.plugin("links")
        sent = await alice.says(f"{web.url}/ and {web.url}/other")
        assert [each["title"] for each in await previews(bob, sent.message_id)] == ["Tea & cake", "Other"]
        await alice.ask("edit", message_id=sent.message_id, content=f"{web.url}/other")
        # What is still linked stays, with the edit itself.
        edited = await bob.hears("edited")
        assert [each["title"] for each in edited.extras["links"]["previews"]] == ["Other"]
        await alice.ask("edit", message_id=sent.message_id, content="none")
        assert not (await bob.hears("edited")).get("extras", {}).get("links")
        await alice.ask("edit", message_id=sent.message_id, content=f"again {web.url}/")
        await bob.hears("edited")
        assert [each["title"] for each in await previews(bob, sent.message_id)] == ["Tea & cake"]
        picture = plugin.finder.path((await pictures(plugin))[0])
        assert picture.exists()
        await alice.ask("delete", message_id=sent.message_id)
        await bob.hears("deleted")
        # A picture goes once nothing can name it.
        await plugin.finder.sweep()
        assert picture.exists()
        await clock.move(26 * 3600)
        await plugin.finder.sweep()
        assert not picture.exists()
        assert await pictures(plugin) == []


async def pictures(plugin):
    return [row["id"] for row in await plugin.db.query("SELECT id FROM links_picture")]


async def test_the_author_takes_a_preview_away_for_good(links, web):
    web.pages["/other"] = ("<title>Other</title>", HTML)
    async with links() as server:
        alice, bob = await server.join("general", "alice", "bob")
        mod = await server.account("mod", "moderator")
        await mod.join("general")
        sent = await alice.says(f"{web.url}/ {web.url}/other")
        await previews(bob, sent.message_id)
        assert await refused(bob, message_id=sent.message_id) == ("forbidden", None)
        wrong = [
            ({"message_id": "m-none"}, ("not_found", "message_id")),
            ({"message_id": sent.message_id, "url": "https://else.example/"}, ("not_found", "url")),
            ({"message_id": sent.message_id, "url": 7}, ("invalid", "url")),
            ({"message_id": ""}, ("invalid", "message_id")),
            ({}, ("invalid", "message_id")),
        ]
        for fields, told in wrong:
            assert await refused(alice, **fields) == told
        await alice.ask("links:dismiss", message_id=sent.message_id, url=f"{web.url}/")
        assert [each["title"] for each in await previews(bob, sent.message_id)] == ["Other"]
        await alice.ask("edit", message_id=sent.message_id, content=f"{web.url}/ {web.url}/other !")
        assert len((await bob.hears("edited")).extras["links"]["previews"]) == 1
        await mod.ask("links:dismiss", message_id=sent.message_id)
        assert await previews(bob, sent.message_id) == []
        # A moderator has no say over an admin's.
        root = await server.account("root", "admin")
        await root.join("general")
        above = await root.says(f"{web.url}/")
        await bob.hears("links:preview", message_id=above.message_id)
        assert await refused(mod, message_id=above.message_id) == ("forbidden", None)
        assert await refused(alice, message_id=sent.message_id) == ("not_found", "url")


async def refused(client, type="links:dismiss", **fields):
    with pytest.raises(Refused) as refusal:
        await client.ask(type, **fields)
    return refusal.value.code, refusal.value.field


async def test_rooms_that_say_no_are_left_alone(links, web):
    rooms = [{"name": "general"}, {"name": "cellar", "kind": "private"}]
    async with links(rooms=rooms) as server:
        root, mod = await server.account("root", "admin"), await server.account("mod", "moderator")
        alice, bob = await server.join("general", "alice", "bob")
        for client in (root, mod):
            await client.join("general")
        await alice.says(f"{web.url}/", to="bob")
        await mod.says("/previews off", "general")
        await mod.hears("notice")
        await alice.says(f"{web.url}/", "general")
        await root.join("cellar")
        sent = await root.says(f"{web.url}/", "cellar")
        await previews(root, sent.message_id)
        assert not await bob.heard("links:preview")
        assert await refused(alice, "message", room="general", content="/previews on") == ("forbidden", None)
        await mod.says("/previews on", "general")
        await mod.hears("notice")
        sent = await alice.says(f"{web.url}/", "general")
        await previews(bob, sent.message_id)


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:{port}/",
        "http://[::1]:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://localhost:{port}/",
    ],
)
async def test_nothing_in_a_private_network_is_asked(links, web, address):
    async with links(reach=False) as server:
        (alice,) = await server.join("general", "alice")
        await alice.says(address.format(port=web.url.rpartition(":")[2]))
        await known(server)
        assert (web.asked, await alice.heard("links:preview")) == ([], [])


async def known(server, beside=0):
    """Wait until one more address was looked at; what is known of all then."""
    rows = []
    async with asyncio.timeout(60):
        while len(rows) <= beside:
            rows = await server.plugin("links").db.query("SELECT found FROM links_page")
    return [row["found"] for row in rows]


HOSTILE = {
    "redirect inside": ("", {"Location": "http://169.254.169.254/latest/meta-data"}),
    "redirect to loopback": ("", {"Location": "http://[::1]/"}),
    "redirect to a mapped one": ("", {"Location": "http://[::ffff:10.0.0.1]/"}),
    "redirect to a file": ("", {"Location": "file:///etc/passwd"}),
    "redirect without end": ("", {"Location": "/4"}),
    "bomb": (gzip.compress(b" " * 50_000_000), {**HTML, "Content-Encoding": "gzip"}),
    "tags": ("<b>" * 3_500_000, HTML),
    "comments": ("<!--" * 300_000, HTML),
    "another type": (b"\x7fELF" * 100, {"Content-Type": "application/octet-stream"}),
    "no picture": (b"GIF89a nonsense", {"Content-Type": "image/gif"}),
    "a huge picture": (huge_png(), {"Content-Type": "image/png"}),
    "a drawing": ("<svg xmlns='http://www.w3.org/2000/svg'/>", {"Content-Type": "image/svg+xml"}),
    "nothing": ("", HTML),
    "missing": None,
}


async def test_what_a_hostile_page_sends_leaves_the_message_as_it_is(links, web):
    async with links(per_minute=100) as server:
        alice, bob = await server.join("general", "alice", "bob")
        for number, (name, page) in enumerate(HOSTILE.items()):
            if page is not None:
                web.pages[f"/{number}"] = page
            await alice.says(f"{web.url}/{number}", "general")
            assert await known(server, number) == ["{}"] * (number + 1), name
        # The next one is looked at all the same.
        sent = await alice.says(f"{web.url}/", "general")
        await previews(bob, sent.message_id)
        assert not await bob.heard("links:preview")
        assert [each.get("extras") for each in (await bob.ask("history", room="general")).events[:-2]].count(
            None
        ) >= len(HOSTILE)


@pytest.mark.parametrize("chunked", [True, False])
async def test_an_endless_page_is_not_read_to_its_end(links, chunked):
    ended = asyncio.Event()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        first, part = b"<title>Endless</title>", bytes(65536)
        if chunked:
            writer.write(head + b"Transfer-Encoding: chunked\r\n\r\n")
            first, part = (b"%x\r\n%b\r\n" % (len(each), each) for each in (first, part))
        else:
            writer.write(head + b"\r\n")
        writer.write(first)
        try:
            while True:
                writer.write(part)
                await writer.drain()
        except ConnectionError:
            ended.set()
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with links() as chat:
        alice, bob = await chat.join("general", "alice", "bob")
        sent = await alice.says(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        assert (await previews(bob, sent.message_id))[0]["title"] == "Endless"
        await asyncio.wait_for(ended.wait(), 10)
    server.close()


async def test_one_user_has_so_many_looked_at(links, web):
    for number in range(4):
        web.pages[f"/{number}"] = (f"<title>{number}</title>", HTML)
    async with links(per_message=2, per_minute=3) as server:
        alice, bob = await server.join("general", "alice", "bob")
        sent = await alice.says(" ".join(f"{web.url}/{number}" for number in range(4)))
        assert [each["title"] for each in await previews(bob, sent.message_id)] == ["0", "1"]
        sent = await alice.says(f"{web.url}/2 {web.url}/3")
        assert [each["title"] for each in await previews(bob, sent.message_id)] == ["2"]
        sent = await bob.says(f"{web.url}/3")
        assert [each["title"] for each in await previews(alice, sent.message_id)] == ["3"]


async def test_hosts_can_be_left_out_and_pictures_too(links, web):
    async with links(never=["0.0.1"], pictures_bytes=0) as server:
        (alice,) = await server.join("general", "alice")
        await alice.says(f"{web.url}/")
        sent = await alice.says(f"{web.url.replace('127.0.0.1', 'localhost')}/")
        assert (await previews(alice, sent.message_id))[0]["picture"] is None
        assert web.asked == ["/"]


async def test_a_host_that_is_left_out_is_not_shown_by_way_of_another(links, web):
    async with links(never=["0.0.1"]) as server:
        (alice,) = await server.join("general", "alice")
        here = web.url.replace("127.0.0.1", "localhost")
        picture = f'<title>Tea</title><meta property="og:image" content="{web.url}/picture.png">'
        web.pages["/led"] = ("", {"Location": f"{web.url}/"})
        web.pages["/pictured"] = (picture, HTML)
        sent = await alice.says(f"{here}/led {here}/pictured")
        (preview,) = await previews(alice, sent.message_id)
        assert (preview["url"], preview["picture"]) == (f"{here}/pictured", None)
        # Nor is it asked.
        assert sorted(web.asked) == ["/led", "/pictured"]


ANN = User("u1", "ann", "Ann")


def message(content, html):
    return Message("m1", "general", 1, 0.0, ANN, content, html)


@pytest.mark.parametrize(
    ("content", "html", "found"),
    [
        ("https://a.example/", "https://a.example/", ["https://a.example/"]),
        ("www.a.example", "www.a.example", ["https://www.a.example"]),
        ("<https://a.example/>", '<p><a href="https://a.example/">https://a.example/</a></p>', []),
        ("> https://a.example/", '<blockquote><a href="https://a.example/">x</a></blockquote>', []),
        ("||https://a.example/||", '<span class="spoiler"><a href="https://a.example/">x</a></span>', []),
        ("`https://a.example/`", "<code>https://a.example/</code>", []),
        ("mailto:a@b.example://", '<a href="mailto:a@b.example">x</a>', []),
        ("https://ann:pw@a.example/", '<a href="https://ann:pw@a.example/">x</a>', []),
        ("https://[::1", '<a href="https://[::1">x</a>', []),
        ("hello", "hello", []),
    ],
)
def test_which_links_of_a_message_are_looked_at(content, html, found):
    assert wanted(message(content, html), 3) == found


@pytest.mark.parametrize(
    ("body", "content_type", "title"),
    [
        ("<title>Tee & Käse</title>".encode(), "text/html", "Tee & Käse"),
        ("<title>Käse</title>".encode("latin-1"), "text/html; charset=ISO-8859-1", "Käse"),
        ("<title>Käse</title>".encode("latin-1"), "text/html", "Käse"),
        ("<meta charset=gb2312><title>你好</title>".encode("gbk"), "text/html", "你好"),
        ("<meta charset='big5'><title>你好</title>".encode("big5"), "text/html", "你好"),
        ("<title>こんにちは</title>".encode("cp932"), "text/html;charset=Shift_JIS", "こんにちは"),
        ("\ufeff<title>x</title>".encode("utf-16"), "text/html", "x"),
        (b"<title>x</title>", "text/html; charset=zlib", "x"),
        (b"<title>x</title>", "text/html; charset=no-such-thing", "x"),
        (b"<title>x</title>", "text/html; charset=utf-16", "x"),
        ("<title>你</title>".encode()[:-8], "text/html", "你"),
        ("<title>你好".encode()[:-1], "text/html", "你"),
        (b"<title>&lt;script>alert(1)&lt;/script></title>", "", "<script>alert(1)</script>"),
        (b"<svg><title>no</title></svg><title>yes</title>", "", "yes"),
        ("<title>a\u202eb\u200bc\x00</title>".encode(), "", "abc"),
        (b"<title>x</title><meta name='twitter:title' content='y'>", "", "y"),
        (b"<title>x</title><meta property='og:title' content=''>", "", "x"),
        (b"<title>" + b"x" * 1000 + b"</title>", "", "x" * 149 + "…"),
    ],
)
def test_what_a_page_says_is_read_in_its_own_encoding(body, content_type, title):
    assert read_page(body, content_type, "https://a.example/")["title"] == title


@pytest.mark.parametrize(
    ("found", "address"),
    [
        ("/b.png", "https://a.example/b.png"),
        ("//c.example/b.png", "https://c.example/b.png"),
        ("javascript:alert(1)", ""),
        ("data:image/png;base64,AAAA", ""),
        ("https://[::1", ""),
        ("  ", ""),
    ],
)
def test_a_picture_is_at_an_address_of_http(found, address):
    page = f"<meta property=og:image content='{found}'>".encode()
    assert read_page(page, "", "https://a.example/x/y")["picture"] == address


@given(st.binary(max_size=300), st.text(max_size=30))
def test_no_page_is_too_odd(body, content_type):
    for text in read_page(b"<title>" + body, content_type, "https://a.example/").values():
        text.encode()
    assert plain(decoded(body, content_type), 50).isprintable()
