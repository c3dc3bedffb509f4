"""The fan-out: one bytes object a turn, the same for each; nothing before joining, nothing after leaving."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatserver.delivery.hub import Hub, user_topic
from chatserver.model.metrics import Metrics
from chatserver.web.websocket import deflate
from chatserver.web.websocket.codec import DeflateCodec, FrameCodec
from chatserver.web.websocket.frames import frame

PLAIN = FrameCodec()


class Ear:
    """A session and the way to its client in one."""

    def __init__(self, codec=PLAIN):
        self.codec = codec
        self.connection = self
        self.fd = -1
        self.got = []

    def send_rest(self, data, taken):
        self.got.append(data[taken:])

    def send_encoded(self, data, durable):
        self.got.append((data, durable))

    @property
    def heard(self):
        return b"".join(data for data, _ in self.got)


class Lines:
    """A family whose clients read JSON, an object a line, and are not told who is typing."""

    ping = b""

    def __init__(self):
        self.encoded = []

    def encode(self, payload, readers=1, *, secret=False):
        self.encoded.append((payload, readers))
        return b"" if payload == b"typing" else payload + b"\n"


class Turns:
    """A loop that turns when it is told to."""

    def __init__(self):
        self.waiting = []

    def call_soon(self, callback):
        self.waiting.append(callback)

    def turn(self):
        now, self.waiting = self.waiting, []
        for callback in now:
            callback()


@pytest.fixture
def turns():
    return Turns()


@pytest.fixture
def hub(turns):
    return Hub(turns.call_soon, Metrics())


def test_what_is_ready_in_one_turn_is_one_object_the_same_for_all(hub, turns):
    ears = [Ear() for _ in range(3)]
    for ear in ears:
        hub.subscribe(ear, "a")
    hub.deliver("a", b"1")
    hub.deliver("a", b"2")
    hub.deliver("b", b"nobody")
    assert not ears[0].got
    turns.turn()
    assert [len(ear.got) for ear in ears] == [1, 1, 1]
    assert ears[0].heard == frame(b"1") + frame(b"2")
    assert ears[0].got[0][0] is ears[1].got[0][0] is ears[2].got[0][1]
    turns.turn()
    assert len(ears[0].got) == 1


def test_who_lags_may_go_without_what_does_not_last(hub, turns):
    ear = Ear()
    hub.subscribe(ear, "a")
    for payload, ephemeral in ((b"1", False), (b"typing", True), (b"2", False)):
        hub.deliver("a", payload, ephemeral=ephemeral)
    turns.turn()
    ((frames, durable),) = ear.got
    assert frames == frame(b"1") + frame(b"typing") + frame(b"2")
    assert durable == frame(b"1") + frame(b"2")


def test_what_some_users_get_in_another_form_keeps_its_place(hub, turns):
    lines = Lines()
    ann, bob, tab, late = Ear(), Ear(), Ear(lines), Ear()
    for ear in (ann, bob, tab):
        hub.subscribe(ear, "a")
    for ear, user in ((ann, "ann"), (bob, "bob"), (tab, "bob"), (late, "cleo")):
        hub.subscribe(ear, user_topic(user))
    hub.deliver("a", b"1")
    hub.subscribe(late, "a")
    hub.deliver_apart("a", b"secret", b"bare", ["bob", "dora"])
    hub.deliver("a", b"3")
    turns.turn()
    assert ann.heard == frame(b"1") + frame(b"secret") + frame(b"3")
    assert bob.heard == frame(b"1") + frame(b"bare") + frame(b"3")
    assert tab.heard == b"1\nbare\n3\n"
    assert late.heard == frame(b"secret") + frame(b"3")
    hub.deliver_apart("nowhere", b"secret", b"bare", ["bob"])


def test_each_family_is_encoded_for_once(hub, turns):
    """Three families in one room: plain frames, compressed ones, and lines."""
    metrics, lines = Metrics(), Lines()
    deflating = DeflateCodec(metrics)
    families = {codec: [Ear(codec) for _ in range(3)] for codec in (PLAIN, deflating, lines)}
    everyone = [ear for ears in families.values() for ear in ears]
    for ear in everyone:
        hub.subscribe(ear, "a")
    large, small = b"large" * 1000, b"small"
    for payload, ephemeral in ((large, False), (b"typing", True), (small, False)):
        hub.deliver("a", payload, ephemeral=ephemeral)
    turns.turn()
    packed = deflate.compress_frame(frame(large))
    assert len(packed) < 100
    for codec, data, durable in (
        (PLAIN, frame(large) + frame(b"typing") + frame(small), frame(large) + frame(small)),
        (deflating, packed + frame(b"typing") + frame(small), packed + frame(small)),
        (lines, large + b"\nsmall\n", large + b"\nsmall\n"),
    ):
        ears = families[codec]
        assert [ear.got for ear in ears] == [[(data, durable)]] * 3
        assert all(ear.got[0][n] is ears[0].got[0][n] for ear in ears for n in range(2))
    assert lines.encoded == [(large, 3), (b"typing", 3), (small, 3)]
    assert metrics.compressed == 1
    assert metrics.saved_bytes == 3 * (len(frame(large)) - len(packed))
    assert hub.count("a") == 9
    assert list(hub.subscribers("a")) == everyone


def test_a_family_that_is_not_shown_a_payload_gets_no_send(hub, turns):
    ear = Ear(Lines())
    hub.subscribe(ear, "a")
    hub.deliver("a", b"typing", ephemeral=True)
    turns.turn()
    assert ear.got == []


def test_a_family_without_subscribers_is_not_encoded_for(hub, turns):
    lines = Lines()
    ear, gone = Ear(), Ear(lines)
    hub.subscribe(ear, "a")
    hub.subscribe(gone, "a")
    hub.drop(gone, "a")
    hub.deliver("a", b"1")
    turns.turn()
    assert ear.heard == frame(b"1")
    assert lines.encoded == []
    hub.drop(ear, "a")
    assert not hub.listened_to("a")


def test_what_holds_a_secret_is_not_compressed():
    codec = DeflateCodec(Metrics())
    assert codec.encode(b"x" * 5000, secret=True) == frame(b"x" * 5000)
    assert len(codec.encode(b"x" * 5000)) < 100


def test_what_a_socket_did_not_take_goes_its_own_way(turns):
    """Nothing more to do for one that took all; the end for one that took a part; all of it for the others."""
    taken = {}
    hub = Hub(
        turns.call_soon, Metrics(), lambda outlets, data: [(o, n) for o, n in taken.items() if n < len(data)]
    )
    whole, part, nothing, failed = ears = [Ear() for _ in range(4)]
    for ear in ears:
        hub.subscribe(ear, "a")
    hub.deliver("a", b"1")
    hub.deliver("a", b"typing", ephemeral=True)
    data, durable = frame(b"1") + frame(b"typing"), frame(b"1")
    taken.update({whole: len(data), part: 4, nothing: 0, failed: -1})
    turns.turn()
    assert [ear.got for ear in ears] == [[], [data[4:]], [(data, durable)], [(data, durable)]]


def test_joining_and_leaving_cut_exactly_there(hub, turns):
    early, late = Ear(), Ear()
    hub.subscribe(early, "a")
    hub.deliver("a", b"1")
    hub.subscribe(late, "a")
    hub.deliver("a", b"2")
    hub.unsubscribe(early, "a")
    hub.deliver("a", b"3")
    turns.turn()
    assert early.heard == frame(b"1") + frame(b"2")
    assert late.heard == frame(b"2") + frame(b"3")
    assert list(hub.subscribers("a")) == [late]
    hub.drop(late, "a")
    assert not hub.listened_to("a")
    hub.deliver("a", b"4")
    turns.turn()
    assert late.heard == frame(b"2") + frame(b"3")


def test_one_that_comes_into_a_room_is_told_so_before_it_gets_what_is_said_there(hub, turns):
    early, late = Ear(), Ear()
    hub.subscribe(early, "room")
    hub.subscribe(late, "@late")
    hub.deliver("room", b"before")
    hub.deliver("@late", b"you are in")
    hub.subscribe(late, "room")
    hub.deliver("room", b"after")
    turns.turn()
    assert late.heard == frame(b"you are in") + frame(b"after")
    assert early.heard == frame(b"before") + frame(b"after")


def test_some_users_get_nothing_of_a_payload(hub, turns):
    alice, bob, also_bob = Ear(), Ear(), Ear(Lines())
    for ear, user in ((alice, "@alice"), (bob, "@bob"), (also_bob, "@bob")):
        hub.subscribe(ear, "*")
        hub.subscribe(ear, user)
    hub.deliver_apart("*", b"not for bob", b"", ["bob"])
    turns.turn()
    assert [ear.heard for ear in (alice, bob, also_bob)] == [frame(b"not for bob"), b"", b""]


def test_a_large_fan_out_lets_the_loop_turn(turns):
    hub = Hub(turns.call_soon, Metrics(), sends_per_turn=10)
    ears = [Ear() for _ in range(25)]
    for ear in ears:
        hub.subscribe(ear, "a")
    hub.deliver("a", b"1")
    turns.turn()
    assert sum(bool(ear.got) for ear in ears) == 10
    hub.deliver("a", b"2")
    for _ in range(5):
        turns.turn()
    assert all(ear.heard == frame(b"1") + frame(b"2") for ear in ears)


def test_a_subscriber_that_is_dropped_while_others_are_sent_to(hub, turns):
    class Fragile(Ear):
        def send_encoded(self, data, durable):
            super().send_encoded(data, durable)
            hub.drop(self, "a")

    fragile, other = Fragile(), Ear()
    hub.subscribe(fragile, "a")
    hub.subscribe(other, "a")
    for payload in (b"1", b"2"):
        hub.deliver("a", payload)
        turns.turn()
    assert fragile.heard == frame(b"1")
    assert other.heard == frame(b"1") + frame(b"2")


STEPS = st.one_of(
    st.tuples(st.just("deliver"), st.sampled_from("ab"), st.booleans(), st.booleans()),
    st.tuples(st.sampled_from(["join", "leave"]), st.sampled_from("ab"), st.integers(0, 3)),
    st.tuples(st.sampled_from(["turn", "gone"]), st.integers(0, 3)),
)


@given(st.lists(STEPS))
def test_each_subscriber_hears_exactly_what_was_said_meanwhile(steps):
    turns = Turns()
    hub = Hub(turns.call_soon, Metrics(), sends_per_turn=2)
    codecs = PLAIN, DeflateCodec(Metrics())
    ears = [Ear(codecs[number % 2]) for number in range(4)]
    gone: set[int] = set()
    inside: set[tuple[int, str]] = set()
    expected: dict[int, list[tuple[int, bool]]] = {who: [] for who in range(4)}
    for number, step in enumerate(steps):
        match step:
            case "deliver", topic, large, ephemeral:
                payload = json.dumps([topic, number, ephemeral, "x" * 2000 * large])
                hub.deliver(topic, payload.encode(), ephemeral=ephemeral)
                for who, where in inside:
                    if where == topic:
                        expected[who].append((number, ephemeral))
            case "join", topic, who if who not in gone:
                hub.subscribe(ears[who], topic)
                inside.add((who, topic))
            case "leave", topic, who if who not in gone:
                hub.unsubscribe(ears[who], topic)
                inside.discard((who, topic))
            case "gone", who:
                gone.add(who)
                for topic in "ab":
                    hub.drop(ears[who], topic)
                    inside.discard((who, topic))
            case "turn", _:
                turns.turn()
    while turns.waiting:
        turns.turn()
    for who in set(expected) - gone:
        # In order within a topic; which topic comes first in a turn does not matter.
        heard = [json.loads(payload) for frames, _ in ears[who].got for payload in payloads(frames)]
        lasting = [json.loads(payload) for _, durable in ears[who].got for payload in payloads(durable)]
        for topic in "ab":
            said = [(n, e) for n, e in expected[who] if steps[n][1] == topic]
            assert [(n, e) for where, n, e, _ in heard if where == topic] == said
            assert [n for where, n, _, _ in lasting if where == topic] == [n for n, e in said if not e]


def payloads(frames: bytes) -> list[bytes]:
    """What is in frames of a server, compressed ones too."""
    found = []
    while frames:
        size, start = frames[1], 2
        if size == 126:
            size, start = int.from_bytes(frames[2:4], "big"), 4
        payload = frames[start : start + size]
        found.append(deflate.inflate(payload, 10_000) if frames[0] & deflate.COMPRESSED else payload)
        frames = frames[start + size :]
    return found
