"""What every bus promises."""

from __future__ import annotations

import pytest

from chatserver.delivery.bus import Bus
from chatserver.delivery.bus_local import LocalBus


@pytest.fixture(params=[LocalBus])
def carried(request):
    """A bus, and what it has delivered."""
    delivered = []

    def deliver(topic, payload, seq=None, *, ephemeral=False):
        delivered.append((topic, payload, seq, ephemeral))

    def deliver_apart(topic, payload, instead, users, seq=None):
        delivered.append((topic, payload, instead, sorted(users), seq))

    return request.param(deliver, deliver_apart), delivered


async def test_payloads_arrive_once_unchanged_and_in_order(carried):
    bus, delivered = carried
    checked: Bus = bus
    await checked.start()
    sent = [(f"room{n % 3}", f"{n} 字".encode(), None if n % 2 else n, n % 2 == 1) for n in range(50)]
    for topic, payload, seq, ephemeral in sent:
        checked.publish(topic, payload, seq, ephemeral=ephemeral)
    await checked.stop()
    for topic in ("room0", "room1", "room2"):
        assert [d for d in delivered if d[0] == topic] == [s for s in sent if s[0] == topic]


async def test_a_payload_in_two_forms_keeps_its_place(carried):
    bus, delivered = carried
    await bus.start()
    bus.publish("a", b"1", 1)
    bus.publish_apart("a", b"2", b"two", {"u2", "u1"}, 2)
    bus.publish("a", b"3")
    await bus.stop()
    assert delivered == [
        ("a", b"1", 1, False),
        ("a", b"2", b"two", ["u1", "u2"], 2),
        ("a", b"3", None, False),
    ]
