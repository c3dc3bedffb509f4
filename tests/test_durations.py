"""Times in commands: that long, or refused; never swallowed as text."""

from __future__ import annotations

import asyncio
import contextlib
import time
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatserver import Reject, Room, User
from chatserver.plugins.arguments import arguments_of, parse
from chatserver.plugins.durations import read_duration
from chatserver.testing import Refused

BOB, TEA = User("u2", "bob", "Bob"), Room("tea")


class Context:
    """Finds bob and #tea."""

    async def find_user(self, text: str) -> User:
        if text.removeprefix("@") != "bob":
            raise Reject(f"There is no user {text!r}.", "not_found", field="user")
        return BOB

    async def find_room(self, text: str) -> Room:
        if text.removeprefix("#") != "tea":
            raise Reject(f"There is no room {text!r}.", "not_found", field="room")
        return TEA


def mute(self, ctx, user: User, time: timedelta = timedelta(0), *, reason: str = ""): ...
def roll(self, ctx, count: int = 1, sides: float = 6.0, *, text: str = ""): ...
def remind(self, ctx, user: User | None = None, room: Room | None = None, *, text: str = ""): ...
def both(self, ctx, count: int = 0, wait: timedelta = timedelta(0), *, text: str = ""): ...


def read(method, text: str) -> tuple:
    return tuple(asyncio.run(parse(arguments_of(method), text, Context())).values())


@pytest.mark.parametrize(
    ("text", "lasts", "reason"),
    [
        ("10", timedelta(minutes=10), ""),
        ("10 shouting", timedelta(minutes=10), "shouting"),
        ("1h30m", timedelta(minutes=90), ""),
        ("1H30M too loud", timedelta(minutes=90), "too loud"),
        ("1h 30m too loud", timedelta(minutes=90), "too loud"),
        ("10min", timedelta(minutes=10), ""),
        ("1week", timedelta(weeks=1), ""),
        ("2 days", timedelta(days=2), ""),
        ("2 days and no more", timedelta(days=2), "and no more"),
        ("90 minutes", timedelta(minutes=90), ""),
        ("1 h", timedelta(hours=1), ""),
        ("1.5h", timedelta(minutes=90), ""),
        ("1 hour 30 minutes 15 secs", timedelta(seconds=5415), ""),
        ("1h 30 people complained", timedelta(hours=1), "30 people complained"),
        ("10 2 warnings", timedelta(minutes=10), "2 warnings"),
        ("3 strikes", timedelta(minutes=3), "strikes"),
        ("1 month", timedelta(days=30), ""),
        ("1y", timedelta(days=365), ""),
        ('"1 h 30 m" loud', timedelta(minutes=90), "loud"),
        ("1s", timedelta(seconds=1), ""),
        ("10m 3rd warning", timedelta(minutes=10), "3rd warning"),
        ("", timedelta(0), ""),
        ("too loud", timedelta(0), "too loud"),
        ("- too loud", timedelta(0), "- too loud"),
        ('"3rd warning"', timedelta(0), '"3rd warning"'),
        ("m", timedelta(0), "m"),
    ],
)
def test_a_time_is_as_long_as_it_says(text, lasts, reason):
    assert read(mute, f"bob {text}") == (lasts, reason, BOB)


@pytest.mark.parametrize(
    "text",
    ["10m,", "-5", "+5x", "−5", "0.001", "0", "0m", "0.9s", "1h30", "1,5h", ".5h", "10x", "3rd warning", "10m-ish",
     "10 minutes, loud", "1 h.", "10:30", "1e3", "9999999999", "40000d"],
)  # fmt: skip
def test_what_begins_like_a_time_and_is_none_is_refused(text):
    with pytest.raises(Reject) as refusal:
        read(mute, f"bob {text}")
    assert (refusal.value.code, refusal.value.field) == ("invalid", "time")


@pytest.mark.parametrize("text", ["2nd try", "1_000 times", "1 2,5 x"])
def test_what_begins_like_a_number_and_is_none_is_refused(text):
    with pytest.raises(Reject) as refusal:
        read(roll, text)
    assert refusal.value.code == "invalid"


@pytest.mark.parametrize(
    ("text", "field"), [("@nobody hello", "user"), ("#nowhere hello", "room"), ("bob #x", "room")]
)
def test_a_user_or_room_that_is_not_there_is_refused_where_it_is_marked_as_one(text, field):
    with pytest.raises(Reject) as refusal:
        read(remind, text)
    assert (refusal.value.code, refusal.value.field) == ("not_found", field)


@pytest.mark.parametrize(
    ("method", "text", "values"),
    [
        (remind, "hello there", (None, None, "hello there")),
        (remind, "#tea hello", (None, TEA, "hello")),
        (remind, "@bob #tea hello", (BOB, TEA, "hello")),
        (both, "10m hello", (0, timedelta(minutes=10), "hello")),
        (both, "3 10m hello", (3, timedelta(minutes=10), "hello")),
        (roll, "2 8 hello", (2, 8.0, "hello")),
    ],
)
def test_a_word_goes_to_the_first_argument_that_reads_it(method, text, values):
    assert read(method, text) == values


UNITS = {
    "s": 1,
    "sec": 1,
    "min": 60,
    "m": 60,
    "hours": 3600,
    "h": 3600,
    "days": 86400,
    "d": 86400,
    "w": 604800,
}
PARTS = st.lists(
    st.tuples(st.integers(1, 999), st.sampled_from(sorted(UNITS)), st.booleans()), min_size=1, max_size=4
)


@given(PARTS)
def test_parts_add_up(parts):
    text = "".join(f"{number}{' ' * space}{unit}{' ' * space}" for number, unit, space in parts).strip()
    seconds = sum(number * UNITS[unit] for number, unit, _ in parts)
    assert read_duration(text) == timedelta(seconds=seconds)
    assert read(mute, f"bob {text} loud") == (timedelta(seconds=seconds), "loud", BOB)


@given(st.from_regex(r"[-+.]?[0-9][0-9a-z.,: ]{0,12}", fullmatch=True))
def test_a_text_that_begins_with_a_digit_never_becomes_a_reason_without_a_time(text):
    try:
        lasts, reason, _ = read(mute, f"bob {text}")
    except Reject as refusal:
        said = refusal.code, refusal.field
    else:
        said = lasts >= timedelta(seconds=1), len(reason) < len(text)
    assert said in (("invalid", "time"), (True, True))


@pytest.mark.parametrize("text", ["1 " * 30_000, "1h" * 30_000 + "x", "9" * 60_000, "1h " * 20_000 + ","])
def test_a_long_text_is_refused_in_a_time_in_line_with_its_length(text):
    began = time.perf_counter()
    with pytest.raises(ValueError, match=r"\d"):
        read_duration(text)
    with contextlib.suppress(Reject):
        read(mute, f"bob {text}")
    assert time.perf_counter() - began < 2


async def test_a_moderators_time_counts_or_is_refused_with_the_usage(chat):
    async with chat(plugins=["moderation"]) as server:
        (bob,) = await server.join("general", "bob")
        mona = await server.account("mona", "moderator")
        await mona.join("general")
        for text, told in (
            ("/mute bob 1h30m", "bob is muted for 90 minutes."),
            ("/mute bob 10min", "bob is muted for 10 minutes."),
            ("/mute bob 1week loud", "bob is muted for 7 days."),
            ("/ban bob 2 days", "bob is banned for 2 days."),
        ):
            await mona.says(text)
            assert (await mona.hears("notice")).text == told
        for written in ("10m,", "0.001", "-5", "1h30", "0"):
            for command in ("kick", "mute", "ban"):
                with pytest.raises(Refused) as caught:
                    await mona.says(f"/{command} bob {written}")
                assert (caught.value.code, caught.value.field) == ("invalid", "time")
                assert f"Usage: /{command} USER [TIME] [REASON…]" in caught.value.message
        assert [e["action"] for e in bob.everything if e["type"] == "member"] == ["muted"] * 3 + ["banned"]
