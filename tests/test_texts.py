"""Texts of plugins in the language of their reader."""

from __future__ import annotations

import json

import pytest

from chatserver.model.errors import PluginError
from chatserver.plugins.texts import Texts
from chatserver.testing import Refused

ENGLISH = {"hello": "Hello, {name}!", "bye": "Bye."}
FILES = {
    "en": ENGLISH,
    "zh-Hant": {"hello": "你好，{name}！", "bye": "再見。"},
    "de": {"hello": "Hallo, {name}!"},
}
PARTY = '''
from dataclasses import dataclass

from chatserver import Plugin, Reject, RequestSpec, command, hookimpl


@dataclass
class Leave:
    pass


class Party(Plugin):
    @command()
    async def greet(self, ctx):
        """Greet."""
        return ctx.t("hello", name=ctx.user.name)

    @hookimpl
    def register_requests(self):
        return [RequestSpec("leave", Leave, self.leave)]

    async def leave(self, ctx, fields):
        raise Reject(ctx.t("bye"))

    @command()
    def wrong(self, ctx):
        """Say what there isn't."""
        return ctx.t("nothing")
'''


def write(folder, files):
    folder.mkdir(parents=True, exist_ok=True)
    for language, texts in files.items():
        text = texts if isinstance(texts, str) else json.dumps(texts)
        (folder / f"{language}.json").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("zh-Hant", "你好，ann！"),
        ("ZH-hant-TW", "你好，ann！"),
        ("de-AT", "Hallo, ann!"),
        ("zh", "Hello, ann!"),
        ("fr", "Hello, ann!"),
        (None, "Hello, ann!"),
    ],
)
def test_the_nearest_language_is_taken(tmp_path, language, said):
    texts = Texts.load("party", write(tmp_path / "i18n", FILES))
    assert texts.text("hello", language, {"name": "ann"}) == said


def test_what_a_language_lacks_is_said_in_english_and_logged(tmp_path, caplog):
    texts = Texts.load("party", write(tmp_path / "i18n", FILES))
    assert texts.text("bye", "de", {}) == "Bye."
    assert "plugin party: i18n/de.json lacks bye" in caplog.text
    assert "zh-Hant" not in caplog.text


def test_braces_take_values_and_nothing_else(tmp_path):
    texts = Texts.load("party", write(tmp_path / "i18n", {"en": {"x": "{a} {0} {a.b} {} {a!r}"}}))
    assert texts.text("x", None, {"a": "{b}", "0": 1}) == "{b} 1 {a.b} {} {a!r}"
    with pytest.raises(KeyError):
        texts.text("x", None, {})
    with pytest.raises(KeyError, match="no text 'y'"):
        texts.text("y", None, {})


@pytest.mark.parametrize(
    ("files", "part"),
    [
        ({"de": ENGLISH}, "no en.json"),
        ({"en": ENGLISH, "de": {"servus": "Servus."}}, r"i18n/de.json: 'servus' is not in en.json"),
        ({"en": ENGLISH, "de": {"hello": "Hallo, {nam}!"}}, r"'hello' has \{nam\}, and in en.json \{name\}"),
        ({"en": "{"}, "i18n/en.json"),
        ({"en": "[]"}, "i18n/en.json"),
        ({"en": {"hello": 3}}, "i18n/en.json"),
    ],
)
def test_files_that_cannot_be_used_stop_the_start(tmp_path, files, part):
    with pytest.raises(PluginError, match=part):
        Texts.load("party", write(tmp_path / "i18n", files))


def test_without_a_folder_there_are_no_texts(tmp_path):
    with pytest.raises(KeyError):
        Texts.load("party", tmp_path / "i18n").text("hello", None, {})


async def test_a_command_speaks_the_language_of_its_caller(chat, tmp_path):
    folder = tmp_path / "own" / "party"
    write(folder / "i18n", FILES)
    (folder / "__init__.py").write_text(PARTY)
    async with chat(plugins=["party"], dirs=[tmp_path / "own"]) as server:
        bob, alice = await server.client("bob", language="zh-Hant"), await server.client("alice")
        for client, said in ((bob, "你好，bob！"), (alice, "Hello, alice!")):
            await client.says("/greet", to="nobody")
            assert (await client.hears("notice")).text == said
        for client, said in ((bob, "再見。"), (alice, "Bye.")):
            with pytest.raises(Refused) as caught:
                await client.ask("party:leave")
            assert caught.value.message == said
        with pytest.raises(Refused, match="plugin_failed"):
            await alice.says("/wrong", to="nobody")
        (failure,) = server.failures()
        assert "no text 'nothing'" in str(failure.error)


@pytest.mark.parametrize("language", ["", "x" * 36, "zh_Hant", "../en", 3])
async def test_a_language_is_a_tag(chat, language):
    async with chat() as server:
        with pytest.raises(Refused, match="invalid: language"):
            await server.client("alice", language=language)
