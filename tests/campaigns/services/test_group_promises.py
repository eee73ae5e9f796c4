"""G10: what a group promised the day it was opened; changing its deal changes no group."""

from datetime import timedelta

import pytest

from campaigns.models import GroupDeal
from campaigns.services.seats import SeatForNewMembers, join_group, open_group
from crm.shared.outbox import drain
from tests.campaigns.groups import DAY, GROUP_MINOR, make_deal, paid_seat
from tests.campaigns.services.test_limits import order_of
from tests.cast import NOON, make_variant
from tests.orders.shop import pay

pytestmark = pytest.mark.django_db


def test_g10_a_group_sells_what_it_was_opened_for(alice, bob):
    deal = make_deal()
    leader = paid_seat(deal=deal, member_id=alice.pk)
    gold = make_variant("GOLD", 1_000_000, on_hand=9)
    GroupDeal.objects.filter(pk=deal.pk).update(variant=gold)
    seat = join_group(group=leader.group.public_id, member_id=bob.pk, now=NOON)
    line = seat.order.lines.get()
    assert (line.sku, line.net_minor) == ("TEA", GROUP_MINOR)


def test_g10_a_group_has_the_hours_it_was_opened_with(alice):
    deal = make_deal()
    seat = open_group(deal=deal.public_id, member_id=alice.pk, now=NOON)
    GroupDeal.objects.filter(pk=deal.pk).update(hours=1)
    at = NOON + timedelta(minutes=5)
    pay(seat.order, now=at)
    drain(now=at)
    seat.group.refresh_from_db()
    assert seat.group.deadline_at == at + DAY


@pytest.mark.parametrize(("before", "after"), [("", "joiners"), ("joiners", "")])
def test_g10_a_group_is_for_whom_it_was_opened(alice, bob, before, after):
    order_of(bob, state="paid")
    deal = make_deal(new_members=before)
    leader = paid_seat(deal=deal, member_id=alice.pk)
    GroupDeal.objects.filter(pk=deal.pk).update(new_members=after)
    if before:
        with pytest.raises(SeatForNewMembers):
            join_group(group=leader.group.public_id, member_id=bob.pk, now=NOON)
    else:
        seat = join_group(group=leader.group.public_id, member_id=bob.pk, now=NOON)
        assert seat.state == "held"
