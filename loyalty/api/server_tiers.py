"""Tiers in the server API: read, and held by hand."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from crm.shared.clock import now
from crm.shared.idempotency import idempotent
from crm.shared.server_api import ServerView
from loyalty.api.serializers import LoyaltyShape, loyalty_shape
from loyalty.api.server_members import member_named
from loyalty.queries.currencies import gathered
from loyalty.queries.tier_terms import MAIN_LADDER
from loyalty.queries.tiers import tier_progress
from loyalty.services.pinning import pin_tier, unpin_tier
from members.models import Member


class PinValues(serializers.Serializer):
    """A tier to hold a member on; null lets go."""

    tier = serializers.SlugField(max_length=40, allow_null=True)
    ladder = serializers.SlugField(max_length=40, default=MAIN_LADDER)
    until = serializers.DateTimeField(allow_null=True, default=None)
    reason = serializers.CharField(max_length=200)


class MemberTier(ServerView):
    """GET the tier of a member and the way to the next; PUT pins it (T10)."""

    scopes = {"GET": "members:read", "PUT": "members:write"}

    @extend_schema(operation_id="server_member_tier", responses=LoyaltyShape)
    def get(self, request, member_id: str):
        """Return where the member stands on the main ladder."""
        return _answer(member_named(member_id))

    @extend_schema(
        operation_id="server_member_tier_pin",
        request=PinValues,
        responses={200: LoyaltyShape},
    )
    @idempotent
    def put(self, request, member_id: str):
        """Hold the member on a tier until a moment, or let go with ``tier`` null.

        422 ``tier_unknown`` and ``pin_ends_in_past``; 409 ``tier_not_pinned`` and
        ``tier_not_evaluated`` of a membership that is frozen or closed.
        """
        body = PinValues(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = body.validated_data
        member = member_named(member_id)
        how = {
            "member_id": member.pk,
            "ladder": wanted["ladder"],
            "reason": wanted["reason"],
            "actor": str(request.user),
            "now": now(),
        }
        if wanted["tier"] is None:
            unpin_tier(**how)
        else:
            pin_tier(**how, tier=wanted["tier"], until=wanted["until"])
        return _answer(member)


def _answer(member: Member) -> Response:
    at = now()
    shape = loyalty_shape(
        member=member,
        progress=tier_progress(member.pk, at),
        currencies=gathered(member_id=member.pk, at=at),
    )
    return Response(shape)
