"""What plugins keep without tables: at once in memory, a moment later in the database."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatserver import Reject
from chatserver.plugins.keep import KEYS, Keep

pytestmark = pytest.mark.storage

PLUGIN = """
from chatserver import Plugin, command, hookimpl


class Counter(Plugin):
    @hookimpl
    def startup(self):
        self.keep["starts"] = self.keep.get("starts", 0) + 1

    @hookimpl
    def shutdown(self):
        self.keep["stops"] = self.keep.get("stops", 0) + 1
"""


@pytest.fixture
def make(chat, on_file, tmp_path):
    (tmp_path / "counter.py").write_text(PLUGIN)
    (tmp_path / "other.py").write_text(PLUGIN.replace("Counter", "Other"))
    return lambda plugins=("counter",): chat(plugins=plugins, settings=on_file, dirs=[tmp_path])


def plugin(server, name="counter"):
    return server.server.host.current.peer(name)


async def test_what_is_kept_is_there_before_startup_and_after_a_stop(make):
    async with make() as server:
        assert dict(plugin(server).keep) == {"starts": 1}
        await server.restart()
        assert dict(plugin(server).keep) == {"starts": 2, "stops": 1}
        await server.reload(["counter", "other"])
        assert dict(plugin(server, "other").keep) == {"starts": 1}
        # Of two instances each has what the other one set.
        await server.reload({"counter": {}, "other": {}})
        await server.reload(["other"])
        await server.reload(["other", "counter"])
        assert dict(plugin(server).keep) == {"starts": 3, "stops": 2}


class Disk:
    """What a `Keep` writes to; it can fail, and be slow."""

    def __init__(self):
        self.stored, self.fails, self.writes = {}, False, 0

    async def write(self, changed):
        self.writes += 1
        await asyncio.sleep(0)
        if self.fails:
            raise Reject("full", "unavailable")
        for key, value in changed.items():
            self.stored.pop(key, None) if value is None else self.stored.update({key: value})


async def test_what_was_saved_is_stored_and_what_is_read_is_a_copy():
    disk = Disk()
    keep = Keep({}, disk.write)
    for n in range(100):
        keep["n"] = n
    keep["seen"] = ["a"]
    await keep.save()
    assert (disk.stored, disk.writes) == ({"n": b"99", "seen": b'["a"]'}, 1)
    keep["seen"].append("b")
    assert keep["seen"] == ["a"]
    # The same again is nothing to write.
    keep["n"] = 99
    await keep.save()
    assert disk.writes == 1
    del keep["n"]
    await keep.save()
    assert disk.stored == {"seen": b'["a"]'}
    assert "n" not in keep
    with pytest.raises(KeyError):
        keep["n"]


async def test_what_could_not_be_stored_is_tried_again():
    disk = Disk()
    keep = Keep({}, disk.write)
    disk.fails = True
    keep["n"] = 1
    with pytest.raises(Reject):
        await keep.save()
    with pytest.raises(Reject):
        await keep.save()
    disk.fails = False
    await keep.save()
    assert disk.stored == {"n": b"1"}


@pytest.mark.parametrize(
    ("key", "value", "error"),
    [
        ("a", object(), TypeError),
        ("a", "x" * 65_536, ValueError),
        ("a", msgspec.Raw(b"[" * 101 + b"]" * 101), ValueError),
        ("a", "\ud800", UnicodeEncodeError),
        ("", 1, TypeError),
        (7, 1, TypeError),
        ("x" * 201, 1, TypeError),
    ],
)
async def test_what_cant_be_kept_is_an_error_at_once(key, value, error):
    disk = Disk()
    keep = Keep({"a": b"1"}, disk.write)
    with pytest.raises(error):
        keep[key] = value
    await keep.save()
    assert (dict(keep), disk.writes) == ({"a": 1}, 0)


async def test_there_is_room_for_a_thousand_values():
    disk = Disk()
    keep = Keep({}, disk.write)
    for n in range(KEYS):
        keep[str(n)] = n
    with pytest.raises(ValueError, match="belong into a table"):
        keep["one more"] = 1
    keep["0"] = "changed"
    await keep.save()
    assert len(disk.stored) == KEYS


steps = st.lists(
    st.tuples(
        st.sampled_from(["set", "del", "turn", "save", "fail", "work"]), st.sampled_from("abc"), st.integers()
    )
)


@given(steps)
def test_after_a_save_the_disk_has_what_the_memory_has(steps):
    async def run():
        disk = Disk()
        keep, expected = Keep({}, disk.write), {}
        for what, key, value in steps:
            if what == "set":
                keep[key] = expected[key] = value
            elif what == "del":
                keep.pop(key, None)
                expected.pop(key, None)
            elif what == "turn":
                await asyncio.sleep(0)
            elif what == "save" and not disk.fails:
                await keep.save()
                assert {k: int(v) for k, v in disk.stored.items()} == expected
            elif what in ("fail", "work"):
                disk.fails = what == "fail"
            assert dict(keep) == expected
        disk.fails = False
        await keep.save()
        assert {k: int(v) for k, v in disk.stored.items()} == expected

    asyncio.run(run())
