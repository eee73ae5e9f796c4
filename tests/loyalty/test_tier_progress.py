"""What a member is told about the tier (T12)."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from loyalty.models import Tier
from loyalty.queries.tiers import tier_progress
from loyalty.services.earning import earn_for_order
from loyalty.services.tier_nights import review_tiers
from tests.cast import NOON
from tests.loyalty.books import ladder_with, paid_order

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
