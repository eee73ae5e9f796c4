"""Points in the server API: events that other programs of the shop report."""

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from crm.shared.clock import now
from crm.shared.idempotency import idempotent
from crm.shared.server_api import EXTERNAL_ID_PATTERN, ServerView
from crm.shared.strict import StrictSerializer
from loyalty.api.server_members import member_named
from loyalty.models import EarningRule
from loyalty.services.event_points import Happening, grant_for_event

#: What other programs may report; the rest this shop notices itself.
REPORTED = [
    EarningRule.Occasion.SHARE,
    EarningRule.Occasion.SURVEY,
    EarningRule.Occasion.ATTENDANCE,
    EarningRule.Occasion.INVITE,
]
_MOST = 1_000_000


class LoyaltyEventValues(StrictSerializer):
    """Something a member did; ``reference`` names it, once per kind."""

    kind = serializers.ChoiceField(choices=[(each.value, each) for each in REPORTED])
    reference = serializers.RegexField(rf"^{EXTERNAL_ID_PATTERN}\Z", max_length=60)
    number = serializers.IntegerField(min_value=0, max_value=_MOST, default=0)


class LoyaltyEventShape(serializers.Serializer):
    """What the event brought; nothing where no rule is about it."""

    points = serializers.IntegerField()
    capped = serializers.BooleanField()
    entry_id = serializers.CharField(allow_null=True)


class MemberLoyaltyEvents(ServerView):
    """POST something a member did that may earn points."""

    scopes = {"POST": "points:write"}

    @extend_schema(
        operation_id="server_member_loyalty_event",
        request=LoyaltyEventValues,
        responses={200: OpenApiResponse(LoyaltyEventShape, "What it brought")},
    )
    @idempotent
    def post(self, request, member_id: str):
        """Grant what the rules give; the same reference again returns the first."""
        body = LoyaltyEventValues(data=request.data)
        body.is_valid(raise_exception=True)
        told = body.validated_data
        entry = grant_for_event(
            occasion=told["kind"],
            happening=Happening(
                member_named(member_id).pk,
                f"{told['kind']}:{told['reference']}",
                number=told["number"],
            ),
            now=now(),
        )
        rules = entry.trace.get("rules", ()) if entry else ()
        return Response(
            {
                "points": entry.points if entry else 0,
                "capped": any("capped" in rule for rule in rules),
                "entry_id": entry.public_id if entry else None,
            }
        )
