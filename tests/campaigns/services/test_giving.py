"""Coupons given away: what stays with whom they were issued to, and who may give."""

import pytest

from campaigns.models import Coupon, CouponBatch, CouponCode, CouponTemplate
from campaigns.rules.coupons import check_character
from campaigns.services.giving import offer_coupon
from campaigns.services.holding import CouponGone
from campaigns.services.issuing import (
    CannotHaveCoupons,
    CouponAlreadyClaimed,
    IssueReport,
    claim_coupon,
    issue_coupon,
    issue_to_members,
)
from campaigns.services.redeeming import CodeNotFound, claim_code
from campaigns.services.revoking import Revocation, revocation_of_batch, revoke_batch
from crm import wiring
from loyalty.models import PointsEntry
from loyalty.services.adjusting import grant_points
from members.services.merging import merge_members
from members.services.unmerging import undo_merge
from orders.models import Cart, Order
from orders.services import checkout
from orders.services.checkout import place_order
from orders.services.guessing import Guesser
from tests.cast import NOON, make_variant, put_in_state
from tests.orders.shop import fill_cart
from tests.tables import digest


def give(coupon, giver, taker):
    """Give a coupon away by its code, as two members do."""
    offer_coupon(coupon=coupon.public_id, member_id=giver.pk, is_offered=True, now=NOON)
    return claim_code(code=coupon.code, member_id=taker.pk, guesser=Guesser(), now=NOON)


@pytest.fixture
def template(template):
    """Return the template, whose coupons may be given away and have no end."""
    CouponTemplate.objects.update(is_transferable=True, stock=None)
    template.refresh_from_db()
    return template


def issue(template, member, source="x"):
    return issue_coupon(
        template_id=template.pk, member_id=member.pk, source=source, now=NOON
    )


def claim(template, member):
    return claim_coupon(template=template.public_id, member_id=member.pk, now=NOON)


def whose(coupon):
    coupon.refresh_from_db()
    return coupon.member, coupon.issued_to, coupon.source


# --- It was given once --------------------------------------------------------


def test_c2_a_claim_that_was_given_away_counts(alice, mallory, template):
    CouponTemplate.objects.update(points_price=100)
    grant_points(
        member_id=alice.pk, points=300, reason="x", actor="dana", source="g", now=NOON
    )
    coupon = claim(template, alice)
    give(coupon, alice, mallory)
    with pytest.raises(CouponAlreadyClaimed):
        claim(template, alice)
    assert whose(coupon) == (mallory, alice, "claim:1")
    # Who was given it has claimed none.
    with pytest.raises(CouponAlreadyClaimed):
        claim(template, alice)
    assert Coupon.objects.count() == 1
    assert [e.points for e in PointsEntry.objects.filter(kind="spend")] == [-100]


def test_c2_every_claim_costs_its_points(alice, mallory, template):
    CouponTemplate.objects.update(points_price=100, per_member_limit=3)
    grant_points(
        member_id=alice.pk, points=300, reason="x", actor="dana", source="g", now=NOON
    )
    for _ in range(3):
        give(claim(template, alice), alice, mallory)
    spent = PointsEntry.objects.filter(kind="spend").order_by("pk")
    assert [entry.source.rpartition(":")[2] for entry in spent] == ["1", "2", "3"]
    CouponTemplate.objects.update(points_price=None)
    claim(template, mallory)
    assert Coupon.objects.filter(issued_to=mallory).count() == 1


def test_x1_a_coupon_given_away_is_not_issued_again(alice, mallory, template):
    give(issue(template, alice, "segment:vip"), alice, mallory)
    report = issue_to_members(
        template_id=template.pk,
        member_ids=[alice.pk, mallory.pk],
        source="segment:vip",
        now=NOON,
    )
    # Who was given it gets one of their own.
    assert report == IssueReport(issued=1, had_it=1, too_late=0)
    issue(template, alice, "segment:vip")
    assert Coupon.objects.count() == 2


def test_a_coupon_may_come_back_to_its_giver(alice, mallory, template):
    coupon = issue(template, alice)
    back = give(give(coupon, alice, mallory), mallory, alice)
    assert whose(back) == (alice, alice, "x")


def test_c24_who_takes_a_coupon_over_while_it_is_ordered_with_has_it(
    alice, mallory, template, monkeypatch
):
    monkeypatch.setattr(wiring, "OFFER_SOURCES", ["campaigns.offers.CouponOffers"])
    make_variant("TEA", 20_000, on_hand=10)
    coupon = issue(template, alice)
    cart = fill_cart({"TEA": 1}, member=alice)
    Cart.objects.filter(pk=cart.pk).update(coupon_codes=[coupon.code])
    real = checkout.write_order

    def meanwhile(**how):
        give(coupon, alice, mallory)
        return real(**how)

    monkeypatch.setattr(checkout, "write_order", meanwhile)
    with pytest.raises(CouponGone):
        place_order(cart_id=cart.pk, expected_total_minor=18_000, now=NOON)
    assert not Order.objects.exists()
    coupon.refresh_from_db()
    assert (coupon.state, coupon.order) == ("available", None)


# --- Who may (C24) ------------------------------------------------------------


@pytest.mark.parametrize("state", ["frozen", "erased", "merged"])
def test_c24_who_may_not_spend_claims_nothing_and_gives_nothing(state, alice, template):
    coupon = issue(template, alice)
    put_in_state(alice, state)
    before = digest()
    with pytest.raises(CannotHaveCoupons):
        claim(template, alice)
    with pytest.raises(CannotHaveCoupons):
        offer_coupon(
            coupon=coupon.public_id, member_id=alice.pk, is_offered=True, now=NOON
        )
    assert digest() == before


def test_c24_nobody_takes_over_from_who_was_frozen_since(alice, mallory, template):
    coupon = issue(template, alice)
    how = {"coupon": coupon.public_id, "member_id": alice.pk, "now": NOON}
    offer_coupon(is_offered=True, **how)
    put_in_state(alice, "frozen")
    with pytest.raises(CodeNotFound):
        claim_code(code=coupon.code, member_id=mallory.pk, guesser=Guesser(), now=NOON)
    # To keep it is allowed: nobody gets anything by that.
    assert not offer_coupon(is_offered=False, **how).is_offered


# --- Taken back (C21) ---------------------------------------------------------


def test_c21_a_batch_is_revoked_with_what_was_given_away(
    alice, bob, mallory, dana, template
):
    random = "VP2222222222222"
    batch = CouponBatch.objects.create(
        template=template, prefix="VP", wanted=2, made=2, asked_by=dana, asked_at=NOON
    )
    codes = [part + check_character(part) for part in (random, random[:-1] + "3")]
    for code in codes:
        CouponCode.objects.create(code=code, batch=batch)
    given, kept = (
        claim_code(code=code, member_id=member.pk, guesser=Guesser(), now=NOON)
        for code, member in zip(codes, (alice, bob), strict=True)
    )
    give(given, alice, mallory)
    other = issue(template, bob)

    assert revocation_of_batch(batch=batch) == Revocation(0, 2, 0)
    revoke_batch(batch_id=batch.pk, actor=dana, reason="leaked", now=NOON)
    states = [Coupon.objects.get(pk=each.pk).state for each in (given, kept, other)]
    assert states == ["revoked", "revoked", "available"]


# --- Merging ------------------------------------------------------------------


def merge(winner, loser):
    return merge_members(
        winner_id=winner.pk, loser_id=loser.pk, reason="same", actor="dana", now=NOON
    )


def test_c2_what_was_claimed_and_given_away_counts_after_a_merge(
    alice, bob, mallory, template
):
    coupon = claim(template, bob)
    give(coupon, bob, mallory)
    done = merge(alice, bob)
    assert whose(coupon) == (mallory, alice, "claim:1")
    with pytest.raises(CouponAlreadyClaimed):
        claim(template, alice)
    undo_merge(merge_id=done.pk, reason="no", actor="dana", now=NOON)
    assert whose(coupon) == (mallory, bob, "claim:1")
    claim(template, alice)


def test_a_merge_takes_no_coupon_from_whom_it_was_given_to(
    alice, bob, mallory, template
):
    mine, given = issue(template, alice), issue(template, bob)
    give(given, bob, mallory)
    done = merge(alice, bob)
    assert whose(given)[:2] == (mallory, alice)
    assert [whose(mine)[2], given.state] == ["x", "available"]
    undo_merge(merge_id=done.pk, reason="no", actor="dana", now=NOON)
    assert whose(given) == (mallory, bob, "x")


def test_a_gift_between_two_who_become_one_is_no_second_gift(alice, bob, template):
    mine, given = issue(template, alice), issue(template, bob)
    give(given, bob, alice)
    done = merge(alice, bob)
    assert whose(given)[:2] == (alice, alice)
    assert [given.state, mine.state] == ["revoked", "available"]
    undo_merge(merge_id=done.pk, reason="no", actor="dana", now=NOON)
    assert whose(given) == (alice, bob, "x")
    assert given.state == "available"


def test_a_gift_received_goes_over_with_its_holder(alice, bob, mallory, template):
    mine, given = issue(template, alice), issue(template, mallory)
    give(given, mallory, bob)
    done = merge(alice, bob)
    assert whose(given) == (alice, mallory, "x")
    assert [given.state, mine.state] == ["available", "available"]
    undo_merge(merge_id=done.pk, reason="no", actor="dana", now=NOON)
    assert whose(given) == (bob, mallory, "x")
