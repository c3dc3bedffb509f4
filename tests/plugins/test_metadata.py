"""Pictures are shown as they were, without what was recorded beside their pixels."""

from __future__ import annotations

import io
import struct
import tempfile
import zlib
from pathlib import Path

import pytest
from chatserver_plugins.files.kinds import kind, taken
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageSequence, PngImagePlugin

SECRET = b"HOME-51.5074N"
"""Stands in all metadata of the pictures here; it must not come out."""
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + SECRET + b"</x:xmpmeta>"
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
MIMES = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "GIF": "image/gif",
    "WEBP": "image/webp",
    "AVIF": "image/avif",
}


def exif(orientation=1):
    found = Image.Exif()
    found[0x010F] = SECRET.decode()
    if orientation != 1:
        found[0x0112] = orientation
    gps = found.get_ifd(0x8825)
    gps[1], gps[2] = "N", (51.0, 30.0, 26.0)
    return found.tobytes()


def frames(count=1):
    """Pictures that look different however they are turned."""
    made = []
    for number in range(count):
        image = Image.new("RGB", (30, 20), (10 * number, 200, 50))
        image.paste((250, 0, 0), (0, 0, 10 + number, 5))
        made.append(image)
    return made


def saved(format, count=1, **options):
    first, *others = frames(count)
    data = io.BytesIO()
    if others:
        options |= {"save_all": True, "append_images": others, "duration": 100, "loop": 0}
    first.save(data, format, **options)
    return data.getvalue()


def png_text():
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", SECRET.decode())
    text.add_text("Author", SECRET.decode(), zip=True)
    text.add_itxt("XML:com.adobe.xmp", XMP.decode())
    return text


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def late_exif(orientation):
    """A PNG whose Exif follows its pixels, and whose time and private chunk are told."""
    whole = saved("PNG")
    notes = chunk(b"tIME", b"\x07\xe8\1\1\1\1\1") + chunk(b"prVt", SECRET)
    return whole[:-12] + chunk(b"eXIf", exif(orientation)[6:]) + notes + whole[-12:]


def full(format, orientation=1, count=1):
    """A picture with everything that its format can tell."""
    options = {"exif": exif(orientation), "icc_profile": PROFILE}
    if format == "PNG":
        return saved(format, count, pnginfo=png_text(), **options)
    if format == "GIF":
        return saved(format, count, comment=SECRET, xmp=XMP)
    if format == "JPEG":
        return saved(format, comment=SECRET, xmp=XMP, progressive=True, **options)
    return saved(format, count, xmp=XMP, **options)


def jpeg_of_a_phone():
    """Two pictures in one file, as phones write them, each with its Exif; and a video after them."""
    first, second = frames(2)
    data = io.BytesIO()
    first.save(data, "MPO", save_all=True, append_images=[second], exif=exif(6))
    return data.getvalue() + b"\0\0\0\x18ftypmp42" + SECRET


def jpeg_with_notes():
    """Segments of other programs, fill bytes, and restart markers among the pixels."""
    whole = saved("JPEG", exif=exif(3), restart_marker_blocks=1)
    notes = b"".join(
        b"\xff" + struct.pack(">BBH", 0xFF, marker, len(SECRET) + 2) + SECRET
        for marker in (0xE0, 0xE2, 0xE3, 0xED, 0xEF, 0xFE)
    )
    return whole[:2] + notes + whole[2:]


def shown(data):
    """What is seen: size and pixels of each frame, how long it stays, and the profile."""
    with Image.open(io.BytesIO(data)) as image:
        profile = image.info.get("icc_profile")
        seen = [
            (frame.size, frame.convert("RGBA").tobytes(), frame.info.get("duration"))
            for frame in ImageSequence.Iterator(image)
        ]
        return seen, profile, image.info.get("loop")


def orientation_of(data):
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        return image.getexif().get(0x0112, 1)


@pytest.fixture
def take(tmp_path):
    """``take(data)``: what is kept of an upload, and what it is found to be."""

    def run(data, strip=True):
        path = tmp_path / "picture"
        path.write_bytes(data)
        found = taken(path, strip=strip)
        assert [each.name for each in tmp_path.iterdir()] == ["picture"]
        return path.read_bytes(), found

    return run


PICTURES = {
    **{
        f"{format} {n}": (full(format, n), n)
        for format in ("JPEG", "PNG", "WEBP", "AVIF")
        for n in range(1, 9)
    },
    "GIF": (full("GIF"), 1),
    "PNG with late Exif": (late_exif(8), 8),
    "JPEG with notes": (jpeg_with_notes(), 3),
    **{f"{format} moves": (full(format, count=4), 1) for format in ("GIF", "PNG", "WEBP", "AVIF")},
    "WEBP moves and turns": (full("WEBP", 6, 4), 6),
    "PNG moves and turns": (full("PNG", 6, 4), 6),
}


@pytest.mark.parametrize("name", PICTURES)
def test_metadata_go_and_the_picture_stays(take, name):
    data, orientation = PICTURES[name]
    mime = MIMES[name.split()[0]]
    assert SECRET in data or zlib.compress(SECRET)[2:8] in data
    clean, found = take(data)
    assert SECRET not in clean
    assert b"xmpmeta" not in clean
    assert b"tEXt" not in clean
    assert b"zTXt" not in clean
    assert len(clean) <= len(data)
    assert shown(clean) == shown(data)
    assert orientation_of(clean) == orientation_of(data) == orientation
    size = (20, 30) if orientation > 4 else (30, 20)
    assert (found.mime, found.inline, (found.width, found.height)) == (mime, True, size)
    with Image.open(io.BytesIO(clean)) as image:
        assert not image.getexif().get_ifd(0x8825)
        assert set(image.getexif()) <= {0x0112}
    again, _ = take(clean)
    assert again == clean


@pytest.mark.parametrize("name", PICTURES)
def test_an_admin_can_keep_them(take, name):
    data, orientation = PICTURES[name]
    kept, found = take(data, strip=False)
    assert kept == data
    assert (found.width, found.height) == ((20, 30) if orientation > 4 else (30, 20))


def test_what_follows_the_picture_goes(take):
    data = jpeg_of_a_phone()
    assert data.count(SECRET) > 2
    clean, found = take(data)
    assert SECRET not in clean
    assert clean.count(b"\xff\xd8\xff") == 1
    assert (found.mime, found.inline, found.width, found.height) == ("image/jpeg", True, 20, 30)
    with Image.open(io.BytesIO(data)) as image, Image.open(io.BytesIO(clean)) as after:
        assert (after.format, after.tobytes()) == ("JPEG", image.tobytes())
    for name in ("PNG 1", "GIF", "WEBP 1"):
        data = PICTURES[name][0]
        assert take(data + SECRET)[0] == take(data)[0]


def test_a_picture_of_two_is_shown_though_metadata_are_kept(take):
    kept, found = take(jpeg_of_a_phone(), strip=False)
    assert kept == jpeg_of_a_phone()
    assert (found.mime, found.inline, found.width, found.height) == ("image/jpeg", True, 20, 30)


@pytest.mark.parametrize("format", MIMES)
def test_a_picture_without_metadata_is_not_touched(take, format):
    data = saved(format)
    assert take(data)[0] == data


def test_pictures_of_other_cameras_are_for_saving_without_metadata(take):
    avif = full("AVIF", 6)
    heic = avif.replace(b"ftypavif", b"ftypheic", 1)
    clean, found = take(heic)
    assert (found.mime, found.inline) == ("image/heic", False)
    assert SECRET not in clean
    assert len(clean) == len(heic)
    assert shown(clean.replace(b"ftypheic", b"ftypavif", 1)) == shown(avif)


def test_a_picture_too_large_to_show_loses_its_metadata_too(take):
    data = bytearray(full("PNG"))
    data[16:24] = (60_000).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    clean, found = take(bytes(data))
    assert SECRET not in clean
    assert (found.mime, found.inline) == ("image/png", False)


@pytest.mark.parametrize("name", ["JPEG 6", "PNG 6", "GIF", "WEBP 6", "AVIF 6"])
def test_a_broken_picture_stays_as_it_is_for_saving(take, name):
    data = PICTURES[name][0]
    broken = data[: len(data) // 2]
    kept, found = take(broken)
    assert kept == broken
    assert (found.mime, found.inline, found.width) == (MIMES[name.split()[0]], False, None)


@pytest.mark.timeout(20)
def test_a_picture_of_very_many_blocks_is_for_saving(take):
    data = full("JPEG")
    many = data[:2] + b"\xff\xfe\0\2" * 600_000 + data[2:]
    kept, found = take(many)
    assert kept == many
    assert not found.inline
    items = full("AVIF")
    at = items.index(b"iloc") + 4
    # No field has a size, and each of many items has as many parts as can be told.
    bomb = items[:at] + b"\0\0\0\0\0\0" + b"\xff\xff" + b"\0\1\0\0\xff\xff" * 20 + items[at + 128 :]
    kept, found = take(bomb)
    assert kept == bomb
    assert not found.inline


def test_other_files_stay_as_they_are(take):
    for data in (b"%PDF-1.7\n" + SECRET, SECRET, bytes(1000)):
        assert take(data)[0] == data


SAMPLES = [data for data, _ in PICTURES.values()]


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from(SAMPLES),
    st.lists(st.tuples(st.integers(0, 3000), st.binary(min_size=1, max_size=4)), max_size=4),
    st.integers(0, 3000),
)
def test_no_damage_breaks_it(data, changes, cut):
    damaged = bytearray(data)
    for at, new in changes:
        damaged[at % len(data) : at % len(data) + len(new)] = new
    if cut % 3 == 0:
        del damaged[cut % len(damaged) or 1 :]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture"
        path.write_bytes(damaged)
        found = taken(path, strip=True)
        assert [each.name for each in Path(folder).iterdir()] == ["picture"]
        if found.inline:
            after = kind(path)
            assert after.inline
            assert {after.width, after.height} == {found.width, found.height}
