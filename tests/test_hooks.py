"""The awaiting driver: order, isolation, deadlines, and what a failure means."""

import asyncio
import gc
import logging
import re
import threading
import time

import msgspec
import pluggy
import pytest

from chatserver import Draft, Event, Message, Plugin, Reject, Room, User, hookimpl
from chatserver.model.errors import PluginError
from chatserver.model.tuning import Timeouts
from chatserver.plugins.hooks import HookCaller
from chatserver.plugins.hookspecs import KINDS, PROJECT
from chatserver.plugins.implementation import Policy
from chatserver.plugins.isolation import FAILURES, HOOKS, Record

ALICE = User("u1", "alice", "Alice")
TEA = Room("tea")
DRAFT = Draft(ALICE, TEA, "hello")
MESSAGE = Message("m1", "tea", 1, 0.0, ALICE, "hello", "hello")
QUICK = Timeouts(hooks=0.05, calls=0.05)
EVENT = Event("tea", 1, "message", 0.0, ALICE)


def plugin(**methods):
    """An instance of a plugin with these hooks; each takes ``self`` first."""
    return type("Made", (Plugin,), {name: hookimpl(method) for name, method in methods.items()})(
        "made", None, None
    )


def hooks(*plugins, policies=None, **options):
    """HookCaller of plugins named p0, p1, …, called in this order."""
    manager = pluggy.PluginManager(PROJECT)
    for kind in KINDS:
        manager.add_hookspecs(kind)
    for number in reversed(range(len(plugins))):
        manager.register(plugins[number], f"p{number}")
    return HookCaller(manager, policies or {}, **{"record": Record(strict=True), **options})


def notify(found, name, *args):
    """Tell all plugins that want to know; what is to be awaited."""
    waiting = [found.tell(plugin, name, args) for plugin in found.listeners(name, args)]
    return asyncio.gather(*(each for each in waiting if each is not None)) if any(waiting) else None


def adds(text):
    return plugin(before_post=lambda self, draft: draft.replace(content=draft.content + text))


def adds_later(text):
    async def before_post(self, draft):
        await asyncio.sleep(0)
        return draft.replace(content=draft.content + text)

    return plugin(before_post=before_post)


def breaks(hook="before_post", error=ZeroDivisionError):
    def method(self):
        raise error("oops")

    return plugin(**{hook: method})


async def never(self):
    await asyncio.Event().wait()


# Filters


def test_a_hook_without_implementations_costs_and_changes_nothing():
    found = hooks()
    assert not found.has("before_post")
    assert found.filter("before_post", DRAFT) is DRAFT


def test_a_hook_that_does_not_exist_is_an_error():
    with pytest.raises(KeyError):
        hooks().has("before_pots")


def test_sync_filters_run_in_order_without_any_task():
    assert hooks(adds("1"), adds("2"), adds("3")).filter("before_post", DRAFT).content == "hello123"


async def test_async_filters_keep_the_order_too():
    filtered = hooks(adds("1"), adds_later("2"), adds("3"), adds_later("4")).filter("before_post", DRAFT)
    assert (await filtered).content == "hello1234"


def test_none_means_unchanged_and_a_plugin_takes_the_arguments_it_wants():
    found = hooks(plugin(before_edit=lambda self, message: None), plugin(before_edit=lambda self: None))
    assert found.filter("before_edit", MESSAGE, DRAFT) is DRAFT


def test_render_puts_its_result_into_the_drafts_html():
    bold = plugin(render=lambda self, draft: f"<b>{draft.html}</b>")
    italic = plugin(render=lambda self, draft: f"<i>{draft.html}</i>")
    rendered = hooks(bold, italic).filter("render", DRAFT.replace(html="x"))
    assert (rendered.html, rendered.content) == ("<i><b>x</b></i>", "hello")


def test_what_has_nothing_to_replace_can_only_refuse():
    seen = []
    found = hooks(plugin(before_join=lambda self, user, room: seen.append((user, room))))
    assert found.filter("before_join", ALICE, TEA) is None
    assert seen == [(ALICE, TEA)]


def test_a_refusal_passes_with_the_plugins_name_and_ends_the_chain():
    called = []
    found = hooks(breaks(error=Reject), plugin(before_post=lambda self: called.append(1)))
    with pytest.raises(Reject) as caught:
        found.filter("before_post", DRAFT)
    assert (caught.value.plugin, caught.value.code, called) == ("p0", "rejected", [])


async def test_an_async_refusal_does_too():
    async def before_post(self):
        raise Reject("no")

    with pytest.raises(Reject) as caught:
        await hooks(adds("1"), plugin(before_post=before_post)).filter("before_post", DRAFT)
    assert caught.value.plugin == "p1"


# Failures


async def fails_later(self):
    await asyncio.sleep(0)
    raise ZeroDivisionError("oops")


async def cancels_itself(self):
    task = asyncio.ensure_future(asyncio.sleep(10))
    task.cancel()
    await task


@pytest.mark.parametrize(
    "bad",
    [
        breaks(),
        plugin(before_post=lambda self: "text"),
        plugin(before_post=lambda self, draft: draft.replace(content=b"bytes")),
        plugin(before_post=lambda self, draft: draft.replace(html=7)),
        plugin(before_post=fails_later),
        plugin(before_post=cancels_itself),
        plugin(before_post=never),
    ],
    ids=[
        "raises",
        "returns the wrong type",
        "wrong content",
        "wrong html",
        "raises later",
        "is cancelled",
        "hangs",
    ],
)
async def test_a_failure_skips_or_refuses_as_the_plugin_is_set(bad, caplog):
    async def outcome(on_error):
        found = hooks(adds("1"), bad, adds_later("2"), policies={"p1": Policy(on_error)}, timeouts=QUICK)
        try:
            result = (await found.filter("before_post", DRAFT)).content
        except Reject as refused:
            result = refused.code, refused.plugin
        ((failed, what, _),) = found.record.failures
        assert (failed, what) == ("p1", "before_post")
        return result

    assert await outcome("skip") == "hello12"
    assert await outcome("reject") == ("plugin_failed", "p1")


def test_a_failure_is_one_line_for_the_admin_and_a_traceback_for_debugging(caplog):
    caplog.set_level(logging.DEBUG)
    hooks(breaks()).filter("before_post", DRAFT)
    line, trace = caplog.records
    place = rf"{__file__}, line \d+"
    assert re.fullmatch(
        rf"plugin p0 failed in before_post: ZeroDivisionError: oops \({place}\)", line.getMessage()
    )
    assert (line.levelname, line.exc_info) == ("ERROR", None)
    assert trace.levelname == "DEBUG"
    assert trace.exc_info is not None


async def test_a_plugin_that_overruns_the_deadline_takes_it_from_no_other():
    """A plugin that hangs must not keep the moderation behind it from looking."""

    async def refuses(self):
        await asyncio.sleep(0)
        raise Reject("seen")

    found = hooks(plugin(before_post=never), plugin(before_post=refuses), timeouts=QUICK)
    with pytest.raises(Reject, match="seen"):
        await found.filter("before_post", DRAFT)
    assert found.record.stats["p1", "before_post"].failures == 0


async def test_the_senders_own_cancellation_is_no_plugins_failure():
    found = hooks(plugin(before_post=never))
    task = asyncio.ensure_future(found.filter("before_post", DRAFT))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert found.record.failures == []


def test_a_plugin_that_keeps_failing_is_suspended_and_reported(caplog):
    told = []
    bad = breaks()
    found = hooks(bad, adds("1"), tell=told.append)
    for _ in range(FAILURES):
        assert not told
        assert found.filter("before_post", DRAFT).content == "hello1"
    (text,) = told
    assert text.startswith(
        "The plugin p0 keeps failing: every hook is suspended until a reload (ZeroDivisionError"
    )
    assert found.suspended("p0").keys() == {HOOKS}
    assert not found.suspended("p1")
    assert [impl.plugin for impl in found.impls("before_post")] == ["p1"]
    assert caplog.messages[-1] == "plugin p0 keeps failing: every hook is suspended"


def test_a_suspended_plugin_is_still_told_to_stop():
    found = hooks(plugin(after_event=lambda self: 1 / 0, shutdown=lambda self: None))
    found.drop("nobody")
    for _ in range(FAILURES):
        assert notify(found, "after_event", EVENT) is None
    assert not found.has("after_event")
    assert found.has("shutdown")


def test_a_plugin_that_has_to_approve_is_never_suspended():
    found = hooks(breaks(), policies={"p0": Policy("reject")})
    for _ in range(2 * FAILURES):
        with pytest.raises(Reject):
            found.filter("before_post", DRAFT)


def test_a_plugin_that_blocks_the_server_is_reported_now_and_then(caplog):
    found = hooks(plugin(before_post=lambda self: time.sleep(0.11)))
    found.filter("before_post", DRAFT)
    found.filter("before_post", DRAFT)
    (record,) = caplog.records
    assert record.getMessage().startswith("plugin p0 blocked the server for 1")


def test_calls_failures_and_seconds_are_counted():
    found = hooks(breaks(), adds("1"))
    found.filter("before_post", DRAFT)
    found.filter("before_post", DRAFT)
    bad, good = found.record.stats["p0", "before_post"], found.record.stats["p1", "before_post"]
    assert (bad.calls, bad.failures, good.calls, good.failures) == (2, 2, 2, 0)
    assert 0 < good.seconds < 1


# Other kinds


async def test_every_plugin_is_notified_whatever_the_others_do():
    seen = []

    async def after_event(self, event):
        await asyncio.sleep(0)
        seen.append(event)

    found = hooks(
        breaks("after_event", Reject),
        breaks("after_event"),
        plugin(after_event=after_event),
        policies={"p1": Policy("reject")},
    )
    await notify(found, "after_event", EVENT)
    assert seen == [EVENT]
    assert [failure.plugin for failure in found.record.failures] == ["p0", "p1"]


async def test_the_first_answer_counts():
    async def later(self, request):
        return ALICE

    asked = []
    found = hooks(
        plugin(authenticate=lambda self: None),
        breaks("authenticate"),
        plugin(authenticate=later),
        plugin(authenticate=lambda self: asked.append(1)),
    )
    assert await found.first("authenticate", None) is ALICE
    assert asked == []
    assert await hooks().first("authenticate", None) is None


@pytest.mark.parametrize(
    ("answers", "on_error", "allowed"),
    [
        ([True, None], "skip", True),
        ([True, False], "skip", False),
        ([Reject("no")], "skip", False),
        ([ZeroDivisionError()], "skip", True),
        ([ZeroDivisionError()], "reject", False),
    ],
)
async def test_one_no_is_a_veto(answers, on_error, allowed):
    def says(answer):
        async def may(self, user, permission):
            if isinstance(answer, Exception):
                raise answer
            return answer

        return plugin(may=may)

    found = hooks(*map(says, answers), policies={"p0": Policy(on_error)})
    assert await found.veto("may", ALICE, "message.post", None) is allowed


def test_answers_are_collected_with_their_plugins():
    found = hooks(
        plugin(client_settings=lambda self, user: {"name": user.name}),
        breaks("client_settings"),
        plugin(client_settings=lambda self, user: ["wrong"]),
    )
    assert found.client_settings(ALICE) == {"p0": msgspec.Raw(b'{"name":"alice"}')}


async def test_health_tells_what_is_wrong_and_what_cannot_tell():
    async def sick(self):
        return "the disk is full"

    found = hooks(plugin(health=lambda self: None), plugin(health=sick), breaks("health"))
    assert await found.health() == {"p1": "the disk is full", "p2": "The plugin 'p2' failed."}


async def test_a_commands_or_requests_failure_is_a_refusal(caplog):
    async def later(value):
        return value

    found = hooks()
    assert await found.guard("p0", "/x", later, 1) == 1
    assert await found.guard("p0", "/x", str, 1) == "1"
    with pytest.raises(Reject) as caught:
        await found.guard("p0", "request x", lambda: 1 / 0)
    assert (caught.value.code, caught.value.plugin) == ("plugin_failed", "p0")
    assert "plugin p0 failed in request x: ZeroDivisionError" in caplog.text


async def test_a_call_that_keeps_failing_is_refused_and_others_go_on():
    told = []
    found = hooks(adds("1"), tell=told.append)
    for failures in (FAILURES - 1, FAILURES):
        for _ in range(failures):
            assert await refusal(found.guard("p0", "/x", lambda: 1 / 0)) == "The plugin 'p0' failed."
        if not told:
            # One that works now and then doesn't keep failing.
            assert await found.guard("p0", "/x", str, 1) == "1"
    assert told[0].startswith("The plugin p0 keeps failing: /x is suspended until a reload (Zero")
    assert await refusal(found.guard("p0", "/x", str, 1)) == "The plugin 'p0' kept failing: /x is suspended."
    assert await found.guard("p0", "/y", str, 1) == "1"
    assert found.filter("before_post", DRAFT).content == "hello1"


async def refusal(waiting):
    with pytest.raises(Reject) as caught:
        await waiting
    assert (caught.value.code, caught.value.plugin) == ("plugin_failed", "p0")
    return caught.value.message


async def stubborn(self=None):
    """Swallows its cancellation, until it is cancelled once more."""
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        await asyncio.Event().wait()


async def test_who_ignores_being_cancelled_is_left_behind(caplog):
    found = hooks(plugin(before_post=stubborn), adds_later("1"), timeouts=QUICK)
    assert (await found.filter("before_post", DRAFT)).content == "hello1"
    assert await refusal(found.guard("p0", "/x", stubborn)) == "The plugin 'p0' failed."
    goes_on = [text for text in caplog.messages if "though it was cancelled" in text]
    assert goes_on == [
        f"plugin p0 ({what}) goes on, though it was cancelled" for what in ("before_post", "/x")
    ]
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert len(left) == 2
    for task in left:
        task.cancel()
    await asyncio.wait(left)


@pytest.mark.parametrize("text", ["\ud800", "x" * 1_000_000, None])
def test_an_error_can_say_what_it_likes(caplog, text):
    class Odd(Exception):
        def __str__(self):
            return text

    told = []
    found = hooks(breaks(error=lambda _: Odd()), tell=told.append)
    for _ in range(FAILURES):
        assert found.filter("before_post", DRAFT) is DRAFT
    assert len(caplog.messages[0].encode()) < 2000
    assert len(told[0].encode()) < 2000


async def test_a_guarded_refusal_stays_what_it_is():
    async def refuse():
        raise Reject("no", "not_found")

    with pytest.raises(Reject) as caught:
        await hooks().guard("p0", "/x", refuse)
    assert (caught.value.code, caught.value.plugin) == ("not_found", "p0")


# Rooms


async def test_a_plugin_limited_to_rooms_is_not_called_elsewhere():
    called = []
    limited = plugin(
        before_post=lambda self, draft: called.append(draft.room.name),
        after_post=lambda self, message: called.append(message.room),
        after_join=lambda self, room: called.append(room.name),
        may=lambda self, room: called.append(room and room.name),
        after_connect=lambda self, user: called.append(user.name),
    )
    found = hooks(limited, policies={"p0": Policy(rooms=frozenset({"tea"}))})
    coffee = Room("coffee")
    found.filter("before_post", DRAFT)
    found.filter("before_post", Draft(ALICE, coffee, "hello"))
    notify(found, "after_post", MESSAGE)
    notify(found, "after_join", ALICE, coffee)
    await found.veto("may", ALICE, "message.post", None)
    notify(found, "after_connect", ALICE)
    assert called == ["tea", "tea", "alice"]


# In the transaction


async def test_in_commit_sees_the_events_of_its_rooms_and_fails_to_its_caller():
    seen = []
    limited = plugin(in_commit=lambda self, tx, events: seen.append((tx, list(events))))
    found = hooks(limited, breaks("in_commit"), policies={"p0": Policy(rooms=frozenset({"tea"}))})
    found.start()
    first, second = found.in_commit
    other = Event("coffee", 1, "message", 0.0, ALICE)
    first.call("tx", first.wanted([EVENT, other]))
    assert not first.wanted([other])
    assert seen == [("tx", [EVENT])]
    assert (second.plugin, second.on_error) == ("p1", "skip")

    def in_thread():
        with pytest.raises(ZeroDivisionError):
            second.call("tx", [EVENT])

    thread = threading.Thread(target=in_thread)
    thread.start()
    thread.join()
    await asyncio.sleep(0)
    assert [failure.plugin for failure in found.record.failures] == ["p1"]


async def test_a_hook_is_called_for_the_types_of_events_it_wants():
    seen, written = [], []

    class Choosy(Plugin):
        @hookimpl(events=("message", "deleted"))
        def after_event(self, event):
            seen.append(event.type)

        @hookimpl(events={"deleted"})
        def in_commit(self, tx, events):
            written.extend(event.type for event in events)

    found = hooks(Choosy("choosy", None, None))
    types = ("message", "edited", "deleted", "member")
    events = [Event("tea", seq, type, 0.0, ALICE) for seq, type in enumerate(types)]
    assert [event.type for event in events if found.listeners("after_event", (event,))] == [
        "message",
        "deleted",
    ]
    for event in events:
        notify(found, "after_event", event)
    (each,) = found.in_commit
    each.call(None, each.wanted(events))
    assert (seen, written) == (["message", "deleted"], ["deleted"])
    assert found.record.stats["p0", "after_event"].calls == 2
    found.drop("p0")
    assert not found.listeners("after_event", (events[0],))


# At start


async def async_settings(self, user):
    return {}


def starred_hook(self, *, draft):
    return draft


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (plugin(client_settings=async_settings), "hook client_settings: may not be async"),
        (
            type("Wraps", (Plugin,), {"after_event": hookimpl(lambda self: (yield), wrapper=True)})(
                "x", None, None
            ),
            "no wrappers",
        ),
        (
            type("First", (Plugin,), {"after_event": hookimpl(lambda self: None, tryfirst=True)})(
                "x", None, None
            ),
            "no priorities",
        ),
        (plugin(before_post=starred_hook), "hook before_post: takes its arguments by plain names"),
    ],
    ids=["async", "wrapper", "priority", "keyword-only"],
)
def test_what_cannot_be_called_stops_the_start(bad, reason):
    with pytest.raises(PluginError, match=reason):
        hooks(bad)


def test_a_hook_that_may_not_wait_leaves_no_coroutine_behind(recwarn):
    found = hooks(plugin(client_settings=lambda self, user: async_settings(self, user)))
    assert found.client_settings(ALICE) == {}
    gc.collect()
    assert not recwarn.list
    assert "may not be async" in str(found.record.failures[0].error)
