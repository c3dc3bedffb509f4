"""Reminders and later messages: when they are due, once, over restarts, and for those they belong to."""

from __future__ import annotations

import contextlib
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from chatserver_plugins.reminders.times import parse
from hypothesis import given
from hypothesis import strategies as st

from chatserver import Reject
from chatserver.testing import Clock, Refused

pytestmark = pytest.mark.storage

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 30, 10, 0, tzinfo=BERLIN).timestamp()  # a Monday
FILE = {"store": {"url": "sqlite:"}}


async def refused(client, type, **fields):
    with pytest.raises(Refused) as refusal:
        await client.ask(type, **fields)
    return refusal.value.code, refusal.value.field


async def planned(client):
    return [(each["kind"], each["text"]) for each in (await client.ask("reminders")).reminders]


async def test_a_reminder_comes_at_its_time_and_waits_for_who_is_away(chat):
    clock = Clock(NOW)
    async with chat(plugins=["reminders"], clock=clock) as server:
        (alice,) = await server.join("general", "alice")
        await alice.ask("reminders:zone", zone="Europe/Berlin")
        await alice.says("/remind me in 2h take the cake out")
        assert (await alice.hears("notice")).text == (
            "I will remind you at 2026-11-30 12:00 (Europe/Berlin): take the cake out"
        )
        assert await planned(alice) == [("reminder", "take the cake out")]
        await clock.move(7199)
        assert await alice.heard() == []
        token = alice.token
        await alice.leave()
        await clock.move(2)
        alice = await server.client(token=token)
        direct = next(each for each in alice.welcome.rooms if each["kind"] == "direct")
        assert (direct["unread"], direct["with"]["name"]) == (1, "reminders")
        events = (await alice.ask("sync", room=direct["name"], after=0)).events
        assert [each["content"] for each in events if each["type"] == "message"] == ["⏰ take the cake out"]
        assert await planned(alice) == []


async def test_one_is_reminded_of_a_message_as_far_as_one_may_read_it(chat):
    clock = Clock(NOW)
    async with chat(plugins=["reminders", "history"], clock=clock) as server:
        alice, bob = await server.join("general", "alice", "bob")
        ids = [(await bob.says(text)) for text in ("buy milk", "gone soon")]
        for each in ids:
            await alice.ask("reminders:add", kind="reminder", at=clock.now + 60, message_id=each.message_id)
        await bob.ask("delete", message_id=ids[1].message_id)
        assert [text for _, text in await planned(alice)] in (["bob: buy milk", ""], ["", "bob: buy milk"])
        await clock.move(61)
        first, second = (
            await alice.hears(content="⏰ bob: buy milk"),
            await alice.hears(content="⏰ (The message is gone.)"),
        )
        assert first.extras == {"reminders": {"room": "general", "seq": ids[0].seq}}
        assert "extras" not in second


async def test_a_later_message_is_sent_once_in_its_authors_name(chat):
    clock = Clock(NOW)
    async with chat(plugins=["reminders"], settings=FILE, clock=clock) as server:
        alice, bob = await server.join("general", "alice", "bob")
        await alice.ask("reminders:zone", zone="Europe/Berlin")
        await alice.says("/later tomorrow 9:00 Good morning @bob")
        assert (
            await alice.hears("notice")
        ).text == "It will be sent here at 2026-12-01 09:00 (Europe/Berlin)."
        id = (await alice.ask("reminders")).reminders[0]["id"]
        # As if the server had died before it was planned.
        await server.plugin("reminders").cancel_job(id)
        tokens = alice.token, bob.token
        await server.restart()
        alice, bob = [await server.client(token=token) for token in tokens]
        await clock.move(23 * 3600 - 1)
        assert await bob.heard() == []
        plugin = server.plugin("reminders")
        (row,) = await plugin.db.query("SELECT * FROM reminders_item")
        await clock.move(2)
        heard = await bob.hears()
        assert (heard.content, heard.user["id"]) == ("Good morning @bob", alice.id)
        await bob.hears("mention")
        # As if the server had died just after it was sent.
        await plugin.send(await plugin.chat.user(alice.id), row)
        assert await bob.heard() == []
        assert await planned(alice) == []


async def test_what_can_not_be_sent_any_more_is_told_to_its_author(chat):
    clock = Clock(NOW)
    async with chat(
        plugins=["reminders", "moderation"], clock=clock, accounts={"mona": "moderator"}
    ) as server:
        mona, bob = await server.join("general", "mona", "bob")
        await bob.says("/later in 1h /kick mona")
        await bob.says("/later in 2h hello")
        await clock.move(3601)
        # It is a text, not a command.
        assert (await mona.hears()).content == "/kick mona"
        await mona.says("/mute bob")
        assert await refused(
            bob, "reminders:add", kind="message", at=clock.now + 60, text="x", room="general"
        ) == (
            "muted",
            None,
        )
        await clock.move(3600)
        told = await bob.hears(
            content="What you wrote for #general was not sent: You are muted in this room.\n\nhello"
        )
        assert told.user["name"] == "reminders"
        assert await mona.heard() == []


async def test_it_is_taken_back_by_its_owner_alone(chat):
    clock = Clock(NOW)
    async with chat(plugins={"reminders": {"most": 2}}, clock=clock) as server:
        alice, bob = await server.join("general", "alice", "bob")
        await alice.says("/remind me in 1h one")
        await alice.says("/remind me to do two in 2h")
        with pytest.raises(Refused, match="2 reminders already"):
            await alice.says("/remind me in 3h three")
        await alice.heard("notice")
        await alice.says("/reminders")
        assert (
            await alice.hears("notice")
        ).text == "1. 2026-11-30 10:00 (UTC): one\n2. 2026-11-30 11:00 (UTC): do two"
        first, second = (await alice.ask("reminders")).reminders
        assert await refused(bob, "reminders:cancel", reminder=first["id"]) == ("not_found", "reminder")
        await alice.ask("reminders:cancel", reminder=first["id"])
        assert await refused(alice, "reminders:cancel", reminder=first["id"]) == ("not_found", "reminder")
        await alice.says("/reminders cancel 1")
        with pytest.raises(Refused, match="no such reminder"):
            await alice.says("/reminders cancel 1")
        await clock.move(8000)
        assert await alice.heard() == []
        assert second["text"] == "do two"


@pytest.mark.parametrize(
    ("type", "fields", "answer"),
    [
        ("reminders:add", {"kind": "reminder", "at": NOW - 1, "text": "x"}, ("invalid", "at")),
        ("reminders:add", {"kind": "reminder", "at": NOW + 2e8, "text": "x"}, ("invalid", "at")),
        ("reminders:add", {"kind": "reminder", "at": "soon", "text": "x"}, ("invalid", "at")),
        ("reminders:add", {"kind": "reminder", "at": NOW + 9, "text": " "}, ("invalid", "text")),
        ("reminders:add", {"kind": "reminder", "at": NOW + 9, "text": "x" * 2001}, ("invalid", "text")),
        ("reminders:add", {"kind": "bell", "at": NOW + 9, "text": "x"}, ("invalid", "kind")),
        ("reminders:add", {"kind": "message", "at": NOW + 9, "text": "x"}, ("invalid", "room")),
        (
            "reminders:add",
            {"kind": "message", "at": NOW + 9, "text": "x", "room": "cellar"},
            ("not_found", "room"),
        ),
        (
            "reminders:add",
            {"kind": "message", "at": NOW + 9, "text": "x", "room": "tea"},
            ("not_member", "room"),
        ),
        (
            "reminders:add",
            {"kind": "reminder", "at": NOW + 9, "message_id": "m0z0"},
            ("not_found", "message_id"),
        ),
        ("reminders:zone", {"zone": "Europe/Nowhere"}, ("invalid", "zone")),
        ("reminders:zone", {"zone": "../../etc/passwd"}, ("invalid", "zone")),
        ("reminders:zone", {"zone": "Europe"}, ("invalid", "zone")),
    ],
)
async def test_bad_plans_are_refused(chat, type, fields, answer):
    rooms = [{"name": "general"}, {"name": "tea"}, {"name": "cellar", "kind": "private"}]
    async with chat(plugins=["reminders"], settings={"rooms": rooms}, clock=Clock(NOW)) as server:
        (bob,) = await server.join("general", "bob")
        assert await refused(bob, type, **fields) == answer
        assert await planned(bob) == []


@pytest.mark.parametrize(
    ("text", "when", "rest"),
    [
        ("in 2h x", "2026-11-30 12:00", "x"),
        ("1h30m tea", "2026-11-30 11:30", "tea"),
        ("in 2 days 3 hours call", "2026-12-02 13:00", "call"),
        ("in an hour to call Bob", "2026-11-30 11:00", "call Bob"),
        ("tomorrow stand-up", "2026-12-01 09:00", "stand-up"),
        ("Tomorrow at 17:30 x", "2026-12-01 17:30", "x"),
        ("9:00 x", "2026-12-01 09:00", "x"),
        ("at 11:15 x", "2026-11-30 11:15", "x"),
        ("5pm x", "2026-11-30 17:00", "x"),
        ("12am x", "2026-12-01 00:00", "x"),
        ("noon x", "2026-11-30 12:00", "x"),
        ("9:00 tomorrow x", "2026-12-01 09:00", "x"),
        ("on friday x", "2026-12-04 09:00", "x"),
        ("monday 8:00 x", "2026-12-07 08:00", "x"),
        ("2026-12-24 18:00 x", "2026-12-24 18:00", "x"),
        ("to take the cake out in 2h", "2026-11-30 12:00", "take the cake out"),
        ("call Bob tomorrow at 9:00", "2026-12-01 09:00", "call Bob"),
        ("2小時後 喝茶", "2026-11-30 12:00", "喝茶"),
        ("明天 8:30 開會", "2026-12-01 08:30", "開會"),
    ],
)
def test_how_a_time_is_written(text, when, rest):
    due, left = parse(text, NOW, BERLIN)
    assert (datetime.fromtimestamp(due, BERLIN).strftime("%Y-%m-%d %H:%M"), left) == (when, rest)


async def test_nothing_is_sent_for_an_account_that_is_disabled(chat):
    clock = Clock(NOW)
    async with chat(plugins=["reminders"], clock=clock, accounts={"root": "admin"}) as server:
        (root,) = await server.join("general", "root")
        carl = await server.account("carl", "member")
        await carl.join("general")
        await carl.says("/later in 1h hello", "general")
        await carl.hears("notice")
        code, _ = await server.api("PATCH", f"accounts/{carl.id}", {"state": "disabled"}, token=root.token)
        assert code == 200
        await clock.move(3601)
        plugin = server.plugin("reminders")
        assert await plugin.db.query("SELECT id FROM reminders_item") == []
        assert await root.heard() == []


def test_a_day_later_is_the_same_time_on_the_clock_when_it_changes():
    before = datetime(2026, 10, 24, 12, 0, tzinfo=BERLIN).timestamp()
    assert parse("tomorrow 12:00 x", before, BERLIN)[0] == before + 25 * 3600
    assert parse("in 24h x", before, BERLIN)[0] == before + 24 * 3600


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "in 2h",
        "tomorrow",
        "today 9:00 x",
        "2020-01-01 x",
        "2026-13-01 x",
        "in 9999 days x",
        "5 men came",
        "25:00 x",
        "in 0s x",
    ],
)
def test_what_is_no_time_is_refused(text):
    with pytest.raises(Reject) as refusal:
        parse(text, NOW, BERLIN)
    assert refusal.value.code == "invalid"


@given(st.text(alphabet="in 0123456789hmdapt:-.tomorrow明天後小時", max_size=80))
def test_any_text_has_a_time_to_come_or_is_refused(text):
    with contextlib.suppress(Reject):
        due, rest = parse(text, NOW, BERLIN)
        assert due > NOW
        assert rest.strip()
