"""R4: taking a seat, the payment that fills a group, and a failure, cut everywhere."""

import pytest
from django.db.models.functions import Now

from campaigns.models import Group
from campaigns.services.seats import join_group, open_group, pay_seat
from campaigns.services.settling_groups import settle_due_groups
from crm.shared.models import Delivery
from crm.shared.outbox import relay
from orders.services.payment import start_payment
from tests.campaigns.groups import (
    DAY,
    GROUP_MINOR,
    make_deal,
    open_with,
    paid_seat,
    people,
)
from tests.cast import NOON
from tests.faults.cuts import Effect, cut_everywhere
from tests.orders.shop import notify

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
DUE = NOON + DAY
NEVER = NOON.replace(year=9000)


def opening() -> Effect:
    """Open a group; whoever lost the answer finds their seat."""
    deal = make_deal()
    (leader,) = people(1)

    def run() -> None:
        if not Group.objects.exists():
            open_group(deal=deal.public_id, member_id=leader, now=NOON)

    return Effect(run)


def joining() -> Effect:
    """Take the last seat of a group and of its deal."""
    deal = make_deal(rungs=((2, GROUP_MINOR),), stock=2)
    leader, other = people(2)
    group = paid_seat(deal=deal, member_id=leader).group

    def run() -> None:
        if not Group.objects.filter(held=1).exists():
            join_group(group=group.public_id, member_id=other, now=NOON)

    return Effect(run)


def failing() -> Effect:
    """Let a group fail whose time is over."""
    open_with(make_deal(), 2)
    return Effect(lambda: settle_due_groups(now=DUE))


def telling(subscriber: str) -> Effect:
    """Tell one piece of news that waits for a subscriber, and no other."""
    waiting = Delivery.objects.filter(state="pending")
    mine = waiting.filter(subscriber=f"campaigns.subscribers.{subscriber}")
    (first, *_others) = mine.order_by("id").values_list("pk", flat=True)
    waiting.exclude(pk=first).update(due_at=NEVER)

    def try_again() -> None:
        waiting.filter(pk=first).update(attempts=0, due_at=Now())

    def run() -> None:
        relay(now=DUE, limit=1)

    def again() -> None:
        try_again()
        run()

    return Effect(run, again=again, forget=try_again)


def filling() -> Effect:
    """The last payment: all orders of the group go, in one transaction (G5)."""
    deal = make_deal(rungs=((2, GROUP_MINOR),))
    leader, other = people(2)
    group = paid_seat(deal=deal, member_id=leader).group
    seat = join_group(group=group.public_id, member_id=other, now=NOON)
    notify(start_payment(order_id=seat.order_id, provider="test", now=NOON))
    return Effect(lambda: pay_seat(order_id=seat.order_id, now=NOON))


def giving_back() -> Effect:
    """The refund of a seat whose group failed (G6)."""
    open_with(make_deal(), 2)
    settle_due_groups(now=DUE)
    return telling("undo_seat")


@pytest.mark.parametrize(
    "effect",
    [opening, joining, filling, failing, giving_back],
    ids=lambda effect: effect.__name__,
)
def test_r4_an_effect_is_whole_or_not_at_all(effect):
    found = cut_everywhere(effect(), kill_every=7)
    assert found.cuts >= 2 * found.statements
    print(f"{effect.__name__}: {found}")
