"""Pictures of products are written anew, bounded in size and number."""

import io

import pytest
from PIL import Image

from orders.models import ProductImage
from orders.services import picturing
from orders.services.picturing import (
    SIDE,
    BadPicture,
    TooManyPictures,
    add_picture,
    kept_picture,
)
from tests.cast import NOON
from tests.members.pictures import picture


def drawn(width: int, height: int, **how) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "red").save(out, "JPEG", **how)
    return out.getvalue()


@pytest.mark.parametrize(
    ("size", "kept"),
    [((2400, 1200), (SIDE, SIDE // 2)), ((300, 900), (300, 900)), ((10, 10), (10, 10))],
)
def test_the_whole_picture_is_kept_and_none_is_larger(size, kept):
    data = kept_picture(drawn(*size))
    with Image.open(io.BytesIO(data)) as image:
        assert (image.format, image.size) == ("WEBP", kept)


def test_nothing_beside_the_pixels_is_kept():
    exif = Image.Exif()
    exif[0x010F] = "SECRET PHONE"
    data = drawn(50, 50, exif=exif)
    assert b"SECRET PHONE" in data
    assert b"SECRET" not in kept_picture(data)


@pytest.mark.parametrize(
    "data", [b"", b"<svg/>", b"GIF89a", b"\xff\xd8\xff\xe0rubbish"]
)
def test_what_is_no_picture_is_refused(tea, data):
    with pytest.raises(BadPicture):
        add_picture(product_id=tea.product_id, data=data, now=NOON)
    assert not ProductImage.objects.exists()


def test_pictures_stand_in_the_order_they_came_and_are_not_too_many(tea, monkeypatch):
    monkeypatch.setattr(picturing, "MOST_PICTURES", 2)
    for variant_id in (None, tea.pk):
        add_picture(
            product_id=tea.product_id,
            variant_id=variant_id,
            data=picture(),
            now=NOON,
        )
    with pytest.raises(TooManyPictures):
        add_picture(product_id=tea.product_id, data=picture(), now=NOON)
    found = ProductImage.objects.order_by("position").values_list(
        "position", "variant_id"
    )
    assert list(found) == [(0, None), (1, tea.pk)]
