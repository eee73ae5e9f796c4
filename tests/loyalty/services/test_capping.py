"""Caps (P24): what is left is granted, once, however many ask at a moment."""

from datetime import timedelta
from functools import partial

import pytest

from loyalty.models import EarningTally, PointsEntry, Tier
from loyalty.services.capping import join_tallies, left_under_caps
from loyalty.services.clawing import settle_refund
from loyalty.services.earning import earn_for_order
from loyalty.services.event_points import Happening, grant_for_event
from loyalty.services.importing import book_import
from tests.cast import NOON, make_member
from tests.faults.callers import at_once
from tests.loyalty.books import account_of, assert_sound, paid_order, refund, rule

DAY = timedelta(days=1)


def earn(member, net_minor, at=NOON, **more):
    order = paid_order(member, net_minor, at=at, **more)
    return earn_for_order(order_id=order.pk, now=at)


def share(member, reference, now=NOON):
    happening = Happening(member.pk, f"share:{reference}")
    return grant_for_event(occasion="share", happening=happening, now=now)


def cap_base(**caps):
    return rule("base2", points=1, per_minor=100, priority=1, **caps)


def test_p24_over_the_cap_the_rest_is_granted_and_the_entry_says_so(alice):
    cap_base(member_cap=150)
    assert earn(alice, 10_000).points == 100
    entry = earn(alice, 10_000)
    assert (entry.points, entry.trace["rules"][0]["capped"]) == (50, 50)
    assert earn(alice, 10_000).points == 0
    assert earn(alice, 10_000, at=NOON + DAY).points == 100, "another day"
    assert_sound()


def test_p24_a_tier_multiplies_what_the_cap_let_through(alice):
    Tier.objects.filter(code="gold").update(multiplier_bp=15_000)
    cap_base(member_cap=100)
    earn(alice, 100_000, at=NOON - DAY)
    assert account_of(alice).tier.code == "gold"
    entry = earn(alice, 100_000)
    assert (entry.points, entry.trace["lines"]) == (150, {"1": 150})
    assert [each["capped"] for each in entry.trace["rules"]] == [900, 450]
    assert EarningTally.objects.order_by("period").last().points == 100


def test_p24_the_budget_of_a_rule_counts_all_members(alice, bob):
    only = cap_base(budget=120)
    assert [earn(alice, 10_000).points, earn(bob, 10_000).points] == [100, 20]
    assert left_under_caps([only], member_id=bob.pk, at=NOON) == {"base2": 0}


def test_p24_a_retry_counts_once(alice):
    rule("share", occasion="share", points=5, member_cap=8)
    assert [share(alice, "a").points, share(alice, "a").points] == [5, 5]
    assert EarningTally.objects.get().points == 5
    assert share(alice, "b").points == 3
    assert share(alice, "c").points == 0, "an entry that says it was capped"


def test_p21_points_taken_back_do_not_open_the_cap_again(alice):
    cap_base(member_cap=100, cap_period="ever")
    order = paid_order(alice, 10_000)
    earn_for_order(order_id=order.pk, now=NOON)
    back = refund(order, 10_000, is_last=True)
    settle_refund(refund_id=back.pk, now=NOON + DAY)
    assert account_of(alice).balance == 0
    assert earn(alice, 10_000, at=NOON + DAY).points == 0


def test_p24_imports_count_by_the_day_of_the_order(alice):
    cap_base(member_cap=150)
    for days in (0, 0, 1):
        paid_order(alice, 10_000, at=NOON - days * DAY, source="old")
    book_import(source="old", now=NOON)
    assert sorted(PointsEntry.objects.values_list("points", flat=True)) == [
        50,
        100,
        100,
    ]
    assert sorted(EarningTally.objects.values_list("points", flat=True)) == [100, 150]


def test_who_became_one_does_not_get_a_cap_twice(alice, bob):
    rule("share", occasion="share", points=5, member_cap=8)
    share(alice, "a"), share(bob, "b")
    join_tallies(loser_id=bob.pk, winner_id=alice.pk)
    assert share(alice, "c").points == 0


@pytest.mark.django_db(transaction=True)
def test_p24_twenty_at_once_stay_within_the_budget():
    members = [make_member(100 + n) for n in range(20)]
    rule("share", occasion="share", points=10, budget=75)
    at_once([partial(share, member, "x") for member in members])
    points = list(PointsEntry.objects.values_list("points", flat=True))
    assert (sum(points), sorted(points)[-8:]) == (75, [5] + [10] * 7)
    assert EarningTally.objects.get(member=None).points == 75
    assert_sound()


@pytest.mark.django_db(transaction=True)
def test_p24_twenty_of_one_member_at_once_stay_within_the_cap():
    member = make_member(99)
    rule("share", occasion="share", points=10, member_cap=75)
    at_once([partial(share, member, str(n)) for n in range(20)])
    assert account_of(member).balance == 75
    assert_sound()
