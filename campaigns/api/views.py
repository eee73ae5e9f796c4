"""Storefront endpoints of coupons and messages."""

from datetime import datetime
from functools import cached_property
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response
from rest_framework.views import APIView

from campaigns.api.serializers import CouponOfferShape, CouponShape, NotificationShape
from campaigns.queries.coupons import WALLET, claim_centre, inbox, wallet
from campaigns.services.issuing import claim_coupon
from crm.shared import clock
from crm.shared.idempotency import idempotent
from crm.shared.paging import CursorPage
from crm.shared.strict import StrictQueryMixin
from members.authentication import IsMember


class NewestIssued(CursorPage):
    """Coupons, newest first."""

    ordering = ("-issued_at", "-id")


class NewestFirst(CursorPage):
    """Anything with a creation time, newest first."""

    ordering = ("-created_at", "-id")


class NewestOffer(CursorPage):
    """Claim centre, newest first."""

    ordering = ("-starts_at", "-id")


class AtNowMixin:
    """A list at one time of the shop: which rows are in it, and what each says."""

    @cached_property
    def now(self) -> datetime:
        """Return when it was asked for."""
        return clock.now()

    def get_serializer_context(self) -> dict[str, Any]:
        """Add the time that decides what can be claimed or used."""
        return {**super().get_serializer_context(), "at": self.now}


@extend_schema(parameters=[OpenApiParameter("status", enum=sorted(WALLET))])
class MyCoupons(AtNowMixin, StrictQueryMixin, generics.ListAPIView):
    """GET the member's coupons: ``status`` available (default), used or expired."""

    permission_classes = [IsMember]
    serializer_class = CouponShape
    pagination_class = NewestIssued
    filter_backends: list = []
    query_parameters = ["status"]

    def get_queryset(self):
        """Return the caller's own coupons of the wanted status."""
        status = self.request.query_params.get("status", "available")
        if status not in WALLET:
            known = ", ".join(sorted(WALLET))
            raise ValidationError({"status": f"Use one of {known}."})
        member = self.request.user.member
        return wallet(member_id=member.pk, status=status, at=self.now)


class CouponOffers(AtNowMixin, StrictQueryMixin, generics.ListAPIView):
    """GET the claim centre (领券中心): what I can claim, and why not the rest."""

    permission_classes = [IsMember]
    serializer_class = CouponOfferShape
    pagination_class = NewestOffer
    filter_backends: list = []

    def get_queryset(self):
        """Return what is on offer now, was, or will be soon."""
        return claim_centre(member_id=self.request.user.member.pk, at=self.now)


class ClaimCoupon(StrictQueryMixin, APIView):
    """POST to claim a coupon, for points if it has a price; 404 or 422 says why not."""

    permission_classes = [IsMember]

    @extend_schema(request=None, responses={201: CouponShape})
    @idempotent(required=True)
    def post(self, request, offer: str):
        """Claim once per Idempotency-Key."""
        now = clock.now()
        coupon = claim_coupon(template=offer, member_id=request.user.member.pk, now=now)
        return Response(CouponShape(coupon, context={"at": now}).data, status=201)


class MyNotifications(StrictQueryMixin, generics.ListAPIView):
    """GET the member's inbox, newest first."""

    permission_classes = [IsMember]
    serializer_class = NotificationShape
    pagination_class = NewestFirst
    filter_backends: list = []

    def get_queryset(self):
        """Return the caller's own messages."""
        return inbox(member_id=self.request.user.member.pk)
