"""Forms that are open while something else changes: their user or their plugin; and those that can't be sent."""

from __future__ import annotations

import asyncio
from dataclasses import make_dataclass
from typing import Annotated, Literal

import pytest

from chatserver import Field, Form
from chatserver.testing import Refused

DESK = '''
import asyncio
from dataclasses import dataclass

from chatserver import Action, Form, Plugin, command, hookimpl


@dataclass
class Name:
    name: str


class Desk(Plugin):
    """Asks for a name by a command and by a button, each with and without a permission."""

    def __init__(self, *args):
        super().__init__(*args)
        self.named = []
        self.ended = 0
        self.reached, self.go = asyncio.Event(), asyncio.Event()

    @hookimpl
    def register_permissions(self):
        return {"desk.write": "moderator"}

    async def _name(self, ctx):
        try:
            self.named.append((ctx.user.role, (await ctx.ask(Form("Name", Name))).name))
        finally:
            self.ended += 1

    @command()
    async def open(self, ctx):
        await self._name(ctx)

    @command(permission="desk.write")
    async def book(self, ctx):
        await self._name(ctx)

    @command()
    async def show(self, ctx):
        await ctx.reply(
            "Press.",
            actions=[Action("Open", self.press), Action("Book", self.press, id="book", permission="desk.write")],
        )

    async def press(self, ctx):
        await self._name(ctx)

    @command()
    async def quick(self, ctx):
        await ctx.ask(Form("Quick", Name, seconds=0.05))

    @command()
    async def later(self, ctx):
        self.reached.set()
        await self.go.wait()
        await self._name(ctx)

    @command()
    async def odd(self, ctx):
        form = Form("Name", Name)
        form.title = chr(0xD800)
        await ctx.ask(form)
'''


@pytest.fixture
def desk(chat, tmp_path):
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "desk.py").write_text(DESK)

    def make(plugins=("basics", "moderation", "desk"), **options):
        return chat(plugins=plugins, dirs=[folder], **options)

    return make


async def code_of(work) -> str:
    with pytest.raises(Refused) as caught:
        await work
    return caught.value.code


async def opened(client, how):
    """The id of the form that a command opens, or, by its name, a button."""
    if how.startswith("/"):
        await client.says(how)
    else:
        await client.says("/show")
        shown = await client.hears(content="Press.")
        await client.ask("action", message_id=shown.message_id, plugin="desk", action=how)
    return (await client.hears("form")).form


@pytest.mark.parametrize(
    ("how", "meanwhile", "code"),
    [
        ("/open", "/ban alice", "banned"),
        ("press", "/ban alice", "banned"),
        ("press", "/kick alice", "not_member"),
        ("press", "/mute alice 5", "muted"),
        ("/open", "/mute alice 5", None),
        ("/book", "demoted", "forbidden"),
        ("book", "demoted", "forbidden"),
        ("/open", "demoted", None),
        ("press", "demoted", None),
        ("/open", "limited", "not_found"),
        ("press", "limited", "not_found"),
        ("/open", "nothing", None),
    ],
)
async def test_an_answer_is_held_to_what_its_call_was(desk, how, meanwhile, code):
    async with desk(accounts={"mona": "admin"}) as server:
        mona = await server.client("mona")
        alice = await server.account("alice", "moderator", forms=True)
        for client in (mona, alice):
            await client.join("general")
        form = await opened(alice, how)
        if meanwhile == "demoted":
            services = server.services
            await services.accounts.set_role(await services.accounts.find("alice"), "member")
            await services.account_changes.apply()
        elif meanwhile == "limited":
            await server.reload({"basics": {}, "moderation": {}, "desk": {"rooms": ["tea"]}})
        elif meanwhile != "nothing":
            await mona.says(meanwhile)
        answer = {"form": form, "values": {"name": "x"}}
        plugin = server.plugin("desk")
        if code is None:
            await alice.ask("answer", **answer)
            assert [name for _, name in plugin.named] == ["x"]
        else:
            assert await code_of(alice.ask("answer", **answer)) == code
            # That was the end of it.
            assert await code_of(alice.ask("answer", **answer)) == "not_found"
            assert plugin.named == []
        assert plugin.ended == 1
        assert server.services.dialogs.waiting == 0


async def test_a_reload_ends_the_forms_of_what_it_replaces(desk):
    async with desk() as server:
        alice, bob = [await server.client(name, forms=True) for name in ("alice", "bob")]
        for client in (alice, bob):
            await client.join("general")
        form = await opened(alice, "/open")
        before = server.plugin("desk")
        await server.reload(["basics"])
        closed = await alice.hears("form_closed")
        assert (closed.form, closed.why) == (form, "replaced")
        assert await code_of(alice.ask("answer", form=form, values={"name": "x"})) == "not_found"
        assert (before.ended, before.named, server.services.dialogs.waiting) == (1, [], 0)
        assert not await bob.heard("form_closed")


async def test_a_reload_leaves_the_forms_of_others_alone(desk):
    async with desk() as server:
        alice = await server.client("alice", forms=True)
        await alice.join("general")
        form = await opened(alice, "/open")
        await server.reload(["moderation", "desk"])
        await alice.ask("answer", form=form, values={"name": "x"})
        assert [name for _, name in server.plugin("desk").named] == ["x"]
        assert not await alice.heard("form_closed")


async def test_what_was_replaced_asks_nothing_any_more(desk, eventually):
    async with desk() as server:
        alice = await server.client("alice", forms=True)
        await alice.join("general")
        before = server.plugin("desk")
        asked = asyncio.create_task(code_of(alice.says("/later")))
        await before.reached.wait()
        reload = asyncio.create_task(server.reload(["basics"]))
        await eventually(lambda: server.services.host.current.peer("desk") is None)
        before.go.set()
        assert await asked == "unavailable"
        await reload
        assert server.services.dialogs.waiting == 0
        assert not await alice.heard("form")


async def test_a_form_that_ends_by_itself_is_told(desk):
    async with desk() as server:
        alice = await server.client("alice", forms=True)
        await alice.join("general")
        form = await opened(alice, "/quick")
        closed = await alice.hears("form_closed")
        assert (closed.form, closed.why) == (form, "late")
        forms = [await opened(alice, "/open") for _ in range(6)]
        closed = await alice.hears("form_closed")
        assert (closed.form, closed.why) == (forms[0], "cancelled")
        await alice.ask("answer", form=forms[1], values={"name": "x"})
        await alice.ask("answer", form=forms[2])
        assert not await alice.heard("form_closed")


async def test_a_form_that_cannot_be_sent_is_not_open(desk):
    async with desk() as server:
        alice = await server.client("alice", forms=True)
        await alice.join("general")
        assert await code_of(alice.says("/odd")) == "plugin_failed"
        (failure,) = server.failures()
        assert (failure.plugin, failure.what) == ("desk", "/odd")
        assert server.services.dialogs.waiting == 0


LONE = "\ud800"


@pytest.mark.parametrize("wrong", [LONE, "x" * 5000])
@pytest.mark.parametrize("where", ["title", "submit", "label", "help", "default", "choice"])
def test_a_form_has_words_that_can_be_sent(wrong, where):
    shown = {where: wrong} if where in ("label", "help") else {}
    type_ = Literal["a", wrong] if where == "choice" else str
    default = wrong if where == "default" else "a"
    words = {"title": "Title", "submit": "Send", **({where: wrong} if where in ("title", "submit") else {})}

    def make():
        fields = make_dataclass("Fields", [("name", Annotated[type_, Field(**shown)], default)])
        Form(words["title"], fields, submit=words["submit"])

    with pytest.raises(ValueError, match=where):
        make()
