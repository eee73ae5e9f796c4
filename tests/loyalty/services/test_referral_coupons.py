"""Stories of coupons for friends and inviters: issued, all gone, revoked."""

import pytest

from campaigns.models import Coupon, CouponTemplate
from crm.shared.models import AuditEntry
from loyalty.models import Referral
from loyalty.services.deciding_referrals import release_referral
from loyalty.services.referring import review_referral
from tests.cast import NOON, put_in_state
from tests.loyalty.books import assert_sound, paid_order, refund
from tests.loyalty.friends import brought, buys, points_of, promise

pytestmark = pytest.mark.django_db


def template(name: str = "ten", **fields) -> CouponTemplate:
    """Write ten off that anybody may be given."""
    told = {
        "code": name,
        "name": name,
        "kind": "amount",
        "amount_minor": 1_000,
        "state": "live",
    }
    return CouponTemplate.objects.create(starts_at=NOON, **told | fields)


@pytest.fixture
def coupons(db):
    """Promise a coupon to both sides; return the templates of inviter and friend."""
    mine, theirs = template("mine"), template("theirs", stock=1)
    promise(
        inviter_points=0,
        friend_points=50,
        inviter_template=mine.public_id,
        friend_template=theirs.public_id,
    )
    return mine, theirs


def given_back(referral: Referral) -> None:
    refund(referral.order, 10_000)
    review_referral(referral_id=referral.pk, now=NOON)
    referral.refresh_from_db()


def states() -> dict[int, str]:
    return dict(Coupon.objects.values_list("member_id", "state"))


def test_both_get_the_coupon_they_were_promised_once(alice, coupons):
    mine, theirs = coupons
    referral = brought(alice, 7)
    # What stands in the program later changes no promise.
    promise(inviter_template="", friend_template="")

    buys(referral)
    review_referral(referral_id=referral.pk, now=NOON)

    referral.refresh_from_db()
    assert (points_of(alice), points_of(referral.friend)) == (0, 50)
    got = {c.public_id: (c.member_id, c.template_id) for c in Coupon.objects.all()}
    assert got == {
        referral.inviter_coupon: (alice.pk, mine.pk),
        referral.friend_coupon: (referral.friend_id, theirs.pk),
    }
    assert set(Coupon.objects.values_list("source", flat=True)) == {
        f"referral:{referral.public_id}:inviter",
        f"referral:{referral.public_id}:friend",
    }


def test_c21_a_reversal_revokes_what_was_not_used_and_leaves_what_was(alice, coupons):
    referral = brought(alice, 7)
    buys(referral)
    Coupon.objects.filter(public_id=referral.friend_coupon).update(
        state=Coupon.State.USED,
        order=paid_order(referral.friend, 5_000),
        used_at=NOON,
    )

    given_back(referral)
    given_back(referral)

    assert referral.state == "reversed"
    assert states() == {alice.pk: "revoked", referral.friend_id: "used"}
    assert points_of(referral.friend) == 0
    (entry,) = AuditEntry.objects.filter(action="referrals.reverse")
    assert entry.detail["coupons_kept"] == [referral.friend_coupon]
    assert_sound()


@pytest.mark.parametrize("why", ["all gone", "no longer live", "unknown"])
def test_a_coupon_that_is_no_more_stops_nothing_else(alice, coupons, why):
    _mine, theirs = coupons
    referral = brought(alice, 7)
    if why == "all gone":
        CouponTemplate.objects.filter(pk=theirs.pk).update(issued=1)
    elif why == "no longer live":
        CouponTemplate.objects.filter(pk=theirs.pk).update(state="ended")
    else:
        Referral.objects.update(friend_template="cpt_nosuch")

    buys(referral)

    assert (referral.state, referral.friend_coupon) == ("rewarded", "")
    assert referral.reasons == ["coupon_gone"]
    assert points_of(referral.friend) == 50
    assert states() == {alice.pk: "available"}


def test_beyond_the_cap_and_out_of_the_program_there_is_no_coupon(alice, coupons):
    promise(cap_friends=1)
    CouponTemplate.objects.update(stock=None)
    for serial in (7, 8):
        buys(brought(alice, serial))
    assert Coupon.objects.filter(member=alice).count() == 1
    closed = brought(alice, 9)
    put_in_state(closed.friend, "closed")
    buys(closed)
    assert not Coupon.objects.filter(member=closed.friend).exists()


def test_a_held_referral_brings_its_coupons_when_it_is_released(alice, coupons, dana):
    promise(velocity_friends=1)
    CouponTemplate.objects.update(stock=None)
    brought(alice, 7)
    second = brought(alice, 8)
    buys(second)
    assert (second.state, Coupon.objects.count()) == ("held", 0)
    release_referral(referral_id=second.pk, reason="known", actor=dana, now=NOON)
    assert Coupon.objects.count() == 2
