"""Which names and texts are accepted, and in which form names are compared."""

from __future__ import annotations

import functools
import re
import unicodedata
from typing import TYPE_CHECKING

from .errors import Reject
from .ids import is_id_form

if TYPE_CHECKING:
    from precis_i18n.profile import Profile

USER_CHARS = 32
SHOWN_CHARS = 64
ROOM_CHARS = 64
TITLE_CHARS = 80
TOPIC_CHARS = 500
RAW_PER_CHAR = 4
"""As many code points can become one in NFC (U+1F82). Sorting combining marks takes the square of their number, so
that longer texts are refused before."""
MARKS_IN_A_ROW = 3
"""Hebrew stacks three on one letter; what has more is there to overflow its line."""

_RESERVED = frozenset("@:/#+,")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\ud800-\udfff]")
_BIDI = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
_PLAIN = re.compile(r"[!-~]")

# Default_Ignorable_Code_Point of Unicode's DerivedCoreProperties, as far as the category doesn't tell
# (`unicodedata` doesn't have the property), and the characters with an empty glyph of their own.
IGNORABLE = re.compile(
    r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_BLANK = frozenset("\u2800\U00016fe4\U0001d159")


def user_name(text: str, *, spaces: bool = False) -> str:
    """The name as the profile Nickname (RFC 8266) writes it, in NFKC and with its case.

    1 to 32 visible characters without ``@ : / # + ,``, not in the form of an id, and only with ``spaces`` with single
    ones. Raises `Reject` ``invalid``, field ``name``.
    """
    long = f"A name has at most {USER_CHARS} characters."
    if not text.strip():
        raise _invalid("Please choose a name.", "name")
    if len(text) > RAW_PER_CHAR * USER_CHARS:
        raise _invalid(long, "name")
    try:
        name = _nickname().enforce(text)
    except UnicodeEncodeError as error:
        raise _invalid(f"A name can't contain {_called(error.object[error.start])}.", "name") from None
    if len(name) > USER_CHARS:
        raise _invalid(long, "name")
    for char in name:
        if char in _RESERVED or char in _BLANK or (char == " " and not spaces):
            raise _invalid(f"A name can't contain {_called(char)}.", "name")
    _check_marks(name, "name")
    if is_id_form(name.casefold()):
        raise _invalid("This name is kept for the server: it has the form of an id.", "name")
    return name


def room_name(text: str) -> str:
    """The name in NFC: 1 to 64 letters and digits of any script, ``-`` and ``_``, nothing in upper case.

    Raises `Reject` ``invalid``, field ``room``.
    """
    name = _composed(text, ROOM_CHARS, f"A room's name has at most {ROOM_CHARS} characters.", "room")
    if not name:
        raise _invalid("Please choose a name for the room.", "room")
    for char in name:
        if char.lower() != char:
            raise _invalid("A room's name has no upper-case letters.", "room")
        if char not in "-_" and not (_visible(char) and _is_word(char)):
            raise _invalid(f"A room's name has letters, digits, - and _, but not {_called(char)}.", "room")
    _check_marks(name, "room")
    return name


def name_key(text: str) -> str:
    """The form in which names and ids of users are compared: without case and compatibility forms, composed.

    As RFC 8266 compares nicknames. Names that only look alike stay apart.
    """
    if text.isascii():
        return text.lower()
    if len(text) > RAW_PER_CHAR * USER_CHARS:
        return text
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def room_key(text: str) -> str:
    """The name of the room that a text means: without ``#`` before it, in lower case, composed."""
    bare = text.lstrip("#")
    return unicodedata.normalize("NFC", bare).lower() if len(bare) <= RAW_PER_CHAR * ROOM_CHARS else bare


def title(text: str) -> str:
    """A room's title on one line, at most 80 characters; may be empty. Raises `Reject` ``invalid``."""
    return one_line(text, TITLE_CHARS, "title")


def topic(text: str) -> str:
    """A room's topic on one line, at most 500 characters; may be empty. Raises `Reject` ``invalid``."""
    return one_line(text, TOPIC_CHARS, "topic")


def shown_name(text: str) -> str:
    """A name that is only shown, of a bot or of one message: 1 to 64 visible characters on one line.

    Raises `Reject` ``invalid``, field ``display_name``.
    """
    name = one_line(text, SHOWN_CHARS, "display_name")
    if not any(_visible(char) for char in name):
        raise _invalid("A display_name needs a character that can be seen.", "display_name")
    return name


def one_line(text: str, most: int, field: str) -> str:
    """The text in NFC with single spaces for white space, line ends too; may be empty.

    Raises `Reject` ``invalid``, with this field, above ``most`` characters, and for what is left of controls and
    for characters that turn the direction of what follows.
    """
    long = f"A {field} has at most {most} characters."
    line = _composed(" ".join(text.split()), most, long, field)
    if any(unicodedata.category(char) in ("Cc", "Cs") for char in line) or _BIDI.search(line):
        raise _invalid(f"A {field} can't contain control characters.", field)
    return line


def content(text: str) -> str:
    r"""A message's text with ``\n`` for ``\r\n``. Raises `Reject` ``invalid``, field ``content``, without any
    visible character, or with C0 controls other than tab and newline."""
    if text.isascii() and text.isprintable() and text and not text.isspace():
        return text
    text = text.replace("\r\n", "\n")
    if _CONTROL.search(text):
        raise _invalid("A message can't contain control characters.", "content")
    if not _PLAIN.search(text) and not any(_visible(char) for char in text):
        raise _invalid("A message needs some text.", "content")
    return text


@functools.cache
def _nickname() -> Profile:
    # Loaded when the first name is chosen, not at each start.
    from precis_i18n import get_profile

    return get_profile("NicknameCasePreserved")


def _invalid(message: str, field: str) -> Reject:
    return Reject(message, "invalid", field=field)


def _composed(text: str, most: int, long: str, field: str) -> str:
    """The text in NFC. Raises `Reject` ``invalid`` with the message ``long`` above ``most`` characters."""
    if len(text) <= RAW_PER_CHAR * most:
        composed = unicodedata.normalize("NFC", text)
        if len(composed) <= most:
            return composed
    raise _invalid(long, field)


def _visible(char: str) -> bool:
    """False for spaces, controls, surrogates and what has no glyph. Characters newer than our tables count."""
    category = unicodedata.category(char)
    hidden = category[0] == "Z" or category in ("Cc", "Cf", "Cs") or char in _BLANK or IGNORABLE.match(char)
    return not hidden


def _is_word(char: str) -> bool:
    return unicodedata.category(char) in ("Ll", "Lo", "Lm", "Mn", "Mc", "Nd")


def _called(char: str) -> str:
    """A character as an error message names it: itself only if that can be seen."""
    code = f"U+{ord(char):04X}"
    if char.isspace():
        return f"spaces ({code})" if char != " " else "spaces"
    return f"{char!r}" if char.isprintable() and _visible(char) else f"the invisible character {code}"


def _check_marks(name: str, field: str) -> None:
    run = 0
    for index, char in enumerate(name):
        mark = unicodedata.category(char)[0] == "M"
        if mark and index == 0:
            raise _invalid("A name can't begin with a combining mark.", field)
        run = run + 1 if mark and unicodedata.category(char) != "Mc" else 0
        if run > MARKS_IN_A_ROW:
            raise _invalid("Too many combining marks on one letter.", field)
