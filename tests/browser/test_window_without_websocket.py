"""Chatting through proxies that let no WebSocket through: the page finds another way by itself."""

from __future__ import annotations

import pytest
from playwright.async_api import expect
from proxies import Buffering, NoUpgrades, Silent

pytestmark = pytest.mark.browser

HINT = "Connected without WebSocket"
# The proxy is gone before the windows are.
CUT = "net::ERR_"
HANDSHAKE = "WebSocket connection to .* failed"


def port_of(stage):
    return stage.server.server.port


def line(window):
    return window.page.locator("connection-line")


async def talk(one, other, word):
    await one.say(f"{word} from one")
    await other.sees(f"{word} from one")
    await other.say(f"{word} from the other")
    await one.sees(f"{word} from the other")


async def test_a_proxy_that_refuses_upgrades(stage, eventually):
    async with stage() as here, NoUpgrades(port_of(here)) as proxy:
        here.forgive(HANDSHAKE)
        here.forgive(CUT)
        (bob,) = await here.guests("bob")
        alice = await here.window(proxy.url)
        await alice.enter("alice")
        await expect(line(alice)).to_contain_text(HINT)
        assert proxy.refused == 2
        await talk(alice, bob, "hello")
        await expect(bob.people.get_by_role("button", name="alice")).to_be_visible()
        # A connection that is cut loses nothing, and is no reason for another session.
        (session,) = [
            session for session in here.server.services.sessions.all() if session.user.name == "alice"
        ]
        proxy.cut()
        await bob.say("while it was cut")
        await bob.sees("while it was cut")
        proxy.mend()
        await alice.sees("while it was cut")
        await talk(alice, bob, "again")
        assert session in here.server.services.sessions.all()
        # What worked is remembered: no WebSocket is tried.
        await alice.page.reload()
        await alice.sees("again from the other")
        await talk(alice, bob, "reloaded")
        assert proxy.refused == 2
        # Who goes away has left at once.
        assert here.server.services.presence.is_here(session.user.id)
        await alice.page.goto("about:blank")
        await eventually(lambda: not here.server.services.presence.is_here(session.user.id))


async def test_a_proxy_that_swallows_what_comes_after_the_handshake(stage, eventually):
    async with stage() as here, Silent(port_of(here)) as proxy:
        here.forgive(CUT)
        here.forgive(HANDSHAKE)
        (bob,) = await here.guests("bob")
        alice = await here.window(proxy.url)
        await alice.page.clock.install()
        await alice.goto()
        await alice.page.get_by_label("Your name").fill("alice")
        await alice.page.get_by_role("button", name="Start talking").click()
        await eventually(lambda: proxy.refused)
        await alice.page.clock.fast_forward(15_000)
        await alice.ready()
        await talk(alice, bob, "hello")
        assert proxy.refused == 1


async def test_a_proxy_that_holds_events_back(stage):
    async with stage() as here, Buffering(port_of(here)) as proxy:
        here.forgive(HANDSHAKE)
        here.forgive(CUT)
        (bob,) = await here.guests("bob")
        alice = await here.window(proxy.url)
        await alice.enter("alice")
        await talk(alice, bob, "hello")
        assert proxy.held == 1
        await alice.page.reload()
        await alice.sees("hello from the other")
        await talk(alice, bob, "reloaded")
        assert (proxy.held, proxy.refused) == (1, 2)
