"""Storefront endpoints of group buying (团购)."""

from django.http import Http404
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

from campaigns.api.group_serializers import (
    GroupDealDetailShape,
    GroupDealShape,
    GroupDetailShape,
    SeatRequest,
    SeatShape,
)
from campaigns.models import Seat
from campaigns.queries.groups import deals_on, groups_to_join, seats_of, visible_groups
from campaigns.services.seats import join_group, leave_group, open_group
from crm.shared import clock
from crm.shared.idempotency import idempotent
from crm.shared.paging import CursorPage
from crm.shared.strict import StrictQueryMixin
from members.authentication import IsMember

#: Open groups shown beside their deal; whoever has a link finds any of them.
MOST_GROUPS = 20


class NewestDeal(CursorPage):
    """Deals, newest first."""

    ordering = ("-starts_at", "-id")


class NewestSeat(CursorPage):
    """Seats, newest first."""

    ordering = ("-taken_at", "-id")


@extend_schema_view(get=extend_schema(operation_id="group_buys_list"))
class GroupDeals(StrictQueryMixin, generics.ListAPIView):
    """GET the deals that open groups now."""

    permission_classes = [AllowAny]
    serializer_class = GroupDealShape
    pagination_class = NewestDeal
    filter_backends: list = []

    def get_queryset(self):
        """Return what is on."""
        return deals_on(at=clock.now())


class GroupDealDetail(StrictQueryMixin, APIView):
    """GET one deal with the groups one could join."""

    permission_classes = [AllowAny]

    @extend_schema(operation_id="group_buys_retrieve", responses=GroupDealDetailShape)
    def get(self, request, deal: str):
        """Return the deal; 404 when it is not on."""
        at = clock.now()
        found = deals_on(at=at).filter(public_id=deal).first()
        if found is None:
            raise Http404
        found.groups_to_join = groups_to_join(deal_id=found.pk, at=at)[:MOST_GROUPS]
        return Response(GroupDealDetailShape(found).data)


class GroupDetail(StrictQueryMixin, APIView):
    """GET one group, as a link to it shows it to anybody."""

    permission_classes = [AllowAny]

    @extend_schema(operation_id="groups_retrieve", responses=GroupDetailShape)
    def get(self, request, group: str):
        """Return the group; 404 before its leader has paid (G1)."""
        found = visible_groups().filter(public_id=group).first()
        if found is None:
            raise Http404
        return Response(GroupDetailShape(found).data)


class SeatView(StrictQueryMixin, APIView):
    """What all doors to a seat share."""

    permission_classes = [IsMember]

    @property
    def member_id(self) -> int:
        """Return who asks."""
        return self.request.user.member.pk

    def read(self) -> dict:
        """Return where the goods shall go."""
        wanted = SeatRequest(data=self.request.data)
        wanted.is_valid(raise_exception=True)
        return wanted.validated_data

    def answer(self, seat: Seat, *, status: int = 200) -> Response:
        """Return the seat as it is now, with its group and the order to pay."""
        mine = seats_of(member_id=self.member_id).get(pk=seat.pk)
        return Response(SeatShape(mine).data, status=status)


class OpenGroup(SeatView):
    """POST opens a group of a deal; the answer names the order to pay."""

    @extend_schema(
        operation_id="group_buys_groups_create",
        request=SeatRequest,
        responses={201: SeatShape},
    )
    @idempotent(required=True)
    def post(self, request, deal: str):
        """Open; 409 ``group_deal_not_on``, ``group_deal_sold_out``, ``out_of_stock``.

        409 ``already_in_group`` and ``group_new_members_only``; 404 for an address
        that is not the member's.
        """
        seat = open_group(
            deal=deal, member_id=self.member_id, now=clock.now(), **self.read()
        )
        return self.answer(seat, status=201)


class JoinGroup(SeatView):
    """POST takes a seat in an open group; the answer names the order to pay."""

    @extend_schema(
        operation_id="groups_seats_create",
        request=SeatRequest,
        responses={201: SeatShape},
    )
    @idempotent(required=True)
    def post(self, request, group: str):
        """Join; 404, 409 ``group_full`` or ``group_over``, or as for opening one."""
        seat = join_group(
            group=group, member_id=self.member_id, now=clock.now(), **self.read()
        )
        return self.answer(seat, status=201)


class MySeat(SeatView):
    """DELETE gives one's seat up, before the group succeeds."""

    @extend_schema(operation_id="groups_seats_destroy", responses=SeatShape)
    def delete(self, request, group: str):
        """Leave; what was paid goes back. 409 ``group_over`` once it has succeeded."""
        seat = leave_group(group=group, member_id=self.member_id, now=clock.now())
        return self.answer(seat)


@extend_schema_view(get=extend_schema(operation_id="me_groups_list"))
class MyGroups(StrictQueryMixin, generics.ListAPIView):
    """GET the member's seats, newest first, with their groups."""

    permission_classes = [IsMember]
    serializer_class = SeatShape
    pagination_class = NewestSeat
    filter_backends: list = []

    def get_queryset(self):
        """Return the caller's own seats."""
        return seats_of(member_id=self.request.user.member.pk)
