"""The hourly look asks whom something happened to; it misses nobody the whole one finds.

Histories are drawn: after every hour the narrow look runs, and then the whole one must
have nothing left to do.
"""

import random
from datetime import timedelta

import pytest

from loyalty.models import Ladder, TierChange, TierStanding
from loyalty.queries.tier_base import unsettled
from loyalty.queries.tier_terms import main_ladder
from loyalty.services.clawing import settle_refund
from loyalty.services.earning import earn_for_order
from loyalty.services.pinning import pin_tier
from loyalty.services.posting import open_accounts
from loyalty.services.tier_nights import review_tiers
from loyalty.subscribers import lift_for_delivery, look_at_reopened
from orders.models import Order
from tests.cast import NOON, make_member, put_in_state
from tests.loyalty.books import account_of, ladder_with, paid_order, refund

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
TERMS = {
    "value of two days": {"window_days": 2},
    "money of two days": {"metric": "spend", "window_days": 2},
    "orders of two days": {"metric": "orders", "window_days": 2},
    "points of two days": {"metric": "points", "window_days": 2},
    "months with grace": {"window": "month", "term": "end_of_period", "grace_days": 1},
    "membership years": {"window": "anniversary", "term": "months", "term_months": 1},
    "on delivery": {"lifts_on": "delivery", "window_days": 2},
    "delivered, with terms": {"lifts_on": "delivery", "term": "end_of_period"},
}
#: What tiers take where no money is counted.
_THRESHOLDS = {
    "orders": {"silver": 1, "gold": 2, "platinum": 3},
    "points": {"silver": 500, "gold": 1_000, "platinum": 5_000},
}


class Story:
    """Members to whom things happen, an hour after another."""

    def __init__(self, seed: int):
        self.dice = random.Random(seed)
        self.at = NOON - 30 * DAY
        self.unearned: list[Order] = []
        self.earned: list[Order] = []
        self.members = [
            make_member(n, joined_at=self.at - self.dice.randrange(400) * DAY)
            for n in range(1, 6)
        ]
        open_accounts(member_ids=[each.pk for each in self.members], now=self.at)

    def go_on(self) -> None:
        # Mostly hours: what leaves a window of two days is to be found between two days.
        steps = [HOUR, 2 * HOUR, 3 * HOUR, 5 * HOUR, 15 * DAY]
        self.at += self.dice.choices(steps, [8, 8, 8, 4, 1])[0]
        deeds = [self.buy, self.earn, self.deliver, self.pin, self.close]
        deeds.append(self.give_back)
        for _deed in range(self.dice.randrange(4)):
            self.dice.choices(deeds, [6, 6, 4, 3, 1, 1])[0]()

    def buy(self) -> None:
        at = self.at - self.dice.randrange(50) * timedelta(minutes=1)
        amount = self.dice.choice([10_000, 60_000, 120_000])
        order = paid_order(self.dice.choice(self.members), amount, at=at)
        self.unearned.append(order)

    def earn(self) -> None:
        if self.unearned:
            order = self.unearned.pop(0)
            earn_for_order(order_id=order.pk, now=self.at)
            self.earned.append(order)

    def deliver(self) -> None:
        if self.earned:
            order = self.dice.choice(self.earned)
            Order.objects.filter(pk=order.pk, state="paid").update(
                state="delivered", delivered_at=self.at
            )
            if self.dice.random() < 0.5:  # Else the news is still on its way.
                lift_for_delivery({"order_id": order.pk}, fact=None, now=self.at)

    def give_back(self) -> None:
        if self.earned:
            order = self.earned.pop()
            back = refund(order, order.lines.get().net_minor, at=self.at, is_last=True)
            settle_refund(refund_id=back.pk, now=self.at)

    def pin(self) -> None:
        member = self.dice.choice(self.members)
        if member.state == "active":
            pin_tier(
                member_id=member.pk,
                ladder="main",
                tier=self.dice.choice(["silver", "platinum"]),
                until=self.at + self.dice.randrange(1, 12) * HOUR,
                reason="x",
                actor="test",
                now=self.at,
            )

    def close(self) -> None:
        member = self.dice.choice(self.members)
        was = member.state
        put_in_state(member, "active" if was == "frozen" else "frozen")
        member.refresh_from_db()
        payload = {
            "member_id": member.pk,
            "from_state": was,
            "to_state": member.state,
        }
        look_at_reopened(payload, fact=None, now=self.at)


@pytest.mark.parametrize("terms", TERMS)
@pytest.mark.parametrize("seed", range(3))
def test_t11_the_whole_look_finds_nothing_after_the_narrow_one(db, terms, seed):
    ladder = ladder_with(**TERMS[terms])
    for code, threshold in _THRESHOLDS.get(ladder.metric, {}).items():
        ladder.tiers.filter(code=code).update(threshold_minor=threshold)
    story = Story(seed)
    narrow = 0
    for _step in range(40):
        story.go_on()
        before = Ladder.objects.get(code="main").looked_until
        narrow += before is not None and before.date() == story.at.date()
        review_tiers(now=story.at)
        assert Ladder.objects.get(code="main").looked_until == story.at
        Ladder.objects.update(looked_until=None)
        assert review_tiers(now=story.at) == 0, f"{terms} at {story.at}"
    assert narrow
    assert TierChange.objects.exists()


def test_between_two_days_only_those_are_read_to_whom_something_happened(alice, bob):
    for member in (alice, bob):
        order = paid_order(member, 60_000, at=NOON - 3 * DAY)
        earn_for_order(order_id=order.pk, now=NOON - 3 * DAY)
    ladder_with(window_days=30)
    review_tiers(now=NOON)
    TierStanding.objects.create(
        member=bob, ladder=main_ladder().ladder, valid_until=NOON + HOUR
    )
    found = main_ladder()
    assert unsettled(found, at=NOON + HOUR, since=NOON) == [bob.pk]
    assert unsettled(found, at=NOON + HOUR) == [bob.pk]
    assert unsettled(found, at=NOON + HOUR / 2, since=NOON) == []


def test_a_new_day_and_new_terms_ask_everybody(alice):
    order = paid_order(alice, 60_000, at=NOON - 10 * DAY)
    earn_for_order(order_id=order.pk, now=NOON - 10 * DAY)
    review_tiers(now=NOON)
    # Nobody tells of it: not what happens in a shop, but what a whole look would mend.
    Ladder.objects.filter(code="main").update(window_days=5)
    assert review_tiers(now=NOON + HOUR) == 0
    assert review_tiers(now=NOON + DAY) == 1
    assert account_of(alice).tier.code == "member"
