"""What every bus promises."""

from __future__ import annotations

import pytest

from chatserver.delivery.bus import Bus
from chatserver.delivery.bus_local import LocalBus
from chatserver.model.values import RoomPosition


@pytest.fixture(params=[LocalBus])
def carried(request):
    """A bus, and what it has delivered."""
    delivered = []

    def deliver(topic, payload, *, ephemeral=False):
        delivered.append((topic, payload, ephemeral))

    def deliver_apart(topic, payload, instead, users):
        delivered.append((topic, payload, instead, sorted(users)))

    return request.param(deliver, deliver_apart), delivered


async def test_payloads_arrive_once_unchanged_and_in_order(carried):
    bus, delivered = carried
    checked: Bus = bus
    sent = [(f"room{n % 3}", f"{n} 字".encode(), n % 2 == 1) for n in range(50)]
    for n, (topic, payload, ephemeral) in enumerate(sent):
        checked.publish(topic, payload, None if ephemeral else RoomPosition(n), ephemeral=ephemeral)
    await checked.stop()
    for topic in ("room0", "room1", "room2"):
        assert [d for d in delivered if d[0] == topic] == [s for s in sent if s[0] == topic]


async def test_a_payload_in_two_forms_keeps_its_place(carried):
    bus, delivered = carried
    bus.publish("a", b"1", RoomPosition(1))
    bus.publish_apart("a", b"2", b"two", {"u2", "u1"}, RoomPosition(2))
    bus.here("a", b"3")
    bus.here("a", b"4", b"four", ["u1"])
    await bus.stop()
    assert delivered == [
        ("a", b"1", False),
        ("a", b"2", b"two", ["u1", "u2"]),
        ("a", b"3", False),
        ("a", b"4", b"four", ["u1"]),
    ]
