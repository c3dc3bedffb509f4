"""Posting, editing, deleting: what is acknowledged, in which order, and that a retry changes nothing."""

from __future__ import annotations

import asyncio

import pytest

from chatserver.chat import messages
from chatserver.chat.replies import FutureReply
from chatserver.model.errors import Reject
from chatserver.store import append as log
from chatserver.store import changes as entries
from chatserver.testing import Refused

pytestmark = [pytest.mark.transport, pytest.mark.sending]


async def refused(work) -> Refused:
    with pytest.raises(Refused) as caught:
        await work
    return caught.value


async def log_of(client, room="general"):
    return (await client.ask("sync", room=room, after=0, limit=500)).events


async def test_what_an_acknowledgement_and_an_event_carry(chat):
    async with chat() as server:
        alice, bob = await server.join("general", "alice", "bob")
        sent = await alice.says("a < b", nonce="n1")
        assert set(sent) == {"type", "re", "message_id", "room", "seq", "ts"}
        event = await bob.hears()
        assert dict(event) == {
            "type": "message", "room": "general", "seq": sent.seq, "ts": sent.ts,
            "user": {"id": alice.id, "name": "alice", "display_name": "alice", "guest": True},
            "message_id": sent.message_id, "kind": "text", "rev": 1,
            "content": "a < b", "html": "a &lt; b", "nonce": "n1",
        }  # fmt: skip
        assert (await alice.hears()) == event
        assert sent.ts.endswith("Z")
        assert len(sent.ts) == len("2026-07-04T16:20:00.000Z")


async def test_a_request_without_id_gets_no_ok_but_errors(chat):
    async with chat() as server:
        alice = (await server.join("general", "alice"))[0]
        await alice.send({"type": "message", "room": "general", "content": "quiet"})
        await alice.send({"type": "message", "room": "nowhere", "content": "loud"})
        await alice.ask("ping")
        error = await alice.hears("error")
        assert (error.re, error.code) == (None, "not_found")
        assert not [e for e in alice.everything if e["type"] == "ok" and e["re"] is None]
        assert (await alice.hears()).content == "quiet"


async def test_requests_of_one_connection_take_effect_in_order(chat):
    async with chat() as server:
        alice, bob = await server.join("general", "alice", "bob")
        sent = [{"type": "message", "id": f"m{n}", "room": "general", "content": f"{n}"} for n in range(300)]
        for frame in sent:
            await alice.send(frame)
        await alice.send({"type": "leave", "id": "leave", "room": "general"})
        await alice.send({"type": "message", "id": "late", "room": "general", "content": "late"})
        assert (await alice.hears("error", re="late")).code == "not_member"
        assert [e["content"] for e in await bob.heard()] == [f"{n}" for n in range(300)]
        replies = [e["re"] for e in alice.everything if e["type"] == "ok" and str(e["re"]).startswith("m")]
        assert replies == [f"m{n}" for n in range(300)]


COUNTING = """
import time
from chatserver import Plugin, hookimpl

class Counting(Plugin):
    posted = committed = most = 0

    @hookimpl
    def before_post(self, draft):
        self.posted += 1
        self.most = max(self.most, self.posted - self.committed)

    @hookimpl(events=("message",))
    def in_commit(self, tx, events):
        time.sleep(0.02)  # on the writer's thread: a disk that takes its time
        self.committed += len(events)
"""


@pytest.mark.parametrize("way", ["room", "to", "reply"])
async def test_no_more_than_64_wait_for_their_commit(chat, on_file, tmp_path, way):
    (tmp_path / "own").mkdir()
    (tmp_path / "own/counting.py").write_text(COUNTING)
    async with chat(plugins=["history", "counting"], dirs=[tmp_path / "own"], settings=on_file) as server:
        alice, bob = await server.join("general", "alice", "bob")
        first = await alice.says("first", to="bob") if way == "to" else await alice.says("first")
        frame = {"type": "message", "content": "x"}
        frame |= {"to": "bob"} if way == "to" else {"room": "general"}
        frame |= {"reply_to": first.message_id} if way == "reply" else {}
        for n in range(400):
            await alice.send({**frame, "id": f"m{n}"})
        await alice.hears("ok", re="m399")
        counting = next(p for p in server.services.host.current.plugins if p.name == "counting").instance
        assert counting.posted == counting.committed == 401
        assert 1 < counting.most <= 64
        assert len(await bob.heard()) == 401


# Sent once


async def test_a_retry_gets_the_first_answer(chat):
    async with chat() as server:
        alice, bob = await server.join("general", "alice", "bob")
        first = await alice.says("hello", nonce="n")
        again = await alice.says("hello", nonce="n")
        assert again.dup is True
        assert (again.message_id, again.seq, again.ts) == (first.message_id, first.seq, first.ts)
        assert len(await bob.heard()) == 1


async def test_the_same_nonce_many_times_at_once_is_one_message(chat):
    async with chat() as server:
        alice, bob = await server.join("general", "alice", "bob")
        for n in range(50):
            await alice.send({"type": "message", "id": f"a{n}", "room": "general",
                              "content": f"{n // 5}", "nonce": f"n{n // 5}"})  # fmt: skip
        await alice.hears("ok", re="a49")
        replies = [e for e in alice.everything if e["type"] == "ok" and str(e["re"]).startswith("a")]
        assert len(replies) == 50
        assert len({e["message_id"] for e in replies}) == 10
        assert sum("dup" not in e for e in replies) == 10
        assert [e["content"] for e in await bob.heard()] == [f"{n}" for n in range(10)]
        log = await log_of(bob)
        assert [e["seq"] for e in log] == list(range(log[0]["seq"], log[0]["seq"] + len(log)))


async def test_another_text_with_the_same_nonce_is_a_conflict_in_one_batch_too(chat):
    async with chat() as server:
        alice, bob = await server.join("general", "alice", "bob")
        for n, text in enumerate(("one", "two", "one")):
            await alice.send(
                {"type": "message", "id": f"a{n}", "room": "general", "content": text, "nonce": "n"}
            )
        assert (await alice.hears("error", re="a1")).code == "nonce_conflict"
        assert (await alice.hears("ok", re="a2")).dup
        later = await refused(alice.says("two", nonce="n"))
        assert (later.code, later.field) == ("nonce_conflict", "nonce")
        other = await refused(alice.says("one", nonce="n", reply_to="m1"))
        assert other.code == "nonce_conflict"
        assert [e["content"] for e in await bob.heard()] == ["one"]


async def test_a_nonce_is_ones_own_and_the_rooms_own(chat):
    async with chat(settings={"rooms": [{"name": "general"}, {"name": "other"}]}) as server:
        alice, bob = await server.join("general", "alice", "bob")
        await alice.ask("join", room="other")
        sent = [await alice.says("x", nonce="n"), await bob.says("x", nonce="n"),
                await alice.says("x", "other", nonce="n")]  # fmt: skip
        assert len({e.message_id for e in sent}) == 3
        assert not any("dup" in e for e in sent)


async def test_a_nonce_lasts_over_a_restart(chat, on_file):
    async with chat(settings=on_file) as server:
        alice = (await server.join("general", "alice"))[0]
        first = await alice.says("hello", nonce="n")
        await server.restart()
        again = await server.client(token=alice.token)
        dup = await again.says("hello", "general", nonce="n")
        assert (dup.message_id, dup.seq, dup.dup) == (first.message_id, first.seq, True)
        assert (await refused(again.says("other", "general", nonce="n"))).code == "nonce_conflict"


async def test_a_retry_is_answered_though_it_would_be_refused_by_now(chat):
    async with chat(plugins=["moderation"]) as server:
        alice = (await server.join("general", "alice"))[0]
        mod = await server.account("mod", "moderator")
        await mod.join("general")
        first = await alice.says("hello", nonce="n")
        for action, code in (("mute", "muted"), ("kick", "not_member"), ("ban", "banned")):
            await mod.says(f"/{action} alice 5")
            assert (await refused(alice.says("more"))).code in (code, "banned")
            assert (await refused(alice.says("new", nonce=action))).code in (code, "banned")
            assert (await alice.says("hello", "#General", nonce="n")).seq == first.seq
            again = await alice.says("hello", "general", nonce="n")
            assert (again.seq, again.dup) == (first.seq, True)
            assert (await refused(alice.says("other", "general", nonce="n"))).code == "nonce_conflict"


async def test_a_retry_is_answered_past_the_rate_limit(chat):
    limits = {"limits": {"messages_per_second": 0.001, "burst": 2}}
    async with chat(settings=limits) as server:
        alice, bob = await server.join("general", "alice", "bob")
        first = await alice.says("one", nonce="n")
        await alice.says("two")
        limited = await refused(alice.says("three"))
        assert limited.code == "rate_limited"
        assert limited.error.retry_after > 1
        assert (await alice.says("one", nonce="n")).seq == first.seq
        assert (await refused(alice.says("other", nonce="n"))).code == "nonce_conflict"
        assert len(await bob.heard()) == 2


async def test_a_retry_is_answered_even_when_looking_for_the_first_fails(chat, on_file, monkeypatch):
    limits = {"limits": {"messages_per_second": 0.001, "burst": 1}}
    async with chat(settings={**on_file, **limits}) as server:
        alice = (await server.join("general", "alice"))[0]
        first = await alice.says("one", nonce="n")
        with monkeypatch.context() as broken:

            def fail(*args):
                raise OSError("disk gone")

            broken.setattr(messages.reading, "sent_before", fail)
            assert (await refused(alice.says("one", nonce="n"))).code == "unavailable"
        assert (await alice.says("one", nonce="n")).seq == first.seq


# Edits and deletes


async def test_an_edit_makes_the_next_revision(chat):
    async with chat() as server:
        alice, bob = await server.join("general", "alice", "bob")
        sent = await alice.says("one")
        reply = await alice.ask("edit", message_id=sent.message_id, content="two", rev=2)
        assert (reply.rev, reply.seq) == (2, sent.seq + 1)
        event = await bob.hears("edited")
        assert dict(event) == {
            "type": "edited", "room": "general", "seq": reply.seq, "ts": event.ts,
            "user": {"id": alice.id, "name": "alice", "display_name": "alice", "guest": True},
            "message_id": sent.message_id, "rev": 2, "content": "two", "html": "two",
        }  # fmt: skip
        assert (await alice.ask("edit", message_id=sent.message_id, content="three")).rev == 3
        shown = next(e for e in await log_of(bob) if e["type"] == "message")
        assert (shown["content"], shown["rev"], shown["seq"]) == ("three", 3, sent.seq)
        assert "edited_at" in shown


async def test_an_edit_is_repeated_refused_or_too_late(chat):
    async with chat() as server:
        alice, bob = await server.join("general", "alice", "bob")
        sent = await alice.says("one")
        edit = {"message_id": sent.message_id, "content": "two", "rev": 2}
        first = await alice.ask("edit", **edit)
        again = await alice.ask("edit", **edit)
        assert (again.dup, again.seq, again.rev) == (True, first.seq, 2)
        for wrong in ({**edit, "content": "other"}, {**edit, "rev": 4}):
            conflict = await refused(alice.ask("edit", **wrong))
            assert (conflict.code, conflict.field) == ("rev_conflict", "rev")
        await alice.ask("edit", message_id=sent.message_id, content="three", rev=3)
        assert (await refused(alice.ask("edit", **edit))).code == "rev_conflict"
        assert len(await bob.heard("edited")) == 2


async def test_the_same_edit_from_two_connections_at_once_takes_effect_once(chat):
    async with chat() as server:
        alice, bob = await server.join("general", "alice", "bob")
        tab = await server.client(token=alice.token)
        sent = await alice.says("one")
        edit = {"message_id": sent.message_id, "content": "two", "rev": 2}
        one, other = await asyncio.gather(alice.ask("edit", **edit), tab.ask("edit", **edit))
        assert (one.seq, one.rev) == (other.seq, other.rev) == (sent.seq + 1, 2)
        assert len(await bob.heard("edited")) == 1


async def test_only_ones_own_message_is_edited(chat):
    async with chat() as server:
        alice, bob = await server.join("general", "alice", "bob")
        sent = await alice.says("mine")
        await bob.hears()
        stranger = await refused(bob.ask("edit", message_id=sent.message_id, content="yours"))
        assert (stranger.code, stranger.field) == ("forbidden", "message_id")
        assert (await refused(bob.ask("delete", message_id=sent.message_id))).code == "forbidden"
        for type in ("edit", "delete"):
            missing = await refused(bob.ask(type, message_id="m0", content="x"))
            assert (missing.code, missing.field) == ("not_found", "message_id")
        assert not await alice.heard("edited")


async def test_a_deleted_message_keeps_its_place_and_nothing_else(chat):
    async with chat() as server:
        alice, bob = await server.join("general", "alice", "bob")
        sent = await alice.says("secret", nonce="n")
        await alice.ask("edit", message_id=sent.message_id, content="more secret")
        reply = await alice.ask("delete", message_id=sent.message_id)
        event = await bob.hears("deleted")
        assert set(event) == {"type", "room", "seq", "ts", "user", "message_id"}
        assert (event.seq, event.message_id) == (reply.seq, sent.message_id)
        log = await log_of(bob)
        assert "secret" not in str(log)
        assert [e["seq"] for e in log] == [sent.seq, sent.seq + 1, sent.seq + 2]
        assert log[0]["deleted"] is True
        for type in ("edit", "delete"):
            gone = await refused(alice.ask(type, message_id=sent.message_id, content="x"))
            assert gone.code == "not_found"
        assert (await alice.says("secret", nonce="n")).dup


async def test_a_moderator_deletes_what_lower_ranks_wrote(chat):
    async with chat() as server:
        alice = (await server.join("general", "alice"))[0]
        mod, other = await server.account("mod", "moderator"), await server.account("other", "moderator")
        await other.join("general")
        await mod.join("general")
        from_alice, from_other = await alice.says("spam"), await other.says("fine")
        await mod.ask("delete", message_id=from_alice.message_id)
        deleted = await alice.hears("deleted")
        assert deleted.user["name"] == "mod"
        assert (await refused(mod.ask("delete", message_id=from_other.message_id))).code == "forbidden"


async def test_nothing_of_theirs_follows_a_mute_or_a_removal(chat):
    """Not even an edit or a delete of what they wrote before."""
    async with chat(plugins=["moderation"]) as server:
        alice, bob = await server.join("general", "alice", "bob")
        mod = await server.account("mod", "moderator")
        await mod.join("general")
        for action in ("mute", "kick", "ban"):
            sent = await alice.says("before")
            await mod.says(f"/{action} alice")
            for request in (
                {"type": "edit", "message_id": sent.message_id, "content": "after"},
                {"type": "delete", "message_id": sent.message_id},
                {"type": "message", "room": "general", "content": "after"},
            ):
                assert (await refused(alice.ask(**request))).code in ("muted", "not_member", "banned")
            last = (await log_of(bob))[-1]
            assert last["type"] == "member", action
            if action == "mute":
                await mod.says("/unmute alice")
            elif action == "kick":
                await alice.join("general")


async def test_moderation_cuts_a_stream_of_messages_in_the_rooms_own_order(chat):
    async with chat(plugins=["moderation"]) as server:
        alice, bob = await server.join("general", "alice", "bob")
        mod = await server.account("mod", "moderator")
        await mod.join("general")
        for n in range(150):
            await alice.send({"type": "message", "id": f"m{n}", "room": "general", "content": f"{n}"})
            if n == 75:
                await mod.send({"type": "message", "id": "kick", "room": "general", "content": "/kick alice"})
        kicked = await alice.hears("kicked")
        assert kicked.by["name"] == "mod"
        assert (await alice.hears("member", action="kicked")).target["name"] == "alice"
        member = await bob.hears("member", action="kicked")
        await bob.ask("ping")
        from_alice = [e["seq"] for e in bob.everything if e["type"] == "message"]
        assert all(seq < member.seq for seq in from_alice)
        await alice.ask("ping")
        acknowledged = [e for e in alice.everything if e["type"] == "ok" and str(e["re"]).startswith("m")]
        assert len(acknowledged) == len(from_alice)
        at = alice.everything.index(kicked)
        assert not [e for e in alice.everything[at:] if "user" in e and "seq" in e]


@pytest.mark.parametrize("action", ["muted", "kicked", "banned"])
async def test_what_waits_behind_a_mute_or_a_removal_is_checked_against_it(chat, action):
    """All of it is queued in one turn, while the room is busy with something else."""
    async with chat() as server:
        alice, bob = await server.join("general", "alice", "bob")
        sent = await alice.says("before")
        live = server.services.rooms.loaded("general")
        by, target = (live.members[client.id].user for client in (bob, alice))
        replies = []
        for entry in (
            entries.Post(by, "busy", "busy"),
            entries.Post(target, "in time", "in time"),
            entries.ChangeMember(by, target, action),
            entries.Post(target, "too late", "too late"),
            entries.Edit(target, sent.message_id, "too late", "too late"),
            entries.Delete(target, sent.message_id),
            entries.Post(by, "goes on", "goes on"),
        ):
            replies.append(FutureReply())
            live.submit(entry, replies[-1])
        await live.idle()
        refused = [isinstance(reply.outcome.result(), Reject) for reply in replies]
        assert refused == [False, False, False, True, True, True, False]
        heard = [e["content"] for e in await bob.heard()]
        assert heard == ["before", "busy", "in time", "goes on"]
        assert [e["type"] for e in await log_of(bob)] == ["message"] * 3 + ["member", "message"]


async def test_a_reply_names_a_message_of_this_room(chat):
    async with chat(settings={"rooms": [{"name": "general"}, {"name": "other"}]}) as server:
        alice, bob = await server.join("general", "alice", "bob")
        await alice.ask("join", room="other")
        here, there = await alice.says("here"), await alice.says("there", "other")
        await bob.hears()
        await alice.says("re", reply_to=here.message_id)
        assert (await bob.hears()).reply_to == here.message_id
        for wrong in (there.message_id, "m0"):
            error = await refused(alice.says("re", reply_to=wrong))
            assert (error.code, error.field) == ("invalid", "reply_to")


async def test_a_storage_that_fails_refuses_and_recovers(chat, monkeypatch, caplog):
    async with chat() as server:
        alice, bob = await server.join("general", "alice", "bob")
        with monkeypatch.context() as broken:

            def fail(self):
                raise OSError("disk full")

            broken.setattr(log.BatchAppender, "_insert", fail)
            error = await refused(alice.says("lost", nonce="n"))
            assert error.code == "unavailable"
            assert error.error.retry_after
        kept = await alice.says("lost", nonce="n")
        assert "dup" not in kept
        assert (await bob.hears()).seq == kept.seq == 2


async def test_room_or_to(chat):
    async with chat() as server:
        alice = (await server.join("general", "alice"))[0]
        neither = await refused(alice.ask("message", content="x"))
        both = await refused(alice.ask("message", content="x", room="general", to="alice"))
        itself = await refused(alice.ask("message", content="x", to="alice"))
        assert [(e.code, e.field) for e in (neither, both, itself)] == [
            ("invalid", "room"), ("invalid", "to"), ("invalid", "to"),
        ]  # fmt: skip


async def test_a_doubled_slash_is_a_slash(chat):
    async with chat(plugins=["basics"]) as server:
        alice, bob = await server.join("general", "alice", "bob")
        await alice.says("//help")
        assert (await bob.hears()).content == "/help"
        assert not await alice.heard("notice")
        reply = await alice.says("/help")
        assert set(reply) == {"type", "re"}
        notice = await alice.hears("notice")
        assert (notice.room, notice.level) == ("general", "info")
        unknown = await refused(alice.says("/nosuchthing"))
        assert unknown.code in ("not_found", "invalid")
        assert not await bob.heard()
