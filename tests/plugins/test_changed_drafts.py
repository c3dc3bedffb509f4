"""What a hook may change of a message on its way in, and what is its failure."""

from __future__ import annotations

import pytest

from chatserver.testing import Refused

CHANGES = """
import msgspec
from chatserver import Attachment, Draft, Plugin, hookimpl

class Changing(Plugin):
    @hookimpl
    def before_post(self, draft: Draft):
        return draft.replace({CHANGES})

    @hookimpl
    def before_edit(self, draft: Draft):
        return draft.replace({CHANGES})
"""
BUTTON = "{'id': 'go', 'label': 'Go', 'plugin': 'changing'}"
BIG = "'x' * 20_000"
NOT_ALLOWED = [
    "user=msgspec.structs.replace(draft.user, id='other', role='admin')",
    "room=msgspec.structs.replace(draft.room, name='random')",
    "reply_to='1-1'",
    "files=('1',)",
    "edits='1-1'",
    "plugin='polls'",
    "extras={'polls': {'votes': 7}}",
    "extras={'changing': {}}",
    f"extras={{'changing': {BIG}}}",
    f"new_extra={{'x': {BIG}}}",
    "new_extra=[]",
    "kind='polls:poll'",
    "kind=7",
    "content=7",
    "content=None",
    "html=7",
    "display_name=''",
    "display_name=7",
    f"display_name={BIG}",
    "actions=({'id': 'go'},)",
    "actions=7",
    f"actions=({{'id': 'go', 'label': {BIG}}},)",
    "attachments=('a',)",
    "attachments=7",
    "attachments=(Attachment(1, 'a', 'b', 'c', 'd'),)",
    "attachments=(Attachment('1', 'a', 1, 'c', 'd'),)",
    f"attachments=(Attachment('1', {BIG} * 4, 1, 'c', 'd'),)",
]


@pytest.fixture
def changing(tmp_path):
    def write(changes):
        (tmp_path / "changing.py").write_text(CHANGES.replace("{CHANGES}", changes))
        return tmp_path

    return write


@pytest.mark.parametrize("changes", NOT_ALLOWED)
async def test_the_message_goes_on_without_it_and_the_plugin_is_named(chat, changing, changes):
    async with chat(plugins=["changing"], dirs=[changing(changes)]) as server:
        alice, bob = await server.join("general", "alice", "bob")
        sent = await alice.says("hello")
        heard = await bob.hears()
        assert (heard.content, heard.user["id"], heard.room) == ("hello", alice.id, "general")
        assert not {"extras", "files", "reply_to", "display_name", "actions", "plugin"} & set(heard)
        await alice.ask("edit", message_id=sent.message_id, content="hello again")
        assert (await bob.hears("edited")).content == "hello again"
        assert [(failed.plugin, failed.what) for failed in server.failures()] == [
            ("changing", "before_post"),
            ("changing", "before_edit"),
        ]


async def test_what_is_its_own_it_may_change(chat, changing):
    changes = f"kind='changing:card', display_name='Card', actions=({BUTTON},), new_extra={{'x': 1}}"
    async with chat(plugins=["changing"], dirs=[changing(changes)]) as server:
        alice, bob = await server.join("general", "alice", "bob")
        await alice.says("hello")
        heard = await bob.hears()
        assert (heard.kind, heard.display_name) == ("changing:card", "Card")
        assert heard.actions == [{"id": "go", "label": "Go", "plugin": "changing"}]
        assert heard.extras == {"changing": {"x": 1}}


async def test_a_plugin_that_has_to_approve_refuses_what_it_could_not_change(chat, changing):
    config = {"changing": {"on_error": "reject"}}
    async with chat(plugins=config, dirs=[changing("plugin='polls'")]) as server:
        (alice,) = await server.join("general", "alice")
        with pytest.raises(Refused, match="plugin_failed"):
            await alice.says("hello")
        assert len(server.failures()) == 1
