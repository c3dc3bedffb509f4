"""How the soak run judges: memory by its floor, the log by what people were told."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.soak.checks import Log, growth
from benchmarks.soak.person import Track

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


async def logged(chat, settings) -> dict[str, tuple[str, int]]:
    """Three messages in a database on a disk; what was acknowledged of them."""
    told = {}
    async with chat(settings=settings) as server:
        (alice,) = await server.join("general", "alice")
        for nonce in ("a", "b", "c"):
            told[nonce] = ("general", (await alice.says(nonce, nonce=nonce)).seq)
    return told


async def test_a_right_log(chat, on_file, tmp_path):
    told = await logged(chat, on_file)
    log = Log(tmp_path / "chat.db")
    assert list(log.problems(told)) == []
    assert log.heads()["general"] == told["c"][1]
    assert log.steady_load() == (0, [])
    log.close()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("delete from message where nonce = 'b'", ["b was acknowledged"]),
        ("update message set nonce = 'x' where nonce = 'c'", ["c was acknowledged"]),
        ("delete from event where message_id = (select id from message where nonce = 'b')",
         ["general: ", "1 messages are not"]),
        ("update room set head = head + 1", ["general: "]),
    ],
)  # fmt: skip
async def test_a_wrong_log_is_noticed(chat, on_file, tmp_path, damage, said):
    told = await logged(chat, on_file)
    with sqlite3.connect(tmp_path / "chat.db") as database:
        database.execute(damage)
    database.close()
    log = Log(tmp_path / "chat.db")
    found = list(log.problems(told))
    log.close()
    assert len(found) == len(said)
    for text, start in zip(found, said, strict=True):
        assert text.startswith(start)


@given(st.permutations(range(6, 16)))
def test_a_track_ends_where_all_was_heard(seqs):
    track = Track(5)
    followed = [track.take(seq) for seq in seqs]
    assert track.last == 15
    assert track.caught_up()
    assert all(followed) == (list(seqs) == sorted(seqs))
