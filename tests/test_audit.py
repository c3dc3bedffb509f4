"""The audit log: what is in it, who may read which part, and that it is the same over every way."""

from __future__ import annotations

import asyncio
import csv
import io
import json

import pytest
from click.testing import CliRunner

from chatserver.server import cli
from chatserver.testing import Refused
from chatserver.testing.harness import PASSWORD

ROOMS = [{"name": "general"}, {"name": "cellar", "kind": "private"}]


async def actions(client, **asked):
    return [each["action"] for each in (await client.ask("audit", **asked)).entries]


async def refused(client, **fields):
    with pytest.raises(Refused) as refusal:
        await client.ask("audit", **fields)
    return refusal.value.code, refusal.value.field


async def cast(server):
    root, mona = await server.account("root", "admin"), await server.account("mona", "moderator")
    bob = await server.client("bob")
    for client in (root, mona, bob):
        await client.join("general")
    return root, mona, bob


async def test_every_act_says_who_whom_what_where_why_until_when(chat, clock):
    async with chat(plugins=["moderation"], clock=clock) as server:
        root, mona, bob = await cast(server)
        said = await bob.says("rubbish")
        await mona.ask("delete", message_id=said.message_id)
        await mona.says("/mute bob 10 shouting")
        await mona.says("/unmute bob")
        await mona.says("/kick bob")
        await bob.join("general")
        await mona.says("/ban bob 1d again")
        await mona.says("/unban bob")
        await server.api("PATCH", "rooms/general", {"title": "All"}, token=mona.token)
        entries = (await root.ask("audit", room="general")).entries
        assert [each["action"] for each in entries] == [
            "room_changed", "unbanned", "banned", "kicked", "unmuted", "muted", "message_deleted",
        ]  # fmt: skip
        assert all(each["by"]["name"] == "mona" and each["room"] == "general" for each in entries)
        assert entries[0]["detail"] == 'title: "All"'
        banned, muted, deleted = entries[2], entries[5], entries[6]
        assert (banned["user"], banned["reason"]) == ({"id": bob.id, "name": "bob"}, "again")
        assert banned["until"] > banned["ts"]
        assert muted["reason"] == "shouting"
        assert "until" not in entries[3]
        assert (deleted["user"]["name"], deleted["detail"]) == ("bob", said.message_id)
        # What members do with themselves is no act.
        assert "joined" not in await actions(root)


async def test_an_act_that_was_refused_is_not_in_it(chat):
    async with chat(plugins=["moderation"]) as server:
        root, mona, _ = await cast(server)
        with pytest.raises(Refused):
            await mona.says("/ban root")
        assert await actions(root, action="banned") == []


async def test_sign_ins_and_rights_are_in_it_for_admins(chat):
    async with chat(plugins=["moderation"], accounts={"ann": "member"}) as server:
        root, mona, _ = await cast(server)
        for password, status in (("wrong password", 401), (PASSWORD, 200)):
            answered, _ = await server.api("POST", "login", {"name": "ann", "password": password})
            assert answered == status
        # A name that isn't there may be a password in the wrong field.
        await server.api("POST", "login", {"name": "my secret word", "password": "x"})
        found = (await root.ask("audit", search="127.0.0.1")).entries
        assert [(each["action"], each.get("user", {}).get("name")) for each in found] == [
            ("login_refused", None),
            ("login", "ann"),
            ("login_refused", "ann"),
        ]
        assert "secret" not in json.dumps((await root.ask("audit")).entries)
        assert await actions(mona, search="127.0.0.1") == []
        ann = await server.services.accounts.find("ann")
        await server.services.accounts.set_role(ann, "moderator")
        (role,) = (await root.ask("audit", action="role")).entries
        assert (role["user"]["name"], role["detail"]) == ("ann", "member → moderator")
        assert await actions(mona, action="login", user="ann") == []


async def test_passwords_links_and_the_end_of_an_account_are_in_it(chat):
    async with chat(plugins=["moderation"]) as server:
        root, *_ = await cast(server)
        ann = await server.account("ann")
        form = {"old": PASSWORD, "new": "another horse"}
        assert (await server.api("POST", "password", form, token=ann.token))[0] == 200
        _, link = await server.api("POST", f"accounts/{ann.id}/reset", token=root.token)
        assert (await server.api("POST", "reset", {"token": link.token, "password": PASSWORD}))[0] == 200
        token = await server.services.accounts.tokens.issue(
            await server.services.accounts.find("ann"), "session"
        )
        assert (await server.api("POST", "me/delete", {"password": PASSWORD}, token=token))[0] == 200
        entries = (await root.ask("audit", user=ann.id)).entries
        noted = [(each["action"], each.get("by", {}).get("name")) for each in entries]
        assert [each for each in noted if each[0] not in ("login", "account_added")] == [
            ("account_ended", "ann"), ("password", None), ("reset_link", "root"), ("password", None)
        ]  # fmt: skip


async def test_people_see_what_was_done_to_them_and_nothing_else(chat):
    async with chat(plugins=["moderation"]) as server:
        _, mona, bob = await cast(server)
        carol = await server.client("carol")
        await carol.join("general")
        await mona.says("/mute bob 10 shouting", "general")
        await mona.says("/mute carol", "general")
        (entry,) = (await bob.ask("audit", user="bob")).entries
        assert (entry["action"], entry["reason"], entry["by"]["name"]) == ("muted", "shouting", "mona")
        assert await refused(bob) == ("forbidden", None)
        assert await refused(bob, user="carol") == ("forbidden", None)
        assert await refused(bob, by="bob") == ("forbidden", None)
        assert await refused(bob, room="general") == ("forbidden", None)
        # One's own part is no way to that of others.
        assert await actions(bob, user="bob", by="carol") == []


async def test_who_runs_a_room_reads_that_rooms_part(chat):
    async with chat(plugins=["moderation"]) as server:
        root, mona, _ = await cast(server)
        owner = await server.account("olga", "member")
        await server.api("POST", "rooms", {"name": "den", "kind": "private"}, token=owner.token)
        await owner.ask("join", room="den")
        await server.api("PATCH", "rooms/den", {"title": "The den"}, token=owner.token)
        await mona.says("/mute bob", "general")
        assert await actions(owner, room="den") == ["room_changed", "room_created"]
        assert await refused(owner, room="general") == ("forbidden", None)
        # A moderator of the server doesn't learn of a hidden room; who may enter it does.
        assert await refused(mona, room="den") == ("not_found", "room")
        assert await actions(mona, by="olga") == []
        assert await actions(root, by="olga") == ["room_changed", "room_created"]


async def test_pages_and_what_is_wrong(chat):
    async with chat(plugins=["moderation"]) as server:
        root, mona, _ = await cast(server)
        for _ in range(3):
            await mona.says("/mute bob", "general")
        first = await root.ask("audit", action="muted", limit=2)
        assert (len(first.entries), first.more) == (2, True)
        last = await root.ask("audit", action="muted", limit=2, cursor=first.entries[-1]["id"])
        assert (len(last.entries), last.more) == (1, False)
        assert await actions(root, action="muted", after="2999-01-01") == []
        assert len(await actions(root, action="muted", before="2999-01-01T00:00:00Z")) == 3
        for fields, field in (
            ({"after": "yesterday"}, "after"),
            ({"before": "0001-01-01"}, None),
            ({"limit": 0}, "limit"),
            ({"limit": "2"}, "limit"),
            ({"user": 7}, "user"),
            ({"cursor": -1}, "cursor"),
            ({"search": "x" * 65}, "search"),
        ):
            if field is not None:
                assert await refused(root, **fields) == ("invalid", field)
        assert await refused(root, user="nemo") == ("not_found", "user")
        assert await refused(root, room="nowhere") == ("not_found", "room")
        assert await actions(root, search="%") == []


async def test_over_http_by_pages_and_whole(chat):
    async with chat(plugins=["moderation"]) as server:
        root, mona, bob = await cast(server)
        await mona.says("/mute bob 10 =1+1", "general")
        status, answer = await server.api("GET", "audit?action=muted&limit=1", token=root.token)
        assert (status, answer.more) == (200, False)
        assert answer.entries == (await root.ask("audit", action="muted")).entries
        for query, code in (("limit=0", 400), ("limit=x", 400), ("format=xml", 400), ("after=x", 400)):
            status, _ = await server.api("GET", f"audit?{query}", token=root.token)
            assert (query, status) == (query, code)
        status, answer = await server.api("GET", "audit", token=bob.token)
        assert (status, answer.error["code"]) == (403, "forbidden")
        status, answer = await server.api("GET", "audit?format=csv", token=bob.token)
        assert (status, answer.error["code"]) == (403, "forbidden")
        assert (await server.api("GET", "audit"))[0] == 401
        lines = await server.http("GET", "/api/v1/audit?format=jsonl&action=muted", token=root.token)
        assert json.loads(lines.body)["reason"] == "=1+1"
        sheet = await server.http("GET", "/api/v1/audit?format=csv&action=muted", token=root.token)
        assert sheet.headers["Content-Disposition"] == 'attachment; filename="audit.csv"'
        (row,) = csv.DictReader(io.StringIO(sheet.body.decode()))
        # A spreadsheet must not calculate with it.
        assert (row["user"], row["reason"]) == ("bob", "'=1+1")


async def test_by_the_command_line_beside_a_running_server(chat, on_file, tmp_path):
    async with chat(plugins=["moderation"], settings=on_file) as server:
        _, mona, _ = await cast(server)
        await mona.says("/mute bob 10 shouting", "general")
        config = next(tmp_path.rglob("*.yaml"))

        def call(*arguments):
            said = ["audit", "--config", str(config), *arguments]
            return CliRunner().invoke(cli.commands, said, env={"CHATSERVER_TEST_STORE": None})

        text = await asyncio.to_thread(call, "--user", "bob", "--limit", "1")
        assert "mona muted bob in general until" in text.output
        assert text.output.endswith(": shouting\n")
        lines = await asyncio.to_thread(call, "--format", "jsonl", "--action", "muted")
        assert json.loads(lines.output)["user"]["name"] == "bob"
        wrong = await asyncio.to_thread(call, "--after", "soon")
        assert isinstance(wrong.exception, Exception)
