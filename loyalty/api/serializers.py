"""Shapes of the loyalty API."""

from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from crm.shared.money import as_api
from crm.shared.serializers import MoneyShape
from loyalty.models import PointsEntry, Tier
from loyalty.queries.points import PointsSummary
from loyalty.queries.tiers import TierProgress
from members.models import Member

#: Causes whose public id a member may see.
_SHOWN_SOURCES = {"order", "refund", "reward"}


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
    threshold = MoneyShape()


class ProgressShape(serializers.Serializer):
    """How far it is to the next tier (T12)."""

    basis = serializers.CharField(help_text="spend_lifetime, or spend_rolling_<days>d.")
    current = MoneyShape()
    next_tier = NextTierShape(allow_null=True)
    remaining = MoneyShape(allow_null=True)
    deadline = serializers.DateField(allow_null=True)


class RetentionShape(serializers.Serializer):
    """What keeps the tier."""

    required = MoneyShape()
    met = serializers.BooleanField()


class LoyaltyShape(serializers.Serializer):
    """Tier and progress of the member."""

    member_id = serializers.CharField()
    member_no = serializers.CharField()
    tier = TierShape(allow_null=True)
    progress = ProgressShape()
    retention = RetentionShape()


class ExpiringShape(serializers.Serializer):
    """Points and the last day they are good."""

    points = serializers.IntegerField()
    on = serializers.DateField()


class PointsShape(serializers.Serializer):
    """The member's points now."""

    available = serializers.IntegerField()
    pending = serializers.IntegerField()
    frozen = serializers.IntegerField()
    debt = serializers.IntegerField()
    expiring = ExpiringShape(many=True)
    lifetime_earned = serializers.IntegerField()


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
            "expires_on",
            "reason",
            "source",
        ]
        read_only_fields = fields

    def get_available_at(self, entry: PointsEntry) -> datetime | None:
        """Return from when the points could be spent."""
        lot = getattr(entry, "lot", None)
        return lot.active_at if lot else None

    @extend_schema_field(serializers.DateField(allow_null=True))
    def get_expires_on(self, entry: PointsEntry) -> str | None:
        """Return the last good day in the shop's zone."""
        lot = getattr(entry, "lot", None)
        if lot is None or lot.expires_at is None:
            return None
        zone = ZoneInfo(settings.SHOP_TIME_ZONE)
        last = (lot.expires_at - datetime.resolution).astimezone(zone).date()
        return last.isoformat()

    @extend_schema_field(ReasonShape)
    def get_reason(self, entry: PointsEntry) -> dict:
        """Return the kind of movement; what staff wrote stays with staff."""
        return {"code": entry.kind, "text": entry.get_kind_display()}

    @extend_schema_field(SourceShape)
    def get_source(self, entry: PointsEntry) -> dict:
        """Return the cause; inner ids stay inside."""
        kind, _colon, cause = entry.source.partition(":")
        return {"type": kind, "id": cause if kind in _SHOWN_SOURCES else None}


def loyalty_shape(*, member: Member, progress: TierProgress) -> dict:
    """Return tier and progress as the API writes them."""
    window = progress.window_days
    following = progress.next_tier
    return {
        "member_id": member.public_id,
        "member_no": member.number,
        "tier": _tier_shape(progress.tier, progress.since),
        "progress": {
            "basis": f"spend_rolling_{window}d" if window else "spend_lifetime",
            "current": _money(progress.value_minor),
            "next_tier": {
                "code": following.code,
                "name": following.label,
                "threshold": _money(following.threshold_minor),
            }
            if following
            else None,
            "remaining": _money(progress.missing_minor) if following else None,
            "deadline": None,
        },
        "retention": {
            "required": _money(progress.required_minor),
            "met": progress.is_kept,
        },
    }


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
        "lifetime_earned": summary.lifetime_earned,
    }


def _tier_shape(tier: Tier | None, since: datetime | None) -> dict | None:
    if tier is None:
        return None
    return {
        "code": tier.code,
        "name": tier.label,
        "since": since,
        "valid_until": None,
        "multiplier": f"{tier.multiplier_bp / 10000:.2f}",
        "color": tier.color,
    }


def _money(minor: int) -> dict:
    return as_api(minor, settings.SHOP_CURRENCY)
