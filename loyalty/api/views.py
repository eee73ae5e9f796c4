"""Storefront endpoints of points and tiers."""

import uuid

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics
from rest_framework.response import Response
from rest_framework.views import APIView

from crm.shared import clock
from crm.shared.idempotency import idempotent
from crm.shared.paging import CursorPage
from crm.shared.strict import StrictQueryMixin
from loyalty.api.serializers import (
    BreakdownShape,
    EntryShape,
    LoyaltyShape,
    PointsShape,
    TransferRequest,
    TransferShape,
    loyalty_shape,
    points_shape,
    transfer_shape,
)
from loyalty.models import PointsEntry
from loyalty.queries.books import breakdown_of
from loyalty.queries.currencies import gathered
from loyalty.queries.points import entries, points_summary
from loyalty.queries.tiers import tier_progress
from loyalty.services.transferring import transfer_points
from members.authentication import IsMember


class NewestEntry(CursorPage):
    """Movements of points, the newest number first."""

    ordering = ("-seq",)


class MyLoyalty(StrictQueryMixin, APIView):
    """GET the member's tier and the way to the next one."""

    permission_classes = [IsMember]

    @extend_schema(operation_id="me_loyalty", responses=LoyaltyShape)
    def get(self, request):
        """Answer for the caller."""
        member = request.user.member
        at = clock.now()
        shape = loyalty_shape(
            member=member,
            progress=tier_progress(member.pk, at),
            currencies=gathered(member_id=member.pk, at=at),
        )
        return Response(shape)


class MyPoints(StrictQueryMixin, APIView):
    """GET the member's points now."""

    permission_classes = [IsMember]

    @extend_schema(operation_id="me_points", responses=PointsShape)
    def get(self, request):
        """Answer for the caller."""
        summary = points_summary(request.user.member.pk, clock.now())
        return Response(points_shape(summary))


class MyBalance(StrictQueryMixin, APIView):
    """GET why so many of the member's points are available (P2)."""

    permission_classes = [IsMember]

    @extend_schema(operation_id="me_points_balance", responses=BreakdownShape)
    def get(self, request):
        """Answer for the caller."""
        parts = breakdown_of(member_id=request.user.member.pk, at=clock.now())
        return Response(BreakdownShape(parts).data)


class MyTransfers(StrictQueryMixin, APIView):
    """POST points to pass on to another member (P25)."""

    permission_classes = [IsMember]

    @extend_schema(
        operation_id="points_transfer_create",
        request=TransferRequest,
        responses={201: TransferShape},
    )
    @idempotent(required=True)
    def post(self, request):
        """Pass them on; they keep their ends.

        409 ``transfers_off``, ``transfer_rest``, ``insufficient_points``,
        ``points_frozen``; 422 ``unknown_receiver``, ``transfer_too_large``.
        """
        body = TransferRequest(data=request.data)
        body.is_valid(raise_exception=True)
        member, at = request.user.member, clock.now()
        done = transfer_points(
            giver_id=member.pk,
            to_number=body.validated_data["to"].strip().upper(),
            points=body.validated_data["points"],
            request_key=str(uuid.uuid4()),
            now=at,
        )
        available = points_summary(member.pk, at).available
        return Response(transfer_shape(done, available=available), status=201)


@extend_schema_view(get=extend_schema(operation_id="points_entries_list"))
class MyPointsEntries(StrictQueryMixin, generics.ListAPIView):
    """GET every movement of the member's points, newest first."""

    permission_classes = [IsMember]
    serializer_class = EntryShape
    pagination_class = NewestEntry
    filter_backends: list = []
    queryset = PointsEntry.objects.none()

    def get_queryset(self):
        """Return the caller's own entries."""
        return entries(self.request.user.member.pk)
