"""What a member is told about the tier (T12)."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils.translation import override

from crm.console.queries.tier_words import tier_words
from crm.shared.models import Fact
from loyalty.models import Tier
from loyalty.queries.tiers import tier_progress
from loyalty.services.earning import earn_for_order
from loyalty.services.tier_nights import review_tiers, warn_of_falls
from tests.cast import NOON
from tests.loyalty.books import account_of, ladder_with, paid_order

ZONE = ZoneInfo("Asia/Shanghai")
NEW_YEAR = datetime(2027, 1, 1, tzinfo=ZONE)


def earn(member, net_minor, at=NOON):
    order = paid_order(member, net_minor, at=at)
    earn_for_order(order_id=order.pk, now=at)


@pytest.mark.parametrize(
    ("_case", "value", "following", "missing"),
    [
        ("from below", 20_000, "silver", 30_000),
        ("on a threshold the next one counts", 50_000, "gold", 50_000),
        ("at the top", 500_000, None, 0),
    ],
)
def test_t12_the_next_tier_and_what_is_missing(alice, _case, value, following, missing):
    earn(alice, value)
    found = tier_progress(alice.pk, NOON)
    code = found.next_tier.code if found.next_tier else None
    assert (code, found.missing_minor) == (following, missing)
    assert (found.valid_until, found.projected, found.is_kept) == (None, None, True)


def test_t12_who_never_came_stands_at_the_foot(bob):
    found = tier_progress(bob.pk, NOON)
    assert (found.tier.code, found.next_tier.code) == ("member", "silver")
    assert found.missing_minor == 50_000


def test_t12_until_when_what_keeps_it_and_what_comes_then(alice):
    ladder_with(window="year", term="end_of_period", grace_days=30)
    Tier.objects.filter(code="gold").update(keep_minor=80_000)
    earn(alice, 150_000, at=NOON - timedelta(days=365))
    review_tiers(now=datetime(2026, 1, 1, tzinfo=ZONE))
    earn(alice, 60_000)

    found = tier_progress(alice.pk, NOON)

    assert (found.tier.code, found.valid_until) == ("gold", NEW_YEAR)
    assert (found.value_minor, found.required_minor) == (60_000, 80_000)
    assert (found.to_keep_minor, found.is_kept) == (20_000, False)
    assert found.projected.code == "silver"
    earn(alice, 20_000, at=NOON + timedelta(days=1))
    assert tier_progress(alice.pk, NOON + timedelta(days=1)).projected.code == "gold"


def test_t12_of_a_rolling_window_what_will_have_left_it_is_not_projected(alice):
    ladder_with(window_days=30, term="months", term_months=2)
    earn(alice, 150_000)
    found = tier_progress(alice.pk, NOON)
    assert (found.is_kept, found.projected.code) == (True, "member")


# --- Two numbers ------------------------------------------------------------------


def ask_for_orders(count, *, needs_both=True):
    Tier.objects.filter(code="gold").update(
        also_metric="orders", also_threshold=count, needs_both=needs_both
    )


def test_t12_the_next_tier_is_the_first_not_reached_and_names_both_numbers(alice):
    ask_for_orders(5)
    earn(alice, 90_000)
    found = tier_progress(alice.pk, NOON)
    assert (found.tier.code, found.next_tier.code) == ("silver", "gold")
    assert (found.missing_minor, found.also_missing) == (10_000, 4)

    earn(alice, 60_000)
    found = tier_progress(alice.pk, NOON)
    assert (found.tier.code, found.next_tier.code) == ("silver", "gold")
    assert (found.missing_minor, found.also_missing) == (0, 3)
    with override("en"):
        words = tier_words(account=account_of(alice), at=NOON)
    assert "and number of orders 3 to Gold" in words.sentence


def test_t12_of_two_numbers_one_is_enough_where_the_tier_says_so(alice):
    ladder_with(window="year", term="end_of_period")
    ask_for_orders(2, needs_both=False)
    earn(alice, 30_000)
    found = tier_progress(alice.pk, NOON)
    assert found.next_tier.code == "silver"
    earn(alice, 30_000)
    found = tier_progress(alice.pk, NOON)
    assert (found.tier.code, found.is_kept) == ("gold", True)
    assert (found.to_keep_minor, found.also_to_keep) == (0, 0)


def test_t12_kept_is_what_both_numbers_say(alice):
    ladder_with(window="year", term="end_of_period")
    ask_for_orders(1)
    earn(alice, 150_000)
    ask_for_orders(5)
    found = tier_progress(alice.pk, NOON)
    assert (found.is_kept, found.projected.code) == (False, "silver")
    assert (found.to_keep_minor, found.also_to_keep) == (0, 4)


def test_t17_the_notice_names_what_is_missing_of_both(alice):
    ladder_with(window="year", term="end_of_period", notice_days=30)
    ask_for_orders(3)
    for _ in range(3):
        earn(alice, 40_000, at=NOON - timedelta(days=365))
    review_tiers(now=datetime(2026, 1, 1, tzinfo=ZONE))
    earn(alice, 150_000)
    assert warn_of_falls(now=NEW_YEAR - timedelta(days=1)) == 1
    told = Fact.objects.get(name="loyalty.TierAtRisk").payload
    assert (told["missing_minor"], told["also_missing"]) == (0, 2)
