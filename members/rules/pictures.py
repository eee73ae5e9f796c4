"""Pictures from people: read with suspicion, kept small and bare. Plain Python.

What comes in is never kept. It is decoded, turned upright, cut to a square and
written anew, so that no metadata (where it was taken, by which phone) and nothing
hidden behind the pixels survives.
"""

import io

from PIL import Image, ImageOps

MOST_BYTES = 2 * 1024 * 1024
#: Width and height of what is kept, in pixels.
SIDE = 256
#: The longer side of a picture of a thing.
LONGEST_SIDE = 1280
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


def portrait(data: bytes) -> bytes:
    """Return a picture as a square WebP without metadata.

    Args:
        data: a PNG, JPEG or WebP file of at most ``MOST_BYTES``.

    Raises:
        ValueError: too large, of another kind, broken, or with too many pixels.
    """
    return _bare_webp(ImageOps.fit(_upright(data, SIDE * 2), (SIDE, SIDE)))


def photo(data: bytes) -> bytes:
    """Return a picture of a thing as a WebP of its own proportions, without metadata.

    Its longer side has at most ``LONGEST_SIDE`` pixels. Arguments and errors as in
    ``portrait``.
    """
    picture = _upright(data, LONGEST_SIDE)
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    return _bare_webp(picture)


def _upright(data: bytes, side: int) -> Image.Image:
    """Return the pixels of a file, turned as they were seen, at ``side`` or more."""
    kind = kind_of(data)
    if not kind or len(data) > MOST_BYTES:
        raise ValueError("picture")
    try:
        # Opening reads the header alone.
        with Image.open(io.BytesIO(data), formats=[kind]) as picture:
            if picture.width * picture.height > _MOST_PIXELS:
                raise ValueError("picture")
            # A JPEG is decoded at the scale it is needed in: less memory, less time.
            picture.draft("RGB", (side, side))
            return ImageOps.exif_transpose(picture).convert("RGBA")
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError("picture") from error


def _bare_webp(picture: Image.Image) -> bytes:
    bare = Image.new("RGBA", picture.size)
    bare.paste(picture)
    out = io.BytesIO()
    bare.save(out, "WEBP", quality=_QUALITY)
    return out.getvalue()
