"""Giving and claiming coupons."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.models import Coupon, CouponTemplate
from campaigns.queries.coupons import claim_centre
from campaigns.services.issuing import (
    CannotHaveCoupons,
    CouponAlreadyClaimed,
    CouponNotOnOffer,
    CouponsAllGone,
    IssueReport,
    claim_coupon,
    issue_coupon,
    issue_to_members,
)
from crm.shared.errors import Refusal
from crm.shared.models import Fact
from loyalty.models import PointsEntry
from loyalty.services.adjusting import grant_points
from loyalty.services.posting import NotEnoughPoints
from tests.cast import NOON, make_member, put_in_state
from tests.tables import digest


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
        ("usable no more", {"valid_until": NOON}, CouponNotOnOffer),
        ("all gone", {"stock": 0}, CouponsAllGone),
    ],
)
def test_claiming_refuses_and_writes_nothing(_case, change, refusal, alice, template):
    CouponTemplate.objects.update(**change)

    with pytest.raises(refusal):
        claim_coupon(template=template.public_id, member_id=alice.pk, now=NOON)

    assert not Coupon.objects.exists()
    assert not Fact.objects.exists()


def test_c3_what_can_be_used_no_more_is_not_in_the_claim_centre(alice, template):
    second = NOON + timedelta(seconds=1)
    CouponTemplate.objects.update(valid_from=NOON, valid_until=second)
    assert template in claim_centre(member_id=alice.pk, at=NOON)
    assert template not in claim_centre(member_id=alice.pk, at=second)
    # One that can be used later is on offer: people claim it before.
    CouponTemplate.objects.update(valid_from=second, valid_until=None)
    coupon = claim_coupon(template=template.public_id, member_id=alice.pk, now=NOON)
    assert coupon.usable_from == second


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


# --- To many at once, and for points ------------------------------------------


def test_many_members_get_theirs_once_each(alice, bob, mallory, template):
    CouponTemplate.objects.update(stock=None)
    ids = [alice.pk, bob.pk]
    how = {"template_id": template.pk, "source": "segment:1", "now": NOON}
    assert issue_to_members(member_ids=ids, **how) == IssueReport(2, 0, 0)
    ids += [mallory.pk, 999_999]
    assert issue_to_members(member_ids=ids, **how) == IssueReport(1, 2, 0)
    template.refresh_from_db()
    assert template.issued == Coupon.objects.count() == Fact.objects.count() == 3
    coupon = Coupon.objects.get(member=alice)
    assert (coupon.terms["amount_minor"], coupon.template_version) == (2000, 1)


def test_c2_a_list_stops_where_the_stock_ends(alice, bob, mallory, template):
    report = issue_to_members(
        template_id=template.pk,
        member_ids=[alice.pk, bob.pk, mallory.pk],
        source="segment:1",
        now=NOON,
    )
    assert report == IssueReport(issued=2, had_it=0, too_late=1)
    template.refresh_from_db()
    assert template.issued == Coupon.objects.count() == 2


def test_a_list_costs_as_many_statements_for_many_as_for_few(template):
    CouponTemplate.objects.update(stock=None)
    members = [make_member(serial).pk for serial in range(1, 31)]

    def statements(some, source):
        with CaptureQueriesContext(connection) as asked:
            issue_to_members(
                template_id=template.pk, member_ids=some, source=source, now=NOON
            )
        return len(asked)

    assert statements(members, "b") == statements(members[:2], "a")


def test_a_coupon_may_cost_points(alice, template):
    CouponTemplate.objects.update(points_price=300)
    grant(alice, 500)
    coupon = claim_coupon(template=template.public_id, member_id=alice.pk, now=NOON)
    assert coupon.source == "claim:1"
    entry = PointsEntry.objects.get(kind="spend")
    assert (entry.points, entry.balance_after, entry.source) == (
        -300,
        200,
        f"coupon:{template.public_id}:{alice.public_id}:1",
    )


def test_p14_a_frozen_membership_buys_no_coupon(alice, template):
    CouponTemplate.objects.update(points_price=300)
    grant(alice, 500)
    put_in_state(alice, "frozen")
    with pytest.raises(CannotHaveCoupons):
        claim_coupon(template=template.public_id, member_id=alice.pk, now=NOON)
    assert not Coupon.objects.exists()


def test_without_the_points_there_is_no_coupon_and_without_coupons_no_spending(
    alice, template
):
    CouponTemplate.objects.update(points_price=300, per_member_limit=2)
    grant(alice, 299)
    before = digest()
    with pytest.raises(NotEnoughPoints):
        claim_coupon(template=template.public_id, member_id=alice.pk, now=NOON)
    assert digest() == before

    grant(alice, 301)
    CouponTemplate.objects.update(issued=2)
    before = digest()
    with pytest.raises(CouponsAllGone):
        claim_coupon(template=template.public_id, member_id=alice.pk, now=NOON)
    assert digest() == before


def test_c23_a_change_of_what_is_promised_is_another_version(alice, template):
    CouponTemplate.objects.update(issued=1, state="live", limit_total=9)
    template.refresh_from_db()
    assert template.version == 1
    CouponTemplate.objects.update(amount_minor=1)
    template.refresh_from_db()
    assert template.version == 2
    coupon = issue_coupon(
        template_id=template.pk, member_id=alice.pk, source="x", now=NOON
    )
    CouponTemplate.objects.update(grace_days=3, is_transferable=True)
    coupon.refresh_from_db()
    assert (coupon.template_version, coupon.grace_days, coupon.is_transferable) == (
        2,
        0,
        False,
    )


def grant(member, points):
    grant_points(
        member_id=member.pk,
        points=points,
        reason="test",
        actor="test",
        source=f"test:{points}",
        now=NOON,
    )
