"""Files: what is shown of them, how much is kept and for how long, and who looks into them."""

from __future__ import annotations

import asyncio
import io
import os
import random
import time

import pytest
from PIL import Image
from test_files import TEXT, fetch, stored, upload, uploaded

MP4 = b"\0\0\0\x18ftypisom\0\0\2\0isomiso2" + bytes(3000)
MP3 = b"ID3\3\0\0\0\0\0\0" + bytes(3000)


def noise(width=1600, height=1000, kind="PNG", **options):
    """A picture that no encoder makes small."""
    pixels = random.Random(1).randbytes(width * height * 3)
    out = io.BytesIO()
    Image.frombytes("RGB", (width, height), pixels).save(out, kind, **options)
    return out.getvalue()


async def preview(server, client, file):
    return await server.http("GET", file["preview"], token=client.token)


async def test_a_large_picture_has_a_smaller_one_for_the_conversation(chat, tmp_path):
    async with chat(plugins=["files"], patience=30) as server:
        alice, bob = await server.join("general", "alice", "bob")
        about = Image.Exif()
        about[0x010E] = "SECRET PLACE"
        file = await uploaded(server, alice, noise(kind="JPEG", exif=about), "me.jpg")
        assert (await preview(server, bob, file)).code == 404
        sent = await alice.says("", files=[file["id"]])
        assert (await bob.hears()).files[0]["preview"] == f"/plugins/files/p/{file['id']}"
        answer = await preview(server, bob, file)
        assert (answer.code, answer.headers["Content-Type"]) == (200, "image/webp")
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert Image.open(io.BytesIO(answer.body)).size == (840, 525)
        assert b"SECRET" not in answer.body
        assert (await server.http("GET", file["preview"])).code == 401
        # A small one needs none.
        small = await uploaded(server, alice, noise(40, 30), "small.png")
        assert (small["inline"], small.get("preview")) == (True, None)
        await alice.ask("delete", message_id=sent.message_id)
        await server.plugin("files").sweep()
        assert [path.name for path in stored(tmp_path)] == [small["id"]]


async def test_what_can_not_be_made_anew_is_for_saving_only(chat):
    async with chat(plugins=["files"], patience=30) as server:
        (alice,) = await server.join("general", "alice")
        out = io.BytesIO()
        Image.new("1", (8000, 6000)).save(out, "PNG")
        for content in (out.getvalue(), noise(200, 100)[:-2000], noise(200, 100, "JPEG")[:200]):
            file = await uploaded(server, alice, content, "me.png")
            assert (file.get("inline", False), file.get("preview")) == (False, None)
            answer = await fetch(server, alice, file)
            assert answer.headers["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize(("content", "mime"), [(MP4, "video/mp4"), (MP3, "audio/mpeg")])
async def test_video_and_sound_are_played_in_parts(chat, content, mime):
    async with chat(plugins=["files"]) as server:
        (alice,) = await server.join("general", "alice")
        file = await uploaded(server, alice, content, "clip")
        assert (file["mime"], file["inline"]) == (mime, True)
        answer = await fetch(server, alice, file, Range="bytes=10-19")
        assert (answer.code, answer.body) == (206, content[10:20])
        assert answer.headers["Content-Disposition"].startswith("inline")
        assert "sandbox" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("own", "code"),
    [
        ({"room_quota_bytes": 150}, "too_large"),
        ({"address_quota_bytes": 150}, "too_large"),
        ({"server_quota_bytes": 150}, "too_large"),
        ({"free_bytes": 2**60}, "unavailable"),
    ],
)
async def test_limits_hold_for_all_together(chat, tmp_path, own, code):
    rooms = [{"name": "general"}, {"name": "tea"}]
    async with chat(plugins={"files": own}, settings={"rooms": rooms}) as server:
        alice, bob = await server.join("general", "alice", "bob")
        for client in (alice, bob):
            await client.join("tea")
        if "free_bytes" not in own:
            assert (await upload(server, alice, b"x" * 100))[0] == 201
        status, answer = await upload(server, bob, b"x" * 100)
        assert (status, answer["error"]["code"]) == (413 if code == "too_large" else 503, code)
        elsewhere = (await upload(server, bob, b"x" * 100, room="tea"))[0]
        assert (elsewhere == 201) == ("room_quota_bytes" in own)
        # What comes at the same time counts, too.
        if "server_quota_bytes" in own:
            both = await asyncio.gather(*(upload(server, bob, b"x" * 40) for _ in range(2)))
            assert sorted(status for status, _ in both) == [201, 413]
        else:
            assert len(stored(tmp_path)) == {"room_quota_bytes": 2, "address_quota_bytes": 1}.get(*own, 0)


async def test_files_and_addresses_have_an_end(chat, tmp_path):
    async with chat(plugins={"files": {"keep_days": 30}, "history": {}}) as server:
        (alice,) = await server.join("general", "alice")
        plugin = server.plugin("files")
        files = [await uploaded(server, alice, name=name) for name in ("old", "middle", "new")]
        await alice.says("", files=[file["id"] for file in files])
        now = time.time()
        for file, days in zip(files, (31, 2, 0), strict=True):
            await plugin.db.execute(
                "UPDATE files_file SET created = :created WHERE id = :id",
                id=file["id"],
                created=now - days * 86_400,
            )
        await plugin.sweep()
        assert [(await fetch(server, alice, file)).code for file in files] == [404, 200, 200]
        assert len(stored(tmp_path)) == 2
        rows = await plugin.db.query("SELECT name, address FROM files_file ORDER BY name")
        assert [(row["name"], row["address"]) for row in rows] == [("middle", ""), ("new", "127.0.0.1")]


async def test_bytes_without_an_entry_are_cleared(chat, tmp_path):
    async with chat(plugins=["files"]) as server:
        (alice,) = await server.join("general", "alice")
        file = await uploaded(server, alice)
        folder = server.plugin("files").data_dir / "ab"
        folder.mkdir(exist_ok=True)
        for name, age in (("ab" * 16, 7200), ("ab" * 15 + "cd.webp", 7200), ("ab" * 15 + "ef", 0)):
            (folder / name).write_bytes(b"x")
            os.utime(folder / name, (time.time() - age,) * 2)
        await server.plugin("files").clear()
        # What is that new may be on its way.
        assert sorted(path.name for path in stored(tmp_path)) == sorted([file["id"], "ab" * 15 + "ef"])


SCANNER = """
from pathlib import Path

from chatserver import Plugin, Reject, Upload, hookimpl


class Scanner(Plugin):
    @hookimpl
    async def before_store(self, upload: Upload, path: Path):
        content = path.read_bytes()
        assert (upload.size, upload.mime) == (len(content), "text/plain")
        if b"evil" in content:
            raise Reject("That is evil.", "rejected")
        if b"odd" in content:
            raise RuntimeError("the scanner is away")
"""


async def test_a_scanner_sees_the_whole_file_before_it_is_kept(chat, tmp_path):
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "scanner.py").write_text(SCANNER)
    plugins = {"scanner": {"on_error": "reject"}, "files": {}}
    async with chat(plugins=plugins, dirs=[folder]) as server:
        (alice,) = await server.join("general", "alice")
        for content, code in ((b"so evil", "rejected"), (b"so odd", "plugin_failed")):
            status, answer = await upload(server, alice, content)
            assert (status >= 400, answer["error"]["code"]) == (True, code)
        assert [failure.plugin for failure in server.failures()] == ["scanner"]
        assert stored(tmp_path) == []
        assert not server.plugin("files").quota.coming
        assert (await fetch(server, alice, await uploaded(server, alice))).body == TEXT
