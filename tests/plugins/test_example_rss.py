"""examples/rss.py: each entry of a feed is posted once."""

from __future__ import annotations

import asyncio
import logging

import pytest

from chatserver.testing import Clock


def rss(*titles, items=""):
    for title in titles:
        items += f"<item><title>{title}</title><link>https://news.example/{title}</link><guid>{title}</guid></item>"
    return f"<?xml version='1.0'?><rss><channel><title>News</title>{items}</channel></rss>"


ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>News</title><entry><id>urn:1</id><title>Tea &amp; cake
</title><link rel="self" href="https://news.example/self"/><link href="https://news.example/tea"/></entry></feed>"""


@pytest.fixture
def news(chat, examples, outside):
    clock = Clock()

    def make(**options):
        outside.feed = rss()
        outside.answer = lambda request: (200, outside.feed)
        plugins = {"rss": {"feeds": {f"{outside.url}/feed": "general"}, "minutes": 5, "most": 3}}
        return chat(plugins=plugins, dirs=[examples], settings=outside.settings, clock=clock, **options)

    make.clock = clock
    return make


async def test_entries_are_posted_once_and_the_oldest_first(news, outside):
    async with news() as server:
        (alice,) = await server.join("general", "alice")
        for feed in (
            rss("two", "one"),
            rss("two", "one"),
            rss("three", "two", "one"),
            rss("two"),
            ATOM,
            ATOM,
        ):
            outside.feed = feed
            await news.clock.move(300)
        heard = [event.content for event in await alice.heard("message")]
    assert heard == [
        "one\nhttps://news.example/one",
        "two\nhttps://news.example/two",
        "three\nhttps://news.example/three",
        "Tea & cake\nhttps://news.example/tea",
    ]


async def test_of_many_entries_only_the_newest_are_posted(news, outside):
    async with news() as server:
        (alice,) = await server.join("general", "alice")
        outside.feed = rss("six", "five", "four", "three", "two", "one", "six")
        await news.clock.move(600)
        heard = [event.content.split("\n")[0] for event in await alice.heard("message")]
    assert heard == ["four", "five", "six"]


@pytest.mark.parametrize(
    "answer",
    [
        (500, "no"),
        (200, "<rss><channel>"),
        (200, "<html/>"),
        (200, ""),
        (404, rss("lost")),
    ],
)
async def test_a_feed_that_cannot_be_read_is_told_once_and_read_later(news, outside, answer, caplog):
    caplog.set_level(logging.WARNING)
    async with news() as server:
        (alice,) = await server.join("general", "alice")
        outside.answer = lambda request: answer
        await news.clock.move(1500)
        outside.answer = lambda request: (200, rss("back"))
        await news.clock.move(300)
        assert (await alice.hears()).content.startswith("back")
    assert len([text for text in caplog.messages if "can't be read" in text]) == 1


async def test_nothing_comes_twice_or_is_lost_when_the_server_is_killed(process, examples, outside):
    many = [f"n{number}" for number in range(40)]
    outside.answer = lambda request: (200, rss(*reversed(many)))
    plugins = {"rss": {"feeds": {outside.url: "general"}, "minutes": 1000, "most": 50}}
    server = process(plugins={**plugins, "history": {}}, dirs=[examples], settings=outside.settings)
    async with server:
        for _ in range(2):
            # Somewhere among its posts.
            await outside.next()
            await server.kill()
            await server.start()
        await outside.next()
        alice = await server.client(name="alice")
        await alice.join("general")
        async with asyncio.timeout(20):
            while True:
                page = await alice.ask("history", room="general", limit=200)
                titles = [e["content"].split("\n")[0] for e in page.events if e["type"] == "message"]
                if len(titles) >= len(many):
                    break
                await asyncio.sleep(0.02)
        await alice.leave()
    assert titles == many
