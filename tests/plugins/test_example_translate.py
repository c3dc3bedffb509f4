"""examples/translate: what a slow service answers, and that no message waits for it."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest

from chatserver.model.errors import ConfigError
from chatserver.testing import Clock

FRENCH = {"tea": "thé", "cake": "gâteau", "thé": "thé"}


@pytest.fixture
def translate(chat, examples, outside):
    outside.ready = asyncio.Event()
    outside.ready.set()

    async def answer(request):
        await outside.ready.wait()
        return 200, {"translatedText": FRENCH[json.loads(request.body)["q"]]}

    outside.answer = answer

    def make(clock=None, **own):
        return chat(
            plugins={
                "history": {},
                "translate": {"url": f"{outside.url}/translate", "language": "fr", **own},
            },
            dirs=[examples],
            settings=outside.settings,
            clock=clock or Clock(),
        )

    return make


async def test_a_message_does_not_wait_for_its_translation(translate, outside):
    async with translate() as server:
        alice, bob = await server.join("general", "alice", "bob")
        outside.ready.clear()
        sent = await alice.says("tea")
        assert "extras" not in await bob.hears()
        asked = await outside.sent()
        assert (asked["q"], asked["target"]) == ("tea", "fr")
        await alice.says("cake")
        await bob.hears(content="cake")
        outside.ready.set()
        event = await bob.hears("translate:translated", message_id=sent.message_id)
        assert event.extras == {"translate": {"text": "thé"}}
        # It is there for those who come later, too.
        carol = await server.client("carol")
        await carol.join("general")
        page = await carol.ask("history", room="general")
        assert {"text": "thé"} in [each.get("extras", {}).get("translate") for each in page.events]


async def test_an_edit_is_translated_anew_and_what_came_too_late_is_dropped(translate, outside):
    async with translate() as server:
        alice, bob = await server.join("general", "alice", "bob")
        sent = await alice.says("tea")
        await bob.hears("translate:translated")
        outside.ready.clear()
        await alice.ask("edit", message_id=sent.message_id, content="cake")
        assert not (await bob.hears("edited")).get("extras", {}).get("translate")
        await outside.sent()
        await outside.sent()
        deleted = await alice.says("tea")
        await outside.sent()
        await alice.ask("delete", message_id=deleted.message_id)
        outside.ready.set()
        event = await bob.hears("translate:translated")
        assert (event.message_id, event.extras) == (sent.message_id, {"translate": {"text": "gâteau"}})
        # What is in the language already has none.
        await alice.says("thé")
        await outside.sent()
        assert not await bob.heard("translate:translated")


@pytest.mark.parametrize(
    "wrong", [(500, ""), (200, "no JSON"), (200, {}), (200, "[]"), (200, {"translatedText": 3}), None]
)
async def test_a_service_that_is_away_is_told_once(translate, outside, wrong, eventually, caplog):
    caplog.set_level(logging.WARNING)
    clock, right = Clock(), outside.answer
    outside.answer = lambda request: wrong
    url = "http://127.0.0.1:1/" if wrong is None else f"{outside.url}/translate"
    async with translate(clock=clock, url=url) as server:
        alice, bob = await server.join("general", "alice", "bob")
        for _ in range(3):
            await alice.says("tea")
        await bob.hears(content="There are no translations for the moment.")
        await clock.move(61)
        await alice.says("tea")
        await bob.hears(content="tea")
        await eventually(lambda: clock.now < server.plugin("translate").ask_from)
        if wrong is not None:
            outside.answer = right
            await clock.move(61)
            sent = await alice.says("tea")
            await bob.hears("translate:translated", message_id=sent.message_id)
        assert [e.content for e in await bob.heard("message") if "translations" in e.content] == []
    assert len([text for text in caplog.messages if "can't be asked" in text]) == 1


async def test_what_is_said_to_one_person_stays_here(translate, outside):
    async with translate() as server:
        alice, bob = await server.join("general", "alice", "bob")
        await alice.says("tea", to="bob")
        await bob.hears(content="tea")
        await alice.says("cake")
        assert (await outside.sent())["q"] == "cake"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"url": "example.org"}, "begins with http"),
        ({"language": "fr<"}, "as en and pt-BR are"),
        ({"pause": -1}, "0 seconds at least"),
    ],
)
async def test_wrong_settings_are_told(translate, wrong, told):
    with pytest.raises(ConfigError, match=told):
        await translate(**wrong).start()
