"""Who is told of a text: each member whose name stands after an @, however the sentence goes on."""

from __future__ import annotations

import json
import time
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatserver.chat.members import MemberList
from chatserver.chat.mentions import mentioned
from chatserver.model.values import Member, User

AUTHOR = User("author", "author", "author")


def members(*names: str) -> MemberList:
    """Members whose ids are their names."""
    return MemberList({name: Member(User(name, name, name)) for name in ("author", *names)})


def told(text: str, *names: str) -> tuple[str, ...]:
    return mentioned(text, AUTHOR, members(*names))


# What ends a sentence is no part of a name, unless no other member is meant; no one is told of their own text. The
# browser client marks mentions by the same cases, in tests/client/mentions.test.js.
CASES = json.loads((Path(__file__).parent / "data" / "mentions.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["text"])
def test_who_is_told(case):
    assert list(told(case["text"], *case["names"])) == case["told"]


def test_a_name_is_found_in_any_normal_form_and_by_what_is_shown():
    jose = MemberList({"j": Member(User("j", "jj", "José"))})
    for text in ("@jj", "@José!", "@" + unicodedata.normalize("NFD", "JOSÉ") + "."):
        assert mentioned(text, AUTHOR, jose) == ("j",), text


NAMES = st.text("carlé.'_-!你好🎉", min_size=1, max_size=8)


@given(NAMES, st.sampled_from(["", " ", ".", "!", ", ", "…", ")", "\n", "/", ":", "。"]), st.text(max_size=5))
def test_a_name_followed_by_a_space_tells_its_member(name, before, after):
    """Whatever the name is made of, there is a way to write to it."""
    assert told(f"{before}@{name} {after}", name)[:1] == (name,)


@given(st.text("@carl.,:/ ’-_é你😀\u0301", max_size=40), st.lists(NAMES, max_size=4))
def test_any_text_tells_only_members_and_each_once(text, names):
    found = told(text, *names)
    assert len(set(found)) == len(found)
    assert set(found) <= set(names)
    assert len(found) <= text.count("@")


@pytest.mark.parametrize(
    "text",
    ["@" * 60_000, "@a" * 30_000, "@" + "a" * 60_000, "@" + "." * 60_000, "@你" * 30_000, "@" + "你" * 60_000,
     "/@" * 30_000, "\u0301@" * 30_000, "\u0301" * 59_000 + "@", "https://" * 7_500, ("@" + "你." * 20) * 1_400,
     "@" + "a\u0301\u0316" * 20_000, "@a " * 20_000, "".join(f"@a{n} " for n in range(10_000)), "@a " + "b " * 30_000],
    ids=lambda text: text[:4],
)  # fmt: skip
def test_a_long_text_takes_a_time_in_line_with_its_length(text):
    here = members("carl", "你你", "a", "a b")
    mentioned("@carl", AUTHOR, here)
    # Of this thread alone: what else the machine does is no part of it.
    began = time.thread_time()
    mentioned(text, AUTHOR, here)
    assert time.thread_time() - began < 1


async def test_members_are_told_over_the_wire(chat):
    async with chat() as server:
        alice, carl, dot = await server.join("general", "alice", "carl", "carl.")
        for text in (
            "@carl's",
            "cc:@carl",
            "（@carl）",
            "你好@carl",
            "@carl，",
            "«@carl»",
            "@bob/@carl",
            "ask @carl.",
        ):
            sent = await alice.says(text)
            assert (await carl.hears("mention")).seq == sent.seq
        await alice.says("a@carl.org")
        for client in (carl, dot):
            assert not await client.heard("mention")
