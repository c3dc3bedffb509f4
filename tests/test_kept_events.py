"""What a stream keeps for a client whose connection is cut: each event once, in order, whatever was asked before."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chatserver.web.http_stream.codec import EventCodec, payloads
from chatserver.web.http_stream.kept_events import KeptEvents

CODEC = EventCodec()


def chunk(first, count):
    """So many events in one piece, each with its number as payload."""
    return b"".join(CODEC.encode(b'"%d \\n\\n"' % number) for number in range(first, first + count))


def numbers(chunks):
    return [int(payload[1:].split()[0]) for payload in payloads(chunks)]


steps = st.lists(
    st.tuples(st.sampled_from(["add", "after", "most", "forget", "trim"]), st.integers(0, 60)), max_size=60
)


@given(steps)
def test_any_number_that_is_kept_leads_to_all_that_follow(steps):
    kept = KeptEvents()
    forgotten = 0
    for what, value in steps:
        if what == "add":
            kept.add(chunk(kept.last + 1, 1 + value % 5))
        elif what == "forget":
            forgotten = max(forgotten, min(value, kept.last))
            kept.forget(value)
            assert kept.first == min(max(kept.first, forgotten + 1), kept.last + 1)
        elif what == "trim":
            oldest = kept.first
            kept.trim(value, 10 * value)
            assert oldest <= kept.first <= max(oldest, value + 1)
            assert kept.size <= 10 * value or kept.first > value - 5
        elif kept.first - 1 <= value <= kept.last:
            most = value % 40 if what == "most" else None
            found, last = kept.after(value, most)
            got = numbers(found)
            assert got == list(range(value + 1, last + 1))
            assert last == kept.last or most is not None
            assert got or value == kept.last
        every, last = kept.after(kept.first - 1)
        assert numbers(every) == list(range(kept.first, kept.last + 1))
        assert sum(map(len, every)) == kept.size
        assert last == kept.last


def test_many_share_the_bytes_of_one_piece():
    one, other, shared = KeptEvents(), KeptEvents(), chunk(1, 3)
    one.add(shared)
    other.add(shared)
    assert one.after(0)[0][0] is other.after(0)[0][0] is shared
