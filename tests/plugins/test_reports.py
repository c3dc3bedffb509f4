"""Reports: made, worked off by one moderator at a time, and the reporter hears of it."""

from __future__ import annotations

import asyncio

import pytest

from chatserver.testing import Refused


async def refused(client, type, **fields):
    with pytest.raises(Refused) as refusal:
        await client.ask(type, **fields)
    return refusal.value.code, refusal.value.field


async def cast(server):
    mona, max_ = await server.account("mona", "moderator"), await server.account("max", "moderator")
    ann, bob = await server.client("ann"), await server.client("bob")
    for client in (mona, max_, ann, bob):
        await client.join("general")
    return mona, max_, ann, bob


async def test_a_message_is_reported_claimed_and_acted_on(chat):
    async with chat(plugins=["moderation"]) as server:
        mona, max_, ann, bob = await cast(server)
        said = await bob.says("you fool")
        number = (await ann.ask("report", message_id=said.message_id, reason=" insults   me ")).report
        assert (await mona.hears("notice")).text == (
            f"ann reported a message of bob in #general: insults me (report {number})"
        )
        assert (await mona.hears("moderation:reports")).report == number
        (report,) = (await mona.ask("reports")).reports
        assert (report["state"], report["content"], report["seq"]) == ("open", "you fool", said.seq)
        assert (report["reporter"]["name"], report["user"]["id"]) == ("ann", bob.id)
        claimed = (await mona.ask("moderation:claim", report=number)).report
        assert (claimed["state"], claimed["by"]["name"]) == ("claimed", "mona")
        assert await refused(max_, "moderation:claim", report=number) == ("invalid", "report")
        assert await refused(max_, "moderation:close", report=number, outcome="acted") == (
            "invalid",
            "report",
        )
        await mona.ask("moderation:close", report=number, outcome="acted", note="muted for a day")
        assert (
            await ann.hears("notice")
        ).text == f"Your report {number} about bob was acted on: muted for a day"
        assert (await mona.ask("reports")).reports == []
        (closed,) = (await mona.ask("reports", state="closed")).reports
        assert (closed["state"], closed["note"]) == ("acted", "muted for a day")
        (mine,) = (await ann.ask("reports", mine=True, state="all")).reports
        assert mine["state"] == "acted"
        assert "by" not in mine
        assert await refused(mona, "moderation:close", report=number, outcome="dismissed") == (
            "invalid",
            "report",
        )
        # Whom it is about may read the audit log, and learns nothing of who reported.
        (reported,) = (await mona.ask("audit", action="moderation:reported")).entries
        assert (reported["detail"], "by" in reported, "user" in reported) == (
            f"report {number}",
            False,
            False,
        )
        # The reported user learns nothing of it.
        assert (await bob.ask("audit", user="bob")).entries == []
        assert await bob.heard("notice") == []


async def test_who_was_away_hears_of_the_outcome_later(chat):
    async with chat(plugins=["moderation"]) as server:
        mona, _, ann, _ = await cast(server)
        number = (await ann.ask("report", user="bob", room="general", reason="spam")).report
        token = ann.token
        await ann.leave()
        await mona.hears("left")
        await mona.ask("moderation:close", report=number, outcome="dismissed")
        ann = await server.client(token=token)
        assert (await ann.hears("notice")).text == (
            f"Your report {number} about bob was looked at, and nothing was done."
        )


async def test_a_report_given_back_is_anothers(chat):
    async with chat(plugins=["moderation"]) as server:
        mona, max_, ann, _ = await cast(server)
        number = (await ann.ask("report", user="bob", reason="spam")).report
        replies = await asyncio.gather(
            *(each.ask("moderation:claim", report=number) for each in (mona, max_)), return_exceptions=True
        )
        assert sorted(type(each).__name__ for each in replies) == ["Heard", "Refused"]
        by = (await mona.ask("reports")).reports[0]["by"]["name"]
        first, second = (mona, max_) if by == "mona" else (max_, mona)
        assert (await first.ask("moderation:claim", report=number, on=False)).report["state"] == "open"
        assert (await second.ask("moderation:claim", report=number)).report["by"]["name"] == second.name


async def test_what_can_not_be_reported_and_by_whom_it_is_worked_off(chat):
    rooms = [{"name": "general"}, {"name": "cellar", "kind": "private"}]
    plugins = {"moderation": {"reports_per_hour": 3}}
    async with chat(plugins=plugins, settings={"rooms": rooms}) as server:
        mona, max_, ann, bob = await cast(server)
        root = await server.account("root", "admin")
        await root.join("cellar")
        hidden = (await root.says("hidden", "cellar")).message_id
        own = (await ann.says("mine", "general")).message_id
        for fields, wrong in (
            ({"reason": "x"}, ("invalid", "message_id")),
            ({"reason": "x", "message_id": own, "user": "bob"}, ("invalid", "message_id")),
            ({"reason": "x", "message_id": own}, ("invalid", "user")),
            ({"reason": "x", "message_id": hidden}, ("not_found", "message_id")),
            ({"reason": "x", "user": "nemo"}, ("not_found", "user")),
            ({"reason": "x", "user": "bob", "room": "cellar"}, ("not_found", "room")),
            ({"reason": "   ", "user": "bob"}, ("invalid", "reason")),
            ({"reason": "x" * 501, "user": "bob"}, ("invalid", "reason")),
            ({"reason": 7, "user": "bob"}, ("invalid", "reason")),
            ({"user": "bob"}, ("invalid", "reason")),
        ):
            assert await refused(ann, "report", **fields) == wrong, fields
        number = (await ann.ask("report", user="bob", reason="x")).report
        # Once more is the same report.
        assert (await ann.ask("report", user="bob", reason="y")).report == number
        for who in ("mona", "max"):
            await ann.ask("report", user=who, reason="x")
        assert await refused(ann, "report", user="root", reason="x") == ("rate_limited", None)
        assert await refused(bob, "reports") == ("forbidden", None)
        assert await refused(bob, "moderation:claim", report=number) == ("forbidden", None)
        assert await refused(mona, "moderation:claim", report=99) == ("not_found", "report")
        assert await refused(mona, "moderation:close", report=number, outcome="maybe") == (
            "invalid",
            "outcome",
        )
        # A report about a moderator is not theirs to work off.
        about = {each["user"]["name"]: each["report"] for each in (await max_.ask("reports")).reports}
        assert set(about) == {"bob", "mona"}
        assert await refused(max_, "moderation:claim", report=about["mona"] + 1) == ("not_found", "report")


async def test_over_http(chat):
    async with chat(plugins=["moderation"]) as server:
        mona, _, ann, bob = await cast(server)
        status, answer = await server.api("POST", "reports", {"user": "bob", "reason": "x"}, token=ann.token)
        assert status == 201
        number = answer.report
        status, answer = await server.api("GET", "reports", token=mona.token)
        assert [each["report"] for each in answer.reports] == [number]
        assert (await server.api("GET", "reports", token=bob.token))[0] == 403
        assert (await server.api("GET", "reports"))[0] == 401
        for body, code in (
            ({}, 400),
            ({"claimed": "yes"}, 400),
            ({"outcome": "maybe"}, 400),
            ({"outcome": "acted", "claimed": True}, 400),
            ({"claimed": True}, 200),
            ({"outcome": "dismissed", "note": "fine"}, 200),
        ):
            status, _ = await server.api("PATCH", f"reports/{number}", body, token=mona.token)
            assert (body, status) == (body, code)
        assert (await server.api("PATCH", "reports/99", {"claimed": True}, token=mona.token))[0] == 404
        assert (await server.api("PATCH", f"reports/{'9' * 30}", {"claimed": True}, token=mona.token))[
            0
        ] == 404
        status, answer = await server.api("GET", "reports?mine=1&state=closed", token=ann.token)
        assert [each["note"] for each in answer.reports] == ["fine"]
        assert (await server.api("GET", "reports?state=odd", token=mona.token))[0] == 400


async def test_a_rooms_owner_works_off_its_reports(chat):
    async with chat(plugins=["moderation"]) as server:
        owner, ann = await server.account("olga", "member"), await server.account("ann", "member")
        await server.api("POST", "rooms", {"name": "den"}, token=owner.token)
        for client in (owner, ann):
            await client.join("den")
        bob = await server.client("bob")
        await bob.join("den")
        said = await ann.says("psst", "den")
        number = (await bob.ask("report", message_id=said.message_id, reason="x")).report
        await bob.ask("report", user="olga", reason="y")
        assert [each["report"] for each in (await owner.ask("reports")).reports] == [number]
        await owner.hears("moderation:reports")
        assert await refused(ann, "reports") == ("forbidden", None)
