"""Names, titles and texts: what is accepted, and which names look alike."""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Callable
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatserver.model.confusables import confusable_key
from chatserver.model.errors import Reject
from chatserver.model.names import content, one_line, room_name, title, topic, user_name

ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=()), max_size=80)


@pytest.mark.parametrize(
    "name",
    [
        "alice",
        "Bob_the-2nd",
        "x",
        "a" * 32,
        "小明",
        "Ольга",
        "عمر",
        "नेहा",
        "שָׁלוֹם",
        "Nguyễn",
        "José",
        "🎉party",
        "<b>",
        "o'hara",
    ],
)
def test_user_names_of_any_script_are_accepted(name: str) -> None:
    assert user_name(name) == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        (" alice ", "alice"),
        ("\u3000alice\u00a0", "alice"),
        ("ａｌｉｃｅ", "alice"),
        ("ﬁona", "fiona"),
        ("Ⅷ", "VIII"),
        ("Alice", "Alice"),
        # Joiners that change how Persian and Hindi are written.
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("क्\u200dष", "क्\u200dष"),
    ],
)
def test_a_user_name_is_written_as_rfc_8266_writes_nicknames(written: str, name: str) -> None:
    assert user_name(written) == name == user_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a" * 33,
        "two words",
        "tab\there",
        "wide\u3000space",
        "nul\x00",
        "del\x7f",
        "zero\u200bwidth",
        "join\u200der",
        "bidi\u202eevil",
        "isolate\u2066x",
        "soft\u00adhyphen",
        "sel\ufe0f",
        "tag\U000e0041",
        "\u3164",
        "\u115f",
        "\u2800",
        "\uffa0",
        "\ue000",
        "\U000e0fff",
        "\u0378",
        "lone\ud800",
        "a·b",
        "inner\u00a0space",
        "ａ＠ｂ",
        "\u1112\u119e",  # Hangul before it was spelled as today
        "👩\u200d💻",
        "\u0301x",
        "Z\u0300\u0301\u0302\u0303\u0304algo",
        *(f"a{char}b" for char in "@:/#+,"),
    ],
)
def test_bad_user_names_are_refused(name: str) -> None:
    with pytest.raises(Reject) as refusal:
        user_name(name)
    assert (refusal.value.code, refusal.value.field) == ("invalid", "name")


def test_a_refusal_names_the_invisible_character() -> None:
    with pytest.raises(Reject, match=r"U\+200B"):
        user_name("a\u200bb")


def test_a_name_is_composed() -> None:
    assert user_name("e\u0301") == "é"


@given(ANY_TEXT)
def test_an_accepted_user_name_shows_and_stays(text: str) -> None:
    try:
        name = user_name(text)
    except Reject as refusal:
        # Even a refusal of half a character can be sent.
        refusal.message.encode()
        return
    assert 1 <= len(name) <= 32
    assert user_name(name) == name
    assert re.sub("[\u200c\u200d]", "", name).isprintable()
    assert not set(name) & set("@:/#+, ")
    name.encode()


@pytest.mark.parametrize("name", ["general", "dev-ops_2", "a" * 64, "茶室", "кухня", "น้ำ", "नमस्ते", "-"])
def test_room_names_of_any_script_are_accepted(name: str) -> None:
    assert room_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "General",
        "ÉCOLE",
        "two words",
        "a/b",
        "a.b",
        "dm:x",
        "#tea",
        "a" * 65,
        "🎉",
        "a\u200bb",
        "\u3164",
        "\u0301",
    ],
)
def test_bad_room_names_are_refused(name: str) -> None:
    with pytest.raises(Reject) as refusal:
        room_name(name)
    assert (refusal.value.code, refusal.value.field) == ("invalid", "room")


@given(ANY_TEXT)
def test_an_accepted_room_name_is_lower_case_and_stays(text: str) -> None:
    try:
        name = room_name(text)
    except Reject:
        return
    assert name == name.lower() == room_name(name)
    assert 1 <= len(name) <= 64


def test_titles_and_topics_become_one_line() -> None:
    assert title("  Tea \n and\tcakes ") == "Tea and cakes"
    assert topic("") == ""


@pytest.mark.parametrize(("clean", "limit"), [(title, 80), (topic, 500)])
def test_titles_and_topics_have_a_limit_and_no_tricks(clean: object, limit: int) -> None:
    assert callable(clean)
    assert clean("x" * limit) == "x" * limit
    for text in ("x" * (limit + 1), "a\x00b", "a\u202eb", "a\x9bb", "a\ud800b"):
        with pytest.raises(Reject) as refusal:
            clean(text)
        assert refusal.value.code == "invalid"


@pytest.mark.parametrize(
    "text", ["", " ", "\n\t ", "\u200b", "\u3164", "\u2800", "\ufeff", "a\x00", "\x1b[31m", "a\rb", "\ud800"]
)
def test_texts_that_show_nothing_or_hold_controls_are_refused(text: str) -> None:
    with pytest.raises(Reject) as refusal:
        content(text)
    assert (refusal.value.code, refusal.value.field) == ("invalid", "content")


@pytest.mark.parametrize("text", ["hi", "a\tb\nc", "你好", "\U0001faea", "👩\u200d💻", "\u202eevil"])
def test_texts_are_kept_as_they_are(text: str) -> None:
    assert content(text) == text


def test_line_ends_become_newlines() -> None:
    assert content("a\r\nb") == "a\nb"


@pytest.mark.parametrize(
    ("name", "twin"),
    [
        ("Alice", "alice"),
        ("alice", "AIice"),
        ("alice", "a1ice"),
        ("alice", "\u0430lice"),  # Cyrillic a
        ("alice", "al\u0456ce"),  # Ukrainian i
        ("alice", "al\u0131ce"),  # dotless i
        ("alice", "ａｌｉｃｅ"),
        ("alice", "𝓪𝓵𝓲𝓬𝓮"),
        ("alice", "ali\u200bce"),
        ("bob", "b0b"),
        ("mark", "rnark"),
        ("HATA", "НАТА"),  # Cyrillic throughout
        ("наташа", "НАТАША"),
        ("νικος", "ΝΙΚΟΣ"),
        ("straße", "STRASSE"),
        ("José", "Jose\u0301"),
    ],
)
def test_names_that_look_alike_are_one(name: str, twin: str) -> None:
    assert confusable_key(name) == confusable_key(twin)


def test_ascii_letters_stay_apart_but_for_what_the_standard_joins() -> None:
    keys: dict[str, set[str]] = {}
    for char in string.ascii_letters + string.digits:
        keys.setdefault(confusable_key(char), set()).add(char.lower())
    assert [alike for alike in keys.values() if len(alike) > 1] == [{"i", "l", "1"}, {"o", "0"}]


@pytest.mark.parametrize(
    ("name", "other"), [("jose", "josé"), ("van", "nan"), ("小明", "小朋"), ("anna", "hanna"), ("ray", "pay")]
)
def test_other_names_stay_apart(name: str, other: str) -> None:
    assert confusable_key(name) != confusable_key(other)


@settings(deadline=None)  # the first call loads the table
@given(ANY_TEXT)
def test_a_look_is_blind_to_case_and_composition(text: str) -> None:
    assert (
        confusable_key(text)
        == confusable_key(unicodedata.normalize("NFD", text))
        == confusable_key(text.casefold())
    )


@pytest.mark.parametrize("rule", [user_name, room_name, title, topic])
@pytest.mark.parametrize("start", ["a", "a\u0301" * 40], ids=["marks", "letters"])
def test_a_long_text_is_refused_before_it_is_composed(
    rule: Callable[[str], str], start: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Putting combining marks into order takes the square of their number: 40000 take more than a second."""
    composed: list[str] = []
    refused = pytest.raises(Reject, match="at most", check=lambda refusal: refusal.code == "invalid")
    # Undone at once: pytest composes texts too.
    with monkeypatch.context() as patch, refused:
        patch.setattr(unicodedata, "normalize", lambda form, text: composed.append(text) or text)
        rule(start + "\u0301\u0316" * 20_000)
    assert not composed


def test_a_look_is_taken_of_no_more_than_a_name_can_have(monkeypatch: pytest.MonkeyPatch) -> None:
    confusable_key("alice")  # loads the table
    composed = unicodedata.normalize
    lengths: list[int] = []

    def count(form: Literal["NFC", "NFD", "NFKC", "NFKD"], text: str) -> str:
        lengths.append(len(text))
        return composed(form, text)

    monkeypatch.setattr(unicodedata, "normalize", count)
    assert confusable_key("a" + "\u0301\u0316" * 20_000)
    assert lengths
    assert max(lengths) <= 128


@pytest.mark.parametrize("char", ["\u1f82", "\u0390", "각"])
def test_the_longest_name_may_come_decomposed(char: str) -> None:
    name = unicodedata.normalize("NFC", char) * 32
    decomposed = unicodedata.normalize("NFD", name)
    assert user_name(decomposed) == name
    assert confusable_key(decomposed) == confusable_key(name)


@pytest.mark.parametrize(
    ("text", "line"), [("", ""), ("  having\n\tlunch ", "having lunch"), ("e\u0301", "\u00e9"), ("🎉", "🎉")]
)
def test_a_text_is_put_on_one_line(text: str, line: str) -> None:
    assert one_line(text, 100, "text") == line


@pytest.mark.parametrize("text", ["a\x00", "\x1b[31m", "a\ud800", "\u202eevil", "a" * 101])
def test_a_line_is_refused_with_its_field(text: str) -> None:
    with pytest.raises(Reject, match="A text ") as refusal:
        one_line(text, 100, "text")
    assert (refusal.value.code, refusal.value.field) == ("invalid", "text")
