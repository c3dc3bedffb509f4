"""The same bytes to many sockets: the compiled way and the one in Python do the same."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatserver.delivery.send import choose, compiled, send_in_python

WAYS = {"python": send_in_python, "compiled": compiled()}

needs_compiler = pytest.mark.skipif(WAYS["compiled"] is None, reason="it was installed without a C compiler")


@pytest.fixture(params=[pytest.param("python"), pytest.param("compiled", marks=needs_compiler)])
def send(request):
    return WAYS[request.param]


class Outlet:
    def __init__(self, fd):
        self.fd = fd


class Sockets:
    """Pairs of connected sockets; ours take 4 KiB or so, and do not block."""

    def __init__(self):
        self.stack = contextlib.ExitStack()
        self.theirs = []

    def outlet(self, kind="ready"):
        ours, theirs = socket.socketpair()
        self.stack.enter_context(ours)
        self.stack.enter_context(theirs)
        ours.setblocking(False)
        theirs.setblocking(False)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4608)
        self.theirs.append(theirs)
        match kind:
            case "full":
                with contextlib.suppress(BlockingIOError):
                    while True:
                        ours.send(b".")
            case "gone":
                theirs.close()
            case "waiting":
                return Outlet(-1)
        return Outlet(ours.fileno())

    def received(self):
        return [read(theirs) for theirs in self.theirs]


def read(sock):
    got = b""
    with contextlib.suppress(OSError):
        while data := sock.recv(100_000):
            got += data
    return got.lstrip(b".")


@pytest.fixture
def sockets():
    made = Sockets()
    with made.stack:
        yield made


def test_all_get_the_same_and_nothing_is_left(send, sockets):
    outlets = tuple(sockets.outlet() for _ in range(50))
    assert send(outlets, b"hello") == []
    assert sockets.received() == [b"hello"] * 50


def test_those_that_take_less_are_given_back_with_how_much_they_took(send, sockets):
    ready, full, gone, waiting = (sockets.outlet(kind) for kind in ("ready", "full", "gone", "waiting"))
    assert send((waiting, ready, full, gone), b"hello") == [(waiting, -1), (full, -1), (gone, -1)]
    assert sockets.received()[:2] == [b"hello", b""]


def test_a_part_is_told_apart_from_nothing(send):
    """Over TCP, as a pair of Unix sockets takes all or nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname())
        theirs, _ = listener.accept()
    with ours, theirs:
        ours.setblocking(False)
        outlet = Outlet(ours.fileno())
        data = b"x" * 20_000_000
        ((back, taken),) = send((outlet,), data)
        assert back is outlet
        assert 0 < taken < len(data)
        theirs.settimeout(5)
        got = 0
        while got < taken:
            got += len(theirs.recv(1_000_000))
        assert got == taken


def test_none_at_all(send):
    assert send((), b"hello") == []


class Broken:
    @property
    def fd(self):
        raise RuntimeError("no descriptor")


@pytest.mark.parametrize(
    ("outlet", "error"), [(Broken(), RuntimeError), (object(), AttributeError), (Outlet("3"), TypeError)]
)
def test_an_outlet_without_a_number_is_an_error(send, outlet, error):
    with pytest.raises(error):
        send((outlet,), b"hello")


@needs_compiler
@pytest.mark.parametrize("args", [(), ((),), ([], b""), ((), "text"), ((), b"", 1)])
def test_the_compiled_way_checks_what_it_is_given(args):
    with pytest.raises(TypeError):
        WAYS["compiled"](*args)


@needs_compiler
def test_a_number_that_is_no_descriptor(sockets):
    with pytest.raises(OverflowError):
        WAYS["compiled"]((Outlet(2**40),), b"hello")
    # One that is not open is a failure of that one alone.
    assert [taken for _, taken in WAYS["compiled"]((Outlet(2**31 - 1), sockets.outlet()), b"x")] == [-1]


@needs_compiler
@given(
    st.lists(st.sampled_from(["ready", "full", "gone", "waiting"]), max_size=12),
    st.binary(min_size=1, max_size=3000),
)
def test_both_ways_do_the_same(kinds, data):
    outcomes = []
    for way in WAYS.values():
        made = Sockets()
        with made.stack:
            outlets = tuple(made.outlet(kind) for kind in kinds)
            places = {id(outlet): place for place, outlet in enumerate(outlets)}
            rest = [(places[id(outlet)], taken) for outlet, taken in way(outlets, data)]
            outcomes.append((rest, made.received()))
    assert outcomes[0] == outcomes[1]


@needs_compiler
def test_the_compiled_way_keeps_no_references(sockets):
    outlets = tuple(sockets.outlet(kind) for kind in ("ready", "full", "gone", "waiting"))
    data = b"hello"
    before = [sys.getrefcount(each) for each in (*outlets, outlets, data)]
    for _ in range(100):
        WAYS["compiled"](outlets, data)
    assert [sys.getrefcount(each) for each in (*outlets, outlets, data)] == before


@needs_compiler
def test_other_threads_go_on_meanwhile(sockets):
    """It holds no lock of the interpreter: two threads send at once, and each to its own sockets."""
    mine, yours = (tuple(sockets.outlet() for _ in range(20)) for _ in range(2))
    other = threading.Thread(target=lambda: [WAYS["compiled"](yours, b"y") for _ in range(5)])
    other.start()
    for _ in range(5):
        WAYS["compiled"](mine, b"m")
    other.join()
    assert sockets.received() == [b"mmmmm"] * 20 + [b"yyyyy"] * 20


def test_which_one_is_chosen():
    assert choose(allow_compiled=False) is send_in_python
    assert choose(allow_compiled=True) is (WAYS["compiled"] or send_in_python)
