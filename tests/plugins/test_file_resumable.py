"""Files that come in parts, by the protocol tus: broken off, gone on with, and given up."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import time

import pytest
from test_files import fetch, stored

CONTENT = bytes(range(256)) * 40
SIZE = len(CONTENT)
TUS = {"Tus-Resumable": "1.0.0"}


def told(**pairs):
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in pairs.items())


async def begin(server, client, size=SIZE, *, length=None, **about):
    about = {"room": "general", "filename": "圖 片.bin", **about}
    headers = {**TUS, "Upload-Length": length or str(size), "Upload-Metadata": told(**about)}
    return await server.http("POST", "/plugins/files/tus", body=b"", token=client.token, headers=headers)


async def begun(server, client, size=SIZE, **about):
    answer = await begin(server, client, size, **about)
    assert answer.code == 201, answer.body
    return answer.headers["Location"]


async def bring(server, client, url, data, offset, **headers):
    sent = {**TUS, "Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream", **headers}
    return await server.http("PATCH", url, body=data, token=client.token, headers=sent)


async def offset(server, client, url):
    answer = await server.http("HEAD", url, token=client.token, headers=TUS)
    return answer.code, answer.headers.get("Upload-Offset")


async def whole(server, client, url):
    return json.loads((await server.http("GET", url, token=client.token)).body)


async def test_a_file_that_breaks_off_goes_on_where_it_was(chat, tmp_path, eventually):
    settings = {"store": {"url": f"sqlite:{tmp_path / 'chat.db'}"}}
    async with chat(plugins=["files"], settings=settings) as server:
        (alice,) = await server.join("general", "alice")
        url = await begun(server, alice)
        assert (await bring(server, alice, url, CONTENT[:1000], 0)).headers["Upload-Offset"] == "1000"
        # Cut off in the middle of the next part.
        _, writer = await asyncio.open_connection("127.0.0.1", server.server.port)
        head = (
            f"PATCH {url} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {alice.token}\r\n"
            "Tus-Resumable: 1.0.0\r\nUpload-Offset: 1000\r\nContent-Type: application/offset+octet-stream\r\n"
            f"Content-Length: {len(CONTENT) - 1000}\r\n\r\n"
        )
        writer.write(head.encode() + CONTENT[1000:3000])
        plugin = server.plugin("files")
        partial = plugin.arriving.resumable(url.rpartition("/")[2])
        await eventually(lambda: partial.stat().st_size == 3000)
        # Of one upload one part comes at a time.
        assert (await bring(server, alice, url, b"x", 3000)).code == 409
        writer.transport.abort()
        await eventually(lambda: not plugin.receiving)
        assert await offset(server, alice, url) == (200, "3000")
        assert (await server.http("GET", url, token=alice.token)).code == 409
    # A restart is no reason to begin anew, and it counts for the quota.
    async with chat(plugins=["files"], settings=settings) as server:
        alice = await server.client(token=alice.token)
        assert [each.size for each in server.plugin("files").quota.coming.values()] == [len(CONTENT)]
        assert await offset(server, alice, url) == (200, "3000")
        assert (await bring(server, alice, url, CONTENT[3000:], 3000)).code == 204
        file = (await whole(server, alice, url))["file"]
        assert (file["name"], file["size"]) == ("圖 片.bin", len(CONTENT))
        assert (await fetch(server, alice, file)).body == CONTENT
        assert not server.plugin("files").quota.coming
        await alice.says("", room="general", files=[file["id"]])
        assert (await bring(server, alice, url, b"", len(CONTENT))).code == 409


async def test_what_is_wrong_changes_nothing(chat, tmp_path):
    async with chat(plugins={"files": {"max_bytes": 20_000, "quota_bytes": 15_000}}) as server:
        alice, bob = await server.join("general", "alice", "bob")
        for fields, status, code in (
            ({"length": "0"}, 400, "invalid"),
            ({"length": "-1"}, 400, "invalid"),
            ({"length": "x"}, 400, "invalid"),
            ({"length": "9" * 5000}, 413, "too_large"),
            ({"size": 20_001}, 413, "too_large"),
            ({"size": 15_001}, 413, "too_large"),
            ({"room": "none"}, 404, "not_found"),
            ({"to": "bob"}, 400, "invalid"),
        ):
            answer = await begin(server, alice, **fields)
            assert (answer.code, json.loads(answer.body)["error"]["code"]) == (status, code), fields
        odd = {**TUS, "Upload-Length": "5", "Upload-Metadata": "room %%%"}
        assert (
            await server.http("POST", "/plugins/files/tus", body=b"", token=alice.token, headers=odd)
        ).code == 400
        no_version = {"Upload-Length": "5", "Upload-Metadata": told(room="general")}
        answer = await server.http(
            "POST", "/plugins/files/tus", body=b"", token=alice.token, headers=no_version
        )
        assert (answer.code, answer.headers["Tus-Version"]) == (400, "1.0.0")

        url = await begun(server, alice)
        assert (await begin(server, alice)).code == 413  # what has begun counts
        assert (await bring(server, alice, url, CONTENT[:100], 0)).code == 204
        assert (await bring(server, alice, url, CONTENT[:100], 0)).code == 409
        assert (await bring(server, alice, url, CONTENT[:100], 101)).code == 409
        assert (await bring(server, alice, url, b"x", 100, **{"Content-Type": "text/plain"})).code == 400
        assert (await bring(server, alice, url, CONTENT, 100)).code == 413
        for client in (bob,):
            assert (await bring(server, client, url, b"x", 100)).code == 404
            assert (await offset(server, client, url))[0] == 404
            assert (await server.http("DELETE", url, token=client.token, headers=TUS)).code == 404
        assert await offset(server, alice, url) == (200, "100")
        assert (await server.http("DELETE", url, token=alice.token, headers=TUS)).code == 204
        assert (await offset(server, alice, url))[0] == 404
        assert stored(tmp_path) == []
        assert not server.plugin("files").quota.coming


async def test_what_is_refused_at_its_end_is_gone(chat, tmp_path):
    async with chat(plugins={"files": {"types": ["image/*"]}}) as server:
        (alice,) = await server.join("general", "alice")
        url = await begun(server, alice, 4)
        assert json.loads((await bring(server, alice, url, b"text", 0)).body)["error"]["code"] == "rejected"
        assert (await offset(server, alice, url))[0] == 404
        assert stored(tmp_path) == []


async def test_what_is_not_gone_on_with_is_given_up_after_a_day(chat, tmp_path):
    async with chat(plugins=["files"]) as server:
        (alice,) = await server.join("general", "alice")
        old, new = await begun(server, alice, 10), await begun(server, alice, 10)
        plugin = server.plugin("files")
        path = plugin.arriving.resumable(old.rpartition("/")[2]).with_suffix(".json")
        os.utime(path, (time.time() - 90_000,) * 2)
        await plugin.sweep()
        assert [(await offset(server, alice, url))[0] for url in (old, new)] == [404, 200]
        assert len(plugin.quota.coming) == 1


@pytest.mark.parametrize("path", ["/plugins/files/tus", f"/plugins/files/tus/{'0' * 32}"])
async def test_a_client_learns_what_is_spoken(chat, path):
    async with chat(plugins=["files"]) as server:
        answer = await server.http("OPTIONS", path)
        assert (answer.code, answer.headers["Tus-Version"]) == (204, "1.0.0")
        assert answer.headers["Tus-Extension"] == "creation,termination"
        assert answer.headers["Tus-Max-Size"] == "26214400"
