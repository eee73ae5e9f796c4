"""Pictures of products: checked, written anew, kept."""

from datetime import datetime

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext_lazy as _

from crm.shared.errors import Refusal
from crm.shared.picture_files import fitted_webp
from crm.shared.pictures import BadPicture
from crm.shared.public_ids import new_public_id
from orders.models import Product, ProductImage

#: Longest side of what is kept, in pixels.
SIDE = 1_200
MOST_PICTURES = 20


class TooManyPictures(Refusal):
    """This product has as many pictures as it may."""

    code = "too_many_pictures"
    message = _("A product has at most 20 pictures.")


def add_picture(
    *,
    product_id: int,
    data: bytes,
    variant_id: int | None = None,
    alt: str = "",
    alt_en: str = "",
    now: datetime,
) -> ProductImage:
    """Keep a picture of a product, after those it has.

    Args:
        data: the file as it came.
        variant_id: the SKU it shows; None shows all.
        alt: what it shows, for who cannot see it.

    Raises:
        BadPicture: no PNG, JPEG or WebP, broken, or too large.
        TooManyPictures: as it says.
    """
    # Before the transaction: decoding is slow work.
    picture = kept_picture(data)
    with transaction.atomic():
        # The product is the lock of the number of its pictures.
        Product.objects.select_for_update(no_key=True).get(pk=product_id)
        mine = ProductImage.objects.filter(product_id=product_id)
        if mine.count() >= MOST_PICTURES:
            raise TooManyPictures
        last = mine.aggregate(last=Max("position"))["last"]
        return ProductImage.objects.create(
            public_id=new_public_id("img"),
            product_id=product_id,
            variant_id=variant_id,
            alt=alt,
            alt_en=alt_en,
            position=0 if last is None else last + 1,
            picture=picture,
            created_at=now,
        )


def kept_picture(data: bytes) -> bytes:
    """Return a file as it is kept: a bare WebP.

    Raises:
        BadPicture: no PNG, JPEG or WebP, broken, or too large.
    """
    try:
        return fitted_webp(data, SIDE)
    except ValueError as error:
        raise BadPicture from error
