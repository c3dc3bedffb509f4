"""Sending never loses: through crashes, restarts, lost networks, reloads and refusals."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from browser_kit import UNREACHABLE
from playwright.async_api import expect

from chatserver.testing import Client, ServerProcess

pytestmark = pytest.mark.browser

MESSAGES = 25


class Program:
    """A raw WebSocket with a client's manners: resumes after a loss, and sends again what was not answered."""

    def __init__(self, server: ServerProcess) -> None:
        self.server = server
        self.client: Client | None = None
        self.heard: list[dict] = []

    async def connect(self) -> Client:
        if self.client is None:
            self.client = await self.server.client(name="program")
            await self.client.join("general")
            return self.client
        old = self.client
        await self.note()
        resume = {"epoch": old.welcome.epoch, "rooms": dict(old.seen)}
        await old.leave()
        self.client = await self.server.client(token=old.token, resume=resume)
        self.client.seen = {**old.seen, **self.client.seen}
        return self.client

    async def note(self) -> None:
        """Take down what came, by the live rule: what is known already is ignored."""
        assert self.client is not None
        for event in self.client.everything:
            last = {each["room"]: each["seq"] for each in self.heard}
            if event["type"] == "message" and event["seq"] > last.get(event["room"], 0):
                self.heard.append(event)
        self.client.everything.clear()

    async def write(self, texts: list[str], back: asyncio.Event, **where: str) -> None:
        for text in texts:
            while True:
                try:
                    assert self.client is not None
                    await self.client.says(text, nonce=f"nonce of {text}", **where)
                    break
                except (ConnectionError, TimeoutError):
                    await back.wait()

    def texts(self, room: str) -> list[str]:
        return [event["content"] for event in self.heard if event["room"] == room]


async def write(window, texts):
    for text in texts:
        await window.say(text)


async def crash_while(
    server: ServerProcess, program: Program, back: asyncio.Event, windows, writing, crashes
) -> None:
    """SIGKILL the server while people write, each time when some of it has arrived."""
    for crash in range(1, crashes + 1):
        arrived = MESSAGES * len(windows) * crash // (crashes + 2)
        await windows[0].until("(count) => document.querySelectorAll('.message').length >= count", arrived)
        back.clear()
        await server.kill()
        for window in windows:
            await expect(window.page.locator(".message.pending").first).to_be_attached()
        await server.start()
        await program.connect()
        back.set()
    await asyncio.gather(*writing)


async def settled(windows) -> None:
    for window in windows:
        await expect(window.pending()).to_have_count(0, timeout=20000)


@pytest.mark.timeout(seconds=90)
async def test_two_windows_and_a_program_talk_through_sigkill(lasting, windows):
    async with lasting() as server, windows(server.url) as here:
        here.forgive(UNREACHABLE)
        alice, bob = await here.guests("alice", "bob")
        program, back = Program(server), asyncio.Event()
        back.set()
        await program.connect()

        said = {
            name: [f"{name} {number}" for number in range(MESSAGES)] for name in ("alice", "bob", "program")
        }
        writing = [
            asyncio.ensure_future(each)
            for each in (
                write(alice, said["alice"]),
                write(bob, said["bob"]),
                program.write(said["program"], back, room="general"),
            )
        ]
        await crash_while(server, program, back, [alice, bob], writing, crashes=2)
        await settled([alice, bob])
        everything = [text for texts in said.values() for text in texts]
        for window in (alice, bob):
            await expect(window.log.locator(".message")).to_have_count(len(everything))
        await program.client.heard()
        await program.note()
        order = program.texts("general")
        assert Counter(order) == Counter(everything), "something was lost or doubled"
        for name, texts in said.items():
            assert [text for text in order if text.startswith(name)] == texts, "out of order"
        for window in (alice, bob):
            assert await window.texts() == order
            # The same from the log itself, without what the page has in memory.
            await window.page.reload()
            await window.ready()
            await expect(window.message(order[-1])).to_have_count(1)
            seen = await window.texts()
            assert seen == order[-len(seen) :]

        await alice.talk_to("bob")
        await alice.say("in private")
        await bob.open("alice")
        await bob.sees("in private")
        said = {name: [f"{name} to {number}" for number in range(MESSAGES)] for name in ("alice", "bob")}
        writing = [
            asyncio.ensure_future(write(alice, said["alice"])),
            asyncio.ensure_future(write(bob, said["bob"])),
        ]
        await crash_while(server, program, back, [alice, bob], writing, crashes=1)
        await settled([alice, bob])
        everything = ["in private", *said["alice"], *said["bob"]]
        for window in (alice, bob):
            await expect(window.log.locator(".message")).to_have_count(len(everything))
            assert Counter(await window.texts()) == Counter(everything)
        assert await alice.texts() == await bob.texts()
        await program.note()
        assert all(event["room"] == "general" for event in program.heard)
        await program.client.leave()


async def test_a_direct_room_with_a_program_through_sigkill(lasting, windows):
    async with lasting() as server, windows(server.url) as here:
        here.forgive(UNREACHABLE)
        (alice,) = await here.guests("alice")
        program, back = Program(server), asyncio.Event()
        await program.connect()
        await program.client.says("before", to="alice")
        await alice.open("program")
        await alice.sees("before")
        await server.kill()
        await write(alice, ["meanwhile 1", "meanwhile 2"])
        await expect(alice.pending()).to_have_count(2)
        late = asyncio.ensure_future(program.write(["from the program"], back, to="alice"))
        await server.start()
        await program.connect()
        back.set()
        await late
        for text in ("before", "meanwhile 1", "meanwhile 2", "from the program"):
            await alice.sees(text)
        await program.client.heard()
        await program.note()
        assert Counter(event["content"] for event in program.heard) == Counter(await alice.texts())
        await program.client.leave()


async def test_offline_messages_wait_and_are_sent(stage):
    async with stage() as here, here.cable() as cable:
        here.forgive(UNREACHABLE)
        alice, bob = await here.window(cable.url), await here.window()
        await alice.enter("alice")
        await bob.enter("bob")
        line = alice.page.locator("connection-line")
        await expect(line).to_be_hidden()
        cable.cut()
        await expect(line).to_contain_text("No connection. What you write will be sent when it is back.")
        await alice.say("first")
        await alice.say("second")
        await expect(alice.pending()).to_have_count(2)
        await expect(alice.pending().first).to_contain_text("Sending")
        await bob.say("from a user who is online")
        await bob.sees("from a user who is online")
        cable.mend()
        for window in (alice, bob):
            for text in ("from a user who is online", "first", "second"):
                await window.sees(text)
            assert await window.texts() == ["from a user who is online", "first", "second"]
        await expect(line).to_be_hidden()


async def test_the_network_being_back_is_noticed_at_once(stage):
    async with stage() as here, here.cable() as cable:
        here.forgive(UNREACHABLE)
        alice = await here.window(cable.url)
        await alice.enter("alice")
        # A clock that stands: nothing comes back by waiting. The first try by itself would be after a second.
        await alice.page.evaluate("Math.random = () => 0.999")
        await alice.page.clock.install()
        await alice.page.clock.pause_at("2040-01-01")
        cable.cut()
        line = alice.page.locator("connection-line")
        for _ in range(200):
            await alice.page.clock.run_for(50)
            if await line.is_visible():
                break
        await expect(line).to_contain_text("No connection")
        cable.mend()
        await line.get_by_role("button", name="Try now").click()
        await expect(line).to_contain_text("You are connected again.")


async def test_a_reload_keeps_what_was_not_sent(stage):
    async with stage() as here, here.cable() as cable:
        here.forgive(UNREACHABLE)
        alice, bob = await here.window(cable.url), await here.window()
        await alice.enter("alice")
        await bob.enter("bob")
        cable.cut()
        await expect(alice.page.locator("connection-line")).to_contain_text("No connection")
        await alice.say("kept")
        await expect(alice.pending()).to_have_count(1)
        cable.mend()
        await alice.page.reload()
        for window in (alice, bob):
            await window.sees("kept")


async def test_drafts_outlive_a_reload_and_stay_in_their_room(stage):
    async with stage(settings={"rooms": [{"name": "general"}, {"name": "random"}]}) as here:
        (alice,) = await here.guests("alice")
        await alice.open("random")
        await alice.type("for random")
        await alice.open("general")
        await expect(alice.composer).to_have_value("")
        await alice.type("for general")
        await alice.page.reload()
        await alice.ready()
        await expect(alice.composer).to_have_value("for general")
        await alice.open("random")
        await expect(alice.composer).to_have_value("for random")
        await alice.composer.press("Enter")
        await alice.sees("for random")
        await alice.page.reload()
        await alice.ready()
        await expect(alice.composer).to_have_value("")


async def test_a_refused_message_says_why_and_can_be_tried_again_or_deleted(stage):
    async with stage(plugins={"basics": {}, "moderation": {"words": ["shout"]}, "history": {}}) as here:
        alice, bob = await here.guests("alice", "bob")
        await alice.say("I shout")
        failed = alice.log.get_by_role("article").filter(has_text="Not sent:")
        await expect(failed).to_contain_text("I shout")
        why = await failed.locator(".failure").inner_text()
        assert len(why) > len("Not sent: Try again Delete"), why
        await alice.say("I whisper")
        await bob.sees("I whisper")
        await alice.page.reload()
        await alice.ready()
        await expect(failed).to_contain_text("I shout")
        await failed.get_by_role("button", name="Try again").click()
        await expect(failed).to_contain_text("Not sent:")
        await failed.get_by_role("button", name="Delete").click()
        await expect(failed).to_have_count(0)
        await alice.page.reload()
        await alice.ready()
        await alice.sees("I whisper")
        await expect(failed).to_have_count(0)
        assert await bob.texts() == ["I whisper"]


async def test_too_many_messages_wait_their_turn(stage):
    limits = {"messages_per_second": 5, "burst": 3}
    async with stage(settings={"limits": limits}) as here:
        alice, bob = await here.guests("alice", "bob")
        said = [f"fast {number}" for number in range(8)]
        await write(alice, said)
        await expect(bob.log.locator(".message")).to_have_count(len(said))
        assert await bob.texts() == said
        await expect(alice.pending()).to_have_count(0)
