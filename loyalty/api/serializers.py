"""Shapes of the loyalty API."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from crm.shared.money import as_api
from crm.shared.serializers import MoneyShape
from crm.shared.strict import StrictSerializer
from loyalty.models import PointsEntry, Tier
from loyalty.queries.currencies import Gathered
from loyalty.queries.points import PointsSummary
from loyalty.queries.tiers import TierProgress
from loyalty.services.transferring import Transfer
from members.models import Member

#: Causes whose public id a member may see.
_SHOWN_SOURCES = {"order", "refund", "reward", "seat"}


class TierShape(serializers.Serializer):
    """The tier a member holds."""

    code = serializers.CharField()
    name = serializers.CharField()
    since = serializers.DateTimeField(allow_null=True)
    valid_until = serializers.DateField(allow_null=True)
    multiplier = serializers.CharField(help_text="Points multiplier, such as 1.50.")
    color = serializers.CharField()


class NextTierShape(serializers.Serializer):
    """The rung above."""

    code = serializers.CharField()
    name = serializers.CharField()
    threshold = MoneyShape(allow_null=True)


class ProgressShape(serializers.Serializer):
    """How far it is to the next tier (T12)."""

    basis = serializers.CharField(help_text="spend_lifetime, or spend_rolling_<days>d.")
    current = MoneyShape(allow_null=True)
    next_tier = NextTierShape(allow_null=True)
    remaining = MoneyShape(allow_null=True)
    deadline = serializers.DateField(allow_null=True)


class RetentionShape(serializers.Serializer):
    """What keeps the tier."""

    required = MoneyShape(allow_null=True)
    met = serializers.BooleanField()


class AlsoMissingShape(serializers.Serializer):
    """What is missing of the second number a tier asks for."""

    metric = serializers.CharField()
    number = serializers.IntegerField()


class CountedShape(serializers.Serializer):
    """What thresholds count: ``value`` and ``spend`` are minor units of money."""

    metric = serializers.ChoiceField(["value", "spend", "points", "orders"])
    window = serializers.CharField(help_text="days, month, quarter, half, year, …")
    window_days = serializers.IntegerField(allow_null=True)
    value = serializers.IntegerField()
    to_next = serializers.IntegerField()
    to_keep = serializers.IntegerField()
    also_to_next = AlsoMissingShape(allow_null=True)
    also_to_keep = AlsoMissingShape(allow_null=True)


class ProjectedShape(serializers.Serializer):
    """A tier by name."""

    code = serializers.CharField()
    name = serializers.CharField()


class TermShape(serializers.Serializer):
    """How long the tier is good for, and what comes then (T12)."""

    ends_at = serializers.DateTimeField(allow_null=True)
    grace_until = serializers.DateTimeField(allow_null=True)
    is_pinned = serializers.BooleanField()
    pinned_until = serializers.DateTimeField(allow_null=True)
    projected_tier = ProjectedShape(allow_null=True)


class GatheredShape(serializers.Serializer):
    """What the member has of a currency that is counted and never spent."""

    code = serializers.CharField()
    name = serializers.CharField()
    unit = serializers.CharField(allow_blank=True)
    value = serializers.IntegerField()
    this_year_only = serializers.BooleanField()


class LoyaltyShape(serializers.Serializer):
    """Tier and progress of the member."""

    member_id = serializers.CharField()
    member_no = serializers.CharField()
    tier = TierShape(allow_null=True)
    progress = ProgressShape()
    retention = RetentionShape()
    counted = CountedShape()
    term = TermShape()
    currencies = GatheredShape(many=True)


class ExpiringShape(serializers.Serializer):
    """Points and the last day they are good."""

    points = serializers.IntegerField()
    on = serializers.DateField()


class ActivatingShape(serializers.Serializer):
    """Pending points and the first day they are good.

    Null is after delivery, or when the account is open again.
    """

    points = serializers.IntegerField()
    on = serializers.DateField(allow_null=True)
    asked_back = serializers.BooleanField(
        help_text="True: of goods that are asked back; they wait for the return."
    )


class PointsShape(serializers.Serializer):
    """The member's points now."""

    available = serializers.IntegerField()
    pending = serializers.IntegerField()
    frozen = serializers.IntegerField()
    debt = serializers.IntegerField()
    expiring = ExpiringShape(many=True)
    activating = ActivatingShape(many=True)
    lifetime_earned = serializers.IntegerField()


class BreakdownShape(serializers.Serializer):
    """From the balance to what can be spent now; what is taken off adds up (P2)."""

    balance = serializers.IntegerField()
    ended = serializers.IntegerField(help_text="Taken off: ended, booked soon.")
    pending = serializers.IntegerField(help_text="Taken off: not active yet.")
    asked_back = serializers.IntegerField(
        help_text="Of the pending: their goods are asked back."
    )
    reserved = serializers.IntegerField(help_text="Taken off: held for orders.")
    set_aside = serializers.IntegerField(help_text="Taken off: frozen by staff.")
    stopped = serializers.IntegerField(
        help_text="Taken off: the rest, while the account is frozen or owes points."
    )
    available = serializers.IntegerField()
    debt = serializers.IntegerField(help_text="Owed; new points pay it first.")


class TransferRequest(StrictSerializer):
    """Points that a member passes on."""

    to = serializers.CharField(max_length=40, help_text="The receiver's member number.")
    points = serializers.IntegerField(min_value=1)


class TransferShape(serializers.Serializer):
    """What was passed on, by its ends."""

    points = serializers.IntegerField()
    available = serializers.IntegerField(help_text="What is left to spend now.")
    expiring = ExpiringShape(many=True, help_text="Ends the points kept.")


class ReasonShape(serializers.Serializer):
    """Why points moved."""

    code = serializers.CharField()
    text = serializers.CharField()


class SourceShape(serializers.Serializer):
    """What moved them; ``id`` where it is the member's own."""

    type = serializers.CharField()
    id = serializers.CharField(allow_null=True)


class EntryShape(serializers.ModelSerializer):
    """One movement of points."""

    id = serializers.CharField(source="public_id", read_only=True)
    delta = serializers.IntegerField(source="points", read_only=True)
    available_at = serializers.SerializerMethodField()
    asked_back = serializers.SerializerMethodField()
    expires_on = serializers.SerializerMethodField()
    reason = serializers.SerializerMethodField()
    source = serializers.SerializerMethodField()

    class Meta:
        model = PointsEntry
        fields = [
            "id",
            "kind",
            "delta",
            "balance_after",
            "occurred_at",
            "available_at",
            "asked_back",
            "expires_on",
            "reason",
            "source",
        ]
        read_only_fields = fields

    def get_available_at(self, entry: PointsEntry) -> datetime | None:
        """Return from when the points can be spent; null while nobody knows (P9)."""
        lot = getattr(entry, "lot", None)
        return lot.active_at if lot else None

    def get_asked_back(self, entry: PointsEntry) -> int:
        """Return how many wait longer, for their goods are asked back (R10)."""
        lot = getattr(entry, "lot", None)
        return lot.asked_back if lot else 0

    @extend_schema_field(serializers.DateField(allow_null=True))
    def get_expires_on(self, entry: PointsEntry) -> str | None:
        """Return the last good day in the shop's zone."""
        lot = getattr(entry, "lot", None)
        return _last_day(lot.expires_at) if lot else None

    @extend_schema_field(ReasonShape)
    def get_reason(self, entry: PointsEntry) -> dict:
        """Return the kind of movement; what staff wrote stays with staff."""
        return {"code": entry.kind, "text": entry.get_kind_display()}

    @extend_schema_field(SourceShape)
    def get_source(self, entry: PointsEntry) -> dict:
        """Return the cause; inner ids stay inside."""
        kind, _colon, cause = entry.source.partition(":")
        return {"type": kind, "id": cause if kind in _SHOWN_SOURCES else None}


def loyalty_shape(
    *, member: Member, progress: TierProgress, currencies: Sequence[Gathered]
) -> dict:
    """Return tier and progress as the API writes them."""
    following, last = progress.next_tier, _last_day(progress.valid_until)
    money = _money if progress.in_money else _no_money
    return {
        "member_id": member.public_id,
        "member_no": member.number,
        "tier": _tier_shape(progress.tier, progress.since, last),
        "progress": {
            "basis": _basis(progress),
            "current": money(progress.value_minor),
            "next_tier": {
                "code": following.code,
                "name": following.label,
                "threshold": money(following.threshold_minor),
            }
            if following
            else None,
            "remaining": money(progress.missing_minor) if following else None,
            "deadline": last,
        },
        "retention": {
            "required": money(progress.required_minor),
            "met": progress.is_kept,
        },
        "counted": {
            "metric": progress.metric,
            "window": progress.window,
            "window_days": progress.window_days,
            "value": progress.value_minor,
            "to_next": progress.missing_minor,
            "to_keep": progress.to_keep_minor,
            "also_to_next": _also(following, progress.also_missing),
            "also_to_keep": _also(progress.tier, progress.also_to_keep),
        },
        "term": term_shape(progress),
        "currencies": [
            {
                "code": each.currency.code,
                "name": each.currency.label,
                "unit": each.unit,
                "value": each.value,
                "this_year_only": each.currency.resets_yearly,
            }
            for each in currencies
        ],
    }


def _also(tier: Tier | None, number: int) -> dict | None:
    if tier is None or not number:
        return None
    return {"metric": tier.also_metric, "number": number}


def term_shape(progress: TierProgress) -> dict:
    """Return how long a tier is good for, as the API writes it."""
    projected = progress.projected
    return {
        "ends_at": progress.valid_until,
        "grace_until": progress.grace_until,
        "is_pinned": progress.is_pinned,
        "pinned_until": progress.pinned_until,
        "projected_tier": {"code": projected.code, "name": projected.label}
        if projected
        else None,
    }


def _basis(progress: TierProgress) -> str:
    """Return what is counted in one word; qualifying value is spending to members."""
    what = "spend" if progress.in_money else progress.metric
    if progress.window != "days":
        return f"{what}_{progress.window}"
    days = progress.window_days
    return f"{what}_rolling_{days}d" if days else f"{what}_lifetime"


def _last_day(end: datetime | None) -> str | None:
    """Return the last good day before an exclusive end, in the shop's zone."""
    if end is None:
        return None
    zone = ZoneInfo(settings.SHOP_TIME_ZONE)
    return (end - datetime.resolution).astimezone(zone).date().isoformat()


def points_shape(summary: PointsSummary) -> dict:
    """Return a member's points as the API writes them."""
    return {
        "available": summary.available,
        "pending": summary.pending,
        "frozen": summary.frozen,
        "debt": summary.debt,
        "expiring": [
            {"points": part.points, "on": part.on.isoformat()}
            for part in summary.expiring
        ],
        "activating": [
            {
                "points": part.points,
                "on": part.on and part.on.isoformat(),
                "asked_back": part.asked_back,
            }
            for part in summary.activating
        ],
        "lifetime_earned": summary.lifetime_earned,
    }


def transfer_shape(transfer: Transfer, *, available: int) -> dict:
    """Return what was passed on as the API writes it."""
    lots = [entry.lot for entry in transfer.received]
    return {
        "points": transfer.points,
        "available": available,
        "expiring": [
            {"points": lot.granted, "on": _last_day(lot.expires_at)}
            for lot in lots
            if lot.expires_at
        ],
    }


def _tier_shape(
    tier: Tier | None, since: datetime | None, last: str | None
) -> dict | None:
    if tier is None:
        return None
    return {
        "code": tier.code,
        "name": tier.label,
        "since": since,
        "valid_until": last,
        "multiplier": f"{tier.multiplier_bp / 10000:.2f}",
        "color": tier.color,
    }


def _no_money(minor: int) -> None:
    """Say nothing in money of points or orders."""


def _money(minor: int) -> dict:
    return as_api(minor, settings.SHOP_CURRENCY)
