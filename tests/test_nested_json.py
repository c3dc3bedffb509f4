"""How deep the JSON of plugins may be nested."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatserver.model.nested_json import LEVELS, encode
from chatserver.model.values import Draft, Room, User

TEXTS = st.text(st.sampled_from('[]{}"\\ é'), max_size=20)


def nested(levels: int) -> list:
    value: list = []
    for _ in range(levels - 1):
        value = [value]
    return value


def depth(value) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth, value), default=0)
    return 0


@st.composite
def values(draw):
    value = draw(TEXTS)
    for _ in range(draw(st.integers(0, LEVELS + 3))):
        more = draw(st.lists(TEXTS, max_size=2))
        value = draw(st.sampled_from([[*more, value, [], {}], {draw(TEXTS): value, "[": more}]))
    return value


@given(values())
def test_what_is_encoded_has_no_more_levels_than_allowed(value):
    if depth(value) <= LEVELS:
        assert encode(value) == msgspec.json.encode(value)
    else:
        with pytest.raises(ValueError, match="100 levels"):
            encode(value)


@pytest.mark.parametrize("name", ["extras", "new_extra", "actions"])
def test_a_draft_takes_nothing_deeper(name):
    draft = Draft(User("u1", "alice", "Alice"), Room("general"), "hello")
    with pytest.raises(ValueError, match="100 levels"):
        draft.replace(**{name: {"a": nested(101)}})
    assert getattr(draft.replace(**{name: {"a": nested(50)}}), name) == {"a": nested(50)}


def test_a_draft_takes_what_it_has():
    draft = Draft(User("u1", "alice", "Alice"), Room("general"), "hello")
    assert draft.replace(extras=draft.extras, actions=draft.actions, new_extra=draft.new_extra) == draft


def test_the_limit_is_told_however_deep():
    endless: list = []
    endless.append(endless)
    for value in (nested(101), nested(5000), endless):
        with pytest.raises(ValueError, match="100 levels"):
            encode(value)
    assert encode([[nested(98)]] * 1000)
