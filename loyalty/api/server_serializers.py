"""What the server API takes and gives about points."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from crm.shared.strict import StrictSerializer
from loyalty.api.serializers import EntryShape, PointsShape
from loyalty.models import ReasonCode

#: Kind of request -> the fields it needs besides ``kind`` and ``reason``.
NEEDS = {
    "grant": ("source", "points"),
    "spend": ("source", "points"),
    "freeze": ("source",),
    "unfreeze": ("freeze",),
    "revoke": ("entry",),
}
#: Fields that a kind takes where they are given.
_MAY = {"freeze": ("points", "until")}
#: Kinds without a reason code: a member who spends corrects nothing (P27).
_UNCODED = {"spend"}
#: Points one request may move.
_MOST_POINTS = 1_000_000


class PointsRequest(StrictSerializer):
    """One movement of points, or a freeze; each kind has its fields."""

    kind = serializers.ChoiceField([(kind, kind) for kind in NEEDS])
    reason = serializers.CharField(min_length=3, max_length=200, help_text="The note.")
    reason_code = serializers.ChoiceField(
        ReasonCode.choices,
        required=False,
        help_text="What finance groups by, where a person decided it. Not of spend.",
    )
    points = serializers.IntegerField(
        min_value=1,
        max_value=_MOST_POINTS,
        required=False,
        help_text="Of grant and spend; of freeze left out for all that are available.",
    )
    source = serializers.RegexField(
        r"\A[A-Za-z0-9][A-Za-z0-9._:-]{0,59}\Z",
        required=False,
        help_text="Your number for it, such as pos:1042: sent again it moves nothing.",
    )
    until = serializers.DateTimeField(
        required=False, help_text="Of freeze: when they are free again by themselves."
    )
    freeze = serializers.CharField(
        max_length=40, required=False, help_text="Of unfreeze: the id of the freeze."
    )
    entry = serializers.CharField(
        max_length=40, required=False, help_text="Of revoke: the id of the entry."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Take what a kind needs, and nothing else."""
        needs = NEEDS[attrs["kind"]]
        allowed = {"kind", "reason", *needs, *_MAY.get(attrs["kind"], ())}
        if attrs["kind"] not in _UNCODED:
            allowed.add("reason_code")
        wrong: dict[str, Any] = {
            name: _("This field is required.") for name in needs if name not in attrs
        }
        wrong |= {
            name: _("Not for this kind.") for name in attrs if name not in allowed
        }
        if wrong:
            raise serializers.ValidationError(wrong)
        return attrs


class FreezeShape(serializers.Serializer):
    """Points that are set aside."""

    id = serializers.CharField(source="public_id")
    points = serializers.IntegerField(source="hold.points")
    until = serializers.DateTimeField(allow_null=True)
    state = serializers.CharField(source="hold.state", help_text="open or released.")


class PointsReceipt(serializers.Serializer):
    """What was written, and the member's points now."""

    entry = EntryShape(allow_null=True)
    freeze = FreezeShape(allow_null=True)
    points = PointsShape()
