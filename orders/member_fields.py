"""What orders know of members, for conditions (``crm.wiring.MEMBER_FIELDS``)."""

from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.shared.condition_sql import Codes, Column
from crm.shared.conditions import Field
from orders.models import Category, Channel, Order, OrderLine
from orders.rules.lifecycle import SOLD


def fields(now: datetime) -> list[tuple[Field, Column]]:
    """Return what was bought and where; orders that came to nothing do not count."""
    sold = Q(order__state__in=SOLD)
    return [
        (
            Field("orders.categories", "set", _("categories bought from"), _categories),
            Codes(OrderLine, "order__member", "variant__product__category__code", sold),
        ),
        (
            Field("orders.skus", "set", _("bought SKUs")),
            Codes(OrderLine, "order__member", "sku", sold),
        ),
        (
            Field("orders.channels", "set", _("channels bought through"), _channels),
            Codes(Order, "member", "channel__code", Q(state__in=SOLD)),
        ),
    ]


def _categories() -> list[tuple[str, Any]]:
    return [(each.code, each.label) for each in Category.objects.order_by("code")]


def _channels() -> list[tuple[str, Any]]:
    return [(each.code, each.label) for each in Channel.objects.order_by("code")]
