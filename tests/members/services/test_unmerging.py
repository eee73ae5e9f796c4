from datetime import timedelta

import pytest
from django.db.models import Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.models import Coupon
from crm.shared.models import AuditEntry, Fact
from loyalty.models import MemberValue, PointsEntry, PointsHold, PointsLot
from loyalty.queries.tiers import qualifying_minor
from loyalty.services.adjusting import deduct_points
from loyalty.services.clawing import settle_refund
from loyalty.services.earning import earn_for_order
from loyalty.services.freezing import freeze_account
from loyalty.services.holding import hold_points, release_hold
from loyalty.services.merging_points import PointsReserved
from loyalty.services.pinning import pin_tier
from members.models import DuplicatePair, Member, MemberTag, Merge
from members.queries import has_consent
from members.services.correcting import correct_member
from members.services.freezing import ReasonMissing, move_member
from members.services.noting import add_note
from members.services.tagging import tag_member
from members.services.unmerging import (
    UndoLaterFirst,
    UndoTooLate,
    preview_unmerge,
    undo_merge,
)
from orders.models import Order
from orders.services.carts import create_cart
from tests.cast import NOON, allow, make_member
from tests.loyalty.books import account_of, assert_sound, paid_order, refund
from tests.members.services.test_merging import give, merge, spend_all

LATER = NOON + timedelta(days=1)
NEXT_MONTH = NOON + timedelta(days=30)


def undo(done: Merge, *, now=LATER, reason="two people after all") -> Merge:
    return undo_merge(merge_id=done.pk, reason=reason, actor="tests", now=now)


def lost(done: Merge, *, now=LATER) -> dict[str, int]:
    shares = preview_unmerge(merge_id=done.pk, now=now)
    return {str(share.label): share.count for share in shares}


def books(*members) -> list[tuple]:
    """Return what members have: all that a merge may move and undoing must restore."""
    told = []
    for member in members:
        account = account_of(member)
        value = MemberValue.objects.filter(member=member).first()
        told.append(
            (
                (account.balance, account.held, account.debt, account.lifetime_earned),
                (account.is_frozen, account.tier_id, account.tier_since),
                sorted(
                    PointsLot.objects.filter(account=account).values_list(
                        "pk", "remaining", "held", "active_at", "expires_at"
                    )
                ),
                sorted(PointsHold.objects.filter(account=account).values_list("pk")),
                [
                    qualifying_minor(member_id=member.pk, window_days=days, at=NOON)
                    for days in (30, 365, None)
                ],
                (value.orders, value.net_minor, value.last_order_at)
                if value and value.orders
                else None,
                sorted(Order.objects.filter(member=member).values_list("pk")),
            )
        )
    return told


def test_everything_goes_home(alice, bob):
    note = add_note(member_id=bob.pk, text="x", author=None, now=NOON)
    for member, name in ((alice, "tea"), (bob, "tea"), (bob, "cups")):
        tag_member(member_id=member.pk, name=name, author=None, now=NOON)
    order = paid_order(bob, 60_000)
    earn_for_order(order_id=order.pk, now=NOON)
    earn_for_order(order_id=paid_order(alice, 60_000).pk, now=NOON)
    give(bob, 70)
    before = books(alice, bob)
    tags = set(MemberTag.objects.values_list("member", "tag"))

    done = merge(alice, bob)
    assert books(alice, bob) != before
    undo(done)

    assert books(alice, bob) == before
    assert_sound()
    note.refresh_from_db()
    assert note.member == bob
    assert set(MemberTag.objects.values_list("member", "tag")) == tags
    bob.refresh_from_db()
    assert (bob.state, bob.merged_into) == ("active", None)
    done.refresh_from_db()
    assert (done.state, done.undone_at) == ("undone", LATER)


def test_undoing_leaves_who_and_why_once(alice, bob, dana):
    done = merge(alice, bob)
    for _ in range(2):
        undo_merge(merge_id=done.pk, reason="two people", actor=dana, now=LATER)
    entry = AuditEntry.objects.get(action="members.unmerge")
    assert (entry.actor, entry.reason) == ("dana", "two people")
    assert Fact.objects.filter(name="members.MergeUndone").count() == 1


def test_a_closed_membership_is_closed_again(alice, bob, dana):
    move_member(member_id=bob.pk, to="closed", reason="x", actor=dana, now=NOON)
    undo(merge(alice, bob))
    assert Member.objects.get(pk=bob.pk).state == "closed"


def test_refusals_change_nothing(alice, bob):
    done = merge(alice, bob)
    with pytest.raises(ReasonMissing):
        undo(done, reason=" ")
    with pytest.raises(UndoTooLate):
        undo(done, now=NEXT_MONTH)
    with pytest.raises(UndoTooLate):
        lost(done, now=NEXT_MONTH)
    undo(done, now=NEXT_MONTH - timedelta(seconds=1))


def test_the_later_merge_is_undone_first(alice, bob, mallory):
    give(mallory, 10)
    first = merge(bob, mallory)
    second = merge(alice, bob)
    with pytest.raises(UndoLaterFirst):
        undo(first)
    undo(second)
    mallory.refresh_from_db()
    assert mallory.merged_into == bob
    assert account_of(bob).balance == 10
    undo(first)
    assert account_of(mallory).balance == 10
    assert_sound()


def test_merging_the_same_two_anew_and_undoing_it_again(alice, bob):
    order = paid_order(bob, 60_000)
    first = merge(alice, bob)
    earn_for_order(order_id=order.pk, now=NOON)
    undo(first)
    before = books(alice, bob)
    assert account_of(bob).balance == 600
    undo(merge(alice, bob, now=LATER))
    assert books(alice, bob) == before
    assert_sound()


def test_the_pair_is_not_proposed_again(alice, bob):
    DuplicatePair.objects.create(
        first=alice, second=bob, score=90, reasons=[], found_at=NOON
    )
    undo(merge(alice, bob))
    assert DuplicatePair.objects.get().state == "dismissed"


def test_fields_change_places_again_unless_corrected_since(db):
    alice = make_member(1, name="Alice", phone="+8613800000001")
    bob = make_member(2, name="爱丽", phone="+8613900000002")
    done = merge(alice, bob, take=["name", "phone"])
    correct_member(member_id=alice.pk, changes={"name": "Alice L."}, now=NOON)
    undo(done)
    alice, bob = Member.objects.get(pk=alice.pk), Member.objects.get(pk=bob.pk)
    assert (alice.name, alice.phone) == ("Alice L.", "+8613800000001")
    assert (bob.name, bob.phone) == ("Alice", "+8613900000002")


def test_consents_are_no_wider_than_before(alice, bob):
    allow(alice, "sms")
    allow(bob, "sms", granted=False)
    allow(bob, "email")
    undo(merge(alice, bob))
    ask = {"member_id": alice.pk, "purpose": "marketing"}
    assert has_consent(**ask, channel="sms")
    assert not has_consent(**ask, channel="email")


# --- What happened meanwhile --------------------------------------------------


def test_points_spent_meanwhile_are_told_and_stay_gone(alice, bob):
    give(bob, 70)
    done = merge(alice, bob)
    deduct_points(
        member_id=alice.pk,
        points=20,
        reason="gift",
        actor="tests",
        source="t",
        now=NOON,
    )
    assert lost(done) == {"points spent or ended since": 20}
    undo(done)
    assert (account_of(alice).balance, account_of(bob).balance) == (0, 50)
    assert_sound()


def test_points_the_winner_got_since_stay(alice, bob):
    give(bob, 70)
    done = merge(alice, bob)
    give(alice, 5, "test:2")
    assert lost(done) == {}
    undo(done)
    assert (account_of(alice).balance, account_of(bob).balance) == (5, 70)


def test_an_order_booked_meanwhile_takes_its_points_home(alice, bob):
    order = paid_order(bob, 10_000)
    done = merge(alice, bob)
    entry = earn_for_order(order_id=order.pk, now=NOON)
    undo(done)
    assert (account_of(alice).balance, account_of(bob).balance) == (0, 100)
    assert (account_of(alice).lifetime_earned, account_of(bob).lifetime_earned) == (
        *(0, 100),
    )
    assert qualifying_minor(member_id=bob.pk, window_days=None, at=NOON) == 10_000
    assert earn_for_order(order_id=order.pk, now=LATER) == entry
    assert_sound()


def test_a_refund_after_undoing_finds_what_was_booked_meanwhile(alice, bob):
    order = paid_order(bob, 10_000)
    done = merge(alice, bob)
    earned = earn_for_order(order_id=order.pk, now=NOON)
    undo(done)
    entry = settle_refund(
        refund_id=refund(order, 10_000, is_last=True).pk, now=NOON + timedelta(days=2)
    )
    assert (entry.account_id, entry.points, entry.reverses) == (bob.pk, -100, earned)
    assert (account_of(bob).balance, account_of(bob).debt) == (0, 0)
    assert_sound()


def test_points_spent_meanwhile_come_back_to_whoever_has_the_order(alice, bob):
    """The lot is the winner's own, so what comes back opens one of the loser's."""
    give(alice, 100)
    order = paid_order(bob, 10_000, points_spent=60)
    done = merge(alice, bob)
    hold_points(
        member_id=alice.pk, points=60, source=f"order:{order.public_id}", now=NOON
    )
    earn_for_order(order_id=order.pk, now=NOON)
    undo(done)
    settle_refund(
        refund_id=refund(order, 10_000, points=60, is_last=True).pk,
        now=NOON + timedelta(days=2),
    )
    assert (account_of(alice).balance, account_of(bob).balance) == (40, 60)
    assert_sound()


def test_reserved_points_make_undoing_wait(alice, bob):
    give(bob, 70)
    done = merge(alice, bob)
    hold_points(member_id=alice.pk, points=10, source="order:new", now=NOON)
    for verb in (undo, lost):
        with pytest.raises(PointsReserved):
            verb(done)
    assert Merge.objects.get().state == "done"
    release_hold(source="order:new", now=NOON)
    undo(done)
    assert account_of(bob).balance == 70


def test_a_hold_that_was_brought_goes_home_with_its_order(alice, bob):
    give(bob, 70)
    hold_points(member_id=bob.pk, points=50, source="order:old", now=NOON)
    undo(merge(alice, bob))
    assert (account_of(alice).held, account_of(bob).held) == (0, 50)
    assert_sound()


def test_debt_paid_by_the_merge_is_owed_again(alice, bob):
    order = paid_order(bob, 10_000)
    earn_for_order(order_id=order.pk, now=NOON)
    spend_all(bob)
    settle_refund(refund_id=refund(order, 10_000).pk, now=NOON + timedelta(days=2))
    give(alice, 130)
    before = books(alice, bob)
    at = NOON + timedelta(days=3)
    done = merge(alice, bob, now=at)
    assert (account_of(alice).balance, account_of(alice).debt) == (30, 0)
    undo(done, now=at)
    assert books(alice, bob) == before
    assert_sound()


def test_a_frozen_account_is_frozen_alone(alice, bob):
    give(alice, 1)
    freeze_account(member_id=bob.pk, reason="dispute", actor="tests", now=NOON)
    undo(merge(alice, bob))
    assert not account_of(alice).is_frozen
    assert account_of(bob).is_frozen


def test_carts_and_coupons_used_since_stay(alice, bob):
    carts = [create_cart(member_id=bob.pk, now=NOON) for _ in range(2)]
    done = merge(alice, bob)
    order = paid_order(alice, 1_000)
    Order.objects.filter(pk=order.pk).update(cart=carts[0])
    assert lost(done) == {"carts ordered since": 1}
    undo(done)
    for cart, owner in zip(carts, (alice, bob), strict=True):
        cart.refresh_from_db()
        assert cart.member == owner
    assert not Coupon.objects.exists()


# --- Any history --------------------------------------------------------------

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["give", "spend", "buy", "return", "hold", "freeze", "end"]),
        st.sampled_from([0, 1]),
        st.integers(1, 300),
    ),
    max_size=8,
)


def live(members, steps, *, prefix: str) -> None:
    """Let things happen to members; what is refused does not happen."""
    for number, (what, who, amount) in enumerate(steps):
        member, name = members[who], f"{prefix}{number}"
        account = account_of(member)
        free = account.balance - account.held
        points = min(amount, free)
        if what == "give":
            give(member, amount, name)
        elif what == "spend" and points and account.available >= points:
            hold_points(member_id=member.pk, points=points, source=name, now=NOON)
            release_hold(source=name, now=NOON)
            deduct_points(
                member_id=member.pk,
                points=points,
                reason="gift",
                actor="tests",
                source=name,
                now=NOON,
            )
        elif what == "buy":
            order = paid_order(member, amount * 100)
            earn_for_order(order_id=order.pk, now=NOON)
        elif what == "return":
            order = Order.objects.filter(member=member, state="paid").first()
            if order is not None:
                back = refund(order, order.total_minor, at=NOON, is_last=True)
                settle_refund(refund_id=back.pk, now=NOON)
        elif what == "hold" and points and account.available >= points:
            hold_points(member_id=member.pk, points=points, source=name, now=NOON)
        elif what == "freeze":
            freeze_account(member_id=member.pk, reason="x", actor="tests", now=NOON)
        elif what == "end":
            PointsLot.objects.filter(account=account).update(
                expires_at=NOON + timedelta(days=amount)
            )


def sums() -> tuple:
    return (
        PointsEntry.objects.aggregate(points=Sum("points"))["points"] or 0,
        PointsLot.objects.aggregate(points=Sum("remaining"))["points"] or 0,
        Order.objects.aggregate(total=Sum("total_minor"))["total"] or 0,
    )


@pytest.mark.slow
@given(STEPS)
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_merging_and_undoing_leaves_the_same_books(pair_of_members, steps):
    pair = pair_of_members()
    live(pair, steps, prefix=pair[0].number)
    before, total = books(*pair), sums()

    done = merge(*pair)

    assert_sound()
    assert sums()[0] == total[0]
    assert sums()[2] == total[2]
    undo(done, now=NOON)
    assert_sound()
    assert (books(*pair), sums()) == (before, total)


@pytest.mark.slow
@given(STEPS, STEPS)
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_whatever_happens_meanwhile_the_books_stay_sound(pair_of_members, old, new):
    pair = pair_of_members()
    live(pair, old, prefix=pair[0].number)
    done = merge(*pair)
    live([pair[0]] * 2, new, prefix=f"{pair[0].number}-")
    total = sums()
    try:
        undo(done, now=NOON)
    except PointsReserved:
        assert Merge.objects.get(pk=done.pk).state == "done"
    assert sums()[0] == total[0]
    assert_sound()


@pytest.fixture
def pair_of_members(db):
    serial = iter(range(1_000, 1_000_000))

    def make():
        pair = [make_member(next(serial)) for _ in range(2)]
        for member in pair:
            give(member, 1, "start")
        return pair

    return make


@pytest.mark.parametrize("of_loser", [True, False])
def test_t10_undoing_leaves_what_staff_decided_about_the_tier_since(
    alice, bob, of_loser
):
    """A pin set since stays; one that came with the merge goes with it."""
    earn_for_order(order_id=paid_order(bob, 150_000).pk, now=NOON)
    earn_for_order(order_id=paid_order(alice, 1_000).pk, now=NOON)
    pin = {"ladder": "main", "tier": "gold", "reason": "vip", "actor": "tests"}
    until = NOON + timedelta(days=300)
    if of_loser:
        pin_tier(**pin, member_id=bob.pk, until=until, now=NOON)
    done = merge(alice, bob)
    assert account_of(alice).tier.code == "gold"
    if not of_loser:
        pin_tier(**pin, member_id=alice.pk, until=until, now=NOON)
    undo(done)
    assert account_of(alice).tier.code == ("member" if of_loser else "gold")
