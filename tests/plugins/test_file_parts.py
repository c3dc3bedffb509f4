"""What the files plugin makes of names, ranges and contents."""

from __future__ import annotations

import io
import re
import tempfile
import zipfile
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
from chatserver_plugins.files.filenames import disposition, received
from chatserver_plugins.files.kinds import kind
from chatserver_plugins.files.ranges import byte_range
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("photo.jpg", "photo.jpg"),
        ("%E5%9C%96%E7%89%87.png", "圖片.png"),
        ("..%2F..%2Fetc%2Fpasswd", "passwd"),
        ("C%3A%5CUsers%5Cme%5Ca.txt", "a.txt"),
        ("a%00b%0D%0A.txt", "ab.txt"),
        ("gpj%E2%80%AEexe.txt", "gpjexe.txt"),
        ("", "file"),
        ("..", "file"),
        ("%20%20", "file"),
        (".bashrc", "bashrc"),
        ("x" * 300 + ".tar.gz", "x" * 117 + ".gz"),
        ("%FF%FE", "\ufffd\ufffd"),
    ],
)
def test_names_are_made_harmless(sent: str, name: str) -> None:
    assert received(sent) == name


@given(st.text())
def test_any_name_is_short_visible_and_survives_the_way_out(text: str) -> None:
    name = received(quote(text, errors="replace"))
    assert 1 <= len(name) <= 120
    assert not re.search(r"[\x00-\x1f/\\]", name)
    header = disposition(name, inline=False)
    header.encode("ascii")
    assert header.startswith("attachment; ")
    assert unquote(header.split("UTF-8''")[1]) == name
    assert header.count('"') == 2


@pytest.mark.parametrize(
    ("header", "span"),
    [
        (None, None),
        ("bytes=0-", (0, 10)),
        ("bytes=0-0", (0, 1)),
        ("bytes=2-5", (2, 6)),
        ("bytes=5-100", (5, 10)),
        ("bytes=-3", (7, 10)),
        ("bytes=-30", (0, 10)),
        ("bytes=5-2", None),
        ("bytes=-", None),
        ("bytes=0-1,3-4", None),
        ("lines=0-1", None),
        ("nonsense", None),
    ],
)
def test_ranges(header: str | None, span: tuple[int, int] | None) -> None:
    assert byte_range(header, 10) == span


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=99-100", "bytes=-0"])
def test_a_range_beyond_the_end_cannot_be_had(header: str) -> None:
    with pytest.raises(ValueError, match="beyond"):
        byte_range(header, 10)


@given(st.text(alphabet="bytes=0123456789-, "), st.integers(1, 1000))
def test_any_range_lies_inside_the_file(header: str, size: int) -> None:
    try:
        span = byte_range(header, size)
    except ValueError:
        return
    assert span is None or 0 <= span[0] < span[1] <= size


@pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF", "WEBP", "AVIF"])
def test_pictures_are_shown(tmp_path: Path, format: str) -> None:
    path = tmp_path / "picture"
    Image.new("RGB", (30, 20)).save(path, format)
    found = kind(path)
    assert (found.mime, found.inline, found.width, found.height) == (f"image/{format.lower()}", True, 30, 20)


@pytest.mark.parametrize(
    ("content", "mime"),
    [
        (b"<!DOCTYPE html><script>alert(1)</script>", "text/plain"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "text/plain"),
        (b'<?xml version="1.0"?><svg/>', "text/plain"),
        ("你好".encode() * 5000, "text/plain"),
        (b"%PDF-1.7\n", "application/pdf"),
        (bytes(range(256)), "application/octet-stream"),
        (b"\0", "application/octet-stream"),
        (b"\x89PNG\r\n\x1a\n" + b"broken" * 10, "image/png"),
    ],
)
def test_all_else_is_for_saving(tmp_path: Path, content: bytes, mime: str) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(content)
    found = kind(path)
    assert (found.mime, found.inline) == (mime, False)


def test_an_archive_is_an_archive(tmp_path: Path) -> None:
    path = tmp_path / "x"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "a")
    assert kind(path).mime == "application/zip"


def test_a_picture_too_large_to_show_is_for_saving(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    data = io.BytesIO()
    Image.new("1", (1, 1)).save(data, "PNG")
    header = bytearray(data.getvalue())
    header[16:24] = (60_000).to_bytes(4, "big") * 2
    path.write_bytes(header)
    assert not kind(path).inline


@settings(deadline=None)  # the first picture loads the formats
@given(st.binary(max_size=300))
def test_no_content_breaks_it(content: bytes) -> None:
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        assert kind(Path(file.name)).mime
