"""Giving and claiming coupons."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection

from campaigns.models import Coupon, CouponTemplate
from campaigns.services.issuing import (
    CouponAlreadyClaimed,
    CouponNotOnOffer,
    CouponsAllGone,
    claim_coupon,
    issue_coupon,
)
from crm.shared.errors import Refusal
from crm.shared.models import Fact
from tests.cast import NOON, make_member


def test_a_coupon_is_issued_once_per_source(alice, template):
    first = issue_coupon(
        template_id=template.pk, member_id=alice.pk, source="tier:gold", now=NOON
    )
    again = issue_coupon(
        template_id=template.pk, member_id=alice.pk, source="tier:gold", now=NOON
    )

    assert again == first
    template.refresh_from_db()
    assert template.issued == 1
    assert [fact.name for fact in Fact.objects.all()] == ["campaigns.CouponIssued"]


def test_c23_a_live_coupon_keeps_its_terms(alice, template):
    coupon = issue_coupon(
        template_id=template.pk, member_id=alice.pk, source="x", now=NOON
    )
    CouponTemplate.objects.update(amount_minor=1, min_spend_minor=999_999)

    coupon.refresh_from_db()
    assert coupon.terms["amount_minor"] == 2000
    assert coupon.terms["min_spend_minor"] == 10000


def test_c2_the_member_limit_counts_used_and_expired_coupons(alice, template):
    coupon = claim_coupon(template=template.public_id, member_id=alice.pk, now=NOON)
    Coupon.objects.filter(pk=coupon.pk).update(state=Coupon.State.EXPIRED)

    with pytest.raises(CouponAlreadyClaimed):
        claim_coupon(template=template.public_id, member_id=alice.pk, now=NOON)

    assert Coupon.objects.count() == 1


@pytest.mark.parametrize(
    ("_case", "change", "refusal"),
    [
        ("draft", {"state": "draft"}, CouponNotOnOffer),
        ("not for claiming", {"is_claimable": False}, CouponNotOnOffer),
        ("not yet", {"starts_at": NOON + timedelta(seconds=1)}, CouponNotOnOffer),
        ("over", {"ends_at": NOON}, CouponNotOnOffer),
        ("all gone", {"stock": 0}, CouponsAllGone),
    ],
)
def test_claiming_refuses_and_writes_nothing(_case, change, refusal, alice, template):
    CouponTemplate.objects.update(**change)

    with pytest.raises(refusal):
        claim_coupon(template=template.public_id, member_id=alice.pk, now=NOON)

    assert not Coupon.objects.exists()
    assert not Fact.objects.exists()


def test_an_unknown_template_is_not_on_offer(alice):
    with pytest.raises(CouponNotOnOffer):
        claim_coupon(template="cpt_NOBODY", member_id=alice.pk, now=NOON)


def _claims(template, members):
    """Let every member claim at once; return how many got a coupon."""

    def claim(member):
        try:
            claim_coupon(template=template.public_id, member_id=member.pk, now=NOON)
        except Refusal:
            return 0
        finally:
            connection.close()
        return 1

    with ThreadPoolExecutor(16) as pool:
        return sum(pool.map(claim, members))


@pytest.mark.django_db(transaction=True)
def test_x5_thirty_claims_for_two_coupons_give_exactly_two(template):
    members = [make_member(100 + serial) for serial in range(30)]

    assert _claims(template, members) == 2

    template.refresh_from_db()
    assert template.issued == Coupon.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_one_member_claiming_twenty_times_at_once_gets_one(template):
    member = make_member(100)

    assert _claims(template, [member] * 20) == 1
    assert Coupon.objects.count() == 1
