"""Each bundled plugin is switched off and on while two people chat: nothing of it is left, and it comes back."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from chatserver.config.settings import DEFAULT_PLUGINS

pytestmark = pytest.mark.browser

# All that a plugin has in the page: what its part has registered, what is drawn of it, and what the core shows for it.
OWN = """(name) => {
  const { plugins, actions, panels, store } = document.querySelector("message-list").app;
  const mine = (label, all) => all.map(() => label);
  const of = (all) => [...all].filter((one) => one.plugin === name);
  const its = (node) => [...node.classList].some((one) => one.startsWith(`${name}-`) || one === name);
  const drawn = [...document.querySelectorAll("*")].filter(its);
  const ids = [...actions.byId.keys(), ...panels.byName.keys()];
  const found = [
    ...[...plugins.slots.bySlot].flatMap(([slot, all]) => mine(`slot ${slot}`, of(all))),
    ...ids.filter((id) => id.startsWith(`${name}:`) || id === name).map((id) => `action or panel ${id}`),
    ...drawn.map((node) => `element ${node.className}`),
    ...mine("stylesheet", [...document.querySelectorAll(`link[href*="/plugins/${name}/"]`)]),
    ...mine("renderer", of(plugins.renderers.values())),
    ...mine("command", of([...plugins.commands.values(), ...store.commands])),
    ...mine("part", [plugins.loaded.has(name), plugins.known[name]].filter(Boolean)),
    ...mine("paper clip", [name === "files" && document.querySelector(".attach:not([hidden])")].filter(Boolean)),
  ];
  return [...new Set(found)].sort();
}"""
IS_THERE = """([name, found]) => {
  const now = (OWN)(name);
  return found.length === 0 ? now.length === 0 : found.every((one) => now.includes(one));
}""".replace("OWN", OWN)
OPEN_PANEL = """(name) => {
  document.querySelector("message-list").app.actions.byId.get(`${name}:panel`)?.run();
}"""


async def conversation(bob):
    """Messages in which all plugins have something to show."""
    first = await bob.says("**bold** and $x^2$ :tada:")
    await bob.ask("react", message_id=first.message_id, emoji="👍")
    await bob.says("/poll Lunch? pizza salad")
    await bob.says("a reply", reply_to=first.message_id)


async def test_nothing_of_a_plugin_is_left_when_it_is_switched_off(stage):
    async with stage(accounts={"root": "admin"}) as here:
        bob = await here.server.client("bob")
        await bob.join("general")
        await conversation(bob)
        window = await here.window()
        await window.sign_in("root")
        await window.parts()
        await expect(window.log.locator(".reactions")).to_be_visible()
        await expect(window.log.get_by_role("button", name="One reply")).to_be_visible()
        before = {name: await window.page.evaluate(OWN, name) for name in DEFAULT_PLUGINS}
        assert all(before.values())
        for number, name in enumerate(DEFAULT_PLUGINS):
            # Its panel may be open, if it has one.
            await window.page.evaluate(OPEN_PANEL, name)
            # The one before comes back at the same time.
            await here.server.reload({each: {} for each in DEFAULT_PLUGINS if each != name})
            await window.until(IS_THERE, [name, []])
            await bob.says(f"without {name}")
            await window.sees(f"without {name}")
            await window.say(f"{number}")
            await bob.hears(content=f"{number}")
            if name == "markdown":
                await window.type("plain")
                await window.composer.select_text()
                await window.composer.press("Control+b")
                await expect(window.composer).to_have_value("plain")
        await here.server.reload(DEFAULT_PLUGINS)
        for name, found in before.items():
            await window.until(IS_THERE, [name, found])
