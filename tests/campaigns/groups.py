"""A group deal and short ways into a seat, for the tests of group buying."""

from datetime import datetime, timedelta

from campaigns.models import Group, GroupDeal, Seat
from campaigns.services.seats import join_group, open_group
from crm.shared.outbox import drain
from orders.models import Variant
from tests.cast import NOON, make_member, make_variant
from tests.orders.shop import pay

#: Tea costs 100.00 alone and 80.00 in a group of three, who have a day.
LIST_MINOR, GROUP_MINOR = 10_000, 8_000
DAY = timedelta(hours=24)
LADDER = ((3, 8_000), (5, 6_001))


def make_deal(
    *, rungs=((3, GROUP_MINOR),), on_hand: int | None = 100, **fields
) -> GroupDeal:
    """Write a live deal for tea."""
    variant = Variant.objects.filter(sku="TEA").first()
    deal = GroupDeal.objects.create(
        name="三人团",
        name_en="Tea for three",
        state=fields.pop("state", "live"),
        variant=variant or make_variant("TEA", LIST_MINOR, on_hand=on_hand),
        starts_at=fields.pop("starts_at", NOON),
        **fields,
    )
    for size, price_minor in rungs:
        deal.rungs.create(size=size, price_minor=price_minor)
    return deal


def people(count: int, *, first: int = 100) -> list[int]:
    """Write members and return their keys."""
    return [make_member(first + n).pk for n in range(count)]


def paid_seat(
    *,
    deal: GroupDeal | None = None,
    group: Group | None = None,
    member_id: int,
    now: datetime = NOON,
) -> Seat:
    """Open or join a group and pay; the news are told."""
    if group is None:
        seat = open_group(deal=deal.public_id, member_id=member_id, now=now)
    else:
        seat = join_group(group=group.public_id, member_id=member_id, now=now)
    pay(seat.order, now=now)
    drain(now=now)
    seat.refresh_from_db()
    return seat


def open_with(deal: GroupDeal, count: int, *, now: datetime = NOON) -> list[Seat]:
    """Return the paid seats of a new group of so many."""
    ids = people(count)
    leader = paid_seat(deal=deal, member_id=ids[0], now=now)
    return [
        leader,
        *(paid_seat(group=leader.group, member_id=pk, now=now) for pk in ids[1:]),
    ]


def counters_are_right() -> bool:
    """Whether what is counted is what stands in the seats (X5)."""
    for group in Group.objects.filter(state__in=Group.UNDER_WAY):
        seats = group.seats
        if group.held != seats.filter(state="held").count():
            return False
        if group.paid != seats.filter(state="paid").count():
            return False
    for deal in GroupDeal.objects.all():
        live = Seat.objects.filter(group__deal=deal, state__in=["held", "paid"])
        gone = Seat.objects.filter(
            group__deal=deal, state="refunded", group__state="succeeded"
        )
        if deal.taken != live.count() + gone.count():
            return False
    return True
