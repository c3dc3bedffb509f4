"""What can be done with a message, and what a message cannot do."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

pytestmark = pytest.mark.browser

MARKUP = "<img src=x onerror=\"document.title='owned'\"><b>bold</b>"


async def test_the_last_message_is_edited_with_the_arrow_key(stage):
    async with stage() as here:
        alice, bob = await here.guests("alice", "bob")
        await alice.say("Helo")
        await bob.sees("Helo")
        await alice.composer.press("ArrowUp")
        editor = alice.page.get_by_role("textbox", name="Edit")
        await expect(editor).to_be_focused()
        await expect(editor).to_have_value("Helo")
        await editor.fill("Hello")
        await editor.press("Enter")
        for window in (alice, bob):
            await expect(await window.sees("Hello")).to_contain_text("(edited)")
            await expect(window.message("Helo")).to_have_count(0)
        await expect(alice.composer).to_be_focused()


async def test_escape_leaves_the_message_as_it_was(stage):
    async with stage() as here:
        (alice,) = await here.guests("alice")
        await alice.say("as it was")
        await alice.sees("as it was")
        await alice.composer.press("ArrowUp")
        editor = alice.page.get_by_role("textbox", name="Edit")
        await editor.fill("otherwise")
        await editor.press("Escape")
        await expect(editor).to_have_count(0)
        await expect(await alice.sees("as it was")).not_to_contain_text("(edited)")
        await expect(alice.composer).to_be_focused()


async def test_an_edit_does_not_vanish_when_something_else_comes(stage):
    async with stage() as here:
        (alice,) = await here.guests("alice")
        (bob,) = await here.server.join("general", "bob")
        await alice.say("first")
        await alice.sees("first")
        await alice.composer.press("ArrowUp")
        editor = alice.page.get_by_role("textbox", name="Edit")
        await editor.fill("half writ")
        await bob.says("meanwhile")
        await alice.sees("meanwhile")
        await expect(editor).to_have_value("half writ")
        await expect(editor).to_be_focused()
        await editor.press("Escape")


async def test_a_deleted_message_leaves_a_place(stage):
    async with stage() as here:
        alice, bob = await here.guests("alice", "bob")
        await alice.say("a mistake")
        message = await alice.sees("a mistake")
        await bob.sees("a mistake")
        await message.hover()
        await message.get_by_role("toolbar").get_by_role("button", name="Delete").click()
        dialog = alice.page.get_by_role("dialog", name="Delete this message?")
        await expect(dialog).to_contain_text("a mistake")
        await dialog.get_by_role("button", name="Delete").click()
        for window in (alice, bob):
            await window.sees("This message was deleted.")
            await expect(window.log.get_by_text("a mistake")).to_have_count(0)


async def test_others_messages_have_no_edit_and_no_delete(stage):
    async with stage() as here:
        (alice,) = await here.guests("alice")
        (bob,) = await here.server.join("general", "bob")
        await bob.says("mine")
        message = await alice.sees("mine")
        await message.hover()
        tools = message.get_by_role("toolbar", name="Message actions")
        await expect(tools.get_by_role("button", name="Reply", exact=True)).to_be_visible()
        await expect(tools.get_by_role("button", name="Edit")).to_have_count(0)
        await expect(tools.get_by_role("button", name="Delete")).to_have_count(0)


async def test_a_reply_quotes_and_leads_back(stage):
    async with stage() as here:
        (alice,) = await here.guests("alice")
        (bob,) = await here.server.join("general", "bob")
        await bob.says("Where do we meet?")
        for number in range(40):
            await bob.says(f"or {number}")
        await alice.sees("or 39")
        message = await alice.sees("Where do we meet?")
        await message.focus()
        await message.get_by_role("button", name="Reply", exact=True).click()
        await expect(alice.composer).to_be_focused()
        await expect(alice.page.get_by_text("Reply to bob:")).to_be_visible()
        await alice.say("At the station")
        reply = await alice.sees("At the station")
        quote = reply.get_by_role("button", name=re.compile("Where do we meet"))
        await expect(message).not_to_be_in_viewport()
        await quote.click()
        await expect(message).to_be_in_viewport()
        assert (await bob.hears(content="At the station")).reply_to is not None


async def test_the_link_of_a_message_is_copied(stage):
    async with stage() as here:
        alice = await here.window(permissions=["clipboard-read", "clipboard-write"])
        await alice.enter("alice")
        await alice.say("here")
        message = await alice.sees("here")
        await message.hover()
        await message.get_by_role("button", name="Copy link").click()
        await expect(alice.toasts).to_contain_text("The link was copied.")
        seq = await message.get_attribute("data-seq")
        assert await alice.page.evaluate("navigator.clipboard.readText()") == f"{here.url}/#/general/{seq}"


async def test_a_link_to_a_message_goes_there_in_the_same_tab(stage):
    async with stage(settings={"rooms": [{"name": "general"}, {"name": "random"}]}) as here:
        alice, bob = await here.guests("alice", "bob")
        await bob.say("the place")
        seq = await (await bob.sees("the place")).get_attribute("data-seq")
        for number in range(40):
            await bob.say(f"below {number}")
        await bob.sees("below 39")
        await bob.open("random")
        await alice.open("random")
        link = f"{here.url}/#/general/{seq}"
        await bob.say(link)
        await (await alice.sees(link)).get_by_role("link").click()
        await expect(alice.page.get_by_role("heading", level=1)).to_have_text("general")
        place = await alice.sees("the place")
        await expect(place).to_be_in_viewport()
        await alice.say(link)
        again = (await alice.sees(link)).get_by_role("link")
        await expect(place).not_to_be_in_viewport()
        await again.click()
        await expect(place).to_be_in_viewport()
        assert len(alice.page.context.pages) == 1


async def test_commands_complete_show_their_usage_and_answer_only_the_asker(stage):
    async with stage() as here:
        alice, bob = await here.guests("alice", "bob")
        await alice.composer.press_sequentially("/he")
        choices = alice.page.get_by_role("listbox", name="Suggestions")
        await expect(choices.get_by_role("option")).to_contain_text(["/help"])
        await alice.composer.press("Tab")
        await expect(alice.composer).to_have_value("/help ")
        await expect(alice.page.locator(".completer .usage")).to_contain_text("/help")
        await alice.composer.press("Enter")
        note = alice.log.locator(".note")
        await expect(note).to_contain_text("Only you see this")
        await expect(note).to_contain_text("/topic")
        await expect(alice.composer).to_have_value("")
        await note.get_by_role("button", name="Dismiss").click()
        await expect(note).to_have_count(0)
        await bob.say("I saw nothing")
        await alice.sees("I saw nothing")
        assert await bob.texts() == ["I saw nothing"]


async def test_people_and_rooms_complete(stage):
    async with stage(settings={"rooms": [{"name": "general"}, {"name": "random"}]}) as here:
        alice, bob = await here.guests("alice", "bobby")
        choices = alice.page.get_by_role("listbox", name="Suggestions").get_by_role("option")
        await alice.composer.press_sequentially("Hi @bo")
        await expect(choices).to_have_count(1)
        await alice.composer.press("ArrowDown")
        await alice.composer.press("Enter")
        await expect(alice.composer).to_have_value("Hi @bobby ")
        await alice.composer.press_sequentially("see #ran")
        await expect(choices).to_contain_text(["random"])
        await alice.composer.press("Tab")
        await alice.composer.press("Enter")
        message = await bob.sees("Hi @bobby see #random")
        await expect(message).to_have_attribute("data-mention", "")
        await expect(message.locator(".mention[data-me]")).to_have_text("@bobby")
        await message.get_by_role("link", name="#random").click()
        await expect(bob.page.get_by_role("heading", level=1)).to_have_text("random")
        # What is no mention for the server is none here.
        await alice.say("@bobbys a@bobby.org www.example.org")
        await bob.open("general")
        other = await bob.sees("@bobbys a@bobby.org www.example.org")
        await expect(other).not_to_have_attribute("data-mention", "")
        await expect(other.locator(".mention")).to_have_count(0)
        await expect(other.get_by_role("link")).to_have_attribute("href", "https://www.example.org")


async def test_a_wrong_command_says_what_is_wrong_and_keeps_the_text(stage):
    async with stage() as here:
        (alice,) = await here.guests("alice")
        await alice.say("/nosuch thing")
        await expect(alice.page.get_by_role("alert")).to_contain_text("nosuch")
        await expect(alice.composer).to_have_value("/nosuch thing")
        await alice.say("/nick a b")
        await expect(alice.page.get_by_role("alert")).to_contain_text("Usage: /nick NAME")
        assert (await alice.page.get_by_role("alert").inner_text()).count("/nick NAME") == 1
        await alice.say("//nosuch")
        await alice.sees("/nosuch")


async def test_an_action_and_an_emoji(stage):
    async with stage() as here:
        alice, bob = await here.guests("alice", "bob")
        await alice.say("/me waves")
        await expect(bob.log.get_by_role("article")).to_contain_text("alice waves")
        await alice.say(":tada:")
        await bob.sees("🎉")


async def test_the_counter_stops_at_the_limit(stage):
    async with stage(settings={"limits": {"content_chars": 50}}) as here:
        alice, bob = await here.guests("alice", "bob")
        await alice.type("x" * 51)
        await expect(alice.page.locator(".counter")).to_have_text("-1")
        await expect(alice.page.get_by_role("button", name="Send")).to_be_disabled()
        await alice.composer.press("Enter")
        await expect(alice.pending()).to_have_count(0)
        await alice.say("😀" * 50)
        await bob.sees("😀" * 50)


async def test_markup_is_text_everywhere(stage):
    """Not only in messages: in names, topics, titles, status texts, files and their names, and notices too."""
    async with stage() as here:
        alice = await here.window()
        await alice.enter("<b>alice<b>")
        admin = await here.server.account("root", "admin")
        await admin.join("general")
        await admin.ask("presence", status="busy", text=MARKUP)
        for field in ("title", "topic"):
            await here.server.api("PATCH", "rooms/general", {field: MARKUP}, token=admin.token)
        await admin.says(MARKUP)
        await admin.says(f"/me {MARKUP}")
        await admin.says(MARKUP, to="<b>alice<b>")
        await admin.says("</div></chat-app><script>document.title='owned'</script>")
        await admin.says(
            '[x](javascript:alert(1)) javascript:alert(1) https://example.org/"onmouseover=alert(1)//'
        )
        await alice.sees(MARKUP)
        await expect(alice.page.get_by_role("heading", level=1)).to_have_text(MARKUP)
        await expect(alice.page.locator(".room-topic")).to_have_text(MARKUP)
        await expect(alice.people).to_contain_text("<b>alice<b>")
        await alice.say(f"/nosuch{MARKUP}")
        await expect(alice.page.get_by_role("alert")).to_contain_text("<img")
        await alice.composer.fill("")
        await alice.people.get_by_role("button", name=re.compile("^root")).click()
        await expect(alice.page.get_by_role("dialog", name="root")).to_contain_text(MARKUP)
        await alice.page.keyboard.press("Escape")
        await expect(alice.page.locator("img, b:not(.actor, .one-line), script:not([src])")).to_have_count(0)
        await expect(alice.page.locator('a[href^="javascript"], [onmouseover], [onerror]')).to_have_count(0)
        assert "owned" not in (await alice.page.title()).replace(MARKUP, "")


async def test_a_link_is_safe_and_opens_elsewhere(stage):
    async with stage() as here:
        alice, bob = await here.guests("alice", "bob")
        await alice.say("see https://example.org/path?a=1&b=2.")
        link = (await bob.sees("see https://example.org/path?a=1&b=2.")).get_by_role("link")
        await expect(link).to_have_attribute("href", "https://example.org/path?a=1&b=2")
        await expect(link).to_have_attribute("target", "_blank")
        await expect(link).to_have_attribute("rel", re.compile("noopener"))
