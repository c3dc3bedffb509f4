"""Which links of a message get a preview."""

from __future__ import annotations

import hashlib
from html.parser import HTMLParser
from urllib.parse import urldefrag, urlsplit

from chatserver import Message, linked

ADDRESS_CHARS = 1000
_QUIET = ("blockquote", "code", "pre")
"""Links in these have none: what others said, and code."""


def may_have(text: str) -> bool:
    """Whether there could be a link in a text; most have none."""
    return "://" in text or "www." in text or "WWW." in text


def wanted(message: Message, most: int) -> list[str]:
    """The first ``most`` addresses of a message that get a preview, each once, in its order.

    None has what stands in ``<>``, as writers who want no preview do, in a quote, in code, or in a spoiler.
    """
    if not may_have(message.content):
        return []
    reader = _Links()
    reader.feed(linked(message.html) or message.html)
    found = dict.fromkeys(url for url in reader.urls if _may(url) and f"<{url}>" not in message.content)
    return list(found)[:most]


def _may(url: str) -> bool:
    if len(url) > ADDRESS_CHARS:
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    # A name and password in an address are for one reader alone.
    return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None


def mark(url: str) -> str:
    """An address in short: of those whose previews were taken away only this is kept."""
    return hashlib.sha256(url.encode(errors="surrogatepass")).hexdigest()[:16]


def asked(url: str) -> str:
    """What is asked of the server for an address: it without its fragment."""
    return urldefrag(url)[0]


class _Links(HTMLParser):
    """The addresses of links in a message's HTML, which the server made."""

    def __init__(self) -> None:
        super().__init__()
        self.urls: list[str] = []
        self._open: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "a" and not any(quiet for _, quiet in self._open):
            self.urls.append(given.get("href") or "")
        if tag in _QUIET or tag == "span":
            self._open.append((tag, tag in _QUIET or "spoiler" in (given.get("class") or "")))

    def handle_endtag(self, tag: str) -> None:
        if self._open and self._open[-1][0] == tag:
            self._open.pop()
