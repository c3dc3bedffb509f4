"""A user is erased: no text, name or file of theirs is left, while people chat."""

from __future__ import annotations

import asyncio
import json
from urllib.parse import quote

import pytest

from chatserver.testing import Refused

PLUGINS = [
    "basics", "moderation", "markdown", "emoji", "history", "search", "reactions", "pins", "threads", "polls",
    "mentions", "receipts", "reminders", "totp", "files",
]  # fmt: skip
NAME = "quaggarius"


async def code(work):
    with pytest.raises(Refused) as refused:
        await work
    return refused.value.code


def left(folder, *what):
    """The files below a folder that have one of these in them, or in their name."""
    return [
        (path.name, each)
        for path in folder.rglob("*")
        if path.is_file()
        for each in what
        if each in path.read_bytes().lower() or each in path.name.encode().lower()
    ]


async def upload(server, client, name, content):
    answer = await server.http(
        "POST",
        "/plugins/files/upload?room=general",
        body=content,
        token=client.token,
        headers={"X-File-Name": quote(name), "Content-Type": "text/plain"},
    )
    assert answer.code == 201
    return json.loads(answer.body)["file"]["id"]


async def erased(server, name, eventually):
    progress = await server.services.erasure.begin(None, name)
    await eventually(lambda: progress.state != "running")
    assert (progress.state, progress.error, progress.done) == ("done", "", progress.total)
    return progress


async def busy(server):
    """A user about whom all plugins know something, and two others."""
    boss, other = await server.account("boss", "admin"), await server.account("other", "member")
    gone = await server.account(NAME, "member")
    for each in (boss, other, gone):
        await each.join("general")
    said = await gone.says("the zorilla **sleeps**", "general")
    await gone.says("/nick Quaggarius-Rex")
    await gone.says("/topic quaggarius likes the zorilla", "general")
    await gone.says("", "general", files=[await upload(server, gone, "zorilla.txt", b"zorilla file")])
    await upload(server, gone, "zorilla-unused.txt", b"zorilla unused")
    await gone.ask("edit", message_id=said.message_id, content="the zorilla wakes")
    await gone.ask("delete", message_id=(await gone.says("zorilla deleted", "general")).message_id)
    await gone.ask("message", to=other.id, content="zorilla in private")
    await other.says(f"hello @{NAME}, and @{NAME}2 too", "general")
    named = await other.says(f"**hi** @{NAME}", "general")
    await other.says('/poll "zebra?" yes no', "general")
    await gone.ask("react", message_id=named.message_id, emoji="👍", on=True)
    await gone.ask("pin", message_id=named.message_id, on=True)
    await gone.says("/remind me in 2h feed the zorilla", "general")
    await gone.ask("mentions:wishes", keywords=["zorilla"])
    await gone.ask("report", user=other.id, reason="stole my zorilla")
    await boss.ask("report", message_id=said.message_id, reason=f"{NAME} talks of it")
    await boss.says(f"/warn {NAME} no more of {NAME}", "general")
    await boss.says(f"/mute {NAME} 5 {NAME} is loud", "general")
    await boss.says(f"/unmute {NAME}", "general")
    await boss.says("/topic tea", "general")
    return boss, other, gone


@pytest.mark.sqlite
async def test_nothing_of_theirs_is_on_the_disk(chat, on_sqlite, tmp_path, eventually):
    async with chat(plugins=PLUGINS, settings=on_sqlite) as server:
        boss, other, gone = await busy(server)
        assert {what for _, what in left(tmp_path, b"zorilla", NAME.encode())} == {b"zorilla", NAME.encode()}
        status, found = await server.api("GET", f"accounts/{gone.id}/erasure", token=boss.token)
        assert (status, found["user"]["name"]) == (200, NAME)
        assert (found["messages"], found["files"], found["mentions"]) == (3, 1, 2)
        await erased(server, NAME, eventually)
        assert await gone.closed() == 4003
        # All that remains of the name is what others wrote without an @, or as another name.
        assert left(tmp_path, b"zorilla", b"quaggarius-rex") == []
        log = await other.ask("history", room="general", limit=100)
        alias = f"deleted-{gone.id[-8:]}"
        contents = [
            event["content"] for event in log.events if event["type"] == "message" and event.get("content")
        ]
        assert contents[:2] == [f"hello @{alias}, and @{NAME}2 too", f"**hi** @{alias}"]
        names = {event["user"]["name"] for event in log.events if event["user"]["id"] == gone.id}
        assert names == {alias}
        assert json.dumps(log.events).count(NAME) == json.dumps(log.events).count(f"@{NAME}2")
        status, entries = await server.api("GET", "audit?limit=200", token=boss.token)
        assert (status, json.dumps(entries).count(NAME)) == (200, 0)
        assert entries["entries"][0]["action"] in ("account_erased", "removed")
        assert (await other.ask("search", query="zorilla")).results == []
        # The name is free, and belongs to another person now.
        again = await server.client(NAME)
        assert again.id != gone.id
    assert left(tmp_path, b"zorilla", b"quaggarius-rex") == []


async def test_they_can_be_erased_while_all_talk(chat, eventually):
    async with chat(plugins=["history", "mentions"]) as server:
        guest, ann = await server.join("general", "guest", "ann")
        await asyncio.gather(*(guest.says(f"old {number}", "general") for number in range(120)))
        await asyncio.gather(*(ann.says(f"@guest {number}", "general") for number in range(60)))
        _, said = await asyncio.gather(
            erased(server, guest.id, eventually),
            asyncio.gather(*(ann.says(f"on {number}", "general") for number in range(30))),
        )
        assert await guest.closed() == 4003
        events = (await ann.ask("history", room="general", limit=200)).events
        kept = [
            event["content"] for event in events if event["type"] == "message" and not event.get("deleted")
        ]
        assert len([each for each in kept if each.startswith("on ")]) == len(said)
        assert not any(each.startswith(("old", "@guest")) for each in kept)
        # Once more, as after an interruption.
        await erased(server, guest.id, eventually)


async def test_who_may_erase_whom(chat):
    async with chat(plugins=["history"]) as server:
        boss, mona = await server.account("boss", "admin"), await server.account("mona", "moderator")
        bob = await server.client("bob")
        for client, who, status, error in [
            (mona, bob.id, 403, "forbidden"),
            (boss, boss.id, 403, "forbidden"),
            (boss, "system", 400, "invalid"),
            (boss, "nobody", 404, "not_found"),
        ]:
            for method, path in (("GET", "erasure"), ("POST", "erasure")):
                got, answer = await server.api(method, f"accounts/{who}/{path}", token=client.token)
                assert (got, answer["error"]["code"]) == (status, error), (method, who)
        assert (await server.api("GET", f"accounts/{bob.id}/erasure/progress", token=boss.token))[0] == 404
        assert (await server.api("GET", f"accounts/{bob.id}/erasure", token=boss.token))[0] == 200
        await bob.ask("ping")


async def test_a_plugin_that_cannot_holds_it_up(chat, tmp_path, eventually):
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "stuck.py").write_text(
        "from chatserver import Plugin, Reject, hookimpl\n\n\nclass Stuck(Plugin):\n    ready = False\n\n"
        "    @hookimpl\n    async def erase_user(self, user, alias):\n        if not self.ready:\n"
        "            raise Reject('Not now.')\n        self.was = user.name, alias\n"
    )
    async with chat(plugins=["stuck"], dirs=[tmp_path / "more"]) as server:
        (bob,) = await server.join("general", "bob")
        await bob.says("hi", "general")
        progress = await server.services.erasure.begin(None, "bob")
        await eventually(lambda: progress.state == "failed")
        assert progress.error == "Not now."
        server.plugin("stuck").ready = True
        await erased(server, "bob", eventually)
        assert server.plugin("stuck").was == ("bob", f"deleted-{bob.id[-8:]}")
