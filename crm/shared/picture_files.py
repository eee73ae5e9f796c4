"""Files that say they are pictures: read with suspicion, written anew. Plain Python.

What comes in is never kept. It is decoded, turned upright and written as a WebP, so
that no metadata (where it was taken, by which phone) and nothing hidden behind the
pixels survives.
"""

import io

from PIL import Image, ImageOps

MOST_BYTES = 2 * 1024 * 1024
#: A small file may unpack to gigabytes; its header says how many pixels it claims.
_MOST_PIXELS = 40_000_000
_QUALITY = 82
#: Kind -> how a file of it begins (the first bytes, and those from the ninth on).
_MAGIC = {
    "PNG": (b"\x89PNG\r\n\x1a\n", b""),
    "JPEG": (b"\xff\xd8\xff", b""),
    "WEBP": (b"RIFF", b"WEBP"),
}


def kind_of(data: bytes) -> str:
    """Return ``PNG``, ``JPEG`` or ``WEBP`` by the first bytes, else ``""``."""
    for kind, (start, ninth) in _MAGIC.items():
        if data.startswith(start) and data[8:].startswith(ninth):
            return kind
    return ""


def square_webp(data: bytes, side: int) -> bytes:
    """Return a picture cut to a square of ``side`` pixels, as a bare WebP.

    Args:
        data: a PNG, JPEG or WebP file of at most ``MOST_BYTES``.

    Raises:
        ValueError: too large, of another kind, broken, or with too many pixels.
    """
    return _rewritten(data, side, lambda upright: ImageOps.fit(upright, (side, side)))


def fitted_webp(data: bytes, side: int) -> bytes:
    """Return a whole picture, neither side longer than ``side``, as a bare WebP.

    A smaller picture keeps its size.

    Raises:
        ValueError: as ``square_webp``.
    """

    def within(upright: Image.Image) -> Image.Image:
        upright.thumbnail((side, side))
        return upright

    return _rewritten(data, side, within)


def _rewritten(data: bytes, side: int, shaped) -> bytes:
    kind = kind_of(data)
    if not kind or len(data) > MOST_BYTES:
        raise ValueError("picture")
    try:
        # Opening reads the header alone.
        with Image.open(io.BytesIO(data), formats=[kind]) as picture:
            if picture.width * picture.height > _MOST_PIXELS:
                raise ValueError("picture")
            # A JPEG is decoded at the scale it is needed in: less memory, less time.
            picture.draft("RGB", (side * 2, side * 2))
            upright = ImageOps.exif_transpose(picture)
            drawn = shaped(upright.convert("RGBA"))
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError("picture") from error
    bare = Image.new("RGBA", drawn.size)
    bare.paste(drawn)
    out = io.BytesIO()
    bare.save(out, "WEBP", quality=_QUALITY)
    return out.getvalue()
