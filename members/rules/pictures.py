"""Pictures of people: kept small, square and bare. Plain Python."""

from crm.shared.picture_files import MOST_BYTES, kind_of, square_webp

__all__ = ["MOST_BYTES", "SIDE", "kind_of", "portrait"]

#: Width and height of what is kept, in pixels.
SIDE = 256


def portrait(data: bytes) -> bytes:
    """Return a picture as a square WebP without metadata.

    Args:
        data: a PNG, JPEG or WebP file of at most ``MOST_BYTES``.

    Raises:
        ValueError: too large, of another kind, broken, or with too many pixels.
    """
    return square_webp(data, SIDE)
