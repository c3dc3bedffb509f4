"""Pictures of users: set, shown, made anew, taken away; and what is refused."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from chatserver.testing import Refused

PNG = {"Content-Type": "image/png"}
# A process of its own may take its time to begin on a busy machine.
PATIENT = {"timeouts": {"calls": 60}}


def picture(size=(300, 200), colour="teal", kind="PNG", **options) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, kind, **options)
    return out.getvalue()


async def put(server, client, body, **headers):
    return await server.http(
        "PUT", "/plugins/avatars/mine", body=body, headers={**PNG, **headers}, token=client.token
    )


async def test_a_picture_is_shown_wherever_its_user_is(chat, on_file):
    async with chat(plugins=["avatars", "basics", "moderation"], settings=on_file, **PATIENT) as server:
        ann, bob = await server.account("ann"), await server.account("bob")
        for client in (ann, bob):
            await client.join("general")
        about = Image.Exif()
        about[0x010E] = "SECRET"
        answer = await put(server, ann, picture((300, 200), exif=about, kind="JPEG"))
        assert answer.code == 200, answer.body
        told = (await bob.hears("profile")).user
        assert told["id"] == ann.id
        address = told["avatar"]
        assert address.startswith("/plugins/avatars/p/")
        await ann.says("hello")
        assert (await bob.hears()).user["avatar"] == address
        members = (await bob.ask("members", room="general")).members
        assert [m["user"].get("avatar") for m in members if m["user"]["id"] == ann.id] == [address]
        assert (await bob.ask("profile", user="ann")).user["avatar"] == address
        # Kept over a restart; for those alone who are signed in; the same bytes as long as the address is the same.
        await server.restart()
        got = await server.http("GET", address, token=bob.token)
        assert got.headers["Content-Type"] == "image/webp"
        assert "immutable" in got.headers["Cache-Control"]
        assert b"SECRET" not in got.body
        assert Image.open(io.BytesIO(got.body)).size == (192, 192)
        assert (await server.http("GET", address)).code == 401
        bob = await server.client(token=bob.token)
        assert [e["user"].get("avatar") for e in (await bob.ask("sync", room="general", after=0)).events
                if e["type"] == "message"] == [address]  # fmt: skip
        # Another one takes its place, and its file goes.
        ann = await server.client(token=ann.token)
        assert (await put(server, ann, picture(colour="red"))).code == 200
        other = (await bob.hears("profile")).user["avatar"]
        assert other != address
        assert (await server.http("GET", address, token=bob.token)).code == 404
        # A moderator takes it away, which is noted; others don't.
        with pytest.raises(Refused) as caught:
            await bob.says("/server reset ann picture")
        assert caught.value.code == "forbidden"
        mona = await server.account("mona", "moderator")
        await mona.join("general")
        await mona.says("/server reset ann picture not for here")
        assert "avatar" not in (await bob.hears("profile")).user
        page = await mona.ask("audit", action="profile_reset")
        assert [(e["user"]["name"], e["reason"], e["detail"]) for e in page.entries] == [
            ("ann", "not for here", "picture")
        ]
        await server.plugin("avatars").pictures.clean_up()
        assert (await server.http("GET", other, token=bob.token)).code == 404


async def test_what_is_refused_shows_nothing(chat):
    async with chat(plugins={"avatars": {"max_bytes": 10_000}, "moderation": {}}, **PATIENT) as server:
        ann, mona = await server.account("ann"), await server.account("mona", "moderator")
        guest = await server.client("gast")
        for client in (ann, mona):
            await client.join("general")
        svg = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"></svg>'
        for client, body, code in (
            (ann, b"", 400), (ann, b"no picture", 400), (ann, svg, 400), (ann, picture()[:-60], 400),
            (ann, b"x" * 10_001, 413), (guest, picture(), 403),
        ):  # fmt: skip
            assert (await put(server, client, body)).code == code, body[:20]
        await mona.says("/mute ann")
        assert (await put(server, ann, picture())).code == 403
        assert "avatar" not in (await mona.ask("profile", user="ann")).user
        await server.plugin("avatars").pictures.clean_up()
        folder = server.plugin("avatars").data_dir
        assert not (list(folder.iterdir()) if folder.is_dir() else [])
        for path in ("p/" + "0" * 32, "p/../x"):
            assert (await server.http("GET", f"/plugins/avatars/{path}", token=ann.token)).code == 404


async def test_an_erased_user_has_no_picture(chat, eventually):
    async with chat(plugins=["avatars"], **PATIENT) as server:
        ann, bob = await server.account("ann"), await server.account("bob")
        assert (await put(server, ann, picture())).code == 200
        address = (await bob.ask("profile", user="ann")).user["avatar"]
        assert (await server.http("GET", address, token=bob.token)).code == 200
        progress = await server.services.erasure.begin(None, "ann")
        await eventually(lambda: progress.state != "running")
        assert progress.state == "done"
        assert (await server.http("GET", address, token=bob.token)).code == 404
        assert list(server.plugin("avatars").data_dir.iterdir()) == []
