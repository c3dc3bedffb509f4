"""What a browser loads: each version under its own address, compressed, and kept for ever."""

from __future__ import annotations

import gzip
import os
import re
from pathlib import Path
from typing import Any

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tornado.httpclient import AsyncHTTPClient, HTTPResponse

from chatserver.web.assets import AssetFolder, Assets
from chatserver.web.linker import LinkError

PUBLIC = Path(__file__).parent.parent / "public"
PLUGIN = "from chatserver import Plugin\n\n\nclass Party(Plugin):\n    pass\n"
FOR_EVER = "public, max-age=31536000, immutable"


async def fetch(server: Any, method: str, path: str, headers: dict[str, str] | None = None) -> HTTPResponse:
    """A request with exactly these headers; what is compressed stays it."""
    return await AsyncHTTPClient().fetch(
        server.url + path,
        method=method,
        headers=headers,
        decompress_response=False,
        raise_error=False,
        follow_redirects=False,
    )


async def newest(server: Any) -> str:
    """The address of the client's version that the page names."""
    page = (await fetch(server, "GET", "/")).body.decode()
    (base,) = set(re.findall(r'"(/static/[0-9a-f]{16}/)', page))
    return base


@pytest.fixture
def party(tmp_path: Path) -> Path:
    """A plugin with a part in the browser."""
    folder = tmp_path / "plugins" / "party"
    (folder / "static" / "sounds").mkdir(parents=True)
    (folder / "__init__.py").write_text(PLUGIN)
    (folder / "static" / "client.js").write_text("export function activate() {}\n" * 20)
    (folder / "static" / "sounds" / "horn.mp3").write_bytes(bytes(range(256)) * 4)
    (folder / "static" / ".hidden").write_text("no")
    return folder


async def test_a_page_that_another_server_made_finds_its_files(chat, party):
    """As on two servers with a proxy in front: this one was not asked for the page."""
    async with chat(plugins=["party"], dirs=[party.parent]) as server:
        base = await newest(server)
        part = server.server.assets.addresses("party")["client"]
        await server.restart()
        for address in (f"{base}js/client.js", part):
            assert (await fetch(server, "GET", address)).code == 200
        assert (await fetch(server, "GET", "/static/0123456789abcdef/js/client.js")).code == 404


async def test_all_addresses_of_the_page_are_of_one_version_and_kept_for_ever(chat):
    async with chat() as server:
        page = await fetch(server, "GET", "/")
        assert page.headers["Cache-Control"] == "private, no-cache"
        addresses = set(re.findall(r'(?:src|href)="(/[^"#]+)[^"]*"', page.body.decode()))
        assert len({address.split("/")[2] for address in addresses}) == 1
        assert len(addresses) == 5
        for address in addresses:
            answer = await fetch(server, "GET", address)
            assert (answer.code, answer.headers["Cache-Control"]) == (200, FOR_EVER), address
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    ("path", "type"),
    [
        ("js/client.js", "text/javascript; charset=utf-8"),
        ("js/parts/part.js", "text/javascript; charset=utf-8"),
        ("js/client.js.map", "application/json; charset=utf-8"),
        ("css/client.css", "text/css; charset=utf-8"),
        ("i18n/en.json", "application/json; charset=utf-8"),
        ("favicon.svg", "image/svg+xml; charset=utf-8"),
        ("manifest.webmanifest", "application/manifest+json; charset=utf-8"),
    ],
)
async def test_a_file_has_its_type_and_is_compressed_as_the_client_likes_it(chat, path, type):
    async with chat() as server:
        address = await newest(server) + path
        plain = await fetch(server, "GET", address, headers={"Accept-Encoding": "identity"})
        assert plain.headers["Content-Type"] == type
        assert "Content-Encoding" not in plain.headers
        etags = {plain.headers["Etag"]}
        if len(plain.body) < 256:
            return
        for asked, coding, decode in (
            ("gzip, deflate, br, zstd", "br", brotli.decompress),
            ("gzip", "gzip", gzip.decompress),
            ("br;q=0, *", "gzip", gzip.decompress),
            ("*;q=0.5", "br", brotli.decompress),
        ):
            answer = await fetch(server, "GET", address, headers={"Accept-Encoding": asked})
            assert answer.headers["Content-Encoding"] == coding, asked
            assert decode(answer.body) == plain.body
            assert len(answer.body) < len(plain.body)
            etags.add(answer.headers["Etag"])
        assert len(etags) == 3, "each coding is a representation of its own"
        for asked in ("", "identity", "gzip;q=0", "compress", "br;q=0.000"):
            answer = await fetch(server, "GET", address, headers={"Accept-Encoding": asked})
            assert "Content-Encoding" not in answer.headers, asked


async def test_what_a_client_has_is_not_sent_again(chat):
    async with chat() as server:
        for address in ("/", await newest(server) + "js/client.js"):
            for coding in ("br", "gzip", "identity"):
                headers = {"Accept-Encoding": coding}
                first = await fetch(server, "GET", address, headers=headers)
                again = await fetch(
                    server, "GET", address, headers={**headers, "If-None-Match": first.headers["Etag"]}
                )
                assert (again.code, again.body) == (304, b"")
                other = await fetch(server, "GET", address, headers={**headers, "If-None-Match": '"other"'})
                assert other.code == 200


async def test_head_has_the_headers_of_get(chat):
    async with chat() as server:
        for address in ("/", "/static/i18n/en.json", await newest(server) + "js/client.js"):
            headers = {"Accept-Encoding": "br"}
            got = await fetch(server, "GET", address, headers=headers)
            head = await fetch(server, "HEAD", address, headers=headers)
            assert (head.code, head.body) == (200, b"")
            for name in (
                "Content-Length",
                "Content-Encoding",
                "Content-Type",
                "Etag",
                "Cache-Control",
                "Vary",
            ):
                assert head.headers.get(name) == got.headers.get(name), name


async def test_an_address_without_a_version_is_the_newest_and_asked_for_each_time(chat):
    async with chat() as server:
        answer = await fetch(server, "GET", "/static/i18n/en.json")
        assert answer.headers["Cache-Control"] == "no-cache"
        assert answer.body == (PUBLIC / "i18n" / "en.json").read_bytes()


async def test_a_version_that_is_not_served_any_more_is_outdated(chat):
    async with chat() as server:
        answer = await fetch(server, "GET", f"/static/{'0' * 16}/js/client.js")
        assert answer.code == 404
        assert b'"code":"outdated"' in answer.body
        assert answer.headers["Cache-Control"] == "no-store"


async def test_nothing_but_the_folders_own_files_is_there(chat, party):
    (party.parent / "secret.txt").write_text("secret")
    async with chat(plugins=["party"], dirs=[party.parent]) as server:
        base = await newest(server)
        for below in (base, "/static/", "/plugins/party/static/"):
            for path in (
                "", ".", "..", "js", "js/", "nothing.js", "__init__.py", "js/../../setup.py", "../setup.py",
                "../secret.txt",
                "%2e%2e/secret.txt", "..%2fsecret.txt", "%2fetc/passwd", "/etc/passwd", "%00", "index.html%00.js",
                ".hidden", "../__init__.py", "js\\main.js", "%ff",
            ):  # fmt: skip
                answer = await fetch(server, "GET", below + path)
                assert answer.code in (400, 404), below + path
                assert b"secret" not in answer.body


async def test_a_part_can_be_asked_for(chat, party):
    content = (party / "static" / "sounds" / "horn.mp3").read_bytes()
    async with chat(plugins=["party"], dirs=[party.parent]) as server:
        address = "/plugins/party/static/sounds/horn.mp3"
        whole = await fetch(server, "GET", address)
        assert (whole.code, whole.body) == (200, content)
        assert (whole.headers["Content-Type"], whole.headers["Accept-Ranges"]) == ("audio/mpeg", "bytes")
        assert "Content-Encoding" not in whole.headers, "sound is compressed already"
        for asked, start, end in (
            ("bytes=0-9", 0, 10), ("bytes=10-", 10, 1024), ("bytes=-5", 1019, 1024), ("bytes=1000-9999", 1000, 1024),
            ("bytes=-9999", 0, 1024),
        ):  # fmt: skip
            part = await fetch(server, "GET", address, headers={"Range": asked, "Accept-Encoding": "br"})
            assert (part.code, part.body) == (206, content[start:end]), asked
            assert part.headers["Content-Range"] == f"bytes {start}-{end - 1}/1024"
            assert part.headers["Etag"] == whole.headers["Etag"]
        for asked in ("bytes=1024-", "bytes=9999-10000", "bytes=-0"):
            part = await fetch(server, "GET", address, headers={"Range": asked})
            assert (part.code, part.headers["Content-Range"]) == (416, "bytes */1024"), asked
        for asked in ("bytes=", "bytes=a-b", "bytes=0-1,3-4", "lines=0-9", "bytes"):
            assert (await fetch(server, "GET", address, headers={"Range": asked})).code == 200, asked
        same = {"Range": "bytes=0-9", "If-Range": whole.headers["Etag"]}
        assert (await fetch(server, "GET", address, headers=same)).code == 206
        changed = {"Range": "bytes=0-9", "If-Range": '"other"'}
        assert (await fetch(server, "GET", address, headers=changed)).body == content


async def test_a_part_of_what_would_be_compressed_is_of_the_plain_text(chat):
    async with chat() as server:
        headers = {"Range": "bytes=0-4", "Accept-Encoding": "br"}
        answer = await fetch(server, "GET", "/static/js/main.js", headers=headers)
        assert (answer.code, answer.body) == (206, (PUBLIC / "js" / "main.js").read_bytes()[:5])


async def test_a_plugins_part_is_delivered_the_same_way(chat, party):
    async with chat(plugins=["party", "history"], dirs=[party.parent]) as server:
        alice = await server.client(name="alice")
        assert set(alice.welcome.plugins["history"]) == {"settings"}
        address = alice.welcome.plugins["party"]["client"]
        assert re.fullmatch(r"/plugins/party/static/[0-9a-f]{16}/client\.js", address)
        assert "css" not in alice.welcome.plugins["party"]
        answer = await fetch(server, "GET", address, headers={"Accept-Encoding": "br"})
        assert answer.headers["Cache-Control"] == FOR_EVER
        assert brotli.decompress(answer.body) == (party / "static" / "client.js").read_bytes()
        # Beside it, by a relative address.
        sound = await fetch(server, "GET", address.replace("client.js", "sounds/horn.mp3"))
        assert sound.code == 200
        for path in ("/plugins/history/static/client.js", "/plugins/nothing/static/client.js"):
            assert (await fetch(server, "GET", path)).code == 404


async def test_a_client_is_told_which_version_the_server_has(chat):
    async with chat() as server:
        _, facts = await server.api("GET", "server")
        alice = await server.client(name="alice")
        assert f"/static/{facts.client}/" == await newest(server)
        assert alice.welcome.server["client"] == facts.client


async def test_what_is_edited_is_seen_at_the_next_load(chat, party):
    async with chat(plugins=["party"], dirs=[party.parent]) as server:
        before = (await server.client(name="alice")).welcome.plugins["party"]["client"]
        (party / "static" / "client.js").write_text("export function activate(chat) {}\n")
        (party / "static" / "client.css").write_text("")
        await fetch(server, "GET", "/")
        after = (await server.client(name="bob")).welcome.plugins["party"]
        assert after["client"] != before
        assert (await fetch(server, "GET", after["client"])).body == b"export function activate(chat) {}\n"
        assert "css" in after
        # A page that was being loaded meanwhile gets the rest of its own version.
        assert (await fetch(server, "GET", before)).code == 200


@pytest.fixture
def public(tmp_path: Path) -> Path:
    """A small page of modules and style sheets."""
    folder = tmp_path / "public"
    for path, text in {
        "index.html": '<script src="/static/js/client.js"></script>',
        "js/main.js": 'import { a } from "./a.js";\nconsole.log(a);\n',
        "js/a.js": "export const a = 1;\n",
        "css/index.css": '@import "a.css";\n',
        "css/a.css": "a {}\n",
        "i18n/en.json": "{}",
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def assets(public: Path) -> Assets:
    return Assets(public, lambda: ())


def page_of(assets: Assets) -> bytes:
    return assets.public.current.assets["index.html"].content


@pytest.mark.parametrize("path", ["index.html", "js/a.js", "css/a.css", "i18n/en.json", "new.js"])
def test_any_change_of_any_file_makes_another_version(public: Path, path: str) -> None:
    here = assets(public)
    first, page = here.hash, page_of(here)
    here.refresh()
    assert (here.hash, page_of(here)) == (first, page)
    changed = public / path
    before = changed.read_bytes() if changed.exists() else None
    changed.write_bytes((before or b"") + b" ")
    here.refresh()
    assert here.hash != first
    assert page_of(here) != page
    assert here.hash.encode() in page_of(here)
    changed.write_bytes(before) if before is not None else changed.unlink()
    os.utime(public, ns=(0, 0))
    here.refresh()
    assert (here.hash, page_of(here)) == (first, page), "the same files are the same version"


def test_the_two_newest_versions_are_served(public: Path) -> None:
    here = assets(public)
    hashes = [here.hash]
    for number in range(3):
        (public / "js" / "a.js").write_text(f"export const a = {number};" + " " * number)
        here.refresh()
        hashes.append(here.hash)
    assert [here.public.version(hash) is not None for hash in hashes] == [False, False, True, True]


def test_what_can_not_be_joined_leaves_what_was_there(public: Path, caplog: pytest.LogCaptureFixture) -> None:
    here = assets(public)
    first = here.hash
    (public / "js" / "a.js").write_text("export default 1;")
    here.refresh()
    assert here.hash == first
    assert "a.js:1: this can't be joined" in caplog.text
    (public / "js" / "a.js").write_text("export const a = 2;")
    here.refresh()
    assert here.hash != first
    (public / "js" / "a.js").write_text("export default 1;")
    with pytest.raises(LinkError):
        assets(public).refresh()


@given(
    st.dictionaries(st.sampled_from(["a", "b", "aa", "c/a"]), st.binary(max_size=4), min_size=1),
    st.dictionaries(st.sampled_from(["a", "b", "aa", "c/a"]), st.binary(max_size=4), min_size=1),
)
def test_two_versions_have_one_address_only_if_they_are_the_same(tmp_path_factory, one, other) -> None:
    hashes = []
    for files in (one, other):
        folder = tmp_path_factory.mktemp("files")
        for path, content in files.items():
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_bytes(content)
        hashes.append(AssetFolder(folder, "/x/").current.hash)
    assert (hashes[0] == hashes[1]) == (one == other)
