"""What members do with their coupons: type codes, choose, take back, give away."""

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from campaigns.api.serializers import (
    CouponChoiceShape,
    CouponCodeRequest,
    CouponShape,
)
from campaigns.services.choosing import coupons_for_cart
from campaigns.services.giving import offer_coupon
from campaigns.services.holding import take_back_hold
from campaigns.services.redeeming import claim_code
from crm.shared import clock
from crm.shared.strict import StrictQueryMixin
from members.authentication import IsMember
from orders.guessers import guesser_of
from orders.queries.carts import find_cart


class CouponView(StrictQueryMixin, APIView):
    """What all of them share."""

    permission_classes = [IsMember]
    pagination_class = None

    @property
    def member_id(self) -> int:
        """Return who asks."""
        return self.request.user.member.pk


class MyCouponCodes(CouponView):
    """POST a code: its coupon goes into my wallet."""

    @extend_schema(
        operation_id="me_coupon_codes_create",
        request=CouponCodeRequest,
        responses={201: CouponShape},
    )
    def post(self, request):
        """Claim; again is harmless; 422 ``coupon_not_found``, 429 ``too_often``."""
        wanted = CouponCodeRequest(data=request.data)
        wanted.is_valid(raise_exception=True)
        now = clock.now()
        coupon = claim_code(
            member_id=self.member_id,
            guesser=guesser_of(request),
            now=now,
            **wanted.validated_data,
        )
        return Response(CouponShape(coupon, context={"at": now}).data, status=201)


class CouponHold(CouponView):
    """DELETE frees a coupon that an unpaid order of mine keeps."""

    @extend_schema(operation_id="me_coupons_hold_destroy", responses=CouponShape)
    def delete(self, request, coupon: str):
        """Cancel that order and return the coupon; 409 ``coupon_not_held``."""
        now = clock.now()
        freed = take_back_hold(coupon=coupon, member_id=self.member_id, now=now)
        return Response(CouponShape(freed, context={"at": now}).data)


class CouponGift(CouponView):
    """PUT gives a coupon away to whoever brings its code; DELETE keeps it again."""

    @extend_schema(
        operation_id="me_coupons_gift_update", request=None, responses=CouponShape
    )
    def put(self, request, coupon: str):
        """Offer it; 422 ``coupon_not_transferable``, 409 ``member_not_active``."""
        return self._offer(coupon, is_offered=True)

    @extend_schema(operation_id="me_coupons_gift_destroy", responses=CouponShape)
    def delete(self, request, coupon: str):
        """Keep it again, as long as nobody came for it."""
        return self._offer(coupon, is_offered=False)

    def _offer(self, coupon: str, *, is_offered: bool) -> Response:
        now = clock.now()
        mine = offer_coupon(
            coupon=coupon,
            member_id=self.member_id,
            is_offered=is_offered,
            now=now,
        )
        return Response(CouponShape(mine, context={"at": now}).data)


class CartCouponChoices(CouponView):
    """GET my coupons beside a cart, the best one first."""

    @extend_schema(
        operation_id="carts_my_coupons_list",
        responses=CouponChoiceShape(many=True),
    )
    def get(self, request, cart: str):
        """Return each with what it saves, or why it cannot be used (C20)."""
        found = find_cart(public_id=cart, member_id=self.member_id)
        if found is None:
            raise Http404
        now = clock.now()
        choices = coupons_for_cart(cart=found, member_id=self.member_id, now=now)
        shape = CouponChoiceShape(choices, many=True, context={"at": now})
        return Response(shape.data)
