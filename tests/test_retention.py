"""Messages that are older than they may get: blanked with all that belongs to them, while people chat."""

from __future__ import annotations

import asyncio
import json

import pytest

from chatserver.chat import retention
from chatserver.testing import Refused

DAY = 86_400


async def code(work):
    with pytest.raises(Refused) as refused:
        await work
    return refused.value.code


async def den(server, **settings):
    olga, mia = await server.account("olga", "member"), await server.account("mia", "member")
    status, _ = await server.api("POST", "rooms", {"name": "den", **settings}, token=olga.token)
    assert status == 201
    for each in (olga, mia):
        await each.join("den")
    return olga, mia


async def uploaded(server, client, room, content):
    answer = await server.http(
        "POST",
        f"/plugins/files/upload?room={room}",
        body=content,
        token=client.token,
        headers={"X-File-Name": "x.txt", "Content-Type": "text/plain"},
    )
    assert answer.code == 201
    return json.loads(answer.body)["file"]


def left(folder, what):
    """The files below a folder that have these bytes in them, or in their name."""
    return [
        path
        for path in folder.rglob("*")
        if path.is_file() and (what in path.read_bytes() or what in path.name.encode())
    ]


async def events(client, **fields):
    return (await client.ask("history", room="den", **fields)).events


async def test_what_is_too_old_goes_with_all_that_belongs_to_it(chat, clock):
    plugins = [
        "history", "search", "pins", "reactions", "threads", "polls", "mentions", "receipts", "moderation", "basics",
    ]  # fmt: skip
    async with chat(plugins=plugins, clock=clock) as server:
        olga, mia = await den(server, keep_days=30)
        old = await olga.says("an old zebra for @mia", "den", nonce="n1")
        reply = await mia.says("a reply to the zebra", "den", reply_to=old.message_id)
        await olga.ask("pin", message_id=old.message_id, on=True)
        await mia.ask("react", message_id=old.message_id, emoji="👍", on=True)
        await mia.ask("report", message_id=old.message_id, reason="stripes")
        await olga.says('/poll "zebra?" yes no', "den")
        clock.seconds = 31 * DAY
        new = await olga.says("a new zebra", "den")
        assert await server.services.retention.step() == (new.seq - 1, False)

        told = await mia.hears("floor")
        assert (told.room, told.seq) == ("den", new.seq - 1)
        assert [event["seq"] for event in await events(mia)] == [new.seq]
        synced = await mia.ask("sync", room="den", after=0)
        assert [event["seq"] for event in synced.events] == [new.seq]
        found = await mia.ask("search", query="zebra")
        assert [each["message"]["message_id"] for each in found.results] == [new.message_id]
        assert (await mia.ask("pins", room="den")).messages == []
        assert (await mia.ask("mentions")).mentions == []
        for request, fields in [
            ("react", {"emoji": "👍", "on": True}), ("edit", {"content": "x"}), ("delete", {}), ("pin", {"on": True}),
        ]:  # fmt: skip
            assert await code(olga.ask(request, message_id=old.message_id, **fields)) == "not_found"
        assert await code(mia.says("late", "den", reply_to=reply.message_id)) == "invalid"
        # The same message once more is still known as that.
        again = await olga.says("an old zebra for @mia", "den", nonce="n1")
        assert (again.seq, again.dup) == (old.seq, True)
        for table in ("pins_pin", "reactions_reaction", "threads_reply WHERE gone = 0", "polls_poll"):
            name = table.partition("_")[0]
            assert await server.plugin(name).db.query(f"SELECT * FROM {table}") == []
        (report,) = await server.plugin("moderation").db.query("SELECT * FROM moderation_report")
        assert (report["content"], report["reason"]) == ("", "stripes")
        # Who comes now sees where the history begins, and what is unread is what is there.
        ann = await server.account("ann", "member")
        room = (await ann.join("den")).room
        assert room["floor"] == new.seq - 1


async def test_a_client_that_was_away_gets_a_gap(chat, clock):
    async with chat(plugins=["history"], clock=clock) as server:
        olga, mia = await den(server, keep_days=1)
        first = await olga.says("one", "den")
        await mia.leave()
        await olga.says("two", "den")
        clock.seconds = 2 * DAY
        third = await olga.says("three", "den")
        await server.services.retention.run()
        back = await server.connect()
        resume = {"epoch": mia.welcome.epoch, "rooms": {"den": first.seq}}
        await back.hello(token=mia.token, resume=resume)
        gap = await back.hears("gap")
        assert (gap["from"], gap.to) == (first.seq + 1, third.seq)
        (room,) = [each for each in back.welcome.rooms if each["name"] == "den"]
        assert (room["floor"], room["unread"]) == (third.seq - 1, 1)
        assert [event["seq"] for event in await events(back)] == [third.seq]


async def test_the_server_says_for_how_long_and_a_room_may_say_otherwise(chat, clock):
    async with chat(plugins=["history"], clock=clock, settings={"retention": {"keep_days": 7}}) as server:
        olga, mia = await den(server, keep_days=0)
        await olga.join("general")
        assert olga.welcome.limits["keep_days"] == 7
        await olga.says("here", "general")
        await olga.says("there", "den")
        await olga.ask("message", to=mia.id, content="between us")
        # For the room it is a matter of its owners and the admins.
        assert await code(mia.ask("set_room", room="den", keep_days=36500)) == "forbidden"
        await olga.ask("set_room", room="den", keep_days=36500)
        for wrong in (-1, 36501, "7", 1.5):
            assert await code(olga.ask("set_room", room="den", keep_days=wrong)) == "invalid"
        clock.seconds = 8 * DAY
        aged = {each.room: (each.days, each.messages) for each in await server.services.retention.aged()}
        direct = next(name for name in aged if name.startswith("dm:"))
        assert aged == {"general": (7, 1), direct: (7, 1)}
        await server.services.retention.run()
        assert await server.services.retention.aged() == []
        assert "there" in [event.get("content") for event in await events(mia)]


async def test_people_chat_while_a_long_room_is_cleared(chat, clock):
    async with chat(plugins=["history"], clock=clock) as server:
        olga, mia = await den(server, keep_days=1)
        posted = [olga.says(f"old {number}", "den") for number in range(3 * retention.BATCH)]
        old = await asyncio.gather(*posted)
        clock.seconds = 2 * DAY
        running = asyncio.ensure_future(server.services.retention.run())
        said = [await mia.says(f"new {number}", "den") for number in range(20)]
        await running
        contents = [event["content"] for event in await events(olga) if event["type"] == "message"]
        assert contents == [f"new {number}" for number in range(20)]
        # An edit that comes when its message is gone, and one of what stays.
        assert await code(olga.ask("edit", message_id=old[0].message_id, content="x")) == "not_found"
        await mia.ask("edit", message_id=said[0].message_id, content="edited")


@pytest.mark.sqlite
async def test_nothing_of_it_is_left_on_the_disk(chat, on_sqlite, clock, tmp_path, eventually):
    async with chat(plugins=["history", "search", "files"], clock=clock, settings=on_sqlite) as server:
        olga, _ = await den(server, keep_days=1)
        await olga.says("the quagga was here", "den")
        file = await uploaded(server, olga, "den", b"a quagga")
        await olga.says("", "den", files=[file["id"]])
        # Flushes the words of the index to the disk, which it marks only when they are taken out.
        await olga.says("another word", "den")
        clock.seconds = 2 * DAY
        await server.services.retention.run()
        await eventually(lambda: left(tmp_path, b"quagga") == [])
    assert left(tmp_path, b"quagga") == []
