"""Buttons and forms of plugins, without any JavaScript of theirs: examples/approve.py."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect

pytestmark = pytest.mark.browser

EXAMPLES = Path(__file__).parent.parent.parent / "examples"


@pytest.fixture
def approve(stage):
    def make(**options):
        plugins = {"basics": {}, "history": {}, "approve": {}}
        return stage(plugins=plugins, dirs=[EXAMPLES], accounts={"mona": "moderator"}, **options)

    return make


async def test_two_people_ask_and_decide_with_keys_and_fingers(approve):
    async with approve() as here:
        (alice,) = await here.guests("alice")
        mona = await here.window(viewport={"width": 390, "height": 780}, has_touch=True)
        await mona.sign_in("mona")
        await mona.goto("#/general")
        await mona.ready()
        await alice.say("/request a chair")
        await expect(alice.log.get_by_role("button", name="Approve", exact=True)).to_be_disabled()
        buttons = mona.log.get_by_role("group", name="Choices")
        # A mistake is told at the field, and the form stays.
        await buttons.get_by_role("button", name="Refuse…").tap()
        form = mona.page.get_by_role("dialog", name="Refuse the request")
        await expect(form.get_by_label("Why?")).to_be_focused()
        await form.get_by_role("button", name="Refuse", exact=True).tap()
        await expect(form.get_by_role("alert")).to_contain_text("it has to be filled in")
        await expect(form.get_by_label("Why?")).to_be_focused()
        assert await mona.no_overflow()
        # Put off, and taken up again.
        await mona.page.keyboard.press("Escape")
        await expect(form).to_have_count(0)
        await buttons.get_by_role("button", name="Refuse…").press("Enter")
        await expect(form.get_by_label("Why?")).to_be_focused()
        await mona.page.keyboard.type("there is none")
        await form.get_by_role("button", name="Refuse", exact=True).press("Enter")
        await alice.sees("Refused, as there is none (mona).")
        for window in (alice, mona):
            await expect(window.log.get_by_role("group", name="Choices")).to_have_count(0)
        await alice.page.reload()
        await alice.ready()
        await alice.sees("alice asks for a chair")
        await expect(alice.log.get_by_role("button", name="Approve", exact=True)).to_have_count(0)


async def test_every_kind_of_field_is_filled_in(stage, tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    (own / "fields.py").write_text(FIELDS)
    async with stage(plugins={"basics": {}, "history": {}, "fields": {}}, dirs=[own]) as here:
        alice, _ = await here.guests("alice", "bob")
        await alice.say("/fields")
        form = alice.page.get_by_role("dialog", name="All of them")
        await form.get_by_label("Line", exact=True).fill("one")
        await form.get_by_label("Lines (optional)").fill("two\nthree")
        await form.get_by_label("Count").fill("3")
        await form.get_by_label("Kind").select_option("b")
        await form.get_by_label("Sure").check()
        await form.get_by_label("Who").fill("bob")
        await form.get_by_label("Where (optional)").fill("#general")
        await alice.page.keyboard.press("Enter")
        await expect(alice.log).to_contain_text("one|two three|3|b|True|bob|general")
        # What is open goes with its plugin.
        await alice.say("/fields")
        await expect(form).to_have_count(1)
        await here.server.reload(["basics", "history"])
        await expect(form).to_have_count(0)
        await expect(alice.page.get_by_text("“All of them” is closed")).to_be_visible()


FIELDS = '''
from dataclasses import dataclass
from typing import Annotated, Literal

from chatserver import Field, Form, Plugin, Room, User, command


@dataclass
class All:
    line: str
    lines: Annotated[str | None, Field(multiline=True)] = None
    count: Annotated[int, Field(min=1, max=5)] = 1
    kind: Literal["a", "b"] = "a"
    sure: bool = False
    who: User = None
    where: Room | None = None


class Fields(Plugin):
    @command()
    async def fields(self, ctx):
        """Fill in all of them."""
        v = await ctx.ask(Form("All of them", All))
        lines = (v.lines or "").replace("\\n", " ")
        return f"{v.line}|{lines}|{v.count}|{v.kind}|{v.sure}|{v.who.name}|{v.where.name}"
'''
