"""Currencies that are counted beside points: stars, by rules, back with refunds (T1)."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from loyalty.models import Currency, Ladder, QualifyingEntry
from loyalty.queries.currencies import gathered
from loyalty.queries.tier_measures import counted
from loyalty.queries.tier_terms import ladder_in_force
from loyalty.services.clawing import settle_refund
from loyalty.services.earning import earn_for_order
from loyalty.services.event_points import Happening, grant_for_event
from loyalty.services.importing import book_import
from loyalty.services.merging_tiers import join_value, part_value
from loyalty.services.revoking import revoke_entry
from loyalty.services.rewarding import take_grant_back
from loyalty.services.verification import verify_ledger
from tests.cast import NOON
from tests.loyalty.books import (
    account_of,
    assert_sound,
    ladder_with,
    ledger,
    paid_order,
    refund,
    rule,
)

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def stars(db):
    yield Currency.objects.create(code="stars", name="星星", name_en="Stars", unit="颗")
    assert_sound()


def star_rule(code="stars", **fields):
    return rule(code, currency_id="stars", **fields)


def has(member, at=NOON + DAY) -> int:
    (only,) = gathered(member_id=member.pk, at=at)
    return only.value


def earn(order, now=NOON):
    return earn_for_order(order_id=order.pk, now=now)


def survey(member, *, number="1", now=NOON):
    happening = Happening(member_id=member.pk, source=f"survey:{number}")
    return grant_for_event(occasion="survey", happening=happening, now=now)


def test_t1_a_rule_awards_stars_beside_points(alice):
    star_rule(award="per_order", points=3)
    order = paid_order(alice, 10_000)
    earn(order)
    earn(order)
    assert ledger(alice) == [("earn", 100, 100)], "points are what they were"
    assert has(alice) == 3
    values = QualifyingEntry.objects.order_by("pk").values_list(
        "currency_id", "value_minor", "source"
    )
    source = f"order:{order.public_id}"
    assert list(values) == [("value", 10_000, source), ("stars", 3, source)]


def test_the_multiplier_of_a_tier_does_not_raise_stars(alice):
    star_rule(points=1, per_minor=1_000)
    earn(paid_order(alice, 600_000, at=NOON - DAY), now=NOON - DAY)
    assert account_of(alice).tier.multiplier_bp > 10_000
    earn(paid_order(alice, 10_000))
    assert has(alice) == 600 + 10


def test_p19_a_refund_takes_the_stars_its_lines_brought(alice):
    order = paid_order(alice, 10_000, extra=(("goods", 10_000),))
    only = {"field": "line.sku", "is": "in", "value": [f"{order.number}-2"]}
    star_rule(award="per_unit", points=5, condition=only)
    earn(order)
    settle_refund(refund_id=refund(order, 10_000).pk, now=NOON + DAY)
    assert has(alice) == 5
    back = refund(order, 10_000, position=2)
    settle_refund(refund_id=back.pk, now=NOON + DAY)
    settle_refund(refund_id=back.pk, now=NOON + DAY)
    assert has(alice) == 0
    taken = QualifyingEntry.objects.get(reverses__isnull=False)
    assert (taken.value_minor, taken.occurred_at) == (-5, NOON), "T2"


def test_points_that_staff_revoke_leave_the_stars(alice, dana):
    star_rule(award="per_order", points=4)
    order = paid_order(alice, 10_000, quantity=2)
    entry = earn(order)
    revoke_entry(entry_id=entry.pk, reason="error", actor=dana, now=NOON)
    assert has(alice) == 4
    settle_refund(refund_id=refund(order, 5_000).pk, now=NOON + DAY)
    assert has(alice) == 2


def test_p4_an_event_counts_once(alice):
    star_rule(occasion="survey", points=2)
    assert survey(alice) is None, "it brings no points"
    survey(alice)
    assert has(alice) == 2
    survey(alice, number="2")
    assert has(alice) == 4


def test_p24_a_cap_holds_for_stars(alice):
    star_rule(occasion="survey", points=2, member_cap=3)
    for number in "123":
        survey(alice, number=number)
    assert has(alice) == 3


def test_r20_what_an_event_brought_goes_back_with_its_points(alice):
    star_rule(occasion="survey", points=2)
    rule("hello", occasion="survey", points=10)
    survey(alice)
    for _again in range(2):
        take_grant_back(member_id=alice.pk, source="survey:1", now=NOON)
    assert (has(alice), account_of(alice).balance) == (0, 0)


def test_past_orders_of_a_file_bring_stars_and_take_them_back(alice):
    star_rule(award="per_order", points=6)
    order = paid_order(alice, 10_000, quantity=2, source="old")
    back = refund(order, 5_000)
    book_import(source="old", now=NOON + DAY)
    assert has(alice) == 3
    assert back.order_id == order.pk


def test_what_begins_anew_every_year_is_that_of_this_year(alice, stars):
    star_rule(occasion="survey", points=2)
    survey(alice, now=NOON - 400 * DAY)
    survey(alice, number="2")
    assert has(alice) == 4
    Currency.objects.update(resets_yearly=True)
    assert has(alice) == 2
    Currency.objects.update(is_active=False)
    assert gathered(member_id=alice.pk, at=NOON) == []


def test_t3_a_ladder_may_count_stars(alice, bob):
    star_rule(occasion="survey", points=2)
    survey(alice)
    earn(paid_order(alice, 10_000))
    ladder_with(metric="currency", currency_id="stars")
    ladder = ladder_in_force(Ladder.objects.get(code="main"))
    found = counted(ladder, at=NOON, member_ids=[alice.pk])
    assert found[alice.pk].numbers == {"stars": 2}


def test_a_ladder_names_its_currency_and_no_rule_awards_qualifying_value(db):
    for change in (
        lambda: ladder_with(metric="currency"),
        lambda: ladder_with(currency_id="stars"),
        lambda: rule("odd", currency_id="value"),
        lambda: Currency.objects.create(code="points", name="x"),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()


def test_p28_stars_go_along_with_a_merge_and_back(alice, bob):
    star_rule(occasion="survey", points=2)
    survey(bob)
    who = {"loser_id": bob.pk, "winner_id": alice.pk, "source": "merge:1"}
    newest = join_value(**who)
    assert (has(alice), has(bob)) == (2, 0)
    part_value(**who, orders=[], newest=newest)
    assert (has(alice), has(bob)) == (0, 2)


def test_entries_only_grow_and_the_check_finds_what_does_not_add_up(alice):
    star_rule(occasion="survey", points=2)
    survey(alice)
    entry = QualifyingEntry.objects.get()
    wrong = QualifyingEntry(
        member=alice, currency_id="stars", value_minor=-3, source="x", reverses=entry,
        occurred_at=NOON,
    )  # fmt: skip
    with transaction.atomic():
        point = transaction.savepoint()
        wrong.save()
        found = [str(each) for each in verify_ledger().findings]
        assert len(found) == 2
        transaction.savepoint_rollback(point)
