"""The page in Firefox: what differs between browsers. ``make test-firefox``; see the mark in pyproject.toml."""

from __future__ import annotations

import pytest
from browser_kit import free_port
from firefox_kit import FIREFOX, Firefox

from chatserver.config.settings import DEFAULT_PLUGINS

pytestmark = [
    pytest.mark.firefox,
    pytest.mark.skipif(FIREFOX is None, reason="no Firefox here: apt-get install firefox-esr"),
]

VALUE = "() => document.querySelector('#composer-input').value"


@pytest.fixture(scope="module")
def firefox(browser_loop):
    firefox = Firefox()
    browser_loop.run_sync(firefox.start, timeout=90)
    yield firefox
    browser_loop.run_sync(firefox.stop, timeout=30)


@pytest.fixture
def quiet(firefox):
    """Nothing is written to the console, by the Content-Security-Policy neither."""
    firefox.complaints.clear()
    yield
    assert firefox.complaints == []


async def test_people_talk_edit_complete_and_look_into_dialogs(io_loop, firefox, quiet, chat):
    async with chat(plugins=DEFAULT_PLUGINS) as server, firefox.window(server.url) as alice:
        await alice.enter("alice")
        (bob,) = await server.join("general", "bob")
        await bob.says("Good **morning**, @alice :tada:")
        await alice.sees("Good morning, @alice 🎉")
        await alice.say("helo")
        await alice.sees("helo")
        await alice.press("ArrowUp")
        await alice.shows(".edit-area")
        await alice.press("Control", "a")
        await alice.type("hello")
        await alice.press("Enter")
        await alice.sees("hello(edited)")
        # Suggestions, and undoing what was taken.
        await alice.type("hi @bo")
        await alice.shows(".completer [role=option]")
        await alice.press("Tab")
        await alice.until(f"() => ({VALUE})() === 'hi @bob '")
        await alice.press("Control", "z")
        await alice.until(f"() => ({VALUE})() === 'hi @bo'")
        await alice.press("Control", "a")
        await alice.type("/who")
        await alice.press("Enter")
        await alice.until("() => document.querySelector('.note')?.textContent.includes('bob')")
        # The toolbar, a question, and the focus that comes back.
        await alice.hover(".message > .text", "hello(edited)")
        await alice.click(".tools button", "Delete")
        await alice.click("dialog[open] button", "Delete")
        await alice.gone("dialog[open]")
        await alice.sees("This message was deleted.")
        await alice.click("#composer-input")
        await alice.press("Control", "k")
        await alice.shows("dialog[open] .switcher-input")
        await alice.type("bob")
        await alice.press("Enter")
        await alice.shows("#room-title", "bob")
        await alice.click("button.me-button")
        await alice.click("dialog[open] [role=tab]", "Appearance")
        await alice.shows("dialog[open] select")
        await alice.press("Escape")
        await alice.gone("dialog[open]")


async def test_older_pages_come_without_a_jump_and_the_end_stays(io_loop, firefox, quiet, chat):
    limits = {"messages_per_second": 1000, "burst": 1000}
    server = chat(plugins=DEFAULT_PLUGINS, settings={"limits": limits})
    async with server, firefox.window(server.url) as alice:
        (bob,) = await server.join("general", "bob")
        for number in range(150):
            await bob.says(f"message {number}")
        await alice.enter("alice")
        await alice.sees("message 149")
        below = (
            "() => { const { scrollHeight, clientHeight, scrollTop } = document.querySelector('.scroller');"
        )
        at_end = f"{below} return scrollHeight - clientHeight - scrollTop < 2; }}"
        await alice.until(at_end)
        await alice.resize(700, 500)
        await alice.until(at_end)
        # What is read stands still while older messages come in above it.
        first = "() => Number(document.querySelector('.message[data-seq]').dataset.seq)"
        before = await alice.ask(first)
        await alice.ask("() => document.querySelector('.scroller').scrollTo(0, 300)")
        seen = await alice.ask(
            """() => [...document.querySelectorAll(".message > .text")]
              .find((node) => node.getBoundingClientRect().top > 150).textContent"""
        )
        await alice.until(f"(before) => ({first})() < before", before)
        moved = """async (text) => { await new Promise((drawn) => requestAnimationFrame(drawn));
          return [...document.querySelectorAll(".message > .text")].find((node) => node.textContent === text)
            .getBoundingClientRect().top; }"""
        place = await alice.ask(moved, seen)
        await bob.says("news")
        await alice.until("() => document.querySelector('.jump:not(.up)').checkVisibility()")
        assert abs(await alice.ask(moved, seen) - place) <= 1


async def test_a_restart_loses_nothing(io_loop, firefox, process):
    settings = {"server": {"port": free_port()}}
    server = process(plugins=DEFAULT_PLUGINS, settings=settings)
    async with server, firefox.window(server.url, (390, 844)) as alice:
        await alice.enter("alice")
        await server.kill()
        await alice.until("() => !document.querySelector('connection-line').hidden")
        await alice.say("said meanwhile")
        await alice.shows(".message.pending")
        await server.start()
        await alice.sees("said meanwhile")
        # A phone's size: Back closes what lies over the room, then leaves it.
        await alice.click("button", "Room menu")
        await alice.shows("[role=menu]")
        await alice.back()
        await alice.gone("[role=menu]")
        await alice.shows("#composer-input")
        await alice.back()
        await alice.shows(".room-list")
        await alice.gone("#composer-input")
