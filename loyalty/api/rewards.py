"""Storefront endpoints of the rewards catalogue and of what members took."""

from hashlib import blake2b

from django.http import Http404, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import generics
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

from crm.shared import clock
from crm.shared.idempotency import HEADER, idempotent
from crm.shared.paging import CursorPage
from crm.shared.pictures import WEBP, public_picture_response
from crm.shared.strict import StrictQueryMixin
from loyalty.api.reward_shapes import RedemptionRequest, RedemptionShape, RewardShape
from loyalty.models import RewardRedemption
from loyalty.queries.rewards import (
    picture_of_reward,
    redemptions_of,
    shown_reward,
    shown_rewards,
)
from loyalty.services.ending_redemptions import cancel_redemption
from loyalty.services.redeeming_rewards import redeem_reward
from members.authentication import IsMember


class _MemberView(StrictQueryMixin, APIView):
    """What members ask for themselves."""

    permission_classes = [IsMember]
    pagination_class = None

    @property
    def member(self):
        """Return who asks."""
        return self.request.user.member

    def answer(self, redemption: RewardRedemption, *, status: int = 200) -> Response:
        """Return a redemption as it is now."""
        shape = RedemptionShape(redemption, context={"at": clock.now()})
        return Response(shape.data, status=status)


class Rewards(_MemberView):
    """GET the rewards the caller may have, the cheapest first."""

    @extend_schema(operation_id="rewards_list", responses=RewardShape(many=True))
    def get(self, request):
        """Return them with the caller's own prices."""
        shown = shown_rewards(member_id=self.member.pk, at=clock.now())
        return Response(RewardShape(shown, many=True).data)


class OneReward(_MemberView):
    """GET one reward."""

    @extend_schema(operation_id="rewards_retrieve", responses=RewardShape)
    def get(self, request, reward: str):
        """Return it; 404 for what the caller may not have."""
        shown = shown_reward(public_id=reward, member_id=self.member.pk, at=clock.now())
        if shown is None:
            raise Http404
        return Response(RewardShape(shown).data)


class RewardPicture(StrictQueryMixin, APIView):
    """GET the picture of a reward."""

    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="reward_pictures_retrieve",
        responses={(200, WEBP): OpenApiTypes.BINARY, 404: OpenApiResponse()},
    )
    def get(self, request, reward_picture: str) -> HttpResponse:
        """Return a WebP; a new picture has a new address, so caches may keep it."""
        found = picture_of_reward(reward_picture)
        if found is None:
            raise Http404
        return public_picture_response(found)


class RedeemReward(_MemberView):
    """POST takes a reward for points; 201 with the redemption."""

    @extend_schema(
        operation_id="rewards_redemptions_create",
        request=RedemptionRequest,
        responses={201: RedemptionShape},
    )
    @idempotent(required=True)
    def post(self, request, reward: str):
        """Redeem; 409 ``insufficient_points``, ``reward_gone``, ``points_frozen``.

        409 also ``reward_price_changed``, ``reward_member_limit``,
        ``not_enough_in_wallet`` and ``wallet_not_usable``; 422
        ``address_needed``; 404 for what the caller may not have.
        """
        wanted = RedemptionRequest(data=request.data)
        wanted.is_valid(raise_exception=True)
        key = blake2b(request.headers[HEADER].encode(), digest_size=12).hexdigest()
        redemption = redeem_reward(
            reward=reward,
            member_id=self.member.pk,
            source=f"api:{self.member.public_id}:{key}",
            now=clock.now(),
            **wanted.validated_data,
        )
        return self.answer(redemption, status=201)


class NewestRedemption(CursorPage):
    """Redemptions, newest first."""

    ordering = ("-requested_at", "-id")


@extend_schema_view(get=extend_schema(operation_id="me_redemptions_list"))
class MyRedemptions(StrictQueryMixin, generics.ListAPIView):
    """GET what the caller took for points, newest first."""

    permission_classes = [IsMember]
    serializer_class = RedemptionShape
    pagination_class = NewestRedemption
    filter_backends: list = []
    queryset = RewardRedemption.objects.none()

    def get_queryset(self):
        """Return the caller's own."""
        return redemptions_of(self.request.user.member.pk)

    def get_serializer_context(self):
        """Add the time: whether something may be given back depends on it."""
        return super().get_serializer_context() | {"at": clock.now()}


class CancelRedemption(_MemberView):
    """POST gives a reward back: its points return to their lots."""

    @extend_schema(
        operation_id="me_redemptions_cancellation_create",
        request=None,
        responses=RedemptionShape,
    )
    def post(self, request, redemption: str):
        """Give it back; 409 ``reward_not_refundable``, ``reward_used``; 404."""
        ended = cancel_redemption(
            redemption=redemption, member_id=self.member.pk, now=clock.now()
        )
        return self.answer(ended)
