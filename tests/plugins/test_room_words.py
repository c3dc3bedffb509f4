"""Words that are not said in one room."""

from __future__ import annotations

import pytest

from chatserver.testing import Refused


async def code(work):
    with pytest.raises(Refused) as refused:
        await work
    return refused.value.code


async def test_a_room_has_words_of_its_own(chat, on_file):
    async with chat(plugins=["moderation", "basics", "files"], settings=on_file) as server:
        mona = await server.account("mona", "moderator")
        (bob,) = await server.join("general", "bob")
        await mona.join("general")
        said = await bob.says("harmless", "general")
        status, _ = await server.api("POST", "rooms", {"name": "den"}, token=mona.token)
        assert status == 201
        await bob.join("den")
        await mona.says("/words add Gurk\u200ben", "general")
        assert (await mona.hears("notice")).text == "Not said here: gurken."
        for text in ("gurken", "GURKEN!", "g.u.r.k.e.n", "ｇｕｒｋｅｎ"):
            assert await code(bob.says(text, "general")) == "rejected"
        assert await code(bob.ask("edit", message_id=said.message_id, content="gurken")) == "rejected"
        assert await code(mona.ask("set_room", room="general", topic="gurken")) == "rejected"
        headers = {"X-File-Name": "gurken.txt"}
        path = "/plugins/files/upload?room=general"
        upload = await server.http("POST", path, body=b"x", token=bob.token, headers=headers)
        assert upload.code == 403
        # Not in another word, and not in another room.
        await bob.says("gurkensalat", "general")
        await bob.says("gurken", "den")
        assert (await mona.ask("moderation:words", room="general")).words == ["gurken"]
        assert (
            await mona.ask("moderation:words", room="general", words=["Tea", "tea ", "gurken"])
        ).words == ["gurken", "tea"]
        assert await code(bob.says("tea?", "general")) == "rejected"
        await mona.says("/words remove TEA", "general")
        await bob.says("tea?", "general")
        log = await mona.ask("audit", room="general", action="moderation:words")
        assert [entry["detail"] for entry in log.entries] == ["gurken", "gurken, tea", "gurken"]
        for wrong in ([" "], ["..."], ["x" * 51], [f"w{n}" for n in range(201)], "gurken", [1]):
            assert await code(mona.ask("moderation:words", room="general", words=wrong)) == "invalid"
        assert await code(mona.says("/words remove coffee", "general")) == "not_found"
        assert await code(mona.ask("moderation:words", room="nowhere")) == "not_found"
        for work in (bob.ask("moderation:words", room="general"), bob.says("/words add tea", "general")):
            assert await code(work) == "forbidden"
        await server.restart()
        bob = await server.client(token=bob.token)
        assert await code(bob.says("gurken", "general")) == "rejected"
