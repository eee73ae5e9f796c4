"""Storefront endpoints of referrals: my code, what it brought, and by whom."""

from django.conf import settings
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import generics, serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from crm.shared.clock import now
from crm.shared.money import as_api
from crm.shared.serializers import MoneyShape
from crm.shared.strict import StrictQueryMixin
from loyalty.models import Referral, ReferralConversion, ReferralProgram
from loyalty.queries.referrals import friends_of, referral_program, referral_summary
from loyalty.services.reward_kinds import template_choices
from members.authentication import IsMember
from members.services.inviting import invitation_code_of
from orders.rules.reviews import byline

#: State -> what the inviter is told: that somebody takes a look is for staff.
_TOLD = {
    Referral.State.WAITING: "waiting",
    Referral.State.HELD: "waiting",
    Referral.State.REWARDED: "rewarded",
    Referral.State.REJECTED: "ended",
    Referral.State.REVERSED: "ended",
}


class ReferralTermsShape(serializers.Serializer):
    """What a friend who joins now would bring."""

    conversion = serializers.ChoiceField(ReferralConversion.choices)
    least_order = MoneyShape()
    inviter_points = serializers.IntegerField()
    friend_points = serializers.IntegerField()
    inviter_coupon = serializers.CharField(
        allow_null=True, help_text="The name of a coupon besides; null: none."
    )
    friend_coupon = serializers.CharField(allow_null=True)


class MyReferralsShape(serializers.Serializer):
    """The code to hand on, and what it brought; ``terms`` is null while it is off."""

    code = serializers.CharField()
    link = serializers.URLField()
    joined = serializers.IntegerField()
    waiting = serializers.IntegerField()
    rewarded = serializers.IntegerField()
    points = serializers.IntegerField()
    terms = ReferralTermsShape(allow_null=True)


class FriendShape(serializers.ModelSerializer):
    """One friend, masked; ``name`` is empty for a former member."""

    id = serializers.CharField(source="public_id", read_only=True)
    name = serializers.SerializerMethodField()
    state = serializers.SerializerMethodField()
    points = serializers.SerializerMethodField()
    coupon = serializers.CharField(
        source="inviter_coupon",
        read_only=True,
        help_text="The coupon it brought the caller; empty for none.",
    )

    class Meta:
        model = Referral
        fields = ["id", "name", "state", "joined_at", "points", "coupon"]
        read_only_fields = fields

    def get_name(self, referral: Referral) -> str:
        """Return the first sign of the name."""
        return byline(referral.friend.nickname or referral.friend.name)

    @extend_schema_field(serializers.ChoiceField(choices=sorted(set(_TOLD.values()))))
    def get_state(self, referral: Referral) -> str:
        """Return where it stands, as far as the inviter is told."""
        return _TOLD[Referral.State(referral.state)]

    def get_points(self, referral: Referral) -> int:
        """Return what the inviter has of it."""
        is_rewarded = referral.state == Referral.State.REWARDED
        share = referral.inviter_given if is_rewarded else 0
        return share + referral.milestone_points


class MyReferrals(StrictQueryMixin, APIView):
    """GET the code I bring friends with, its link, and what it brought."""

    permission_classes = [IsAuthenticated, IsMember]

    @extend_schema(operation_id="me_referrals", responses=MyReferralsShape)
    def get(self, request):
        """Answer for the caller."""
        member = request.user.member
        code = invitation_code_of(member_id=member.pk, now=now())
        summary = referral_summary(member.pk)
        terms = referral_program()
        shape = {
            "code": code,
            "link": f"{settings.STOREFRONT_URL}/join?invitation_code={code}",
            "joined": summary.joined,
            "waiting": summary.waiting,
            "rewarded": summary.rewarded,
            "points": summary.points,
            "terms": _terms(terms) if terms.is_active else None,
        }
        return Response(shape)


@extend_schema_view(get=extend_schema(operation_id="referred_friends_list"))
class MyReferredFriends(StrictQueryMixin, generics.ListAPIView):
    """GET the friends I brought, newest first."""

    permission_classes = [IsAuthenticated, IsMember]
    serializer_class = FriendShape
    cursor_ordering = ["-joined_at", "-id"]
    filter_backends: list = []
    queryset = Referral.objects.none()

    def get_queryset(self):
        """Return the caller's own."""
        if getattr(self, "swagger_fake_view", False):
            return Referral.objects.none()
        return friends_of(self.request.user.member.pk)


def _terms(terms: ReferralProgram) -> dict:
    has_coupons = terms.inviter_template or terms.friend_template
    names = dict(template_choices()) if has_coupons else {}
    return {
        "conversion": terms.conversion,
        "least_order": as_api(terms.least_order_minor, settings.SHOP_CURRENCY),
        "inviter_points": terms.inviter_points,
        "friend_points": terms.friend_points,
        "inviter_coupon": names.get(terms.inviter_template),
        "friend_coupon": names.get(terms.friend_template),
    }
