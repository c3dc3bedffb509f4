"""``scaled``: pictures made anew, from every format, and what is refused."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from chatserver import scaled


def encoded(kind, size=(300, 200), **options):
    out = io.BytesIO()
    Image.new("RGB", size, "teal").save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "AVIF"])
def test_every_format_becomes_one(kind, tmp_path):
    made = scaled(encoded(kind), 150, 150)
    assert (made["mime"], made["width"], made["height"], made["frames"]) == ("image/webp", 150, 100, 1)
    assert Image.open(io.BytesIO(made["data"])).size == (150, 100)
    # By its path as well, and never larger than it was.
    path = tmp_path / "picture"
    path.write_bytes(encoded(kind))
    assert scaled(str(path), 1000, 1000)["width"] == 300


def test_a_phone_with_two_pictures_in_one_file_shows_the_first():
    out = io.BytesIO()
    first, second = (Image.new("RGB", (80, 60), colour) for colour in ("red", "blue"))
    first.save(out, "MPO", save_all=True, append_images=[second])
    made = scaled(out.getvalue(), 80, 60)
    shown = Image.open(io.BytesIO(made["data"])).convert("RGB").getpixel((40, 30))
    assert shown[0] > 200 > 50 > shown[2]


def test_it_is_turned_as_it_is_shown_and_says_nothing_more():
    about = Image.Exif()
    about[0x0112], about[0x010E] = 6, "SECRET"
    made = scaled(encoded("JPEG", exif=about, comment=b"SECRET"), 300, 300)
    assert (made["width"], made["height"]) == (200, 300)
    assert b"SECRET" not in made["data"]
    assert not Image.open(io.BytesIO(made["data"])).getexif()


def test_what_moves_moves_only_where_it_may():
    out = io.BytesIO()
    frames = [Image.new("RGB", (20, 20), (80 * number, 0, 0)) for number in range(3)]
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=80, loop=0)
    assert scaled(out.getvalue(), 20, 20)["frames"] == 1
    moving = scaled(out.getvalue(), 20, 20, True)
    assert moving["frames"] == Image.open(io.BytesIO(moving["data"])).n_frames == 3


def test_what_shines_through_still_does():
    out = io.BytesIO()
    Image.new("RGBA", (20, 20), (0, 0, 0, 0)).save(out, "PNG")
    assert Image.open(io.BytesIO(scaled(out.getvalue(), 9, 9)["data"])).mode == "RGBA"


@pytest.mark.parametrize(
    "data", [b"", b"GIF89a", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"BM" + bytes(100), b"%PDF-1.4"]
)
def test_what_is_no_picture_is_refused(data):
    with pytest.raises(ValueError, match="no picture"):
        scaled(data, 10, 10)


def test_so_many_pixels_are_the_most():
    with pytest.raises(ValueError, match="60000 pixels; 59999 are the most"):
        scaled(encoded("PNG"), 10, 10, False, 59_999)
