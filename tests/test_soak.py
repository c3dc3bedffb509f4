"""How the soak run judges: memory by its floor, the log by what clients were told."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from benchmarks.soak.checks import LogCheck, growth
from benchmarks.soak.client import Cursor
from benchmarks.soak.log import PAGE, LoggedEvent, LogReader, Sender

MEGABYTE = 1_000_000


def samples(rise: float, *, level: float = 100.0, peaks: float = 0.0) -> list[tuple[float, int]]:
    """Ten minutes, a sample each 5 s: ``rise`` MB a minute, and every third sample ``peaks`` MB higher."""
    return [(5.0 * n, int((level + rise * n / 12 + (peaks if n % 3 else 0)) * MEGABYTE)) for n in range(121)]


@given(rise=st.floats(-5, 5), level=st.floats(50, 500), peaks=st.floats(0, 50))
def test_growth_is_that_of_the_floor(rise, level, peaks):
    assert growth(samples(rise, level=level, peaks=peaks), 120) / MEGABYTE == pytest.approx(rise, abs=0.1)


def test_what_is_taken_while_it_warms_up_is_no_growth():
    warming = [(at, int(min(at, 400) * MEGABYTE)) for at, _ in samples(0)]
    assert growth(warming, 400) == pytest.approx(0)
    assert growth(warming, 0) > MEGABYTE


def test_one_step_is_no_growth_and_a_stair_is():
    step = [(at, size + 4 * MEGABYTE * (at > 170)) for at, size in samples(0)]
    assert growth(step, 120) == pytest.approx(0)
    stair = [(at, size + MEGABYTE * int(at / 90)) for at, size in samples(0)]
    assert growth(stair, 120) / MEGABYTE == pytest.approx(60 / 90, rel=0.1)


def test_a_short_run_tells_nothing():
    with pytest.raises(ValueError, match="too few"):
        growth(samples(1)[:30], 120)


async def logged(chat):
    """What was acknowledged of three messages; the head of their room, and its log as `sync` gives it."""
    told = {}
    async with chat(plugins=["history"]) as server:
        (alice,) = await server.join("general", "alice")
        for nonce in ("a", "b", "c"):
            told[nonce] = ("general", (await alice.says(nonce, nonce=nonce)).seq)
        async with LogReader(server.server.port) as reader:
            head = await reader.join("general")
            events = [event async for page in reader.pages("general") for event in page]
    return told, head, events


def problems(told, head, events) -> list[str]:
    check = LogCheck(told)
    for event in events:
        check.take("general", event)
    check.end("general", head)
    return list(check.problems())


def without(events, nonce):
    return [event for event in events if event.nonce != nonce]


def renamed(events, nonce):
    return [replace(event, nonce="x") if event.nonce == nonce else event for event in events]


def numbered_on(events):
    return [replace(event, seq=number) for number, event in enumerate(events, start=1)]


async def test_a_right_log(chat):
    told, head, events = await logged(chat)
    assert [event.nonce for event in events if event.nonce] == ["a", "b", "c"]
    assert problems(told, head, events) == []


async def test_a_log_is_read_page_by_page(chat):
    async with chat(
        plugins=["history"], settings={"limits": {"messages_per_second": 10000, "burst": 10000}}
    ) as server:
        (alice,) = await server.join("general", "alice")
        sent = [(await alice.says(str(number))).seq for number in range(PAGE + 1)]
        async with LogReader(server.server.port) as reader:
            head = await reader.join("general")
            pages = [[event.seq for event in page] async for page in reader.pages("general")]
    assert len(pages) > 1
    assert list(itertools.chain(*pages)) == list(range(1, head + 1))
    assert head == sent[-1]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda events: numbered_on(without(events, "b")), ["general ends", "b was", "c was"]),
        (lambda events: without(events, "b"), ["general: ", "b was acknowledged"]),
        (lambda events: without(events, "c"), ["general ends", "c was acknowledged"]),
        (lambda events: renamed(events, "c"), ["c was acknowledged"]),
        (lambda events: [*events, events[-1]], ["general: ", "c was acknowledged"]),
    ],
)  # fmt: skip
async def test_a_wrong_log_is_noticed(chat, damage, said):
    told, head, events = await logged(chat)
    found = problems(told, head, damage(events))
    assert len(found) == len(said)
    for text, start in zip(found, said, strict=True):
        assert text.startswith(start)


@given(st.lists(st.integers(1, 4), max_size=4))
def test_a_senders_messages_are_complete_and_in_order(numbers):
    events = [
        LoggedEvent("message", seq=seq, nonce=f"n{number}", content="stamp 0", user=Sender("u1"))
        for seq, number in enumerate(numbers, start=1)
    ]
    found = problems({}, len(events), events)
    assert bool(found) == (numbers != list(range(1, len(numbers) + 1)))
    assert all(text.startswith("u1: message ") for text in found)


@given(st.permutations(range(6, 16)))
def test_a_cursor_ends_where_all_was_received(seqs):
    cursor = Cursor(5)
    followed = [cursor.take(seq) for seq in seqs]
    assert cursor.last == 15
    assert cursor.caught_up()
    assert all(followed) == (list(seqs) == sorted(seqs))
