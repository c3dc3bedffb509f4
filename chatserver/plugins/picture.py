"""``scaled``: a picture that a stranger sent, made anew. It runs apart, and so imports nothing of the server."""

from __future__ import annotations

import io
from typing import Any

MOST_PIXELS = 40_000_000
MOST_FRAMES = 300
MOST_MOVING_PIXELS = 200_000_000
"""Of all frames of an animation together."""
FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "AVIF")
_QUALITY = 80
_LEAST_MS = 20
"""How long a frame is seen: browsers take what is shorter for a mistake."""


def scaled(
    source: bytes | str,
    width: int,
    height: int,
    animated: bool = False,
    most_pixels: int = MOST_PIXELS,
    cut: bool = False,
) -> dict[str, Any]:
    """A picture, given by its bytes or its path, as a WebP that fits into ``width`` and ``height``, never larger than
    it was, turned as it is shown, and without anything beside its pixels. Only with ``animated`` does it move. With
    ``cut`` it has exactly this shape: what stands over at two sides is cut off.

    Returns ``data``, ``mime``, ``width``, ``height`` and ``frames``. Raises ValueError for what is no picture or has
    more pixels than it may; it is for `Plugin.apart`, as it may take long.
    """
    from PIL import Image, UnidentifiedImageError

    # Ours is checked below, before a pixel is read.
    Image.MAX_IMAGE_PIXELS = None
    try:
        image = Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=list(FORMATS))
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise ValueError("it is no picture that can be shown") from error
    with image:
        pixels = image.width * image.height
        if pixels > most_pixels:
            raise ValueError(f"it has {pixels} pixels; {most_pixels} are the most")
        count = min(getattr(image, "n_frames", 1), MOST_FRAMES + 1) if animated else 1
        if count > MOST_FRAMES or count * pixels > max(MOST_MOVING_PIXELS, most_pixels):
            raise ValueError("it has too many frames")
        frames, durations = [], []
        for index in range(count):
            if count > 1:
                image.seek(index)
            elif image.format in ("JPEG", "MPO"):
                # Read at an eighth, a quarter or half of its size where that is enough.
                image.draft("RGB", (width * 2, height * 2))
            frames.append(_frame(image, width, height, cut))
            durations.append(max(_LEAST_MS, int(image.info.get("duration", 100) or 100)))
        loop = int(image.info.get("loop", 1) or 0) if count > 1 else 0
    return _encoded(frames, durations, loop)


def _frame(image: Any, width: int, height: int, cut: bool) -> Any:
    from PIL import Image, ImageOps

    shown = ImageOps.exif_transpose(image)
    clear = shown.has_transparency_data
    plain = shown.convert("RGBA" if clear else "RGB")
    if cut:
        scale = min(1.0, plain.width / width, plain.height / height)
        side = max(1, round(width * scale)), max(1, round(height * scale))
        plain = ImageOps.fit(plain, side, Image.Resampling.LANCZOS)
    else:
        plain.thumbnail((width, height), Image.Resampling.LANCZOS)
    plain.info.clear()
    return plain


def _encoded(frames: list[Any], durations: list[int], loop: int) -> dict[str, Any]:
    out = io.BytesIO()
    first, *others = frames
    if others:
        first.save(
            out, "WEBP", quality=_QUALITY, save_all=True, append_images=others, duration=durations, loop=loop
        )
    else:
        first.save(out, "WEBP", quality=_QUALITY)
    return {
        "data": out.getvalue(),
        "mime": "image/webp",
        "width": first.width,
        "height": first.height,
        "frames": len(frames),
    }
