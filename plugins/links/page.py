"""What a page says of itself. It runs apart, and so imports nothing of the plugin."""

from __future__ import annotations

import codecs
import re
import unicodedata
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

TITLE_CHARS = 150
TEXT_CHARS = 300
SITE_CHARS = 60
"""Five previews with these and their addresses are what a message can keep."""
ADDRESS_CHARS = 2000
_SAID = re.compile(
    rb"""<meta[^>]{0,200}?charset\s{0,9}=\s{0,9}["']?\s{0,9}([a-z0-9_:.-]{1,40})""", re.IGNORECASE
)
_IN_HEADER = re.compile(r"""charset\s*=\s*["']?([a-z0-9_:.-]{1,40})""", re.IGNORECASE)
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_MEANT = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "iso8859-9": "cp1254",
}
"""What browsers take an encoding for (https://encoding.spec.whatwg.org/), by Python's names."""


def read_page(body: bytes, content_type: str, address: str) -> dict[str, Any]:
    """``title``, ``text``, ``site`` and the address of a ``picture`` of an HTML page, "" where it has none.

    ``body`` may be cut anywhere; ``address`` is where the page lies.
    """
    reader = _Head()
    reader.feed(decoded(body, content_type))
    said = reader.said
    base = urljoin(address, reader.base)
    picture = _first(
        said, "og:image:secure_url", "og:image:url", "og:image", "twitter:image", "twitter:image:src"
    )
    return {
        "title": plain(_first(said, "og:title", "twitter:title") or reader.title, TITLE_CHARS),
        "text": plain(_first(said, "og:description", "twitter:description", "description"), TEXT_CHARS),
        "site": plain(_first(said, "og:site_name"), SITE_CHARS),
        "picture": _address(base, picture or reader.picture),
    }


def decoded(body: bytes, content_type: str) -> str:
    """A page as text: in the encoding that it says, else in UTF-8 or, where it is none, Windows-1252."""
    for mark, encoding in _MARKS:
        if body.startswith(mark):
            return body[len(mark) :].decode(encoding, errors="replace")
    in_page = _SAID.search(body[:4096])
    in_header = _IN_HEADER.search(content_type)
    for said in (in_header and in_header[1], in_page and in_page[1].decode("ascii")):
        if said and (known := _known(said)):
            return body.decode(known, errors="replace")
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(body)
    except UnicodeDecodeError:
        return body.decode("cp1252", errors="replace")


def plain(text: str, most: int) -> str:
    """A text on one line, without characters that can't be seen or turn others round; cut to ``most`` characters."""
    line = " ".join(text.split())
    shown = "".join(char for char in line if unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn"))
    return shown if len(shown) <= most else f"{shown[: most - 1].rstrip()}…"


def _known(said: str) -> str | None:
    try:
        found = codecs.lookup(said.lower())
        "x".encode(found.name)
    except (LookupError, UnicodeError):
        return None
    # A page that says so in readable letters can't be in UTF-16, nor in what no browser reads.
    if found.name.startswith(
        ("utf-16", "utf-32", "utf-7", "punycode", "idna", "unicode", "raw", "mbcs", "oem")
    ):
        return "utf-8"
    return _MEANT.get(found.name, found.name)


def _first(said: dict[str, str], *names: str) -> str:
    return next((said[name] for name in names if said.get(name)), "")


def _address(base: str, found: str) -> str:
    """An address of HTTP, whole; "" for any other."""
    try:
        whole = urljoin(base, found.strip()) if found.strip() else ""
        good = urlsplit(whole).scheme in ("http", "https") and len(whole) <= ADDRESS_CHARS
    except ValueError:
        return ""
    return whole if good else ""


class _Head(HTMLParser):
    """Reads what stands in a page's head, and of a page without one what comes first."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.said: dict[str, str] = {}
        self.title = ""
        self.picture = ""
        self.base = ""
        self._in_title = False
        self._drawing = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in reversed(attrs)}
        if tag == "svg":
            # It has titles of its own.
            self._drawing += 1
        elif tag == "title":
            self._in_title = not self.title and not self._drawing
        elif tag == "meta":
            name = (given.get("property") or given.get("name") or "").strip().lower()
            self.said.setdefault(name, given.get("content", ""))
        elif tag == "link" and "image_src" in given.get("rel", "").lower().split():
            self.picture = self.picture or given.get("href", "")
        elif tag == "base":
            self.base = self.base or given.get("href", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self._in_title = False
        elif tag == "svg":
            self._drawing = max(0, self._drawing - 1)

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data[:2000]
