"""Pictures for tests."""

import io

from PIL import Image


def picture(kind: str = "PNG", *, size=(40, 30), **more) -> bytes:
    """Return a small picture file of a kind that Pillow can write."""
    out = io.BytesIO()
    Image.new("RGB", size, "#2d9c89").save(out, kind, **more)
    return out.getvalue()
