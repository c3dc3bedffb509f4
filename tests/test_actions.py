"""Buttons below messages: pressed, refused, kept over restarts, and the forms that they and commands ask for."""

from __future__ import annotations

import asyncio
import json

import pytest

from chatserver import Action, Plugin
from chatserver.testing import Refused

APPROVE = '''
from dataclasses import dataclass
from typing import Annotated, Literal

from chatserver import Action, Context, Field, Form, FormClosed, Plugin, Reject, Room, User, command, hookimpl


@dataclass
class Refusal:
    why: Annotated[str, Field("Why?", multiline=True, max=20)]
    kind: Literal["late", "wrong"] = "wrong"
    days: Annotated[int, Field(min=1, max=9)] = 1
    share: Annotated[float, Field("Share", help="of the whole", min=0)] = 0.5
    again: bool = False
    who: User | None = None
    room: Room | None = None
    note: str = ""


REFUSAL = Form("Refuse the request", Refusal, submit="Refuse it")
SHORT = Form("Quick", Refusal, seconds=0.3)


class Approve(Plugin):
    def __init__(self, *args):
        super().__init__(*args)
        self.done = []

    @hookimpl
    def register_permissions(self):
        return {"approve.decide": "moderator"}

    @command()
    async def request(self, ctx: Context, *, text: str):
        """Ask for something."""
        await ctx.reply(text, actions=[
            Action("Approve", self.approve, permission="approve.decide", style="primary"),
            Action("Refuse", self.refuse, permission="approve.decide", style="danger"),
            Action("Me, too", self.support, id="plus", data={"by": 1}),
            Action("Me, twice", self.support, id="twice", data={"by": 2}),
            Action("Break", self.crash),
        ])

    async def approve(self, ctx):
        await ctx.update(actions=[], extra={"approved": ctx.user.name})
        self.done.append((ctx.user.name, ctx.message.content, ctx.room.name))
        await ctx.reply("Approved.")
        return "You approved it."

    async def refuse(self, ctx):
        values = await ctx.ask(REFUSAL)
        await ctx.update(actions=[])
        self.done.append(values)
        return f"Refused: {values.why}"

    async def support(self, ctx):
        count = ctx.message.extras.get("approve", {}).get("count", 0) + ctx.data["by"]
        await ctx.update(extra={"count": count})

    def crash(self, ctx):
        raise SystemExit(3)

    @command()
    async def tell(self, ctx: Context, *, how: str = ""):
        """Fill in a form or two."""
        try:
            first = await ctx.ask(SHORT if how == "quick" else REFUSAL)
        except FormClosed as closed:
            self.done.append(closed.why)
            if how == "crash":
                raise RuntimeError("crashed after a form")
            raise
        if how == "twice":
            second = await ctx.ask(REFUSAL)
            return f"{first.why}, {second.why}"
        if how == "crash":
            raise RuntimeError("crashed after a form")
        if how == "no":
            raise Reject("Not today.")
        return first.why
'''


@pytest.fixture
def approve(chat, tmp_path, on_file):
    """Makes a server with the plugin above, and its people: mona may decide, alice asks, bob looks on."""
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "approve.py").write_text(APPROVE)

    def make(plugins=("basics", "approve"), settings=None, **options):
        accounts = {"mona": "moderator", "max": "moderator"}
        return chat(
            plugins=plugins,
            dirs=[folder],
            accounts=accounts,
            settings={**on_file, **(settings or {})},
            **options,
        )

    return make


async def ready(server):
    """Those three in a room, and the request."""
    clients = [await server.client(name, forms=True) for name in ("mona", "alice", "bob")]
    for client in clients:
        await client.join("general")
    await clients[1].says("/request A new chair")
    asked = [await client.hears(content="A new chair") for client in clients]
    return *clients, asked[0]


def press(client, message, action, plugin="approve"):
    return client.ask("action", message_id=message.message_id, plugin=plugin, action=action)


async def refusal(work):
    with pytest.raises(Refused) as caught:
        await work
    return caught.value.code, caught.value.field


async def test_a_button_is_pressed_and_all_see_what_comes_of_it(approve):
    async with approve() as server:
        mona, _, bob, asked = await ready(server)
        assert [(each["id"], each["label"], each.get("style")) for each in asked.actions][:2] == [
            ("approve", "Approve", "primary"), ("refuse", "Refuse", "danger"),
        ]  # fmt: skip
        await press(mona, asked, "approve")
        pressed = await bob.hears("approve:pressed")
        assert (pressed.message_id, pressed.user["name"], pressed.action) == (
            asked.message_id,
            "mona",
            "approve",
        )
        assert (pressed.actions, pressed.extras) == ([], {"approve": {"approved": "mona"}})
        answer = await bob.hears(content="Approved.")
        assert (answer.reply_to, answer.user["bot"]) == (asked.message_id, True)
        said = await mona.hears("notice")
        assert (said.text, said.room) == ("You approved it.", "general")
        assert server.plugin("approve").done == [("mona", "A new chair", "general")]
        # The button is gone, for a page that didn't hear of it, too.
        assert await refusal(press(mona, asked, "approve")) == ("not_found", "action")
        # Who comes later sees the state of now.
        history = await bob.ask("sync", room="general", after=0)
        (shown,) = (each for each in history.events if each.get("content") == "A new chair")
        assert "actions" not in shown


async def test_one_method_for_several_buttons_knows_them_by_their_data(approve):
    async with approve() as server:
        _, alice, bob, asked = await ready(server)
        await press(alice, asked, "twice")
        assert (await bob.hears("approve:pressed")).extras == {"approve": {"count": 2}}
        await press(bob, asked, "plus")
        assert (await alice.hears("approve:pressed", action="plus")).extras == {"approve": {"count": 3}}


async def test_a_double_click_presses_once(approve):
    async with approve() as server:
        _, alice, bob, asked = await ready(server)
        outcomes = await asyncio.gather(
            press(alice, asked, "plus"), press(alice, asked, "plus"), return_exceptions=True
        )
        assert [getattr(each, "code", "ok") for each in outcomes] == ["ok", "rate_limited"]
        await press(bob, asked, "plus")


async def test_of_two_who_press_at_once_the_first_one_counts(approve):
    async with approve() as server:
        mona, _, _, asked = await ready(server)
        other = await server.client("max")
        await other.join("general")
        outcomes = await asyncio.gather(
            press(mona, asked, "approve"), press(other, asked, "approve"), return_exceptions=True
        )
        assert sorted(getattr(each, "code", "ok") for each in outcomes) == ["not_found", "ok"]
        assert len(server.plugin("approve").done) == 1


async def test_buttons_work_after_a_restart(approve):
    async with approve() as server:
        *_, asked = await ready(server)
        await server.restart()
        mona = await server.client("mona")
        await press(mona, asked, "approve")
        assert len(server.plugin("approve").done) == 1


async def test_what_may_not_be_pressed_is_refused_and_changes_nothing(approve):
    tea = {"rooms": [{"name": "general"}, {"name": "cellar", "kind": "private"}]}
    async with approve(("basics", "moderation", "approve"), settings=tea) as server:
        mona, alice, bob, asked = await ready(server)
        plain = await alice.says("no buttons")
        assert await refusal(press(alice, asked, "approve")) == ("forbidden", None)
        assert await refusal(press(alice, asked, "nothing")) == ("not_found", "action")
        assert await refusal(press(alice, asked, "plus", plugin="basics")) == ("not_found", "action")
        assert await refusal(press(alice, asked, "plus", plugin="nobody")) == ("not_found", "action")
        assert await refusal(press(alice, plain, "plus")) == ("not_found", "action")
        assert await refusal(alice.ask("action", message_id="m0", plugin="approve", action="plus")) == (
            "not_found", "message_id",
        )  # fmt: skip
        assert await refusal(alice.ask("action", message_id="m0", action="plus")) == ("invalid", "plugin")
        outsider = await server.client("eve")
        assert await refusal(press(outsider, asked, "plus")) == ("not_found", "message_id")
        await mona.says("/mute bob")
        assert (await refusal(press(bob, asked, "plus")))[0] == "muted"
        bot = await server.plugin("approve").chat.bot()
        await server.plugin("approve").chat.delete(asked.message_id, by=bot)
        assert await refusal(press(mona, asked, "approve")) == ("not_found", "message_id")
        assert server.plugin("approve").done == []


async def test_a_plugin_that_fails_or_went_away_is_told(approve):
    async with approve() as server:
        _, alice, _, asked = await ready(server)
        assert await refusal(press(alice, asked, "crash")) == ("plugin_failed", None)
        (failure,) = server.failures()
        assert (failure.plugin, failure.what) == ("approve", "action crash")
        await server.reload({"basics": {}, "approve": {"rooms": ["elsewhere"]}})
        assert await refusal(press(alice, asked, "plus")) == ("not_found", None)
        await server.reload(["basics"])
        assert await refusal(press(alice, asked, "plus")) == ("not_found", None)


STUBBORN = """
import asyncio

from chatserver import Action, Form, Plugin, command
from dataclasses import dataclass


@dataclass
class Name:
    name: str


class Stubborn(Plugin):
    def __init__(self, *args):
        super().__init__(*args)
        self.over, self.ended = asyncio.Event(), asyncio.Event()

    @command()
    async def show(self, ctx):
        how = ("hang", "swallow", "wrong", "huge", "odd", "two")
        await ctx.reply("Press.", actions=[Action(each, getattr(self, each)) for each in how])

    async def hang(self, ctx):
        await asyncio.sleep(60)

    async def swallow(self, ctx):
        while not self.over.is_set():
            try:
                await self.over.wait()
            except asyncio.CancelledError:
                pass
        self.ended.set()

    def wrong(self, ctx):
        return 3

    async def huge(self, ctx):
        return "x" * 50_000_000

    async def odd(self, ctx):
        await ctx.ask("no form")

    async def two(self, ctx):
        form = Form("x", Name)
        await asyncio.gather(ctx.ask(form), ctx.ask(form))
"""


async def test_a_handler_that_does_wrong_is_answered_for_and_holds_up_no_one(chat, tmp_path):
    (tmp_path / "stubborn.py").write_text(STUBBORN)
    # Long enough for the calls that do nothing wrong, on any machine.
    async with chat(plugins=["stubborn"], dirs=[tmp_path], timeouts={"calls": 4.0}) as server:
        alice, bob = await server.client("alice", forms=True), await server.client("bob")
        for client in (alice, bob):
            await client.join("general")
        await alice.says("/show")
        shown = await alice.hears(content="Press.")
        endless = [
            asyncio.ensure_future(press(alice, shown, how, plugin="stubborn")) for how in ("hang", "swallow")
        ]
        for how in ("wrong", "huge", "odd", "two"):
            pressed = press(alice, shown, how, plugin="stubborn")
            if how == "two":
                # The first form is asked; what the second one fails with is told when it is answered.
                await pressed
                pressed = alice.ask("answer", form=(await alice.hears("form")).form, values={"name": "x"})
            assert await refusal(pressed) == ("plugin_failed", None)
            await alice.says(f"still here after {how}")
            assert await bob.hears(content=f"still here after {how}")
        for pressed in endless:
            assert await refusal(pressed) == ("plugin_failed", None)
        failed = {(each.plugin, each.what) for each in server.failures()}
        assert failed == {
            ("stubborn", f"action {how}") for how in ("hang", "swallow", "wrong", "huge", "odd", "two")
        }
        # What was left behind ends with its test.
        stubborn = server.plugin("stubborn")
        stubborn.over.set()
        await stubborn.ended.wait()


# ---- forms


async def test_a_form_is_asked_answered_and_its_values_are_typed(approve):
    async with approve() as server:
        mona, _, _, asked = await ready(server)
        await press(mona, asked, "refuse")
        form = await mona.hears("form")
        assert (form.title, form.submit, form.plugin, form.seconds) == (
            "Refuse the request", "Refuse it", "approve", 300,
        )  # fmt: skip
        fields = {each["name"]: each for each in form.fields}
        assert fields["why"] == {
            "name": "why", "type": "multiline", "label": "Why?", "required": True, "max": 20,
        }  # fmt: skip
        assert fields["kind"] == {"name": "kind", "type": "choice", "label": "Kind", "required": True,
                                  "choices": ["late", "wrong"], "default": "wrong"}  # fmt: skip
        assert (fields["days"]["type"], fields["days"]["whole"], fields["days"]["min"]) == ("number", True, 1)
        assert [fields[name]["type"] for name in ("again", "who", "room", "note")] == [
            "checkbox", "user", "room", "text",
        ]  # fmt: skip
        values = {
            "why": "Too\ndear",
            "kind": "late",
            "days": 3,
            "share": 1,
            "again": True,
            "who": "@alice",
            "room": "#general",
        }
        await mona.ask("answer", form=form.form, values=values)
        assert (await mona.hears("notice")).text == "Refused: Too\ndear"
        (read,) = server.plugin("approve").done
        assert (read.why, read.kind, read.days, read.share, read.again) == ("Too\ndear", "late", 3, 1.0, True)
        assert (read.who.name, read.room.name, read.note) == ("alice", "general", "")
        assert await refusal(mona.ask("answer", form=form.form, values=values)) == ("not_found", "form")


RIGHT = {"why": "x", "kind": "late", "days": 1, "share": 0}


@pytest.mark.parametrize(
    ("wrong", "code", "field"),
    [
        ({"why": ""}, "invalid", "why"),
        ({"why": " \n "}, "invalid", "why"),
        ({"why": None}, "invalid", "why"),
        ({"why": 3}, "invalid", "why"),
        ({"why": "x" * 21}, "invalid", "why"),
        ({"note": "two\nlines"}, "invalid", "note"),
        ({"kind": "other"}, "invalid", "kind"),
        ({"kind": None}, "invalid", "kind"),
        ({"days": 1.5}, "invalid", "days"),
        ({"days": True}, "invalid", "days"),
        ({"days": "1"}, "invalid", "days"),
        ({"days": 0}, "invalid", "days"),
        ({"days": 10}, "invalid", "days"),
        ({"days": 10**30}, "invalid", "days"),
        ({"share": -1}, "invalid", "share"),
        ({"again": "yes"}, "invalid", "again"),
        ({"who": "nobody"}, "not_found", "who"),
        ({"room": "nowhere"}, "not_found", "room"),
        ({"more": "x"}, "invalid", "more"),
    ],
)
async def test_a_wrong_value_is_told_with_its_field_and_can_be_mended(wrong, code, field, approve):
    async with approve() as server:
        (alice,) = [await server.client("alice", forms=True)]
        await alice.join("general")
        await alice.says("/tell")
        form = (await alice.hears("form")).form
        assert await refusal(alice.ask("answer", form=form, values={**RIGHT, **wrong})) == (code, field)
        await alice.ask("answer", form=form, values=RIGHT)
        assert (await alice.hears("notice")).text == "x"


async def test_forms_come_one_after_the_other(approve):
    async with approve() as server:
        alice = await server.client("alice", forms=True)
        await alice.says("/tell twice", to="nobody")
        await alice.ask("answer", form=(await alice.hears("form")).form, values=RIGHT)
        await alice.ask("answer", form=(await alice.hears("form")).form, values={**RIGHT, "why": "y"})
        assert (await alice.hears("notice")).text == "x, y"


async def test_a_form_can_be_cancelled_and_has_an_end(approve, eventually):
    async with approve() as server:
        alice = await server.client("alice", forms=True)
        await alice.join("general")
        await alice.says("/tell")
        form = (await alice.hears("form")).form
        await alice.ask("answer", form=form)
        assert server.plugin("approve").done == ["cancelled"]
        assert await refusal(alice.ask("answer", form=form, values=RIGHT)) == ("not_found", "form")
        await alice.says("/tell quick")
        form = (await alice.hears("form")).form
        await eventually(lambda: server.plugin("approve").done == ["cancelled", "late"])
        assert await refusal(alice.ask("answer", form=form, values=RIGHT)) == ("not_found", "form")
        # The oldest gives way to one more.
        forms = []
        for _ in range(6):
            await alice.says("/tell")
            forms.append((await alice.hears("form")).form)
        assert await refusal(alice.ask("answer", form=forms[0], values=RIGHT)) == ("not_found", "form")
        await alice.ask("answer", form=forms[1], values=RIGHT)


async def test_a_form_belongs_to_its_user_on_all_connections(approve):
    async with approve() as server:
        alice, bob = await server.client("alice", forms=True), await server.client("bob", forms=True)
        await alice.says("/tell", to="nobody")
        form = (await alice.hears("form")).form
        assert await refusal(bob.ask("answer", form=form, values=RIGHT)) == ("not_found", "form")
        again = await server.client(token=alice.token, forms=True)
        await again.ask("answer", form=form, values=RIGHT)


async def test_what_comes_after_a_form_is_refused_or_counted_like_all_else(approve, eventually):
    async with approve() as server:
        alice = await server.client("alice", forms=True)
        for how, code in (("no", "rejected"), ("crash", "plugin_failed")):
            await alice.says(f"/tell {how}", to="nobody")
            form = (await alice.hears("form")).form
            assert (await refusal(alice.ask("answer", form=form, values=RIGHT)))[0] == code
        (failure,) = server.failures()
        assert (failure.plugin, failure.what) == ("approve", "/tell")
        await alice.says("/tell crash", to="nobody")
        assert (await refusal(alice.ask("answer", form=(await alice.hears("form")).form)))[
            0
        ] == "plugin_failed"
        (failure,) = server.failures()
        assert str(failure.error) == "crashed after a form"


async def test_a_form_of_a_plugin_that_was_replaced_is_out_of_date(approve):
    async with approve() as server:
        alice = await server.client("alice", forms=True)
        await alice.says("/tell", to="nobody")
        form = (await alice.hears("form")).form
        await server.reload(["basics"])
        assert await refusal(alice.ask("answer", form=form, values=RIGHT)) == ("not_found", "form")


async def test_a_form_that_is_late_calls_nothing_of_a_plugin_that_was_shut_down(approve, eventually):
    async with approve() as server:
        alice, plugin = await server.client("alice", forms=True), server.plugin("approve")
        await alice.says("/tell quick", to="nobody")
        form = (await alice.hears("form")).form
        await server.reload(["basics"])
        await eventually(lambda: server.services.dialogs.waiting == 0)
        assert await refusal(alice.ask("answer", form=form, values=RIGHT)) == ("not_found", "form")
        assert plugin.done == []


async def test_a_client_without_forms_is_told_what_it_is_about(approve):
    async with approve() as server:
        alice = await server.client("alice")
        await alice.join("general")
        with pytest.raises(
            Refused, match=r"/tell needs a client that shows forms\. It asks for: Why\? \(multiline\)"
        ):
            await alice.says("/tell")
        status, answer = await server.api(
            "POST", "rooms/general/messages", {"content": "/tell"}, token=alice.token
        )
        assert (status, answer.error["code"]) == (400, "invalid")


async def test_a_stop_ends_what_waits(approve, quiet):
    async with approve() as server:
        alice = await server.client("alice", forms=True)
        await alice.says("/tell", to="nobody")
        await alice.hears("form")


# ---- what stops an author


class Buttons(Plugin):
    async def approve(self, ctx): ...
    async def odd(self, ctx, more): ...


BUTTONS = Buttons("buttons", None, None)


def test_a_button_is_data():
    action = Action("Go", BUTTONS.approve, permission="x.y", data=[1])
    assert json.loads(json.dumps(action)) == {
        "id": "approve", "label": "Go", "handler": "approve", "permission": "x.y", "data": [1],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("label", "handler", "options"),
    [
        ("Go", lambda ctx: None, {}),
        ("Go", Buttons.approve, {}),
        ("Go", BUTTONS.odd, {}),
        ("Go", "approve", {}),
        ("", BUTTONS.approve, {}),
        ("x" * 81, BUTTONS.approve, {}),
        ("Go", BUTTONS.approve, {"style": "huge"}),
    ],
)
def test_a_button_that_could_not_work_is_refused_at_once(label, handler, options):
    with pytest.raises((TypeError, ValueError)):
        Action(label, handler, **options)
