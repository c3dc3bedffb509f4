"""What every bus promises."""

from __future__ import annotations

import pytest

from chatserver.delivery.bus import Bus
from chatserver.delivery.bus_local import LocalBus


@pytest.fixture(params=[LocalBus])
def carried(request):
    """A bus, and what it has delivered."""
    delivered = []
    return request.param(
        lambda topic, payload, ephemeral: delivered.append((topic, payload, ephemeral))
    ), delivered


async def test_payloads_arrive_once_unchanged_and_in_order(carried):
    bus, delivered = carried
    checked: Bus = bus
    await checked.start()
    sent = [(f"room{n % 3}", f"{n} 字".encode(), n % 2 == 0) for n in range(50)]
    for topic, payload, ephemeral in sent:
        checked.publish(topic, payload, ephemeral)
    await checked.stop()
    for topic in ("room0", "room1", "room2"):
        assert [d for d in delivered if d[0] == topic] == [s for s in sent if s[0] == topic]
