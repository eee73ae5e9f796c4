"""Order numbers that can be read out and tell nothing about turnover."""

import secrets
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings

_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH = 8


def new_order_number(*, now: datetime) -> str:
    """Return a number such as ``261121-7KQ2MW9X``: shop date and 39 random bits."""
    day = now.astimezone(ZoneInfo(settings.SHOP_TIME_ZONE)).strftime("%y%m%d")
    chance = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    return f"{day}-{chance}"
