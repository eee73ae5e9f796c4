"""Group deals, the groups of buyers, and their seats."""

from datetime import datetime

from django.db.models import (
    F,
    Prefetch,
    Q,
    QuerySet,
)

from campaigns.models import (
    Group,
    GroupDeal,
    Seat,
)

_LEADERS = Prefetch(
    "seats",
    Seat.objects.filter(is_leader=True).select_related("member"),
    to_attr="leaders",
)


def deals_on(*, at: datetime) -> QuerySet[GroupDeal]:
    """Return the deals that open groups now, with their steps."""
    return (
        GroupDeal.objects.filter(
            Q(ends_at__isnull=True) | Q(ends_at__gt=at),
            state=GroupDeal.State.LIVE,
            starts_at__lte=at,
            rungs__isnull=False,
        )
        .distinct()
        .select_related("variant__product")
        .prefetch_related("rungs")
    )


def groups_to_join(*, deal_id: int, at: datetime) -> QuerySet[Group]:
    """Return open groups of a deal with a free seat, those that end first in front."""
    open_ones = Group.objects.filter(
        deal_id=deal_id,
        state=Group.State.OPEN,
        deadline_at__gt=at,
        size__gt=F("held") + F("paid"),
    )
    return open_ones.prefetch_related(_LEADERS).order_by("deadline_at", "pk")


def visible_groups() -> QuerySet[Group]:
    """Return groups whose leader has paid (G1), with their deals."""
    shown = Group.objects.filter(opened_at__isnull=False)
    return shown.select_related("deal").prefetch_related(_LEADERS)


def seats_of(*, member_id: int) -> QuerySet[Seat]:
    """Return a member's seats with their groups, deals and orders."""
    return (
        Seat.objects.filter(member_id=member_id)
        .select_related("order", "group__deal")
        .prefetch_related(
            Prefetch(
                "group__seats",
                Seat.objects.filter(is_leader=True).select_related("member"),
                to_attr="leaders",
            )
        )
    )
