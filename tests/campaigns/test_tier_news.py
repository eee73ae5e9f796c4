"""What campaigns do about tiers: entry gifts (T4, T5) and notices (T17)."""

from datetime import UTC, datetime

import pytest

from campaigns.models import Coupon, Message
from campaigns.subscribers import issue_tier_coupon, warn_of_fall
from crm.shared.models import Fact
from loyalty.models import Tier
from members.models import Member
from tests.cast import NOON


@pytest.fixture
def gift(template):
    template.for_tier = "gold"
    template.save()
    return template


def rise(member, **more):
    payload = {
        "member_id": member.pk,
        "to_tier_code": "gold",
        "is_upgrade": True,
        "ladder": "main",
        "gifts": ["gold"],
        "cycle": "",
    }
    issue_tier_coupon(payload | more, fact=None, now=NOON)


def test_t5_a_gift_comes_once_even_after_a_fall_and_a_new_rise(gift, alice):
    rise(alice)
    rise(alice)
    assert Coupon.objects.count() == 1


def test_t5_where_gifts_come_again_they_come_once_a_cycle(gift, alice):
    for cycle in ("2026", "2026", "2027"):
        rise(alice, cycle=cycle)
    assert Coupon.objects.count() == 2


@pytest.mark.parametrize(
    ("more", "count"),
    [
        ({"to_tier_code": "platinum", "gifts": ["gold", "platinum"]}, 1),
        ({"to_tier_code": "platinum", "gifts": ["platinum"]}, 0),
        ({"is_upgrade": False, "gifts": []}, 0),
        ({"ladder": "tea"}, 0),
    ],
)
def test_t4_gifts_are_those_the_fact_names(gift, alice, more, count):
    rise(alice, **more)
    assert Coupon.objects.count() == count


def test_a_fact_of_before_versions_brings_the_gift_of_its_tier(gift, alice):
    old = {"member_id": alice.pk, "to_tier_code": "gold", "is_upgrade": True}
    issue_tier_coupon(old, fact=None, now=NOON)
    assert Coupon.objects.count() == 1


def test_t17_the_notice_names_the_last_day_and_what_is_missing(alice):
    Member.objects.filter(pk=alice.pk).update(language="en")
    payload = {
        "member_id": alice.pk,
        "ladder": "main",
        "tier_code": "gold",
        "metric": "value",
        "missing_minor": 12_340,
        "valid_until": datetime(2026, 12, 31, 16, tzinfo=UTC).isoformat(),
    }
    fact = Fact.objects.create(name="loyalty.TierAtRisk", payload=payload)
    warn_of_fall(payload, fact=fact, now=NOON)
    warn_of_fall(payload, fact=fact, now=NOON)
    message = Message.objects.get()
    assert "Gold is good until 2026-12-31" in message.body
    assert "123.40" in message.body


def test_t17_the_notice_names_both_numbers_in_the_members_language(alice):
    Tier.objects.filter(code="gold").update(also_metric="orders", also_threshold=5)
    Member.objects.filter(pk=alice.pk).update(language="en")
    payload = {
        "member_id": alice.pk,
        "ladder": "main",
        "tier_code": "gold",
        "metric": "value",
        "missing_minor": 12_340,
        "also_missing": 4,
        "valid_until": datetime(2026, 12, 31, 16, tzinfo=UTC).isoformat(),
    }
    fact = Fact.objects.create(name="loyalty.TierAtRisk", payload=payload)
    warn_of_fall(payload, fact=fact, now=NOON)
    body = Message.objects.get().body
    assert "123.40" in body
    assert "and number of orders 4" in body
