"""What campaigns do about people who join."""

from datetime import timedelta

import pytest

from campaigns.models import Coupon, CouponTemplate
from crm.shared.models import Delivery
from crm.shared.outbox import drain
from members.services.joining import join
from tests.cast import NOON


@pytest.fixture
def gift(template):
    """Return the template as a gift for new members."""
    template.for_new_members = True
    template.save()
    return template


def arrive(**more):
    member = join(source="app", now=NOON, **more)
    drain(now=NOON)
    return member


def test_new_members_get_the_gift_once(gift):
    member = arrive()
    drain(now=NOON)
    coupon = Coupon.objects.get()
    assert (coupon.member, coupon.template, coupon.source) == (member, gift, "welcome")


@pytest.mark.parametrize(
    "terms",
    [
        {"for_new_members": False},
        {"state": CouponTemplate.State.DRAFT},
        {"starts_at": NOON + timedelta(seconds=1)},
        {"ends_at": NOON},
    ],
)
def test_what_is_no_gift_now_is_not_given(gift, terms):
    CouponTemplate.objects.update(**terms)
    arrive()
    assert not Coupon.objects.exists()


def test_who_was_a_member_elsewhere_gets_no_welcome(gift):
    arrive(is_new=False)
    assert not Coupon.objects.exists()


def test_a_gift_that_is_used_up_stops_nobody(gift):
    other = CouponTemplate.objects.create(
        code="ten",
        name="十元券",
        state=CouponTemplate.State.LIVE,
        kind="amount",
        amount_minor=1000,
        starts_at=NOON,
        for_new_members=True,
    )
    gift.stock = 0
    gift.save()
    arrive()
    assert Coupon.objects.get().template == other
    assert not Delivery.objects.exclude(state=Delivery.State.DONE).exists()
