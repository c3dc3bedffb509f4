"""Two people, two windows, and a program: they come in and talk."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

pytestmark = pytest.mark.browser


async def test_a_name_is_enough(stage):
    async with stage() as here:
        window = await here.window()
        await window.goto()
        await expect(window.page.get_by_role("heading", level=1)).to_have_text("chatserver")
        await window.page.get_by_role("button", name="Start talking").click()
        await expect(window.page.get_by_role("alert")).to_have_text("Please enter a name.")
        await expect(window.page.get_by_label("Your name")).to_be_focused()
        await window.page.keyboard.type("alice")
        await window.page.keyboard.press("Enter")
        await expect(window.composer).to_be_focused()
        await expect(window.page).to_have_title("General · chatserver")
        await expect(window.page.get_by_role("heading", level=1)).to_have_text("General")
        await expect(window.log).to_contain_text("This is where the room begins.")
        await expect(window.people.get_by_role("button", name=re.compile("^alice"))).to_be_visible()


async def test_a_name_that_cannot_be_is_refused_with_a_reason(stage):
    async with stage() as here:
        await here.server.join("general", "bob")
        here.forgive("status of 4(00|09)")
        window = await here.window()
        await window.goto()
        field, alert = window.page.get_by_label("Your name"), window.page.get_by_role("alert")
        for name, why in (("bob", "taken"), ("a b", "spaces"), ("b\u043eb", "taken")):
            await field.fill(name)
            await field.press("Enter")
            await expect(alert).to_contain_text(why)
            await expect(field).to_be_focused()
            await expect(field).to_have_attribute("aria-invalid", "true")
        await field.fill("robert")
        await field.press("Enter")
        await window.ready()


async def test_two_windows_and_a_program_talk_in_a_room(stage):
    async with stage() as here:
        alice, bob = await here.guests("alice", "bob")
        (carol,) = await here.server.join("general", "carol")
        await alice.say("Hello, both of you")
        await bob.sees("Hello, both of you")
        assert (await carol.hears()).content == "Hello, both of you"
        await carol.says("Hello, windows")
        for window in (alice, bob):
            message = await window.sees("Hello, windows")
            await expect(message.get_by_role("button", name="carol")).to_be_visible()
            await expect(message.locator("time")).to_be_visible()
        await bob.say("And me")
        await alice.sees("And me")
        assert await alice.texts() == ["Hello, both of you", "Hello, windows", "And me"]


async def test_windows_take_compressed_frames(stage):
    async with stage(settings={"server": {"compression": True}}) as here:
        alice, bob = await here.guests("alice", "bob")
        before = here.server.services.metrics.compressed
        long = ("A long message, and its html is as long. " * 60).strip()
        await alice.say(long)
        for window in (alice, bob):
            await window.sees(long)
        assert here.server.services.metrics.compressed == before + 1
        await bob.say("short")
        await alice.sees("short")
        # Who comes later gets it with the page of the room.
        carol = await here.window()
        await carol.enter("carol")
        await carol.sees(long)
        assert here.server.services.metrics.compressed > before + 1


async def test_two_windows_and_a_program_talk_in_a_direct_room(stage):
    async with stage() as here:
        alice, bob = await here.guests("alice", "bob")
        (carol,) = await here.server.join("general", "carol")
        await alice.talk_to("bob")
        await alice.say("Only for you")
        await expect(bob.room("alice")).to_have_accessible_name("alice, 1 unread")
        await bob.open("alice")
        await bob.sees("Only for you")
        await bob.say("I see")
        await alice.sees("I see")
        await carol.says("From a program", to="alice")
        assert await carol.heard() != []
        await alice.open("carol")
        await alice.sees("From a program")
        await alice.say("To a program")
        assert (await carol.hears()).content == "To a program"
        await expect(bob.message("From a program")).to_have_count(0)


async def test_a_message_is_there_at_once_and_confirmed_later(stage):
    async with stage() as here:
        alice, bob = await here.guests("alice", "bob")
        held = await hold_sends(alice)
        await alice.say("Wait for me")
        await expect(alice.pending()).to_have_count(1)
        await expect(alice.pending()).to_contain_text("Wait for me")
        await expect(alice.composer).to_have_value("")
        await alice.page.evaluate("(held) => held.release()", held)
        await bob.sees("Wait for me")
        await alice.sees("Wait for me")
        await expect(alice.pending()).to_have_count(0)


async def hold_sends(window):
    """Keep what this page sends until ``release()`` is called: a slow network."""
    return await window.page.evaluate_handle(
        """() => {
          const send = WebSocket.prototype.send, held = [];
          WebSocket.prototype.send = function (data) { held.push([this, data]); };
          return { release() {
            WebSocket.prototype.send = send;
            for (const [socket, data] of held) send.call(socket, data);
          } };
        }"""
    )


async def test_lines_stay_lines(stage):
    async with stage() as here:
        alice, bob = await here.guests("alice", "bob")
        await alice.composer.press_sequentially("one")
        await alice.composer.press("Shift+Enter")
        await alice.composer.press_sequentially("two")
        await alice.composer.press("Enter")
        await bob.sees("one\ntwo")
        assert await bob.texts() == ["one\ntwo"]


async def test_who_is_typing_is_said(stage):
    async with stage() as here:
        alice, bob = await here.guests("alice", "bob")
        line = alice.page.locator("typing-line")
        await bob.composer.press_sequentially("Hm")
        await expect(line).to_have_text("bob is typing…")
        await bob.composer.press("Enter")
        await expect(line).to_have_text("")
        await bob.composer.press_sequentially("H")
        await expect(line).to_have_text("bob is typing…")
        await bob.composer.fill("")
        await expect(line).to_have_text("")


async def test_what_is_new_is_counted_and_marked(stage):
    async with stage(settings={"rooms": [{"name": "general"}, {"name": "random"}]}) as here:
        (alice,) = await here.guests("alice")
        await alice.open("random")
        await alice.say("I am here")
        await alice.sees("I am here")
        await alice.open("general")
        (bob,) = await here.server.join("random", "bob")
        for number in range(1, 4):
            await bob.says(f"news {number}")
        await bob.says("@alice look")
        await expect(alice.room("random")).to_have_accessible_name("random, 4 unread, 1 mention")
        await expect(alice.page).to_have_title(re.compile(r"^\(4\) "))
        await alice.open("random")
        await expect(alice.log.get_by_role("separator")).to_have_text("New")
        order = await alice.log.locator(".message, [role=separator]").all_inner_texts()
        new = next(index for index, text in enumerate(order) if text.strip() == "New")
        assert "I am here" in order[new - 1]
        assert "news 1" in order[new + 1]
        await expect(alice.room("random")).to_have_accessible_name("random")
        await expect(alice.page).to_have_title(re.compile(r"^random"))


async def test_a_second_tab_is_the_same_person(stage):
    async with stage() as here:
        (bob,) = await here.server.join("general", "bob")
        (alice,) = await here.guests("alice")
        await bob.hears("joined")
        other = await alice.tab()
        await alice.say("from the first")
        await other.sees("from the first")
        await other.say("from the second")
        await alice.sees("from the second")
        await expect(other.people.get_by_role("button", name=re.compile("^alice"))).to_have_count(1)
        assert await bob.heard("joined") == []
        await other.page.close()
        await alice.say("still here")
        await alice.sees("still here")
        assert await bob.heard("left") == []


async def test_reading_in_one_tab_is_reading_in_the_other(stage):
    async with stage(settings={"rooms": [{"name": "general"}, {"name": "random"}]}) as here:
        (alice,) = await here.guests("alice")
        await alice.open("random")
        await alice.open("general")
        other = await alice.tab()
        (bob,) = await here.server.join("random", "bob")
        await bob.says("news")
        for tab in (alice, other):
            await expect(tab.room("random")).to_have_accessible_name("random, 1 unread")
        await other.page.bring_to_front()
        await other.open("random")
        for tab in (other, alice):
            await expect(tab.room("random")).to_have_accessible_name("random")


async def test_a_reload_is_no_leaving_and_coming(stage):
    async with stage(timeouts={"presence_grace": 5.0}) as here:
        (bob,) = await here.server.join("general", "bob")
        (alice,) = await here.guests("alice")
        await bob.hears("joined")
        await alice.say("before")
        await alice.page.reload()
        await alice.ready()
        await alice.sees("before")
        await alice.say("after")
        await alice.sees("after")
        assert await bob.heard("left") == []
        assert await bob.heard("joined") == []


async def test_the_address_of_a_message_opens_there(stage):
    async with stage() as here:
        (bob,) = await here.server.join("general", "bob")
        for number in range(200):
            await bob.says(f"number {number}")
        page = await bob.ask("history", room="general", after=0, limit=60)
        wanted = next(event for event in page.events if event.get("content") == "number 20")
        window = await here.window()
        await window.enter("alice", f"#/general/{wanted['seq']}")
        message = await window.sees("number 20")
        await expect(message).to_be_in_viewport()
        await expect(message).to_be_focused()
        assert window.page.url.endswith(f"#/general/{wanted['seq']}")
        await window.page.get_by_role("button", name="To the newest messages").click()
        await expect(await window.sees("number 199")).to_be_in_viewport()
