"""Token buckets: who is refused, and that those at rest are forgotten."""

from __future__ import annotations

import pytest

from chatserver.model.errors import Reject
from chatserver.model.rate_limit import CROWDED, RateLimiter


class Clock:
    """A clock that is set."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_then_the_rate():
    clock = Clock()
    limiter = RateLimiter(2, 3, clock)
    assert [limiter.wait("alice") for _ in range(3)] == [0, 0, 0]
    assert limiter.wait("alice") == 0.5
    assert limiter.wait("bob") == 0
    clock.now = 0.5
    assert limiter.wait("alice") == 0


def test_a_rest_saves_up_no_more_than_the_burst():
    clock = Clock()
    limiter = RateLimiter(1, 3, clock)
    limiter.take("alice")
    clock.now = 3600.0
    for _ in range(3):
        limiter.take("alice")
    with pytest.raises(Reject, match="Too fast") as refused:
        limiter.take("alice")
    assert (refused.value.code, refused.value.retry_after) == ("rate_limited", 1.0)


@pytest.mark.parametrize("rate", [0.1, 0.3, 3, 5, 7, 1 / 60])
def test_the_whole_burst_is_there_whatever_the_rounding(rate):
    clock = Clock()
    clock.now = 123456.789
    limiter = RateLimiter(rate, 40, clock)
    assert [limiter.wait("alice") for _ in range(40)] == [0] * 40
    assert limiter.wait("alice") == pytest.approx(1 / rate)
    clock.now += 40 / rate
    assert [limiter.wait("alice") for _ in range(40)] == [0] * 40
    assert limiter.wait("alice") > 0


def test_a_crowd_passing_by_is_forgotten_and_who_waits_is_not():
    clock = Clock()
    limiter = RateLimiter(1, 60, clock)
    for _ in range(60):
        limiter.wait("alice")
    for number in range(30):
        assert limiter.wait(f"early {number}") == 0
    # An hour of people who come once each, two a second; alice uses up what she gets.
    for second in range(1, 3600):
        clock.now = float(second)
        assert limiter.wait("alice") == 0
        assert limiter.wait("alice") > 0
        assert limiter.wait(f"one {second}") == 0
        assert limiter.wait(f"another {second}") == 0
    assert len(limiter._full_at) <= CROWDED + 1
