"""Where files are kept: a folder, or a bucket of a server that speaks S3."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer
from test_file_kept import noise, preview
from test_files import TEXT, fetch, stored, upload, uploaded

from chatserver.model.errors import ConfigError
from chatserver.testing import Clock

KEYS = {"s3_region": "us-east-1", "s3_access_key": "key", "s3_secret_key": "secret"}


@pytest.fixture(scope="module")
def s3():
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


class InFolder:
    """What is kept in a folder that the settings name."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        self.settings = {"storage": str(folder)}

    def kept(self):
        return {str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file()}

    def put(self, name):
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")

    def remove(self, name):
        (self.folder / name).unlink()


class InBucket:
    """What is kept in a bucket, below a prefix."""

    def __init__(self, url, name):
        own = {"region_name": "us-east-1", "aws_access_key_id": "key", "aws_secret_access_key": "secret"}
        self._bucket = boto3.resource("s3", endpoint_url=url, **own).create_bucket(Bucket=name)
        self.settings = {"storage": f"s3://{name}/chat", "s3_endpoint": url, **KEYS}

    def kept(self):
        return {each.key.removeprefix("chat/") for each in self._bucket.objects.all()}

    def put(self, name):
        self._bucket.put_object(Key=f"chat/{name}", Body=b"x")

    def remove(self, name):
        self._bucket.Object(f"chat/{name}").delete()

    def begin_parts(self, name):
        self._bucket.Object(f"chat/{name}").initiate_multipart_upload()

    def parts(self):
        return [each.object_key for each in self._bucket.multipart_uploads.all()]


@pytest.fixture(params=["folder", "bucket"])
def place(request, tmp_path, s3):
    return InFolder(tmp_path / "files") if request.param == "folder" else InBucket(s3, "all-files")


async def test_files_are_kept_where_the_settings_say(chat, tmp_path, place):
    clock = Clock()
    async with chat(plugins={"files": place.settings}, clock=clock, patience=30) as server:
        alice, bob = await server.join("general", "alice", "bob")
        text = await uploaded(server, alice)
        large = b"0123456789abcdef" * 100_000
        files = [text, await uploaded(server, alice, large), await uploaded(server, alice, noise(), "me.png")]
        assert not stored(tmp_path)
        names = {f"{file['id'][:2]}/{file['id']}" for file in files}
        assert place.kept() == names | {f"{files[2]['id'][:2]}/{files[2]['id']}.webp"}
        sent = await alice.says("", files=[file["id"] for file in files])

        assert (await fetch(server, bob, text)).body == TEXT
        assert (await fetch(server, bob, files[1])).body == large
        assert (await fetch(server, bob, files[1], Range="bytes=5-300004")).body == large[5:300_005]
        assert (await fetch(server, bob, files[1], Range="bytes=-3")).body == b"def"
        assert (await fetch(server, bob, files[1], Range="bytes=1600000-")).code == 416
        answer = await fetch(server, bob, files[1], "HEAD")
        assert (answer.code, answer.headers["Content-Length"]) == (200, "1600000")
        assert (await preview(server, bob, files[2])).body[8:12] == b"WEBP"

        # What was lost outside of the server is not there, and disturbs no other.
        place.remove(f"{text['id'][:2]}/{text['id']}")
        assert [(await fetch(server, bob, text, method)).code for method in ("GET", "HEAD")] == [404, 404]

        # Only what looks like a file of ours, and belongs to none, is cleared away.
        place.put("ab/" + "ab" * 16)
        place.put("ab/readme.txt")
        unnamed = await uploaded(server, alice)
        await clock.move(days=1.2)
        assert f"{unnamed['id'][:2]}/{unnamed['id']}" not in place.kept()
        assert (await fetch(server, bob, files[1])).body == large
        await alice.ask("delete", message_id=sent.message_id)
        await server.plugin("files").sweep()
        assert place.kept() == {"ab/readme.txt"}


async def test_parts_of_a_cut_off_transfer_are_taken_back(chat, s3):
    bucket = InBucket(s3, "parts")
    clock = Clock()
    ours = "ab/" + "ab" * 16
    bucket.begin_parts(ours)
    bucket.begin_parts("theirs")
    async with chat(plugins={"files": bucket.settings}, clock=clock):
        # This server says of all of them that they were begun years ago.
        assert bucket.parts() == [f"chat/{ours}", "chat/theirs"]
        await clock.move(7_200)
        assert bucket.parts() == ["chat/theirs"]


async def test_a_bucket_that_is_away_costs_only_the_files(chat, tmp_path):
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    host, port = server.get_host_and_port()
    bucket = InBucket(f"http://{host}:{port}", "away")
    async with chat(plugins={"files": bucket.settings}, patience=30) as chatting:
        alice, bob = await chatting.join("general", "alice", "bob")
        file = await uploaded(chatting, alice)
        await alice.says("look", files=[file["id"]])
        server.stop()
        failed, answer, _ = await asyncio.gather(
            upload(chatting, alice), fetch(chatting, bob, file), alice.says("and then?")
        )
        assert (failed[0], failed[1]["error"]["code"]) == (503, "unavailable")
        assert (answer.code, json.loads(answer.body)["error"]["code"]) == (503, "unavailable")
        assert not stored(tmp_path)
        assert not chatting.plugin("files").quota.coming
        assert [message.content for message in await bob.heard("message")] == ["look", "and then?"]


@pytest.mark.parametrize(
    ("own", "told"),
    [
        ({"storage": "s3://"}, "a bucket's name"),
        ({"storage": "s3://bucket/../x?y"}, "a bucket's name"),
        ({"storage": "http://files.example.org"}, "s3://bucket/prefix"),
        ({"storage": "files"}, "a folder's whole path"),
        ({"storage": "s3://bucket", "s3_access_key": "key"}, "go together"),
    ],
)
async def test_a_setting_that_can_not_be_is_told(chat, own, told):
    with pytest.raises(ConfigError, match=told):
        async with chat(plugins={"files": own}):
            pass


async def test_a_bucket_that_is_not_there_is_told_at_the_start(chat, s3):
    own = {"storage": "s3://nowhere", "s3_endpoint": s3, **KEYS}
    with pytest.raises(Exception, match=r"s3://nowhere/.*Look at the bucket's name"):
        async with chat(plugins={"files": own}):
            pass


def test_what_a_folder_does_not_need_is_not_loaded():
    code = "import sys, chatserver_plugins.files; sys.exit('boto3' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


MEGABYTES = 160
"""What is sent: many times what a server may grow by."""


def peak(pid):
    """The most memory that a process ever had, in megabytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


async def request(server, head, body=(), keep=0):
    """An HTTP request whose body comes piece by piece: the answer's head, how much followed, and how it began."""
    host, port = server.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(f"{head}\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        for piece in body:
            writer.write(piece)
            await writer.drain()
        answer = (await reader.readuntil(b"\r\n\r\n")).decode()
        size, begin = 0, b""
        while piece := await reader.read(1 << 20):
            begin += piece[: keep - len(begin)] if len(begin) < keep else b""
            size += len(piece)
        return answer, size, begin
    finally:
        writer.close()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the memory is read from /proc")
async def test_a_file_goes_through_a_server_that_has_less_memory(process):
    size = MEGABYTES << 20
    piece = os.urandom(1 << 20)
    limits = {"max_bytes": size, "quota_bytes": 3 * size, "free_bytes": 0}
    async with process(plugins={"files": limits}) as server:
        alice = await server.client(name="alice")
        await alice.join("general")
        before = peak(server.pid)
        sign = f"Authorization: Bearer {alice.token}"
        answer, _, body = await request(
            server,
            f"POST /plugins/files/upload?room=general HTTP/1.1\r\n{sign}\r\nContent-Length: {size}",
            (piece for _ in range(MEGABYTES)),
            keep=1000,
        )
        assert " 201 " in answer, answer
        url = json.loads(body)["file"]["url"]
        answer, came, begin = await request(server, f"GET {url} HTTP/1.1\r\n{sign}", keep=1 << 20)
        assert (" 200 " in answer, came, begin) == (True, size, piece)

        tus = f"{sign}\r\nTus-Resumable: 1.0.0"
        answer, *_ = await request(
            server,
            f"POST /plugins/files/tus?room=general HTTP/1.1\r\n{tus}\r\nUpload-Length: {size}\r\nContent-Length: 0",
        )
        part = answer.split("Location: ")[1].split("\r\n")[0]
        answer, *_ = await request(
            server,
            f"PATCH {part} HTTP/1.1\r\n{tus}\r\nUpload-Offset: 0\r\nContent-Length: {size}\r\n"
            "Content-Type: application/offset+octet-stream",
            (piece for _ in range(MEGABYTES)),
        )
        assert " 204 " in answer, answer
        assert peak(server.pid) - before < MEGABYTES / 4
        await alice.leave()
