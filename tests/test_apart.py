"""``self.apart``: functions in processes of their own, and what stops them."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from chatserver import ApartError, Plugin


def twice(data, factor=2):
    print("this is no answer")
    return {"data": data * factor, "pid": os.getpid(), "secret": os.environ.get("SECRET")}


def fails():
    raise ValueError("no such thing")


def crashes():
    os.abort()


def waits():
    time.sleep(3600)


def eats():
    return len(bytearray(10**9))


def writes(path):
    with open(path, "w") as file:
        file.write("x")


def talks():
    return bytes(40 * 2**20)


def gives_an_object():
    return object()


async def soon():
    """Can't be run apart."""


@pytest.fixture
def apart(tmp_path):
    return Plugin("tea", None, tmp_path).apart


async def test_a_function_runs_in_a_process_of_its_own(apart, monkeypatch):
    monkeypatch.setenv("SECRET", "s3cret")
    answer = await apart(twice, b"ab", 3)
    assert (answer["data"], answer["secret"]) == (b"ababab", None)
    assert answer["pid"] != os.getpid()
    with pytest.raises(ProcessLookupError):
        os.kill(answer["pid"], 0)


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (fails, "^ValueError: no such thing$"),
        (crashes, "it crashed"),
        (eats, "MemoryError|it crashed"),
        (waits, "it took longer than 1 second"),
        (talks, "more than"),
        (gives_an_object, "TypeError"),
    ],
)
async def test_what_goes_wrong_there_is_one_error_here(apart, function, told):
    with pytest.raises(ApartError, match=told):
        await apart(function, seconds=1 if function is waits else 10, memory=256 * 2**20)


async def test_nothing_is_written_there(apart, tmp_path):
    with pytest.raises(ApartError):
        await apart(writes, str(tmp_path / "x"))
    assert not (tmp_path / "x").exists() or not (tmp_path / "x").read_text()


async def test_what_can_not_run_there_is_told_at_once(apart):
    for wrong in (soon, lambda: 1, "twice", len, Path.exists):
        with pytest.raises(TypeError, match=r"only a function of a module|is async"):
            await apart(wrong)
