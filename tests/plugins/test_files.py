"""Files: sent, named by a message, fetched by those who may, and gone with it."""

from __future__ import annotations

import asyncio
import io
import json
import os
import sqlite3
import time
from contextlib import asynccontextmanager, closing
from urllib.parse import quote

import pytest
from PIL import Image

from chatserver.testing import Clock, Refused

TEXT = b"some text\n"


def picture(format="PNG"):
    data = io.BytesIO()
    Image.new("RGB", (30, 20)).save(data, format)
    return data.getvalue()


async def upload(server, client, content=TEXT, name="notes.txt", room="general", **headers):
    """The answer to an upload: status and JSON."""
    answer = await server.http(
        "POST",
        f"/plugins/files/upload?room={room}",
        body=content,
        token=client.token,
        headers={"X-File-Name": quote(name), "Content-Type": "image/png", **headers},
    )
    return answer.code, json.loads(answer.body)


async def uploaded(server, client, *args, **options):
    code, answer = await upload(server, client, *args, **options)
    assert code == 201, answer
    return answer["file"]


async def fetch(server, client, file, method="GET", **headers):
    token = client.token if client else None
    return await server.http(method, file["url"], token=token, headers=headers)


def on_disk(tmp_path):
    """Settings that keep the log in a file, over a new server too."""
    return {"store": {"url": f"sqlite:{tmp_path / 'chat.db'}"}}


def stored(tmp_path):
    """The files on disk, those that are still coming in too."""
    return [path for path in (tmp_path / "data/plugins/files").rglob("*") if path.is_file()]


async def test_a_file_reaches_all_in_the_room(chat):
    async with chat(plugins=["files"]) as server:
        alice, bob = await server.join("general", "alice", "bob")
        file = await uploaded(server, alice, name="圖 片.txt")
        assert (file["name"], file["size"], file["mime"]) == ("圖 片.txt", len(TEXT), "text/plain")
        await alice.says("look", files=[file["id"]])
        heard = await bob.hears()
        assert heard.files == [file]
        answer = await fetch(server, bob, heard.files[0])
        assert (answer.code, answer.body) == (200, TEXT)
        assert answer.headers["Content-Disposition"].startswith("attachment; ")
        assert answer.headers["Content-Disposition"].endswith("UTF-8''%E5%9C%96%20%E7%89%87.txt")


async def test_a_picture_is_shown_with_its_size_known(chat):
    async with chat(plugins=["files"]) as server:
        (alice,) = await server.join("general", "alice")
        file = await uploaded(server, alice, picture(), "me.png")
        assert (file["mime"], file["inline"], file["width"], file["height"]) == ("image/png", True, 30, 20)
        answer = await fetch(server, alice, file)
        assert answer.headers["Content-Type"] == "image/png"
        assert answer.headers["Content-Disposition"].startswith("inline; ")


def photo():
    """A picture that lies on its side, and says where and with what it was taken."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "SECRET CAMERA " * 20
    exif.get_ifd(0x8825)[1] = "N"
    data = io.BytesIO()
    Image.new("RGB", (30, 20)).save(data, "JPEG", exif=exif)
    return data.getvalue()


async def test_a_photo_is_shown_upright_and_says_nothing_of_its_place(chat, tmp_path):
    async with chat(plugins=["files"]) as server:
        alice, bob = await server.join("general", "alice", "bob")
        file = await uploaded(server, alice, photo(), "me.jpg")
        assert (file["width"], file["height"]) == (20, 30)
        await alice.says("", files=[file["id"]])
        answer = await fetch(server, bob, (await bob.hears()).files[0])
        assert b"SECRET" in photo()
        assert b"SECRET" not in answer.body
        # What is told, counted, and sent is what is kept.
        assert file["size"] == len(answer.body) == int(answer.headers["Content-Length"]) < len(photo())
        sizes = await instance(server, "files").table.sizes(alice.id, "general", "127.0.0.1")
        assert sizes == dict.fromkeys(("user", "room", "address", "server"), file["size"])
        assert [path.stat().st_size for path in stored(tmp_path)] == [file["size"]]
        with Image.open(io.BytesIO(answer.body)) as image:
            assert dict(image.getexif()) == {0x0112: 6}


async def test_metadata_are_kept_if_the_admin_says_so(chat):
    async with chat(plugins={"files": {"keep_metadata": True}}) as server:
        (alice,) = await server.join("general", "alice")
        file = await uploaded(server, alice, photo(), "me.jpg")
        assert (file["size"], file["width"], file["height"]) == (len(photo()), 20, 30)
        assert (await fetch(server, alice, file)).body == photo()


async def test_a_client_that_leaves_after_the_last_byte_has_uploaded(chat, tmp_path, eventually, quiet):
    async with chat(plugins=["files"]) as server:
        (alice,) = await server.join("general", "alice")
        plugin = instance(server, "files")
        _, writer = await asyncio.open_connection("127.0.0.1", server.server.port)
        writer.write(raw_request(server, alice, f"Content-Length: {len(photo())}\r\n") + photo())
        await writer.drain()
        writer.transport.abort()
        await eventually(lambda: stored(tmp_path) and not plugin.quota.coming)
        await eventually(lambda: stored(tmp_path)[0].parent.name != "partial")
        rows = await plugin.db.query("SELECT id, size FROM files_file")
        assert [(path.name, path.stat().st_size) for path in stored(tmp_path)] == [
            (row["id"], row["size"]) for row in rows
        ]


@pytest.mark.parametrize(
    "content",
    [
        b"<!DOCTYPE html><script>alert(1)</script>",
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    ],
)
async def test_what_could_act_is_only_ever_saved(chat, content):
    async with chat(plugins=["files"]) as server:
        (alice,) = await server.join("general", "alice")
        file = await uploaded(server, alice, content, "me.png")
        assert "inline" not in file
        answer = await fetch(server, alice, file)
        assert answer.headers["Content-Type"] == "text/plain"
        assert answer.headers["Content-Disposition"].startswith("attachment; ")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


async def test_a_message_may_be_files_alone(chat):
    async with chat(plugins=["files"]) as server:
        alice, bob = await server.join("general", "alice", "bob")
        files = [await uploaded(server, alice, name=f"{number}.txt") for number in range(3)]
        await alice.says("", files=[file["id"] for file in files])
        assert [file["name"] for file in (await bob.hears()).files] == ["0.txt", "1.txt", "2.txt"]


async def test_only_readers_of_the_room_get_the_file(chat):
    settings = {"rooms": [{"name": "general"}, {"name": "secret", "kind": "private"}]}
    async with chat(plugins=["files"], settings=settings) as server:
        alice, bob = await server.join("general", "alice", "bob")
        reply = await alice.says("hi", to="bob")
        await bob.hears()
        carol = await server.client("carol")
        file = await uploaded(server, alice, room=quote(reply.room))
        assert (await fetch(server, bob, file)).code == 404
        await alice.says("for you", to="bob", files=[file["id"]])
        assert (await fetch(server, bob, file)).code == 200
        assert (await fetch(server, carol, file)).code == 404
        assert (await fetch(server, None, file)).code == 401
        assert (await upload(server, carol, room=quote(reply.room)))[0] == 404
        assert (await upload(server, carol, room="secret"))[0] == 404
        assert (await upload(server, carol, room="nowhere"))[0] == 404


async def upload_to(server, client, other):
    """The answer to an upload for a direct message: status and JSON."""
    path = f"/plugins/files/upload?to={quote(other)}"
    answer = await server.http("POST", path, body=TEXT, token=client.token)
    return answer.code, json.loads(answer.body)


async def rooms_of(client):
    return [room["name"] for room in (await client.ask("rooms")).rooms]


async def test_a_first_direct_message_can_bring_a_file(chat):
    async with chat(plugins=["files"]) as server:
        alice, bob = await server.join("general", "alice", "bob")
        await bob.heard("rooms")
        _, answer = await upload_to(server, alice, bob.id)
        file = answer["file"]
        assert file["name"] == "file"
        # The room comes with the message, not with the upload.
        assert await rooms_of(alice) == await rooms_of(bob) == ["general"]
        assert not await bob.heard("rooms")
        sent = await alice.says("", to="bob", files=[file["id"]])
        assert (await fetch(server, bob, (await bob.hears()).files[0])).body == TEXT
        assert sent.room in await rooms_of(bob)
        status, answer = await upload_to(server, bob, "alice")
        assert status == 201
        await bob.says("", room=sent.room, files=[answer["file"]["id"]])


async def test_a_file_for_one_person_goes_to_no_other(chat):
    async with chat(plugins=["files"]) as server:
        alice, _, carol = await server.join("general", "alice", "bob", "carol")
        _, answer = await upload_to(server, alice, "bob")
        for where in ({"to": "carol"}, {"room": "general"}):
            with pytest.raises(Refused) as refused:
                await alice.ask("message", content="", files=[answer["file"]["id"]], **where)
            assert (refused.value.code, refused.value.field) == ("invalid", "files")
        assert await rooms_of(carol) == ["general"]
        assert (await fetch(server, carol, answer["file"])).code == 404


@pytest.mark.parametrize(
    ("to", "status", "code"),
    [
        ("alice", 400, "invalid"),
        ("nonesuch", 404, "not_found"),
        ("system", 400, "invalid"),
        ("carol", 201, None),
    ],
)
async def test_whom_an_upload_can_be_for(chat, to, status, code):
    async with chat(plugins=["files"]) as server:
        alice, _ = await server.join("general", "alice", "carol")
        found, answer = await upload_to(server, alice, to)
        assert (found, answer.get("error", {}).get("code")) == (status, code)
        assert await rooms_of(alice) == ["general"]


async def test_an_upload_is_for_a_room_or_for_a_user(chat):
    async with chat(plugins=["files"]) as server:
        alice, _ = await server.join("general", "alice", "carol")
        path = "/plugins/files/upload?to=carol&room=general"
        answer = await server.http("POST", path, body=TEXT, token=alice.token)
        error = json.loads(answer.body)["error"]
        assert (answer.code, error["code"], error["field"]) == (400, "invalid", "to")


@pytest.mark.parametrize(
    ("headers", "status"),
    [("Content-Length: 0\r\n", 400), ("Content-Length: 101\r\n", 413), ("Content-Length: 51\r\n", 413)],
)
async def test_an_upload_that_is_refused_begins_no_conversation(chat, headers, status):
    async with chat(plugins={"files": {"max_bytes": 100, "quota_bytes": 50}}) as server:
        alice, carol = await server.join("general", "alice", "carol")
        await carol.heard("rooms")
        head = raw_request(server, alice, headers, query="to=carol")
        assert (await exchange(server, head)).startswith(b"HTTP/1.1 %d " % status)
        assert not await carol.heard("rooms")
        assert await rooms_of(alice) == ["general"]


DENY = """
from chatserver import Plugin, hookimpl


class Deny(Plugin):
    denied = ("files.upload",)

    @hookimpl
    def may(self, user, permission, room):
        return False if permission in self.denied else None
"""


@pytest.mark.parametrize("permission", ["files.upload", "direct.start", "message.post"])
async def test_an_upload_to_a_person_needs_what_a_message_needs(chat, tmp_path, permission):
    (tmp_path / "own").mkdir()
    deny = tmp_path / "own/deny.py"
    deny.write_text(DENY.replace("files.upload", permission))
    async with chat(plugins=["files", "deny"], dirs=[tmp_path / "own"]) as server:
        alice, _ = await server.join("general", "alice", "carol")
        status, answer = await upload_to(server, alice, "carol")
        assert (status, answer["error"]["code"]) == (403, "forbidden")
        assert await rooms_of(alice) == ["general"]


async def test_a_conversation_that_is_there_needs_no_permission_to_start(chat, tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own/deny.py").write_text(DENY.replace("files.upload", "direct.start"))
    settings = on_disk(tmp_path)
    async with chat(plugins=["files"], settings=settings) as server:
        alice, _ = await server.join("general", "alice", "carol")
        await alice.says("hello", to="carol")
    async with chat(plugins=["files", "deny"], dirs=[tmp_path / "own"], settings=settings) as server:
        again = await server.client(token=alice.token)
        await again.says("hello again", to="carol")
        assert (await upload_to(server, again, "carol"))[0] == 201


async def test_uploads_are_limited_like_messages(chat, tmp_path):
    limits = {"limits": {"messages_per_second": 0.01, "burst": 5}}
    async with chat(plugins=["files"], settings=limits) as server:
        alice, bob = [await server.client(name) for name in ("alice", "bob")]
        answers = await asyncio.gather(*(upload_to(server, alice, "bob") for _ in range(8)))
        assert sorted(status for status, _ in answers) == [201] * 5 + [429] * 3
        refused = next(answer["error"] for status, answer in answers if status == 429)
        assert refused["code"] == "rate_limited"
        assert refused["retry_after"] > 0
        assert len(stored(tmp_path)) == 5
        assert (await upload_to(server, bob, "alice"))[0] == 201


async def test_a_download_that_is_not_read_ends(chat, raw, eventually, quiet):
    async with chat(plugins=["files"], timeouts={"write": 0.3}) as server:
        (alice,) = await server.join("general", "alice")
        file = await uploaded(server, alice, b"x" * 16_000_000)
        async with raw(server, receive_buffer=4096) as socket:
            await socket.send(
                f"GET {file['url']} HTTP/1.1\r\nHost: localhost\r\n"
                f"Authorization: Bearer {alice.token}\r\n\r\n".encode()
            )
            assert " 200 " in await socket.head()
            open_now = server.server.listener._open
            port = socket.writer.get_extra_info("sockname")[1]
            mine = next(stream for stream in open_now if stream.socket.getpeername()[1] == port)
            await eventually(lambda: mine not in open_now)
            assert len(await socket.rest()) < 16_000_000
        # One that reads, if slowly, gets all of it.
        assert (await fetch(server, alice, file)).body == b"x" * 16_000_000


async def test_what_came_before_a_member_is_as_hidden_as_its_message(chat):
    async with chat(plugins=["files"]) as server:
        (alice,) = await server.join("general", "alice")
        file = await uploaded(server, alice)
        await alice.says("", files=[file["id"]])
        (bob,) = await server.join("general", "bob")
        assert (await fetch(server, bob, file)).code == 404


async def test_a_file_belongs_to_one_message_of_its_owner_in_its_room(chat):
    settings = {"rooms": [{"name": "general"}, {"name": "tea"}]}
    async with chat(plugins=["files"], settings=settings) as server:
        alice, bob = await server.join("general", "alice", "bob")
        await alice.ask("join", room="tea")
        file = (await uploaded(server, alice))["id"]
        attempts = [
            bob.says("mine", files=[file]),
            alice.says("elsewhere", room="tea", files=[file]),
            alice.says("twice", files=[file, file]),
            alice.says("none", files=["0" * 32]),
            alice.says("many", files=[f"{number:032x}" for number in range(11)]),
        ]
        for number, work in enumerate(attempts):
            with pytest.raises(Refused) as refused:
                await work
            assert (refused.value.code, refused.value.field) == ("invalid", "files")
            # A file that is there and named twice was uploaded here, after all.
            assert ("once" in str(refused.value)) == (number == 2)
        await alice.says("here", files=[file])
        with pytest.raises(Refused):
            await alice.says("again", files=[file])


HOLD = """
import asyncio

from chatserver import Plugin, hookimpl


class Hold(Plugin):
    @hookimpl
    def startup(self):
        self.held = {}

    @hookimpl
    async def before_post(self, draft):
        if draft.content.startswith("held"):
            self.held[draft.content] = asyncio.Event()
            await self.held[draft.content].wait()
"""


def instance(server, name):
    return next(each.instance for each in server.server.host.current.plugins if each.name == name)


@asynccontextmanager
async def two_messages_with_one_file(chat, tmp_path, eventually, **options):
    """A server, alice, bob, a file, and two requests for a message that both have passed the check of their files.

    Each comes with the event that lets it go on: the plugin that holds them stands for any that takes its time.
    """
    (tmp_path / "own").mkdir()
    (tmp_path / "own/hold.py").write_text(HOLD)
    async with chat(plugins=["files", "hold"], dirs=[tmp_path / "own"], **options) as server:
        alice, bob = await server.join("general", "alice", "bob")
        second = await server.client(token=alice.token)
        file = await uploaded(server, alice)
        hold = instance(server, "hold")
        contents = ["held first", "held second"]
        posts = [
            asyncio.ensure_future(client.says(content, room="general", files=[file["id"]]))
            for client, content in zip((alice, second), contents, strict=True)
        ]
        await eventually(lambda: len(hold.held) == 2)
        yield (
            server,
            alice,
            bob,
            file,
            [(hold.held[c], post) for c, post in zip(contents, posts, strict=True)],
        )


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("kept", ["memory:", "sqlite:"])
async def test_a_file_that_two_messages_name_at_once_goes_with_the_last(
    chat, tmp_path, eventually, first, kept
):
    settings = {"store": {"url": kept}}
    async with two_messages_with_one_file(chat, tmp_path, eventually, settings=settings) as held:
        server, alice, bob, file, posts = held
        # Both in one turn of the loop: one batch.
        for release, _ in posts:
            release.set()
        sent = [await post for _, post in posts]
        assert [(await bob.hears()).files for _ in sent] == [[file], [file]]
        await alice.ask("delete", message_id=sent[first].message_id)
        await instance(server, "files").sweep()
        assert (await fetch(server, bob, file)).body == TEXT
        await alice.ask("delete", message_id=sent[1 - first].message_id)
        assert (await fetch(server, bob, file)).code == 404
        await eventually(lambda: not stored(tmp_path))


async def test_a_file_that_two_batches_name_goes_with_the_last(chat, tmp_path, eventually):
    async with two_messages_with_one_file(chat, tmp_path, eventually) as held:
        server, alice, bob, file, posts = held
        sent = []
        for release, post in posts:
            release.set()
            sent.append(await post)
        with pytest.raises(Refused) as refused:
            await alice.says("third", files=[file["id"]])
        assert (refused.value.code, refused.value.field) == ("invalid", "files")
        await alice.ask("delete", message_id=sent[0].message_id)
        await instance(server, "files").sweep()
        assert (await fetch(server, bob, file)).body == TEXT
        await alice.ask("delete", message_id=sent[1].message_id)
        assert (await fetch(server, bob, file)).code == 404
        await eventually(lambda: not stored(tmp_path))


async def test_a_file_deleted_before_the_second_message_stays_deleted(chat, tmp_path, eventually):
    async with two_messages_with_one_file(chat, tmp_path, eventually) as held:
        server, alice, bob, file, [(release, post), (release_second, second)] = held
        release.set()
        await alice.ask("delete", message_id=(await post).message_id)
        await eventually(lambda: not stored(tmp_path))
        release_second.set()
        sent = await second
        assert (await fetch(server, bob, file)).code == 404
        plugin = instance(server, "files")
        assert not await plugin.db.query("SELECT * FROM files_use")
        await alice.ask("delete", message_id=sent.message_id)
        assert (await fetch(server, bob, file)).code == 404


async def test_tables_of_the_first_version_are_brought_over(chat, tmp_path):
    settings = on_disk(tmp_path)
    async with chat(plugins=["files"], settings=settings) as server:
        (alice,) = await server.join("general", "alice")
        used, unused = await uploaded(server, alice), await uploaded(server, alice)
        sent = await alice.says("", files=[used["id"]])
    with closing(sqlite3.connect(tmp_path / "chat.db")) as db, db:
        db.execute("ALTER TABLE files_file ADD COLUMN message_id TEXT")
        db.execute("CREATE INDEX files_file_message ON files_file (message_id)")
        db.execute("UPDATE files_file SET message_id = ? WHERE id = ?", (sent.message_id, used["id"]))
        db.execute("DROP TABLE files_use")
        for column in ("preview", "address"):
            db.execute(f"ALTER TABLE files_file DROP COLUMN {column}")
        db.execute("UPDATE plugin_schema SET version = 3 WHERE plugin = 'files'")
    async with chat(plugins=["files"], settings=settings) as server:
        alice, (bob,) = await server.client(token=alice.token), await server.join("general", "bob")
        assert (await fetch(server, alice, used)).body == TEXT
        with pytest.raises(Refused):
            await alice.says("", room="general", files=[used["id"]])
        await alice.says("", room="general", files=[unused["id"]])
        assert (await fetch(server, bob, unused)).body == TEXT
        await alice.ask("delete", message_id=sent.message_id)
        await instance(server, "files").sweep()
        assert [path.name for path in stored(tmp_path)] == [unused["id"]]


async def test_a_message_sent_again_keeps_its_file(chat):
    async with chat(plugins=["files"]) as server:
        (alice,) = await server.join("general", "alice")
        file = (await uploaded(server, alice))["id"]
        first = await alice.says("here", files=[file], nonce="n")
        again = await alice.says("here", files=[file], nonce="n")
        assert (again.seq, again.dup) == (first.seq, True)


async def test_an_edit_keeps_the_files(chat):
    async with chat(plugins=["files", "history"]) as server:
        (alice,) = await server.join("general", "alice")
        file = await uploaded(server, alice)
        sent = await alice.says("here", files=[file["id"]])
        await alice.ask("edit", message_id=sent.message_id, content="there")
        page = await alice.ask("history", room="general", limit=1)
        assert page.events[-1]["files"] == [file]
        assert (await fetch(server, alice, file)).code == 200


async def test_deleting_the_message_deletes_the_file(chat, tmp_path):
    async with chat(plugins=["files"]) as server:
        (alice,) = await server.join("general", "alice")
        file = await uploaded(server, alice)
        sent = await alice.says("here", files=[file["id"]])
        assert len(stored(tmp_path)) == 1
        await alice.ask("delete", message_id=sent.message_id)
        assert (await fetch(server, alice, file)).code == 404
        await until(alice, lambda: not stored(tmp_path))


async def test_what_no_message_names_is_deleted_after_a_day(chat, tmp_path):
    clock = Clock()
    async with chat(plugins=["files"], clock=clock) as server:
        (alice,) = await server.join("general", "alice")
        unused, used = await uploaded(server, alice), await uploaded(server, alice)
        await alice.says("", files=[used["id"]])
        await clock.move(days=0.9)
        assert len(stored(tmp_path)) == 2
        await clock.move(days=0.1)
        with pytest.raises(Refused):
            await alice.says("late", files=[unused["id"]])
        # An hour more for messages on their way, and the next sweep.
        await clock.move(7_200)
        assert (await fetch(server, alice, unused)).code == 404
        assert [path.name for path in stored(tmp_path)] == [used["id"]]


async def test_too_large_files_are_refused_before_they_come(chat, tmp_path):
    async with chat(plugins={"files": {"max_bytes": 100}}) as server:
        (alice,) = await server.join("general", "alice")
        assert (await upload(server, alice, b"x" * 100))[0] == 201
        code, answer = await upload(server, alice, b"x" * 101)
        assert (code, answer["error"]["code"]) == (413, "too_large")
        assert alice.welcome.plugins["files"]["settings"] == {"max_bytes": 100}
        # A length that no server would wait for is answered at once, without its body.
        head = raw_request(server, alice, f"Content-Length: {10**15}\r\n")
        assert (await exchange(server, head)).startswith(b"HTTP/1.1 413 ")
        assert len(stored(tmp_path)) == 1


async def test_a_large_file_is_taken_though_other_bodies_are_small(chat):
    async with chat(plugins=["files"]) as server:
        alice, bob = await server.join("general", "alice", "bob")
        content = bytes(range(256)) * 16_384
        file = await uploaded(server, alice, content, "large.bin")
        await alice.says("", files=[file["id"]])
        assert (await fetch(server, bob, file)).body == content


@pytest.mark.parametrize("header", ["", "Transfer-Encoding: chunked\r\n", "Content-Length: 0\r\n"])
async def test_a_size_has_to_be_told(chat, header):
    async with chat(plugins=["files"]) as server:
        (alice,) = await server.join("general", "alice")
        assert (await exchange(server, raw_request(server, alice, header))).startswith(b"HTTP/1.1 400 ")


async def test_an_upload_that_breaks_off_leaves_nothing(chat, tmp_path):
    async with chat(plugins=["files"]) as server:
        (alice,) = await server.join("general", "alice")
        plugin = instance(server, "files")
        _reader, writer = await asyncio.open_connection("127.0.0.1", server.server.port)
        writer.write(raw_request(server, alice, "Content-Length: 1000\r\n") + b"half")
        await until(alice, lambda: stored(tmp_path) and stored(tmp_path)[0].read_bytes() == b"half")
        assert [(each.user, each.size) for each in plugin.quota.coming.values()] == [(alice.id, 1000)]
        writer.close()
        await until(alice, lambda: not stored(tmp_path))
        assert not plugin.quota.coming


async def test_what_a_crash_left_half_written_is_cleared(chat, tmp_path):
    partial = tmp_path / "data/plugins/files/partial"
    partial.mkdir(parents=True)
    for name, age in (("0123", 7_200), ("4567", 0)):
        (partial / name).write_bytes(b"half")
        os.utime(partial / name, (time.time() - age,) * 2)
    async with chat(plugins=["files"]) as server:
        await server.plugin("files").sweep()
        # The other one may come to another server, where several share the folder.
        assert [path.name for path in stored(tmp_path)] == ["4567"]


async def test_the_quota_counts_what_is_kept_and_what_is_coming(chat):
    async with chat(plugins={"files": {"quota_bytes": 250}}) as server:
        alice, bob = await server.join("general", "alice", "bob")
        kept = await uploaded(server, alice, b"x" * 100)
        sent = await alice.says("", files=[kept["id"]])
        _, writer = await asyncio.open_connection("127.0.0.1", server.server.port)
        writer.write(raw_request(server, alice, "Content-Length: 100\r\n") + b"half")
        plugin = instance(server, "files")
        await until(alice, lambda: plugin.quota.coming)
        assert (await upload(server, alice, b"x" * 100))[1]["error"]["code"] == "too_large"
        assert (await upload(server, bob, b"x" * 100))[0] == 201
        writer.close()
        await until(alice, lambda: not plugin.quota.coming)
        assert (await upload(server, alice, b"x" * 100))[0] == 201
        assert (await upload(server, alice, b"x" * 100))[0] == 413
        await alice.ask("delete", message_id=sent.message_id)
        await plugin.sweep()
        assert (await upload(server, alice, b"x" * 100))[0] == 201


async def test_types_are_decided_by_content(chat, tmp_path):
    async with chat(plugins={"files": {"types": ["image/*"]}}) as server:
        (alice,) = await server.join("general", "alice")
        code, answer = await upload(server, alice, TEXT, "me.png")
        assert (code, answer["error"]["code"]) == (403, "rejected")
        assert not stored(tmp_path)
        assert (await upload(server, alice, picture("JPEG"), "notes.txt"))[0] == 201


async def test_only_signed_in_users_may_ask(chat):
    async with chat(plugins=["files"]) as server:
        await server.join("general", "alice")
        answer = await server.http("POST", "/plugins/files/upload?room=general", body=TEXT)
        assert answer.code == 401
        cookie = {"Cookie": "chat_session=x"}
        answer = await server.http("POST", "/plugins/files/upload?room=general", body=TEXT, headers=cookie)
        assert answer.code == 403


async def test_parts_of_a_file(chat):
    async with chat(plugins=["files"]) as server:
        (alice,) = await server.join("general", "alice")
        file = await uploaded(server, alice, b"0123456789")
        part = await fetch(server, alice, file, Range="bytes=2-4")
        assert (part.code, part.body, part.headers["Content-Range"]) == (206, b"234", "bytes 2-4/10")
        tag = part.headers["Etag"]
        beyond = await fetch(server, alice, file, Range="bytes=10-")
        assert (beyond.code, beyond.headers["Content-Range"]) == (416, "bytes */10")
        other = await fetch(server, alice, file, Range="bytes=2-4", **{"If-Range": '"other"'})
        assert (other.code, other.body) == (200, b"0123456789")
        same = await fetch(server, alice, file, **{"If-None-Match": tag})
        assert (same.code, same.body) == (304, b"")
        head = await fetch(server, alice, file, "HEAD")
        assert (head.code, head.body, head.headers["Content-Length"]) == (200, b"", "10")
        assert head.headers["Cache-Control"] == "private, max-age=31536000, immutable"


async def test_files_are_kept_over_a_restart(chat):
    async with chat(plugins=["files"], settings={"store": {"url": "sqlite:"}}) as server:
        alice, bob = await server.join("general", "alice", "bob")
        file = await uploaded(server, alice)
        await alice.says("", files=[file["id"]])
        await server.restart()
        assert (await fetch(server, bob, file)).body == TEXT


async def test_other_plugins_are_asked_before_an_upload_and_told_after_it(chat, tmp_path):
    guard = tmp_path / "plugins"
    guard.mkdir()
    (guard / "guard.py").write_text(GUARD)
    async with chat(plugins=["guard", "files"], dirs=[guard]) as server:
        (alice,) = await server.join("general", "alice")
        assert (await upload(server, alice, name="virus.exe"))[1]["error"]["plugin"] == "guard"
        assert (await uploaded(server, alice, name="Notes.TXT"))["name"] == "notes.txt"
        assert (await alice.hears("notice")).text == "notes.txt is text/plain"


async def test_without_the_plugin_no_file_can_be_named(chat):
    async with chat() as server:
        (alice,) = await server.join("general", "alice")
        with pytest.raises(Refused) as refused:
            await alice.says("look", files=["0" * 32])
        assert (refused.value.code, refused.value.field) == ("invalid", "files")


async def test_links_are_safe_in_what_all_see(chat):
    async with chat(plugins=["files"]) as server:
        alice, bob = await server.join("general", "alice", "bob")
        await alice.says("<b> https://example.com/?a=1&b=2, javascript:alert(1)")
        html = (await bob.hears()).html
        assert '<a href="https://example.com/?a=1&amp;b=2" target="_blank"' in html
        assert 'rel="noopener noreferrer nofollow"' in html
        assert html.count("<") == 2
        assert "&lt;b&gt;" in html


GUARD = """
from chatserver import Plugin, Reject, hookimpl

class Guard(Plugin):
    @hookimpl
    async def before_upload(self, upload):
        if upload.name.endswith(".exe"):
            raise Reject("No programs, please.")
        return type(upload)(upload.user, upload.room, upload.name.lower(), upload.size, upload.mime)

    @hookimpl
    def after_upload(self, upload):
        self.chat.notice(upload.user, f"{upload.name} is {upload.mime}")
"""


def raw_request(server, client, headers, query="room=general"):
    """The head of an upload, byte by byte."""
    return (
        f"POST /plugins/files/upload?{query} HTTP/1.1\r\n"
        f"Host: 127.0.0.1:{server.server.port}\r\nAuthorization: Bearer {client.token}\r\n{headers}\r\n"
    ).encode()


async def exchange(server, data):
    """Send raw bytes and read the answer up to its end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.server.port)
    writer.write(data)
    answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    writer.close()
    return answer


async def until(client, true):
    """Ask the server one thing after the other until something has come about behind its answers."""
    async with asyncio.timeout(5):
        while not true():
            await client.ask("ping")
