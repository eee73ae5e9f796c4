"""Points in the server API: for tills and other programs of the shop."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.http import Http404
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics
from rest_framework.response import Response

from crm.shared.clock import now
from crm.shared.errors import Refusal
from crm.shared.idempotency import idempotent
from crm.shared.server_api import ServerView
from loyalty.api.serializers import (
    BreakdownShape,
    EntryShape,
    points_shape,
)
from loyalty.api.server_members import member_named
from loyalty.api.server_serializers import FreezeShape, PointsReceipt, PointsRequest
from loyalty.api.views import NewestEntry
from loyalty.models import PointsEntry, PointsFreeze
from loyalty.queries.books import breakdown_of
from loyalty.queries.points import entries, points_summary
from loyalty.services.adjusting import grant_points
from loyalty.services.freezing import freeze_points, unfreeze_points
from loyalty.services.redeeming import redeem_points
from loyalty.services.revoking import revoke_entry
from members.models import Member

READ, WRITE = "points:read", "points:write"


class SourceReused(Refusal):
    """This source moved another number of points already."""

    code = "source_reused"
    status = 422
    message = _("This source moved another number of points already: %(points)s.")
    pointer = "/source"


def _grant(member: Member, told: dict, actor: str, at: datetime) -> PointsEntry:
    return grant_points(
        member_id=member.pk,
        points=told["points"],
        reason_code=told.get("reason_code", ""),
        reason=told["reason"],
        actor=actor,
        source=f"server:{told['source']}",
        now=at,
    )


def _spend(member: Member, told: dict, actor: str, at: datetime) -> PointsEntry:
    return redeem_points(
        member_id=member.pk,
        points=told["points"],
        reason=told["reason"],
        actor=actor,
        source=f"server:{told['source']}",
        now=at,
    )


def _freeze(member: Member, told: dict, actor: str, at: datetime) -> PointsFreeze:
    return freeze_points(
        member_id=member.pk,
        points=told.get("points"),
        until=told.get("until"),
        reason_code=told.get("reason_code", ""),
        reason=told["reason"],
        actor=actor,
        source=f"server:{told['source']}",
        now=at,
    )


def _unfreeze(member: Member, told: dict, actor: str, at: datetime) -> PointsFreeze:
    freezes = PointsFreeze.objects.filter(hold__account_id=member.pk)
    freeze = _find(freezes, told["freeze"])
    return unfreeze_points(
        freeze_id=freeze.pk,
        reason_code=told.get("reason_code", ""),
        reason=told["reason"],
        actor=actor,
        now=at,
    )


def _revoke(member: Member, told: dict, actor: str, at: datetime) -> PointsEntry:
    # Entries stay where they were written, after a merge too.
    before = Q(account__member__merged_into_id=member.pk)
    entries_of = PointsEntry.objects.filter(Q(account_id=member.pk) | before)
    entry = _find(entries_of, told["entry"])
    return revoke_entry(
        entry_id=entry.pk,
        reason_code=told.get("reason_code", ""),
        reason=told["reason"],
        actor=actor,
        now=at,
    )


def _points_of(made: PointsEntry | PointsFreeze) -> int:
    return abs(made.points) if isinstance(made, PointsEntry) else made.hold.points


def _find(rows: Any, public_id: str) -> Any:
    found = rows.filter(public_id=public_id).first()
    if found is None:
        raise Http404
    return found


#: Kind of request -> what it does: ``(member, body, actor, at)``.
_DEEDS: dict[str, Callable[..., PointsEntry | PointsFreeze]] = {
    "grant": _grant,
    "spend": _spend,
    "freeze": _freeze,
    "unfreeze": _unfreeze,
    "revoke": _revoke,
}


class MemberBalance(ServerView):
    """GET why so many of a member's points are available (P2)."""

    scopes = {"GET": READ}

    @extend_schema(operation_id="server_points_balance", responses=BreakdownShape)
    def get(self, request, member_id: str):
        """Answer for one member; 404 for nobody."""
        parts = breakdown_of(member_id=member_named(member_id).pk, at=now())
        return Response(BreakdownShape(parts).data)


@extend_schema_view(get=extend_schema(operation_id="server_points_entries"))
class MemberPointsEntries(ServerView, generics.ListAPIView):
    """GET the movements of a member's points; POST another one."""

    scopes = {"GET": READ, "POST": WRITE}
    serializer_class = EntryShape
    pagination_class = NewestEntry
    filter_backends: list = []
    queryset = PointsEntry.objects.none()

    def get_queryset(self):
        """Return the entries of the member, newest first."""
        return entries(member_named(self.kwargs["member_id"]).pk)

    @extend_schema(
        operation_id="server_points_entry_create",
        request=PointsRequest,
        responses={201: PointsReceipt},
    )
    @idempotent
    def post(self, request, member_id: str):
        """Grant, spend, freeze, unfreeze or revoke points.

        404 when member, freeze or entry are not there; 409 ``insufficient_points``,
        ``points_frozen``, ``member_not_active``, ``already_revoked``, ``freeze_over``;
        422 ``source_reused`` where the source moved another number of points before.
        """
        body = PointsRequest(data=request.data)
        body.is_valid(raise_exception=True)
        told, at = body.validated_data, now()
        member = member_named(member_id)
        made = _DEEDS[told["kind"]](member, told, str(request.user), at)
        if "points" in told and _points_of(made) != told["points"]:
            raise SourceReused(points=_points_of(made))
        is_entry = isinstance(made, PointsEntry)
        return Response(
            {
                "entry": EntryShape(made).data if is_entry else None,
                "freeze": None if is_entry else FreezeShape(made).data,
                "points": points_shape(points_summary(member.pk, at)),
            },
            status=201,
        )
