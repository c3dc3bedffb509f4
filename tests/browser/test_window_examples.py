"""The plugins in examples/ together: two people use them, one at a desk and one on a phone."""

from __future__ import annotations

import asyncio
import json

import pytest
from playwright.async_api import expect

pytestmark = pytest.mark.browser

ENGLISH = {"du thé ?": "some tea?", "du gâteau ?": "some cake?"}


@pytest.fixture
def together(stage, examples, outside):
    outside.ready = asyncio.Event()

    async def answer(request):
        await outside.ready.wait()
        question = json.loads(request.body)["q"]
        return 200, {"translatedText": ENGLISH.get(question, question)}

    outside.answer = answer
    plugins = {
        "basics": {},
        "history": {},
        "welcome": {"answers": {"rules": "Be kind."}},
        "karma": {},
        "approve": {},
        "translate": {"url": f"{outside.url}/translate"},
    }
    return stage(plugins=plugins, dirs=[examples], settings=outside.settings, accounts={"mona": "moderator"})


async def test_two_people_use_the_examples(together, outside):
    async with together as here:
        (alice,) = await here.guests("alice")
        mona = await here.window(viewport={"width": 390, "height": 780}, has_touch=True)
        await mona.sign_in("mona")
        await mona.goto("#/general")
        await mona.ready()
        for window in (alice, mona):
            await window.sees("Welcome to General, mona! Say @welcome help.")
        await alice.say("@welcome rules")
        await mona.sees("Be kind.")
        await mona.say("tea++ for all")
        await alice.sees("tea: 1")
        await alice.say("/karma top")
        await expect(alice.log).to_contain_text("tea: 1")
        # The service is slow: what is said is there at once, its translation below it later.
        await alice.say("du thé ?")
        message = await mona.sees("du thé ?")
        await expect(mona.log.locator(".translate-text")).to_have_count(0)
        outside.ready.set()
        for window in (alice, mona):
            await expect(window.log.locator(".translate-text")).to_have_text(["some tea?"])
        await expect(message).to_be_visible()
        await alice.say("/request a kettle")
        await mona.log.get_by_role("button", name="Approve", exact=True).tap()
        await alice.sees("Approved (mona).")
        for window in (alice, mona):
            assert await window.no_overflow()
        # All of it is there for one who comes back.
        await mona.page.reload()
        await mona.ready()
        await expect(mona.log.locator(".translate-text")).to_have_text(["some tea?"])
        await mona.sees("Approved (mona).")
