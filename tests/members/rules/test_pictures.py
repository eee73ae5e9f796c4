import io
import struct
import zlib

import pytest
from PIL import Image

from members.rules.pictures import MOST_BYTES, SIDE, kind_of, portrait
from tests.members.pictures import picture

TOP_LEFT = 0x0112


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_three_kinds_become_a_square_webp(kind):
    data = picture(kind, size=(640, 480))
    assert kind_of(data) == kind
    kept = Image.open(io.BytesIO(portrait(data)))
    assert (kept.format, kept.size) == ("WEBP", (SIDE, SIDE))


def test_nothing_but_pixels_survives():
    exif = Image.Exif()
    exif[0x010E] = "SECRET PLACE"
    data = picture("JPEG", exif=exif) + b"SECRET TAIL"
    assert b"SECRET PLACE" in data
    kept = portrait(data)
    assert b"SECRET" not in kept
    shown = Image.open(io.BytesIO(kept))
    assert not shown.getexif()
    assert "exif" not in shown.info
    assert "icc_profile" not in shown.info


def test_a_picture_taken_sideways_stands_upright():
    sideways = Image.new("RGB", (400, 400), "red")
    sideways.paste("blue", (0, 0, 400, 200))  # blue above red
    exif = Image.Exif()
    exif[TOP_LEFT] = 3  # turned by half
    out = io.BytesIO()
    sideways.save(out, "JPEG", exif=exif)
    kept = Image.open(io.BytesIO(portrait(out.getvalue()))).convert("RGB")
    red, _green, blue = kept.getpixel((SIDE // 2, 20))
    assert red > 200 > blue


def bomb(side: int) -> bytes:
    """Return a PNG of a few bytes that claims ``side`` × ``side`` pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("_case", "data"),
    [
        ("nothing", b""),
        ("a text", b"hello"),
        ("a drawing with script", b"<svg onload='alert(1)'/>"),
        ("a GIF", picture("GIF")),
        ("a page that begins like a PNG", b"\x89PNG\r\n\x1a\n<html>"),
        ("a broken JPEG", picture("JPEG")[:200]),
        ("a RIFF that is a sound", b"RIFF\x00\x00\x00\x00WAVE" + b"\0" * 50),
        ("too large", picture("PNG") + b"\0" * MOST_BYTES),
        ("too many pixels", bomb(8_000)),
        ("far too many pixels", bomb(60_000)),
    ],
)
def test_what_is_no_picture_is_refused(_case, data):
    with pytest.raises(ValueError):
        portrait(data)
