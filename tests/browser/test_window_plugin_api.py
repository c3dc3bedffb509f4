"""All that a plugin's part in the browser may do, what is said of its mistakes, and that nothing of it stays."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import expect

pytestmark = pytest.mark.browser

SERVER = '''from chatserver import Plugin, command


class {name}(Plugin):
    @command()
    async def {verb}(self, ctx):
        """Mark the last message."""
        return "done"
'''

GOOD = """
const text = (tag, words) => Object.assign(document.createElement(tag), { textContent: words });
export function activate(chat) {
  chat.addMessages("en", { "party.title": "Party" });
  document.documentElement.dataset.party = chat.version;
  chat.addSlot("header", ({ room }) => text("span", `header ${room.name} ${room.topic}`));
  chat.addSlot("sidebar", () => text("p", "party sidebar"));
  chat.addSlot("message-footer", ({ message, extras }) =>
    text("b", `${message.content.length} ${Object.keys(extras).length}`));
  chat.addSlot("room-menu", ({ room }) => text("p", `menu ${room.name}`));
  chat.addSlot("member", ({ user }) => text("p", `member ${user.name}`));
  chat.addSlot("settings", () => text("p", "party settings"), { title: () => chat.t("party.title") });
  chat.addSlot("panel", ({ room, arg }) => text("p", `panel ${room.name} ${arg}`), { title: "Party panel" });
  const shout = ({ message }) => chat.panel("Shouted", text("p", message.content.toUpperCase()));
  chat.addAction({ id: "shout", label: "Shout", icon: "bell", keys: ["Alt+P"], run: shout });
  chat.addCommand("confetti", { help: "Throw it." }, () => "thrown");
  return () => delete document.documentElement.dataset.party;
}
"""

WRONG = """
export function activate(chat) {
  chat.addSlot("message-actions", () => null);
  chat.addSlot("sidebar", () => "text");
  chat.addRenderer("text", () => null);
  chat.addCommand("help", {}, () => {});
  chat.addAction({ id: "x", label: "X", keys: ["Mod+K"], run() {} });
  chat.panel("Title", "text");
  chat.show("general");
}
"""

REMEDIES = [
    r'Plugin "wrong": there is no slot "message-actions"; take one of header, ',
    r'Plugin "wrong": what fills the slot "sidebar" gave a text; give a node',
    r"""Plugin "wrong": it can't draw messages of the kind "text"; its own are called "wrong:…\"""",
    r'Plugin "wrong": the command /help is taken by the plugin "basics"; choose another name',
    r'Plugin "wrong": the key Mod\+K is taken by "switch"; choose another one',
    r'Plugin "wrong": chat.panel\'s second argument gave a text',
    r'Plugin "wrong": chat.show takes',
    r'Plugin "empty": client.js exports no function `activate`; write ',
]


@pytest.fixture
def plugins(tmp_path):
    """A folder with plugins: one that does all, one that does it wrong, one without a beginning."""
    for name, source in {"party": GOOD, "wrong": WRONG, "empty": "export const nothing = 1;"}.items():
        (tmp_path / name / "static").mkdir(parents=True)
        (tmp_path / name / "__init__.py").write_text(SERVER.format(name=name.title(), verb=f"{name}_now"))
        (tmp_path / name / "static" / "client.js").write_text(source)
    return tmp_path


async def test_a_plugin_shows_what_it_may_and_leaves_nothing_when_it_is_switched_off(stage, plugins):
    rooms = [{"name": "general", "topic": "tea"}, {"name": "random"}]
    enabled = {"basics": {}, "history": {}, "party": {}}
    async with (
        stage(plugins=enabled, settings={"rooms": rooms}, dirs=[plugins]) as here,
        here.cable() as cable,
    ):
        here.forgive("ERR_|WebSocket connection")
        alice = await here.window(cable.url)
        await alice.enter("alice")
        page = alice.page
        await alice.say("hello")
        message = await alice.sees("hello")
        await expect(page.get_by_role("main")).to_contain_text("header general tea")
        await expect(message.locator(".message-footer")).to_have_text("5 0")
        await expect(alice.rooms).to_contain_text("party sidebar")
        await page.get_by_role("button", name="Room menu").click()
        await expect(page.get_by_role("menu")).to_contain_text("menu general")
        await page.get_by_role("menuitem", name="Party panel").click()
        panel = page.get_by_role("complementary", name="Party panel")
        await expect(panel).to_contain_text("panel general")
        assert page.url.endswith("#/general/party")
        await page.reload()
        await expect(panel).to_contain_text("panel general")
        await page.keyboard.press("Escape")
        await expect(panel).to_have_count(0)
        await alice.people.get_by_role("button", name=re.compile("^alice")).click()
        await expect(page.get_by_role("dialog", name="alice")).to_contain_text("member alice")
        await page.keyboard.press("Escape")
        await (await alice.settings("Party")).get_by_text("party settings").wait_for()
        await page.keyboard.press("Escape")
        await page.locator(".log").focus()
        await page.keyboard.press("ArrowUp")
        await page.keyboard.press("Alt+p")
        await expect(page.get_by_role("complementary", name="Shouted")).to_contain_text("HELLO")
        await page.go_back()
        await expect(page.get_by_role("complementary", name="Shouted")).to_have_count(0)
        await alice.say("/confetti")
        await expect(alice.log).to_contain_text("thrown")

        await here.server.reload({"basics": {}, "history": {}})
        cable.cut()
        cable.mend()
        await expect(page.locator("html[data-party]")).to_have_count(0)
        await expect(alice.log.locator(".message-footer")).to_have_count(0)
        await expect(page.get_by_text("party sidebar")).to_have_count(0)
        await expect(page.get_by_text("header general")).to_have_count(0)
        await page.get_by_role("button", name="Room menu").click()
        await expect(page.get_by_role("menuitem", name="Party panel")).to_have_count(0)
        await page.keyboard.press("Escape")
        await page.keyboard.press("Control+,")
        await expect(page.get_by_role("tab", name="Keyboard")).to_be_visible()
        await expect(page.get_by_role("tab", name="Party")).to_have_count(0)


async def test_what_a_plugin_does_wrong_is_told_with_its_remedy(stage, plugins):
    async with stage(plugins={"basics": {}, "wrong": {}, "empty": {}}, dirs=[plugins]) as here:
        alice = await here.window()
        said = []
        alice.page.on("console", lambda line: said.append(line.text))
        await alice.enter("alice")
        for remedy in REMEDIES:
            here.forgive(remedy)
        async with asyncio.timeout(8):
            while not all(any(re.search(remedy, line) for line in said) for remedy in REMEDIES):
                await alice.page.wait_for_event("console")
