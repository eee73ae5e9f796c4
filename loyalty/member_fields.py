"""What loyalty knows of members, for conditions (``crm.wiring.MEMBER_FIELDS``)."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from crm.shared.condition_sql import Column, DaysSince, Scalar
from crm.shared.conditions import Field
from loyalty.models import RfmSegment
from loyalty.queries.tiers import tiers


def fields(now: datetime) -> list[tuple[Field, Column]]:
    """Return tier, points, and what was bought so far; of nobody's orders 0."""
    return [
        (
            Field("loyalty.tier", "choice", _("tier"), _tiers),
            Scalar("points_account__tier__code"),
        ),
        (
            Field("loyalty.balance", "number", _("points balance")),
            Scalar("points_account__balance", default=0),
        ),
        (
            Field("loyalty.earned", "number", _("points earned in all")),
            Scalar("points_account__lifetime_earned", default=0),
        ),
        (
            Field("loyalty.orders", "number", _("number of orders")),
            Scalar("value__orders", default=0),
        ),
        (
            Field("loyalty.spend", "money", _("lifetime spend")),
            Scalar("value__net_minor", default=0),
        ),
        (
            Field("loyalty.days_since_order", "number", _("days since last order")),
            DaysSince("value__last_order_at", now),
        ),
        (
            Field("loyalty.days_as_buyer", "number", _("days since first order")),
            DaysSince("value__first_order_at", now),
        ),
        *_score_fields(now),
    ]


def _score_fields(now: datetime) -> list[tuple[Field, Column]]:
    """Return what the last night made of purchases; of who never bought nothing."""
    return [
        (
            Field(
                "loyalty.rfm_segment",
                "choice",
                _("RFM segment"),
                lambda: RfmSegment.choices,
            ),
            Scalar("score__segment"),
        ),
        (
            Field("loyalty.rfm_recency", "number", _("recency score")),
            Scalar("score__recency"),
        ),
        (
            Field("loyalty.rfm_frequency", "number", _("frequency score")),
            Scalar("score__frequency"),
        ),
        (
            Field("loyalty.rfm_money", "number", _("money score")),
            Scalar("score__money"),
        ),
        (
            Field("loyalty.days_overdue", "number", _("days the next order is late")),
            DaysSince("score__due_at", now),
        ),
        (
            Field("loyalty.value_next_year", "money", _("spend expected in 365 days")),
            Scalar("score__value_365_minor"),
        ),
    ]


def _tiers() -> list[tuple[str, Any]]:
    return [(tier.code, tier.label) for tier in tiers()]
