"""examples/karma.py: what is heard, told, completed and refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatserver.testing import Clock, Refused, run_transcript

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
TALK = """
# Things get points by ++ in a message, and /karma tells how many they have.
plugins: karma
alice joins general
bob joins general
alice says in general: Tea++ and the cake++ were fine, tea++ above all
bob hears alice in general: Tea++ …
alice hears karma in general: cake: 1, tea: 1
bob hears karma in general: cake: 1, tea: 1
bob says in general: 茶++
alice hears bob in general: 茶++
alice hears karma in general: 茶: 1
bob hears karma in general: 茶: 1
bob says in general: /karma TEA
bob is told: tea: 1
bob says in general: /karma top 2
bob is told: cake: 1\\ntea: 1
bob says in general: /karma top
bob is refused: rate_limited
alice says in general: alice++
bob hears alice in general: alice++
alice is told: You can't give points to yourself.
alice says in general: /karma top 26
alice is refused: invalid
"""


@pytest.fixture
def karma(chat):
    return lambda **options: chat(**{"plugins": ["karma"], "dirs": [EXAMPLES], **options})


async def test_things_get_points(karma, tmp_path):
    (tmp_path / "karma.chat").write_text(TALK)
    await run_transcript(tmp_path / "karma.chat", karma)


async def test_things_are_completed_as_they_are_typed(karma):
    async with karma() as server:
        (alice,) = await server.join("general", "alice")
        await alice.says("tea++ toast++ 100_++ x_y++ cake++")
        await alice.hears(plugin="karma")
        typed = {"": 5, "t": 2, "T": 2, "to": 1, "%": 0, "x_": 1, "_": 0, "!": 0, "'": 0}
        for text, count in typed.items():
            reply = await alice.ask("complete", command="karma", argument="thing", typed=text, room="general")
            assert len(reply.choices) == count, text


async def test_each_day_ends_with_what_got_points(karma):
    clock = Clock(1_800_000_000.0)  # 08:00 UTC
    settings = {"rooms": [{"name": "general"}, {"name": "tea"}]}
    async with karma(plugins={"karma": {"summary": "20:00"}}, settings=settings, clock=clock) as server:
        alice, bob = await server.join("general", "alice", "bob")
        await alice.says("tea++ cake++")
        await alice.hears(plugin="karma")
        await bob.says("tea++")
        await alice.hears(content="tea: 2")
        await alice.join("tea")
        await alice.says("milk++")
        await alice.hears(content="milk: 1")
        await clock.move(11.9 * 3600)
        assert not [each for each in await alice.heard("message") if "Today" in each.content]
        await clock.move(days=3)
        said = [(each.room, each.content) for each in await alice.heard("message") if "Today" in each.content]
        assert said == [("general", "Today's points: tea 2, cake 1"), ("tea", "Today's points: milk 1")]


async def test_what_is_too_long_gets_no_points(karma):
    async with karma(plugins={"karma": {"longest": 3}}) as server:
        alice, bob = await server.join("general", "alice", "bob")
        await alice.says("long++ tea++")
        assert (await bob.hears(plugin="karma")).content == "tea: 1"
        with pytest.raises(Refused, match="thing is missing"):
            await alice.says("/karma")
