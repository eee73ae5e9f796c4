"""Keep and show the picture of a member."""

import base64
from datetime import datetime

from django.db import transaction

from crm.shared.pictures import BadPicture
from crm.shared.public_ids import new_public_id
from members.models import Avatar, Member
from members.rules.pictures import portrait


def set_avatar(*, member_id: int, data: bytes, now: datetime) -> Avatar:
    """Keep a member's picture, made small and bare, in place of the one before.

    Every picture has an address of its own, so that no old one is shown from a cache.

    Args:
        data: the file as it came.

    Raises:
        BadPicture: no PNG, JPEG or WebP, broken, or too large.
    """
    try:
        # Before the transaction: decoding is slow work.
        picture = portrait(data)
    except ValueError as error:
        raise BadPicture from error
    with transaction.atomic():
        Member.objects.select_for_update(no_key=True).get(pk=member_id)
        Avatar.objects.filter(member_id=member_id).delete()
        return Avatar.objects.create(
            public_id=new_public_id("avt"),
            member_id=member_id,
            picture=base64.b64encode(picture).decode("ascii"),
            created_at=now,
        )


def remove_avatar(*, member_id: int) -> bool:
    """Forget a member's picture; return whether there was one."""
    gone, _rows = Avatar.objects.filter(member_id=member_id).delete()
    return gone > 0
