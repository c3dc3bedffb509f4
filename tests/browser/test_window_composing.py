"""What is being written: kept, completed, undone, sent, refused, and closed to the writer."""

from __future__ import annotations

import re

import pytest
from browser_kit import UNREACHABLE
from playwright.async_api import expect

pytestmark = pytest.mark.browser

ROOMS = {"rooms": [{"name": "general"}, {"name": "random"}]}

# Pastes what an office program puts on the clipboard, or a file manager.
PASTE = """([text, name]) => {
  const data = new DataTransfer();
  if (text) data.setData("text/plain", text);
  data.items.add(new File(["x"], name, { type: "image/png" }));
  const event = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
  return document.querySelector("#composer-input").dispatchEvent(event);
}"""

# A browser that stores nothing for this page.
BLOCKED = """for (const name of ["localStorage", "sessionStorage", "indexedDB"]) {
  Object.defineProperty(window, name, { get() { throw new DOMException("blocked", "SecurityError"); } });
}"""

DROP = """(size) => {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array(size)], "dropped.bin"));
  const options = { dataTransfer: data, bubbles: true, cancelable: true };
  document.querySelector(".log").dispatchEvent(new DragEvent("drop", options));
}"""


async def test_writing_completing_and_undoing(stage):
    async with stage(settings=ROOMS) as here:
        alice, bob = await here.guests("alice", "bob")
        keyboard, composer = alice.page.keyboard, alice.composer

        # Nothing is chosen before an arrow or Tab.
        for text in ("#", "@", "@b"):
            await composer.press_sequentially(text)
            await expect(alice.page.get_by_role("option").first).to_be_visible()
            await composer.press("Enter")
            await bob.sees(text)
        await composer.press_sequentially("hi @b")
        await composer.press("ArrowDown")
        await expect(alice.page.get_by_role("option", name="bob")).to_have_attribute("aria-selected", "true")
        await composer.press("Enter")
        await expect(composer).to_have_value("hi @bob ")
        await keyboard.press("Control+z")
        await expect(composer).to_have_value("hi @b")
        await keyboard.press("Control+Shift+z")
        await expect(composer).to_have_value("hi @bob ")
        await composer.fill("@b")
        await composer.press("Tab")
        await expect(composer).to_have_value("@bob ")
        await composer.fill("")

        # Text is what was copied, with its indentation.
        assert await alice.page.evaluate(PASTE, ["Total\t42", "image.png"])
        await expect(alice.page.locator(".tray-item")).to_have_count(0)
        assert not await alice.page.evaluate(PASTE, ["image.png", "image.png"])
        await expect(alice.page.locator(".tray-item")).to_have_count(1)
        await alice.page.get_by_role("button", name=re.compile("Cancel|Remove")).click()
        await alice.say("\n    if x:\n        y\n")
        # What is indented is code to Markdown, and the rest of its indentation stays.
        code = bob.log.locator(".message code").last
        await expect(code).to_contain_text("if x:")
        assert await code.inner_text() == "if x:\n    y\n"

        # What is pasted beside every field goes into this one, and an empty one pages through what was said.
        await alice.log.focus()
        await alice.page.evaluate(
            """() => { const data = new DataTransfer(); data.setData("text/plain", "pasted");
              document.querySelector(".log").dispatchEvent(
                new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true })); }"""
        )
        await expect(composer).to_have_value("pasted")
        await composer.fill("")
        await alice.page.set_viewport_size({"width": 1280, "height": 300})
        scroller = "const { scrollTop, clientHeight, scrollHeight } = document.querySelector('.scroller');"
        await alice.until(
            f"() => {{ {scroller} return scrollHeight > clientHeight + 100 "
            "&& scrollTop + clientHeight > scrollHeight - 2; }"
        )
        before = await alice.page.evaluate("document.querySelector('.scroller').scrollTop")
        await composer.press("PageUp")
        await alice.until("(before) => document.querySelector('.scroller').scrollTop < before - 50", before)
        await alice.page.set_viewport_size({"width": 1280, "height": 800})

        # Too long is said, and Enter doesn't pass over it in silence.
        await composer.fill("x" * 8001)
        await expect(alice.page.locator(".counter")).to_have_text("-1")
        await composer.press("Enter")
        await expect(alice.page.locator(".composer-error")).to_contain_text("Too long by 1 character: 8,000")
        await alice.page.get_by_role("button", name="Attach it as a file").click()
        await expect(composer).to_have_value("")
        await expect(alice.page.locator(".tray-item")).to_contain_text("8 kB")
        await composer.press("Enter")
        await expect(bob.log.locator(".file-card")).to_contain_text("message.txt")
        await composer.fill("")

        # A command that joins shows its room; one more step back doesn't join what was left.
        await alice.say("/join random")
        await expect(alice.page.get_by_role("heading", level=1)).to_have_text("random")
        await alice.say("/leave")
        await expect(alice.page.get_by_role("heading", level=1)).to_have_text("general")
        await alice.page.evaluate("location.hash = '#/random'")
        line = alice.page.locator(".closed-line")
        await expect(line).to_contain_text("You are not in random.")
        await line.get_by_role("button", name="Join").click()
        await expect(composer).to_be_focused()
        await expect(line).to_be_hidden()


async def test_a_reply_whose_original_goes(stage):
    async with stage(settings=ROOMS) as here:
        alice, bob = await here.guests("alice", "bob")
        await bob.say("original")
        message = await alice.sees("original")
        await message.hover()
        await message.get_by_role("button", name="Reply", exact=True).click()
        await alice.type("an answer")
        bar = alice.page.locator(".reply-bar")
        await expect(bar).to_contain_text("original")
        # It is edited, and deleted, while it is being answered.
        own = await bob.sees("original")
        await own.hover()
        await own.get_by_role("button", name="Edit").click()
        await bob.page.get_by_role("textbox", name="Edit").fill("")
        await bob.page.get_by_role("textbox", name="Edit").press("Enter")
        await bob.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        await expect(bob.log).to_contain_text("This message was deleted.")
        # The editor of what is deleted is closed.
        await expect(bob.page.locator(".edit-form")).to_have_count(0)
        await expect(bar).to_contain_text("It was deleted: what you write is sent without the reply.")
        await alice.composer.press("Enter")
        await expect(await bob.sees("an answer")).not_to_have_class(re.compile("pending"))
        await expect(alice.log.locator(".quote")).to_have_count(0)


async def test_a_reply_that_came_too_late_is_sent_without_or_taken_back(stage):
    async with stage(settings=ROOMS) as here, here.cable() as cable:
        here.forgive(UNREACHABLE)
        alice, bob = await here.window(cable.url), await here.window()
        await alice.enter("alice")
        await bob.enter("bob")
        for number in (1, 2):
            await bob.say(f"original {number}")
        for number in (1, 2):
            await alice.sees(f"original {number}")
        cable.cut()
        await expect(alice.page.locator("connection-line")).to_contain_text("No connection")
        for number in (1, 2):
            message = alice.message(f"original {number}")
            await message.hover()
            await message.get_by_role("button", name="Reply", exact=True).click()
            await alice.say(f"answer {number}")
        for number in (1, 2):
            own = await bob.sees(f"original {number}")
            await own.hover()
            await own.get_by_role("button", name="Delete").click()
            await bob.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        await expect(bob.log.get_by_text("This message was deleted.")).to_have_count(2)
        cable.mend()
        first, second = (alice.log.get_by_role("article").filter(has_text=f"answer {n}") for n in (1, 2))
        await first.get_by_role("button", name="Send without the reply").click()
        await bob.sees("answer 1")
        await second.get_by_role("button", name="Back into the message field").click()
        await expect(alice.composer).to_have_value("answer 2")
        await expect(second).to_have_count(0)
        await alice.composer.press("Enter")
        await bob.sees("answer 2")


async def test_an_edit_that_was_begun_is_kept(stage):
    async with stage(settings=ROOMS) as here:
        (alice,) = await here.guests("alice")
        await alice.say("a mistake")
        await alice.sees("a mistake")
        await alice.composer.press("ArrowUp")
        editor = alice.page.get_by_role("textbox", name="Edit")
        await editor.fill("a mistake that I am ab")
        # Keys that belong to the composition of a word do nothing else.
        for key in ("Enter", "Escape"):
            for more in ({"isComposing": True}, {"keyCode": 229}):
                await editor.dispatch_event("keydown", {"key": key, "bubbles": True, **more})
        await expect(editor).to_be_focused()
        await expect(editor).to_have_value("a mistake that I am ab")
        await alice.room("random").click()
        await expect(editor).to_have_count(0)
        await alice.open("general")
        await expect(editor).to_have_value("a mistake that I am ab")
        await alice.page.reload()
        await alice.ready()
        await expect(editor).to_have_value("a mistake that I am ab")
        await editor.fill("mended")
        await editor.press("Enter")
        await alice.sees(re.compile(r"^mended"))
        await expect(editor).to_have_count(0)
        await alice.page.reload()
        await alice.sees(re.compile(r"^mended"))
        await expect(editor).to_have_count(0)


async def test_a_message_follows_its_file_into_whatever_room_one_looks(stage):
    async with stage(settings=ROOMS) as here:
        (alice,) = await here.guests("alice")
        (bob,) = await here.server.join("general", "bob")
        waiting = []
        failing = [413]

        async def upload(route):
            if failing:
                await route.fulfill(status=failing.pop(), body="<h1>Too large</h1>")
            else:
                waiting.append(route)

        here.forgive("status of 413")
        await alice.page.route("**/upload?*", upload)
        # What a proxy refuses is said, in red, and stays until it is removed.
        await alice.page.evaluate(DROP, 10)
        item = alice.page.locator(".tray-item")
        await expect(item.get_by_role("alert")).to_have_text("That is too large.")
        await alice.say("without it?")
        await expect(alice.page.locator(".composer-error")).to_contain_text("could not be uploaded")
        await item.get_by_role("button", name="Remove").click()
        await alice.composer.fill("")

        await alice.page.evaluate(DROP, 20)
        await alice.say("with a file")
        await expect(item).to_contain_text("Will be sent when it is up")
        await alice.open("random")
        await expect(item).to_have_count(0)
        await waiting.pop().continue_()
        message = await bob.hears("message")
        assert message.content == "with a file"
        assert message["files"][0]["name"] == "dropped.bin"
        await alice.open("general")
        await expect(alice.composer).to_have_value("")
        await alice.sees("with a file")

        # Uploaded ones survive a reload.
        await alice.page.unroute("**/upload?*")
        await alice.page.evaluate(DROP, 30)
        await expect(item).to_contain_text("30 bytes")
        await alice.page.reload()
        await alice.ready()
        await expect(item).to_contain_text("dropped.bin")
        await alice.say("after the reload")
        await expect((await alice.sees("after the reload")).locator(".file-card")).to_be_visible()
        await expect(item).to_have_count(0)


async def test_a_browser_that_stores_nothing(stage):
    async with stage(settings=ROOMS) as here:
        alice = await here.window()
        await alice.page.add_init_script(BLOCKED)
        await alice.enter("alice")
        await alice.type("kept in memory")
        await expect(alice.toasts).to_contain_text("stores nothing for this page")
        await alice.open("random")
        await expect(alice.composer).to_have_value("")
        await alice.open("general")
        await expect(alice.composer).to_have_value("kept in memory")
        await alice.composer.press("Enter")
        await alice.sees("kept in memory")


async def test_a_first_direct_message_that_is_not_sent_yet_outlives_a_reload(stage):
    async with stage(settings=ROOMS) as here, here.cable() as cable:
        here.forgive(UNREACHABLE)
        alice, bob = await here.window(cable.url), await here.window()
        await alice.enter("alice")
        await bob.enter("bob")
        await alice.talk_to("bob")
        await alice.type("half a sent")
        await alice.page.evaluate(DROP, 10)
        await expect(alice.page.locator(".tray-item")).to_contain_text("10 bytes")
        await alice.page.reload()
        await expect(alice.page.get_by_role("heading", level=1)).to_have_text("bob")
        await expect(alice.composer).to_have_value("half a sent")
        await expect(alice.page.locator(".tray-item")).to_contain_text("10 bytes")
        cable.cut()
        await expect(alice.page.locator("connection-line")).to_contain_text("No connection")
        await alice.say("a whole sentence")
        await expect(alice.pending()).to_have_count(1)
        cable.mend()
        # The server takes no message before the conversation is on the screen.
        await alice.page.reload()
        await expect(alice.page.get_by_role("heading", level=1)).to_have_text("bob")
        await alice.sees("a whole sentence")
        await expect(alice.toasts).to_have_text("")
        await bob.open("alice")
        await expect((await bob.sees("a whole sentence")).locator(".file-card")).to_be_visible()


async def test_who_is_muted_is_told_for_as_long_as_it_lasts(stage):
    async with stage(settings=ROOMS) as here:
        (alice,) = await here.guests("alice")
        mona = await here.server.account("mona", "moderator")
        await mona.join("general")
        await alice.type("Let me sp")
        await mona.says("/mute alice 10 shouting")
        line = alice.page.locator(".closed-line")
        await expect(line).to_contain_text(
            re.compile(r"mona muted you in general: you can read, not write: shouting \(until .*\)")
        )
        await expect(alice.composer).to_be_hidden()
        await expect(line.get_by_role("button", name="Copy what you wrote")).to_be_visible()
        await alice.page.reload()
        await expect(line).to_contain_text("mona muted you")
        await mona.says("/unmute alice")
        await expect(line).to_be_hidden()
        await expect(alice.composer).to_have_value("Let me sp")
        await alice.say("Let me speak")
        await alice.sees("Let me speak")


async def test_a_dialog_is_closed_by_a_press_outside_only(stage):
    async with stage(settings=ROOMS) as here:
        (alice,) = await here.guests("alice")
        mouse = alice.page.mouse
        await alice.settings()
        dialog = alice.page.get_by_role("dialog")
        field = dialog.get_by_label("Status text")
        await field.fill("a long status")
        box = await field.bounding_box()
        await mouse.move(box["x"] + box["width"] / 2, box["y"] + 10)
        await mouse.down()
        await mouse.move(5, box["y"] + 10, steps=4)
        await mouse.up()
        await expect(field).to_have_value("a long status")
        await mouse.click(5, 5)
        await expect(dialog).to_have_count(0)


async def test_a_keyboard_that_lies_over_the_page_leaves_the_field_in_sight(stage):
    async with stage(settings=ROOMS) as here:
        phone = await here.window(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
        await phone.enter("alice", "#/general")
        await phone.composer.tap()
        # What a browser tells that makes no room for the keyboard by itself.
        await phone.page.evaluate(
            """() => { Object.defineProperty(visualViewport, "height", { value: 500, configurable: true });
              visualViewport.dispatchEvent(new Event("resize")); }"""
        )
        # What leaves room for it is loaded after the page.
        await expect(phone.page.locator("html[data-keyboard]")).to_be_attached()
        box = await phone.composer.bounding_box()
        assert box["y"] + box["height"] <= 500
        assert await phone.page.get_by_role("heading", level=1).is_visible()
        await phone.page.evaluate(
            """() => { delete visualViewport.height; visualViewport.dispatchEvent(new Event("resize")); }"""
        )
        box = await phone.composer.bounding_box()
        assert box["y"] + box["height"] > 700
        # Suggestions and the send button are tapped without the keyboard going away.
        await phone.composer.press_sequentially("/shr")
        await phone.page.get_by_role("option", name=re.compile("shrug")).tap()
        await expect(phone.composer).to_have_value("/shrug ")
        await expect(phone.composer).to_be_focused()
        await phone.composer.fill("by tap")
        await phone.page.get_by_role("button", name="Send").tap()
        await phone.sees("by tap")
        await expect(phone.composer).to_be_focused()


async def test_two_tabs_keep_a_draft_each(stage):
    async with stage(settings=ROOMS) as here:
        (alice,) = await here.guests("alice")
        other = await alice.tab()
        await alice.type("a long thought")
        # One that only looks follows.
        await expect(other.composer).to_have_value("a long thought")
        await other.open("random")
        await other.type("something else")
        await alice.open("random")
        await alice.type("mine")
        await other.say("something else")
        await other.sees("something else")
        await other.page.close()
        await expect(alice.composer).to_have_value("mine")
        await alice.page.reload()
        await alice.ready()
        await expect(alice.composer).to_have_value("mine")
        await alice.open("general")
        await expect(alice.composer).to_have_value("a long thought")


async def test_an_upload_that_was_cut_off_goes_on(stage):
    async with stage(settings=ROOMS) as here, here.cable() as cable:
        here.forgive(UNREACHABLE)
        here.forgive("ERR_")
        alice = await here.window(cable.url)
        await alice.enter("alice")
        await alice.parts()
        cable.cut()
        await expect(alice.page.locator("connection-line")).to_contain_text("No connection")
        await alice.page.evaluate(DROP, 10)
        await expect(alice.page.locator(".tray-item")).to_contain_text("Waits for the connection")
        await alice.say("up again")
        await expect(alice.composer).to_have_value("up again")
        cable.mend()
        await expect((await alice.sees("up again")).locator(".file-card")).to_be_visible()
