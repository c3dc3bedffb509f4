"""A user's own data, and the end of an account."""

from __future__ import annotations

import json
import time

import pytest

from chatserver.chat.account_end import PAGE

PASSWORD = {"password": "correct horse"}


async def end(server, client, password: str = PASSWORD["password"]):
    return await server.api("POST", "me/delete", {"password": password}, token=client.token)


async def data(server, client) -> list[dict]:
    answer = await server.http("GET", "/api/v1/me/data", token=client.token)
    assert answer.code == 200
    assert answer.headers["Content-Type"] == "application/jsonl; charset=utf-8"
    return [json.loads(line) for line in answer.body.splitlines()]


async def test_ones_own_data_is_all_that_one_wrote_and_nothing_of_others(chat):
    async with chat() as server:
        ann = await server.account("ann")
        (bob,) = await server.join("general", "bob")
        await ann.join("general")
        for n in range(3):
            await ann.says(f"text {n}\nof ann")
        gone = await ann.says("gone")
        await ann.ask("delete", message_id=gone.message_id)
        await ann.says("in private", to="bob")
        await bob.says("of bob")
        lines = await data(server, ann)
        assert [line["type"] for line in lines] == [
            "session",
            "user",
            "room",
            "room",
            "noted",
            *["message"] * 4,
        ]
        assert lines[0]["current"]
        assert (lines[1]["name"], lines[1]["added_by"]) == ("ann", "anyone")
        assert {line["name"] for line in lines[2:4]} == {"general", (await ann.says("x", to="bob")).room}
        assert [line["content"] for line in lines[5:]] == [
            *(f"text {n}\nof ann" for n in range(3)),
            "in private",
        ]
        assert (await server.api("GET", "me/data"))[0] == 401


async def test_ones_own_data_has_what_plugins_keep(chat):
    plugins = ["basics", "moderation", "reactions", "polls", "mentions", "receipts", "reminders", "threads", "totp",
               "emoji", "files", "avatars"]  # fmt: skip
    async with chat(plugins=plugins) as server:
        ann, bob = await server.account("ann"), await server.account("bob")
        for client in (ann, bob):
            await client.join("general")
        headers = {"X-File-Name": "tea.txt", "Content-Type": "text/plain"}
        sent = await server.http(
            "POST", "/plugins/files/upload?room=general", body=b"tea", headers=headers, token=ann.token
        )
        file = json.loads(sent.body)["file"]
        said = await ann.says("look", files=[file["id"]])
        await ann.ask("react", message_id=said.message_id, emoji="🎉")
        await ann.ask("reminders:add", kind="reminder", at=time.time() + 999, text="tea")
        await ann.ask("notify", room="general", level="none")
        await ann.ask("receipts:show", on=False)
        await ann.ask("report", user="bob", reason="loud")
        await ann.ask("block", user="bob")
        form = {"name": "bot", "scopes": ["messages.read"]}
        assert (await server.api("POST", "tokens", form, token=ann.token))[0] == 201
        found: dict[str, list] = {}
        for line in await data(server, ann):
            found.setdefault(line["type"], []).append(line)
        assert [each["id"] for each in found["files:file"]] == [file["id"]]
        assert [each["files"][0]["id"] for each in found["message"]] == [file["id"]]
        assert found["reactions:reaction"][0]["message_id"] == said.message_id
        assert found["reminders:planned"][0]["text"] == "tea"
        assert found["mentions:wishes"][0]["levels"]["general"]["level"] == "none"
        assert found["receipts:shown"] == [{"type": "receipts:shown", "on": False}]
        assert found["moderation:report"][0]["reason"] == "loud"
        assert found["blocked"][0]["user"]["id"] == bob.id
        assert found["token"][0]["name"] == "bot"
        assert found["totp:second_step"][0]["on"] is False
        # Nothing of it is another one's.
        others = {line["type"] for line in await data(server, bob)}
        assert not others & {
            "files:file",
            "reactions:reaction",
            "reminders:planned",
            "blocked",
            "token",
            "message",
        }


async def test_own_data_of_many_pages_is_whole(chat):
    async with chat() as server:
        ann = await server.account("ann")
        for room, count in (("tea", 3), ("cake", PAGE + 1), ("wine", 2)):
            await server.api("POST", "rooms", {"name": room}, token=ann.token)
            for n in range(count):
                await ann.says(f"{n}", room)
        texts = [
            (line["room"], line["content"]) for line in await data(server, ann) if line["type"] == "message"
        ]
        assert texts == [
            (room, f"{n}")
            for room, count in (("tea", 3), ("cake", PAGE + 1), ("wine", 2))
            for n in range(count)
        ]


@pytest.mark.parametrize("texts", ["keep", "blank"])
async def test_an_account_ends_for_good(chat, texts):
    async with chat(settings={"auth": {"deleted_texts": texts}}) as server:
        ann, bob = await server.account("ann"), await server.account("bob")
        for client in (ann, bob):
            await client.join("general")
        sent = await ann.says("hello")
        await bob.hears("message", content="hello")
        other = await bob.says("of bob")
        status, answer = await end(server, ann)
        assert (status, answer.texts) == (200, 1 if texts == "keep" else 0)
        assert await ann.closed() == 4003
        assert (await server.api("POST", "login", {"name": "ann", **PASSWORD}))[0] == 401
        events = (await bob.ask("sync", room="general", after=0)).events
        (message,) = [
            event
            for event in events
            if event.get("message_id") == sent.message_id and event["type"] == "message"
        ]
        assert message["content"] == ("hello" if texts == "keep" else "")
        assert message["user"]["display_name"] == "deleted account"
        assert "ann" not in str(message["user"])
        assert [event["content"] for event in events if event.get("message_id") == other.message_id] == [
            "of bob"
        ]
        members = (await bob.ask("members", room="general")).members
        assert [member["user"]["name"] for member in members] == ["bob"]
        # The name is free, for another account with another id.
        again = await server.account("ann")
        assert again.id != ann.id


async def test_who_cannot_end_an_account(chat):
    async with chat(accounts={"root": "admin"}) as server:
        root, ann, gus = await server.client("root"), await server.account("ann"), await server.client("gus")
        assert (await end(server, ann, "wrong horse"))[0] == 401
        assert (await end(server, gus))[0] == 401
        status, answer = await end(server, root)
        assert (status, answer.error["code"]) == (403, "forbidden")
        for bad in (None, {}, {"password": 7}, {"password": "x", "more": 1}):
            assert (await server.api("POST", "me/delete", bad, token=ann.token))[0] == 400
        form = {"name": "bot", "scopes": ["messages.read", "message.post"]}
        _, token = await server.api("POST", "tokens", form, token=ann.token)
        for method, path, body in (("POST", "me/delete", PASSWORD), ("GET", "me/data", None)):
            assert (await server.api(method, path, body, token=token.token))[0] == 403
        assert await ann.ask("ping")
        await server.account("boss", "admin")
        assert (await end(server, root))[0] == 200


async def test_a_room_whose_last_owner_goes_has_another_one(chat):
    async with chat() as server:
        ann, bob, carl = [await server.account(name) for name in ("ann", "bob", "carl")]
        await server.api("POST", "rooms", {"name": "tea"}, token=ann.token)
        for client in (bob, carl):
            await client.join("tea")
        await ann.ask("room_role", room="tea", user="carl", role="moderator")
        assert (await end(server, ann))[0] == 200
        roles = {m["user"]["name"]: m["role"] for m in (await bob.ask("members", room="tea")).members}
        assert roles == {"bob": "member", "carl": "owner"}
