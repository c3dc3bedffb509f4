"""Times on the wire: ISO 8601 in UTC with milliseconds, cut and not rounded, as `datetime` writes them."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import example, given
from hypothesis import strategies as st

from chatserver.protocol.events import iso


@given(st.floats(0, 250_000_000_000))
@example(0.0)
@example(1_800_000_000.9999996)
@example(1_800_000_000.9995)
@example(1_709_251_199.999)
def test_a_time_is_written_as_datetime_writes_it(ts: float) -> None:
    written = datetime.fromtimestamp(ts, UTC).isoformat(timespec="milliseconds")
    assert iso(ts) == written.removesuffix("+00:00") + "Z"
