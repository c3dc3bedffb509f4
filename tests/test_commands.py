"""Commands: parsed, explained and checked by their signatures."""

import asyncio
import itertools
import string
from datetime import timedelta
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatserver import Plugin, Reject, Room, User, command
from chatserver.model.errors import PluginError
from chatserver.plugins.arguments import arguments_of, parse
from chatserver.plugins.commands import SUGGESTIONS, Commands

ALICE = User("u1", "alice", "Alice")
BOB = User("u2", "bob", "Bob")
TEA = Room("tea")


class Context:
    """A caller who finds bob and #tea, and has every permission but those in ``lacks``."""

    session = None

    def __init__(self, room=TEA, lacks=()):
        self.user = ALICE
        self.room = room
        self.lacks = lacks

    async def find_user(self, text):
        if text.removeprefix("@") != "bob":
            raise Reject(f"There is no user {text!r}.", "not_found", field="user")
        return BOB

    async def find_room(self, text):
        if text.removeprefix("#") != "tea":
            raise Reject(f"There is no room {text!r}.", "not_found", field="room")
        return TEA

    async def may(self, permission):
        return permission not in self.lacks


async def unguarded(plugin, what, function, *args, place):
    return await function(*args)


def commands(*plugin_classes, rooms=None):
    found = Commands(unguarded)
    for cls in plugin_classes:
        name = cls.__name__.lower()
        found.add(name, cls(name, None, None), rooms)
    return found


class Mod(Plugin):
    @command(aliases=["boot"], permission="mod.kick", examples=["/kick bob", "/kick bob 10 shouting"])
    async def kick(
        self, ctx, user: User, minutes: int = 0, *, reason: Annotated[str, "shown to everyone"] = ""
    ):
        """Remove a user from this room.

        They may come back after MINUTES.
        """
        return f"{ctx.user.name} kicked {user.name} for {minutes}: {reason}"

    @command("colour")
    def set_colour(self, ctx, colour: Literal["red", "blue"], *, text: str):
        return f"{text} in {colour}"

    @command()
    async def nothing_here(self, ctx):
        pass


async def run(found, ctx, text):
    return await found.call(*found.find(text, ctx.room), ctx)


async def suggest(found, ctx, name, argument, typed):
    return await found.suggest(found.named(name, ctx.room), argument, typed, ctx)


KICK = commands(Mod)


async def refusal(text, ctx=None, found=KICK):
    with pytest.raises(Reject) as caught:
        await run(found, ctx or Context(), text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("kick bob", "alice kicked bob for 0: "),
        ("kick @bob 10", "alice kicked bob for 10: "),
        ("kick bob 10 shouting loudly", "alice kicked bob for 10: shouting loudly"),
        ("kick bob shouting", "alice kicked bob for 0: shouting"),
        ("KICK   bob\t-3   two  spaces  ", "alice kicked bob for -3: two  spaces"),
        ('kick "bob" "a b" c', 'alice kicked bob for 0: "a b" c'),
        ("boot bob", "alice kicked bob for 0: "),
        ("kick bob 10\nshouting", "alice kicked bob for 10: shouting"),
        ("colour red a rose", "a rose in red"),
        ("nothing-here", None),
    ],
)
async def test_a_command_gets_what_was_written(text, answer):
    assert await run(KICK, Context(), text) == answer


@pytest.mark.parametrize(
    ("text", "code", "field", "part"),
    [
        ("kick", "invalid", "user", "user is missing. Usage: /kick USER [MINUTES] [REASON…]"),
        ("kick carol", "not_found", "user", "There is no user 'carol'."),
        ("colour green x", "invalid", "colour", "one of these is expected: red, blue"),
        ("colour red", "invalid", "text", "text is missing. Usage: /colour red|blue TEXT…"),
        ("nothing-here at all", "invalid", None, "Nothing was expected at 'at all'"),
        ("kcik bob", "not_found", "command", "There is no command /kcik. Did you mean /kick?"),
        ("", "not_found", "command", "There is no command /."),
    ],
)
async def test_a_mistake_is_explained(text, code, field, part):
    refused = await refusal(text)
    assert (refused.code, refused.field) == (code, field)
    assert part in refused.message


async def test_who_meant_text_is_told_how_to_send_it():
    refused = await refusal("etc/passwd is a file")
    assert (refused.code, refused.field) == ("not_found", "command")
    assert "To send it as text, begin with //." in refused.message


async def test_a_permission_is_asked_for_before_anything_else():
    refused = await refusal("kick carol", Context(lacks=["mod.kick"]))
    assert refused.code == "forbidden"


async def test_a_command_limited_to_rooms_is_not_there_elsewhere():
    found = commands(Mod, rooms=["tea"])
    assert await run(found, Context(), "nothing-here") is None
    assert (await refusal("nothing-here", Context(Room("coffee")), found)).code == "not_found"
    outside = await refusal("nothing-here", Context(None), found)
    assert outside.code == "not_found"
    assert "Did you mean" not in outside.message


async def test_an_answer_that_is_no_text_is_the_commands_failure():
    class Odd(Plugin):
        @command()
        def odd(self, ctx):
            return 3

    with pytest.raises(TypeError, match="not int"):
        await run(commands(Odd), Context(), "odd")


def test_the_listing_is_what_clients_complete_from():
    assert KICK.listing(lambda permission: True)[0] == {
        "name": "kick",
        "aliases": ["boot"],
        "usage": "/kick USER [MINUTES] [REASON…]",
        "help": "Remove a user from this room.",
        "description": "Remove a user from this room.\n\nThey may come back after MINUTES.",
        "plugin": "mod",
        "examples": ["/kick bob", "/kick bob 10 shouting"],
        "args": [
            {"name": "user", "type": "user", "required": True, "rest": False},
            {"name": "minutes", "type": "int", "required": False, "rest": False},
            {"name": "reason", "type": "text", "required": False, "rest": True, "help": "shown to everyone"},
        ],
    }
    colour = KICK.listing(lambda permission: True)[1]["args"][0]
    assert (colour["type"], colour["choices"]) == ("choice", ["red", "blue"])


def test_the_listing_leaves_out_what_is_not_allowed():
    names = [entry["name"] for entry in KICK.listing(lambda permission: permission != "mod.kick")]
    assert names == ["colour", "nothing-here"]


def test_two_plugins_cannot_have_one_command():
    class Other(Plugin):
        @command(aliases=["kick"])
        def throw(self, ctx):
            pass

    with pytest.raises(
        PluginError, match="plugin 'other': the command /kick is there already, in plugin 'mod'"
    ):
        commands(Mod, Other)


def test_a_subclass_can_replace_a_command():
    class Strict(Mod):
        @command("kick", permission="strict.kick")
        def kick(self, ctx, user: User):
            """Out."""

    kick = next(each for each in commands(Strict) if each.name == "kick")
    assert (kick.usage, kick.permission) == ("/kick USER", "strict.kick")


class Karma(Plugin):
    """Subcommands, suggestions and a cooldown."""

    async def things(self, ctx, typed):
        return [("tea", "hot"), "coffee"] if ctx.user == ALICE else []

    @command()
    def karma(self, ctx, thing: str = ""):
        """Show what a thing has."""
        return f"karma of {thing}"

    @command("karma top", aliases=["karma best"], examples=["/karma top 3"])
    def top(self, ctx, count: int = 10):
        """Show the best things."""
        return f"top {count}"

    @command("karma give", permission="karma.give", complete={"thing": things}, cooldown=60)
    def give(self, ctx, thing: str, *, why: str = ""):
        """Give a thing one."""
        return f"gave {thing}: {why}"

    @command("poll open")
    def open(self, ctx, *, question: str):
        return question

    @command("poll close")
    def close(self, ctx):
        pass


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("karma", "karma of "),
        ("karma tea", "karma of tea"),
        ('karma "top"', "karma of top"),
        ("karma top", "top 10"),
        ("KARMA  Top\t3", "top 3"),
        ("karma best 5", "top 5"),
        ("poll open\nTea or coffee?", "Tea or coffee?"),
    ],
)
async def test_a_subcommand_comes_before_the_command_of_its_first_word(text, answer):
    assert await run(commands(Karma), Context(), text) == answer


@pytest.mark.parametrize(
    ("text", "code", "part"),
    [
        ("poll", "invalid", "/poll needs one of its subcommands: /poll open, /poll close"),
        ("poll tomorrow at ten", "invalid", "/poll needs one of its subcommands"),
        ("poll clos", "not_found", "There is no command /poll clos. Did you mean /poll close?"),
        ("karma top many", "invalid", "Usage: /karma top [COUNT]"),
        ("krma", "not_found", "Did you mean /karma?"),
    ],
)
async def test_a_mistake_in_a_subcommand_is_explained(text, code, part):
    refused = await refusal(text, found=commands(Karma))
    assert refused.code == code
    assert part in refused.message


def test_a_first_word_belongs_to_one_plugin():
    class Other(Plugin):
        @command("karma reset")
        def reset(self, ctx):
            pass

    with pytest.raises(PluginError, match="the command /karma is there already, in plugin 'karma'"):
        commands(Karma, Other)


async def test_a_cooldown_is_for_each_user_and_counts_calls_that_ran():
    now = [100.0]
    found = Commands(unguarded, clock=lambda: now[0])
    found.add("karma", Karma("karma", None, None))
    # What was written wrong has not run.
    assert (await refusal("karma give", found=found)).code == "invalid"
    assert await run(found, Context(), "karma give tea") == "gave tea: "
    now[0] += 48
    refused = await refusal("karma give tea", found=found)
    assert (refused.code, refused.retry_after) == ("rate_limited", pytest.approx(12))
    assert refused.message == "Wait 12 seconds before you use /karma give again."
    other = Context()
    other.user = BOB
    assert await run(found, other, "karma give tea") == "gave tea: "
    now[0] += 12
    assert await run(found, Context(), "karma give tea") == "gave tea: "


async def test_suggestions_come_from_the_plugin():
    found = commands(Karma)
    suggested = await suggest(found, Context(), "karma give", "thing", "t")
    assert suggested == [{"value": "tea", "hint": "hot"}, {"value": "coffee"}]
    for name, argument, code in (
        ("karma take", "thing", "not_found"),
        ("karma give", "why", "not_found"),
        ("karma top", "count", "not_found"),
    ):
        with pytest.raises(Reject) as caught:
            await suggest(found, Context(), name, argument, "")
        assert caught.value.code == code
    with pytest.raises(Reject, match="may not use"):
        await suggest(found, Context(lacks=["karma.give"]), "karma give", "thing", "")


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (3, TypeError),
        ([3], TypeError),
        ([("a", 3)], TypeError),
        ([("a", "b", "c")], TypeError),
        (["x" * 1000], ValueError),
        (["\ud800"], UnicodeEncodeError),
    ],
)
async def test_suggestions_that_cannot_be_sent_are_the_commands_failure(given, error):
    class Odd(Plugin):
        def suggest(self, ctx, typed):
            return given

        @command(complete={"what": suggest})
        def odd(self, ctx, what: str):
            pass

    with pytest.raises(error):
        await suggest(commands(Odd), Context(), "odd", "what", "")


async def test_no_more_suggestions_are_sent_than_people_read():
    class Endless(Plugin):
        def suggest(self, ctx, typed):
            return (str(number) for number in itertools.count())

        @command(complete={"what": suggest})
        def odd(self, ctx, what: str):
            pass

    assert len(await suggest(commands(Endless), Context(), "odd", "what", "")) == SUGGESTIONS


def test_the_listing_says_which_arguments_the_server_completes():
    (give,) = (each for each in commands(Karma).listing(lambda _: True) if each["name"] == "karma give")
    assert give["usage"] == "/karma give THING [WHY…]"
    assert [argument.get("complete") for argument in give["args"]] == [True, None]


@pytest.mark.parametrize(
    "options",
    [
        {"complete": {"nothing": Karma.things}},
        {"complete": {"user": Karma.things}},
        {"complete": {"what": "things"}},
        {"complete": {"what": lambda self: []}},
        {"cooldown": -1},
        {"cooldown": float("inf")},
        {"cooldown": float("nan")},
    ],
)
def test_options_that_mean_nothing_stop_the_start(options):
    class Bad(Plugin):
        @command(**options)
        def bad(self, ctx, user: User, what: str): ...

    with pytest.raises(PluginError, match=r"plugin 'bad': command /bad: (complete|cooldown)"):
        commands(Bad)


def without_ctx(self, sides: int = 6): ...
def with_nothing(self): ...
def late_ctx(self, *, ctx): ...
def untyped(self, ctx, user): ...
def starred(self, ctx, *words: str): ...
def two_rests(self, ctx, *, one: str, two: str): ...
def number_rest(self, ctx, *, one: int): ...
def no_default(self, ctx, user: User | None): ...
def mapping(self, ctx, user: dict): ...
def either(self, ctx, value: int | str = 0): ...
def number_choices(self, ctx, value: Literal[1, 2]): ...
def unknown_type(self, ctx, value: "Nonsense"): ...  # noqa: F821


@pytest.mark.parametrize(
    "method",
    [
        without_ctx, with_nothing, late_ctx, untyped, starred, two_rests, number_rest, no_default, mapping, either,
        number_choices, unknown_type,
    ],
)  # fmt: skip
def test_a_signature_that_cannot_be_parsed_stops_the_start(method):
    plugin = type("Bad", (Plugin,), {"bad": command()(method)})
    with pytest.raises(PluginError, match=r"^plugin 'bad': command /\w+"):
        commands(plugin)


@pytest.mark.parametrize("name", ["Two", "three words here", "two  blanks", " blank", "/slash", "x\ty"])
def test_a_name_that_can_not_be_typed_stops_the_start(name):
    plugin = type("Bad", (Plugin,), {"bad": command(name)(lambda self, ctx: None)})
    with pytest.raises(PluginError, match="can't be its name"):
        commands(plugin)


def typed(kind):
    def method(self, ctx, value: kind): ...

    return arguments_of(method)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (int, "-12", -12),
        (float, "1.5", 1.5),
        (float, "1e3", 1000.0),
        (bool, "On", True),
        (bool, "no", False),
        (str, '"two words"', "two words"),
        (str, '""', ""),
        (str, '"open', '"open'),
        (str, 'a"b"', 'a"b"'),
        (Room, "#tea", TEA),
        (timedelta, "90s", timedelta(seconds=90)),
        (timedelta, "10m", timedelta(minutes=10)),
        (timedelta, "2H", timedelta(hours=2)),
        (timedelta, "1d", timedelta(days=1)),
        (timedelta, "2w", timedelta(weeks=2)),
        (timedelta, "5", timedelta(minutes=5)),
        (timedelta, "1.5h", timedelta(minutes=90)),
        (Annotated[Literal["a", "b"], "which"], "b", "b"),
    ],
)
async def test_values_are_read_as_their_types(kind, text, value):
    assert await parse(typed(kind), text, Context()) == {"value": value}


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (int, "ten"),
        (int, "1_000"),
        (int, "9" * 40),
        (int, "9" * 5000),
        (float, "nan"),
        (float, "inf"),
        (float, "1e999"),
        (bool, "maybe"),
        (timedelta, "soon"),
        (timedelta, "-5"),
        (timedelta, "0"),
        (timedelta, "999999999d"),
        (timedelta, "9" * 400),
        (Literal["a", "b"], "c"),
    ],
)
async def test_values_of_another_type_are_refused(kind, text):
    with pytest.raises(Reject) as caught:
        await parse(typed(kind), text, Context())
    assert (caught.value.code, caught.value.field) == ("invalid", "value")


async def test_only_a_misunderstanding_makes_an_argument_keep_its_default():
    class Broken(Context):
        async def find_user(self, text):
            raise Reject("The store is away.", "unavailable")

    def method(self, ctx, user: User | None = None, *, text: str = ""): ...

    with pytest.raises(Reject, match="away"):
        await parse(arguments_of(method), "bob hello", Broken())
    assert await parse(arguments_of(method), "hello", Context()) == {"user": None, "text": "hello"}


def everything(
    self, ctx, user: User, count: int = 0, wait: timedelta = timedelta(0), on: bool = False, *, text: str = ""
): ...


@given(st.text())
def test_any_text_is_parsed_or_refused(text):
    try:
        outcome = set(asyncio.run(parse(arguments_of(everything), text, Context())))
    except Reject as refused:
        outcome = refused.code
    assert outcome in ("invalid", "not_found", {"user", "count", "wait", "on", "text"})


def three_words(self, ctx, one: str, two: str = "", *, rest: str = ""): ...


WORD = st.text(string.ascii_letters + string.digits + " .,;:#@-é漢", min_size=1).filter(
    lambda text: text.strip()
)


@given(WORD, WORD, WORD)
def test_quoted_words_come_back_as_they_were(one, two, rest):
    line = f'"{one}"  "{two}" {rest}'
    values = asyncio.run(parse(arguments_of(three_words), line, Context()))
    assert values == {"one": one, "two": two, "rest": rest.strip()}


@given(st.integers(-(2**53) + 1, 2**53 - 1), st.integers(1, 36_500))
def test_numbers_and_days_come_back_as_they_were(number, days):
    def method(self, ctx, number: int, days: timedelta): ...

    values = asyncio.run(parse(arguments_of(method), f"{number} {days}d", Context()))
    assert values == {"number": number, "days": timedelta(days=days)}
