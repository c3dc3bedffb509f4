"""The last chapter of docs/tutorial.md, used by two people: examples/chores."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect

from chatserver.testing import Clock

pytestmark = pytest.mark.browser

EXAMPLES = Path(__file__).parent.parent.parent / "examples"


async def test_one_asks_and_the_other_takes_it(stage):
    plugins = {"basics": {}, "history": {}, "chores": {}}
    clock = Clock()
    async with stage(plugins=plugins, dirs=[EXAMPLES], clock=clock) as here:
        alice, bob = await here.guests("alice", "bob")
        await alice.say("/chore 2h water the plants")
        asked = await bob.sees("Who will water the plants?")
        await asked.get_by_role("button", name="I do it").click()
        for window in (alice, bob):
            question = await window.sees("Who will water the plants?")
            await expect(question.locator(".message-footer")).to_have_text("bob does it")
        await alice.page.reload()
        await alice.ready()
        await expect(
            (await alice.sees("Who will water the plants?")).locator(".message-footer")
        ).to_have_text("bob does it")
        # What was taken is not asked again.
        await clock.move(2 * 3600)
        await bob.say("done")
        await alice.sees("done")
        await expect(alice.message("Nobody yet?")).to_have_count(0)
