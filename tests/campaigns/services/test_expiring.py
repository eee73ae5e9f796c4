"""Coupons past their end are marked so, in steps."""

from datetime import timedelta

import pytest

from campaigns import tasks
from campaigns.models import Coupon, CouponTemplate
from campaigns.services.expiring import expire_coupons
from campaigns.services.holding import hold_coupon, release_order
from campaigns.services.issuing import issue_coupon
from crm.schedule import SCHEDULE
from crm.shared import clock
from crm.wiring import DAILY_WORK
from tests.campaigns.services.test_limits import order_of
from tests.cast import NOON


@pytest.fixture
def coupons(alice, template):
    """Five coupons; three of them ended."""
    CouponTemplate.objects.update(stock=None)
    rows = [
        issue_coupon(
            template_id=template.pk, member_id=alice.pk, source=f"{n}", now=NOON
        )
        for n in range(5)
    ]
    for days, row in zip((-2, -1, 0, 1, 2), rows, strict=True):
        ends_at = NOON + timedelta(days=days)
        Coupon.objects.filter(pk=row.pk).update(expires_at=ends_at)
    return rows


def states():
    return list(Coupon.objects.order_by("pk").values_list("state", flat=True))


def test_c1_what_ended_expires_and_nothing_else(coupons):
    Coupon.objects.filter(pk=coupons[0].pk).update(state="revoked")
    assert expire_coupons(now=NOON) == 2
    assert states() == ["revoked", "expired", "expired", "available", "available"]
    assert expire_coupons(now=NOON) == 0


def test_it_goes_on_where_it_was_cut(coupons):
    assert expire_coupons(now=NOON, step=1, most_steps=2) == 2
    assert states() == ["expired", "expired", *["available"] * 3]
    assert expire_coupons(now=NOON, step=2) == 1


def test_a_held_coupon_stays_with_its_order_and_expires_when_it_is_free(alice, coupons):
    order = order_of(alice)
    hold_coupon(coupon=coupons[3].public_id, order_id=order.pk, now=NOON)
    later = NOON + timedelta(days=9)
    assert expire_coupons(now=later) == 4
    assert states()[3] == "held"
    release_order(order_id=order.pk)
    assert expire_coupons(now=later) == 1


def test_it_runs_every_ten_minutes_and_every_skipped_day(coupons, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOON)
    assert tasks.expire_coupons() == 3
    assert SCHEDULE["expire-coupons"] == {
        "task": "campaigns.tasks.expire_coupons",
        "schedule": 600.0,
    }
    assert "campaigns.tasks.expire_coupons" in DAILY_WORK
