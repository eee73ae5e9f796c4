from datetime import timedelta

import pytest
from django.db import transaction

from crm.shared.models import AuditEntry, Fact
from crm.shared.outbox import drain
from loyalty.models import PointsEntry, Program, Referral, ReferralTally
from loyalty.rules.referrals import SUSPICIONS
from loyalty.services.adjusting import deduct_points
from loyalty.services.deciding_referrals import (
    ReferralNotHeld,
    reject_referral,
    release_referral,
)
from loyalty.services.referring import (
    open_referral,
    review_of_order,
    review_referral,
    sweep_referrals,
)
from members.models import Address, PaymentInstrument, Session
from members.services.freezing import ReasonMissing
from members.services.inviting import invitation_code_of
from members.services.joining import join
from members.services.merging import merge_members
from members.services.unmerging import undo_merge
from orders.models import Order
from tests.cast import NOON, make_user, put_in_state
from tests.loyalty.books import account_of, assert_sound, ledger, paid_order, refund
from tests.loyalty.friends import (
    CLOSED,
    DAY,
    befriended,
    brought,
    buys,
    delivered,
    points_of,
    promise,
)


def sources():
    return set(PointsEntry.objects.values_list("source", "kind", "points"))


# --- From joining to the reward ---------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_from_the_code_to_the_points_of_both(alice):
    promise(inviter_points=300, friend_points=200)
    code = invitation_code_of(member_id=alice.pk, now=NOON)
    with transaction.atomic():
        friend = join(source="app", invitation_code=code, now=NOON)
    drain(now=NOON)
    referral = Referral.objects.get()
    assert (referral.inviter, referral.friend, referral.state) == (
        alice,
        friend,
        "waiting",
    )

    buys(referral, 10_000)

    assert referral.state == "rewarded"
    assert (points_of(alice), points_of(friend)) == (300, 200)
    assert sources() == {
        (f"referral:{referral.public_id}:inviter", "grant", 300),
        (f"referral:{referral.public_id}:friend", "grant", 200),
    }
    assert Fact.objects.filter(name="loyalty.ReferralRewarded").count() == 1
    assert_sound()


def test_who_was_not_invited_and_who_came_too_early_bring_nothing(alice):
    friend = befriended(alice, 7)
    assert open_referral(friend_id=friend.pk, now=NOON) is None  # the program is off
    promise()
    assert open_referral(friend_id=alice.pk, now=NOON) is None
    assert not Referral.objects.exists()


def test_what_was_promised_at_joining_is_kept(alice):
    promise(inviter_points=300, least_order_minor=5_000)
    referral = brought(alice, 7)
    promise(inviter_points=1, least_order_minor=90_000, is_active=False)
    buys(referral, 5_000)
    assert points_of(alice) == 300


def test_one_sided_programs_give_one_side_alone(alice):
    promise(friend_points=0)
    referral = brought(alice, 7)
    buys(referral)
    assert (points_of(alice), ledger(referral.friend)) == (100, [])


def test_joining_counts_at_once_where_the_program_says_so(alice):
    promise(conversion="joining")
    referral = brought(alice, 7)
    assert (referral.state, referral.order, points_of(alice)) == ("rewarded", None, 100)


@pytest.mark.parametrize(("net", "state"), [(4_999, "waiting"), (5_000, "rewarded")])
def test_the_order_must_come_to_the_least_amount(alice, net, state):
    promise(least_order_minor=5_000)
    referral = brought(alice, 7)
    buys(referral, net, freight_minor=1_000)
    assert referral.state == state


def test_a_gift_card_is_no_purchase(alice):
    promise()
    referral = brought(alice, 7)
    buys(referral, kind="gift_card")
    assert referral.state == "waiting"


def test_an_order_from_before_the_invitation_does_not_count(alice):
    promise()
    referral = brought(alice, 7)
    buys(referral, at=NOON - DAY)
    assert referral.state == "waiting"


# --- Return windows -----------------------------------------------------------------


def test_a_kept_order_counts_when_its_return_window_is_over(alice):
    promise(conversion="kept_order")
    referral = brought(alice, 7)
    delivered(buys(referral))
    for early in (NOON + 13 * DAY, NOON + 14 * DAY):
        sweep_referrals(now=early)
    referral.refresh_from_db()
    assert referral.state == "waiting"

    assert sweep_referrals(now=CLOSED) == referral.pk
    assert sweep_referrals(now=CLOSED) == 0

    referral.refresh_from_db()
    assert (referral.state, points_of(alice)) == ("rewarded", 100)


def test_an_order_sent_back_in_time_lets_the_next_one_count(alice):
    promise(conversion="kept_order", least_order_minor=6_000)
    referral = brought(alice, 7)
    first = delivered(buys(referral, 10_000, quantity=2))
    refund(first, 5_000, at=NOON + 2 * DAY)
    second = delivered(buys(referral, 10_000, at=NOON + DAY), at=NOON + DAY)
    sweep_referrals(now=CLOSED + DAY)
    referral.refresh_from_db()
    assert (referral.state, referral.order) == ("rewarded", second)


def test_the_sweep_goes_on_behind_what_it_looked_at(alice):
    promise(conversion="kept_order", velocity_friends=0)
    for serial in range(20, 25):
        delivered(buys(brought(alice, serial)))
    after, rounds = 0, 0
    while after := sweep_referrals(now=CLOSED, after_id=after, limit=2):
        rounds += 1
    assert (rounds, points_of(alice)) == (3, 500)


# --- Any order, any number of times (X2) --------------------------------------------


def test_x2_facts_twice_late_and_in_any_order_leave_the_same(alice):
    promise()
    friend = befriended(alice, 7)
    order = paid_order(friend, 10_000)
    review_of_order(order_id=order.pk, now=NOON)  # before anybody knows the friend
    for _again in range(3):
        open_referral(friend_id=friend.pk, now=NOON)
        review_of_order(order_id=order.pk, now=NOON)
    assert (points_of(alice), points_of(friend)) == (100, 100)
    assert PointsEntry.objects.count() == 2


def test_x2_a_refund_before_its_order_and_after_it_leave_the_same(alice):
    promise()
    late, soon = brought(alice, 7), brought(alice, 8)
    for referral, is_seen_between in ((late, False), (soon, True)):
        order = paid_order(referral.friend, 10_000)
        if is_seen_between:
            review_of_order(order_id=order.pk, now=NOON)
        refund(order, 10_000, is_last=True)
        # An order afterwards does not make good what was given back.
        for other in (order, paid_order(referral.friend, 10_000, at=NOON + 2 * DAY)):
            review_of_order(order_id=other.pk, now=NOON + 2 * DAY)
    for referral in (late, soon):
        referral.refresh_from_db()
        assert (referral.state, points_of(referral.friend)) == ("reversed", 0)
    assert points_of(alice) == 0
    assert_sound()


# --- Reversal -------------------------------------------------------------------------


def given_back(referral, amount_minor, **more):
    order = Order.objects.get(pk=referral.order_id)
    refund(order, amount_minor, **more)
    for _again in range(3):
        review_of_order(order_id=order.pk, now=NOON + DAY)
    referral.refresh_from_db()


def test_a_refund_below_the_least_amount_takes_both_shares_back_by_linked_entries(
    alice,
):
    promise(least_order_minor=6_000)
    referral = brought(alice, 7)
    buys(referral, 10_000, quantity=2)
    given_back(referral, 4_000)
    assert (referral.state, points_of(alice)) == ("rewarded", 100)

    given_back(referral, 1)

    assert (referral.state, points_of(alice)) == ("reversed", 0)
    assert points_of(referral.friend) == 0
    back = PointsEntry.objects.filter(kind="claw_back").order_by("pk")
    assert [each.reverses.kind for each in back] == ["grant", "grant"]
    assert AuditEntry.objects.filter(action="referrals.reverse").count() == 1
    assert Fact.objects.filter(name="loyalty.ReferralReversed").count() == 1
    assert_sound()


@pytest.mark.parametrize(("policy", "debt"), [("debt", 60), ("to_zero", 0)])
def test_p17_what_is_spent_already_is_owed_or_not_as_the_program_says(
    alice, policy, debt
):
    Program.objects.update(claw_back=policy)
    promise()
    referral = brought(alice, 7)
    buys(referral)
    deduct_points(
        member_id=alice.pk,
        points=60,
        reason="spent",
        actor="test",
        source="test:spent",
        now=NOON,
    )
    given_back(referral, 10_000, is_last=True)
    assert (account_of(alice).balance, account_of(alice).debt) == (0, debt)
    assert_sound()


# --- Milestones and the cap --------------------------------------------------------------


def test_every_nth_friend_brings_more_and_is_counted_again_after_a_reversal(alice):
    promise(milestone_every=2, milestone_points=50, velocity_friends=0)
    first, second, third = (brought(alice, serial) for serial in (7, 8, 9))
    buys(first)
    assert points_of(alice) == 100
    buys(second)
    assert points_of(alice) == 250
    # The first goes: one friend is left, so the milestone of the second goes, too.
    given_back(first, 10_000, is_last=True)
    assert points_of(alice) == 100
    buys(third)
    assert points_of(alice) == 250
    assert Referral.objects.filter(milestone_at=2).get() == third
    assert_sound()


def test_a_milestone_stays_while_it_is_reached(alice):
    promise(milestone_every=2, milestone_points=50, velocity_friends=0)
    found = [brought(alice, serial) for serial in (7, 8, 9)]
    for referral in found:
        buys(referral)
    given_back(found[1], 10_000, is_last=True)
    assert points_of(alice) == 250


def test_beyond_the_cap_friends_get_theirs_and_the_inviter_nothing(alice):
    promise(cap_friends=2, velocity_friends=0)
    found = [brought(alice, serial) for serial in (7, 8, 9)]
    for referral in found:
        buys(referral)
    assert points_of(alice) == 200
    assert [points_of(each.friend) for each in found] == [100, 100, 100]
    assert found[2].reasons == ["cap_reached"]
    assert ReferralTally.objects.get().friends == 2
    # A place that is given back is free for the next one.
    given_back(found[0], 10_000, is_last=True)
    buys(brought(alice, 10))
    assert points_of(alice) == 200
    assert ReferralTally.objects.get().friends == 2


def test_the_cap_begins_anew_with_every_period(alice):
    promise(cap_friends=1, velocity_friends=0)
    for serial, at in ((7, NOON), (8, NOON), (9, NOON + 30 * DAY)):
        buys(brought(alice, serial, at=at), at=at)
    assert points_of(alice) == 200
    assert set(ReferralTally.objects.values_list("period", "friends")) == {
        ("2026-11", 1),
        ("2026-12", 1),
    }


@pytest.mark.parametrize("who", ["inviter", "friend"])
def test_who_may_not_earn_gets_nothing_and_the_other_one_theirs(alice, who):
    promise()
    referral = brought(alice, 7)
    sides = {"inviter": alice, "friend": referral.friend}
    put_in_state(sides[who], "closed")
    buys(referral)
    assert referral.reasons == [f"{who}_may_not_earn"]
    assert sum(points_of(each) for each in sides.values()) == 100
    assert points_of(sides[who]) == 0


# --- What looks suspicious ---------------------------------------------------------------


def same_phone(alice, friend):
    live_at(alice, phone="+8613800001234", street="one")
    live_at(friend, phone="13800001234", street="two")


def same_email(alice, friend):
    for member, email in ((alice, "wang.jing@a.com"), (friend, "wangjing+1@b.com")):
        member.email = email
        member.save()


def same_address(alice, friend):
    live_at(alice, street="文三路 1 号")
    live_at(friend, street="文三路1号")


def same_device(alice, friend):
    for number, member in enumerate((alice, friend)):
        member.user = member.user or make_user(f"user-{number}")
        member.save()
        Session.objects.create(
            session_key=f"key-{number}",
            user=member.user,
            session_data="x",
            device="Safari, iPhone",
            network="203.0.113.",
            created_at=NOON,
            seen_at=NOON,
            expire_date=NOON + DAY,
            ends_at=NOON + DAY,
        )


def same_instrument(alice, friend):
    for member in (alice, friend):
        PaymentInstrument.objects.create(
            member=member,
            kind="card",
            verifier="test",
            brand="visa",
            last_four="1148",
            token=f"tok_{member.pk}",
            bound_at=NOON,
        )


def live_at(member, *, street, phone=None):
    Address.objects.create(
        member=member,
        slot=1,
        recipient="Somebody",
        phone=phone,
        country="CN",
        street=street,
        created_at=NOON,
    )


SIGNS = [same_phone, same_email, same_address, same_device, same_instrument]


@pytest.mark.parametrize("sign", SIGNS, ids=lambda sign: sign.__name__)
def test_what_friend_and_inviter_share_holds_the_referral(alice, sign):
    promise()
    referral = brought(alice, 7)
    sign(alice, referral.friend)
    buys(referral)
    assert (referral.state, referral.reasons) == ("held", [sign.__name__])
    assert not PointsEntry.objects.exists()


@pytest.mark.parametrize("sign", [same_device, same_instrument])
def test_what_was_shared_at_joining_holds_it_though_it_is_gone_by_the_order(
    alice, sign
):
    promise()
    friend = befriended(alice, 7)
    sign(alice, friend)
    referral = open_referral(friend_id=friend.pk, now=NOON)
    assert (referral.state, referral.reasons) == ("waiting", [sign.__name__])
    Session.objects.filter(user__member=friend).delete()
    PaymentInstrument.objects.filter(member=friend).delete()
    buys(referral)
    assert (referral.state, referral.reasons) == ("held", [sign.__name__])


@pytest.mark.parametrize("sign", SIGNS, ids=lambda sign: sign.__name__)
def test_what_friends_share_among_one_another_holds_the_referral(alice, sign):
    promise()
    first, second = brought(alice, 7), brought(alice, 8)
    sign(first.friend, second.friend)
    buys(second)
    assert second.reasons == [f"{sign.__name__}_among_friends"]
    assert second.reasons[0] in SUSPICIONS


def test_too_many_friends_within_hours_are_held(alice):
    promise(velocity_friends=2, velocity_hours=1)
    late = NOON + timedelta(minutes=50)
    found = [brought(alice, serial, at=late) for serial in (7, 8, 9)]
    much_later = brought(alice, 10, at=late + timedelta(hours=1))
    for referral in (*found, much_later):
        buys(referral, at=late + timedelta(hours=2))
    assert {each.state for each in found} == {"held"}
    assert much_later.state == "rewarded"


def test_who_brought_themselves_is_refused(alice):
    promise()
    referral = brought(alice, 7)
    merge_members(
        winner_id=alice.pk,
        loser_id=referral.friend_id,
        reason="one person",
        actor="test",
        now=NOON,
    )
    order = paid_order(alice, 10_000)
    review_of_order(order_id=order.pk, now=NOON)
    referral.refresh_from_db()
    assert (referral.state, referral.reasons) == ("rejected", ["self_referral"])
    assert not points_of(alice)


# --- What staff make of it -----------------------------------------------------------------


@pytest.fixture
def held(alice):
    promise()
    referral = brought(alice, 7)
    same_address(alice, referral.friend)
    buys(referral)
    return referral


def decide(verb, referral, *, reason="a family", at=NOON):
    return verb(referral_id=referral.pk, reason=reason, actor="dana", now=at)


def test_a_released_referral_is_rewarded_once(held, alice):
    for _again in range(2):
        decide(release_referral, held)
    held.refresh_from_db()
    assert (held.state, held.reasons) == ("rewarded", ["same_address"])
    assert points_of(alice) == 100
    said = AuditEntry.objects.get(action="referrals.release")
    assert (said.reason, said.detail) == ("a family", {"suspicions": ["same_address"]})
    with pytest.raises(ReferralNotHeld):
        decide(reject_referral, held)


def test_a_rejected_referral_brings_nothing_ever(held, alice):
    for _again in range(2):
        decide(reject_referral, held, reason="one flat, one card")
    review_referral(referral_id=held.pk, now=CLOSED)
    held.refresh_from_db()
    assert (held.state, points_of(alice)) == ("rejected", 0)
    assert AuditEntry.objects.filter(action="referrals.reject").count() == 1
    with pytest.raises(ReferralNotHeld):
        decide(release_referral, held)


@pytest.mark.parametrize("verb", [release_referral, reject_referral])
def test_a_decision_needs_a_reason(held, verb):
    with pytest.raises(ReasonMissing):
        decide(verb, held, reason="  ")
    held.refresh_from_db()
    assert held.state == "held"


def test_an_order_given_back_meanwhile_cannot_be_released(held, alice):
    refund(held.order, 10_000, is_last=True)  # its fact is still under way
    with pytest.raises(ReferralNotHeld):
        decide(release_referral, held, at=NOON + DAY)
    review_referral(referral_id=held.pk, now=NOON + DAY)
    held.refresh_from_db()
    assert (held.state, points_of(alice)) == ("reversed", 0)


# --- Two who become one ------------------------------------------------------------------


def test_the_winner_of_a_merge_has_brought_whom_the_loser_did(alice, bob):
    promise(cap_friends=2, velocity_friends=0)
    buys(brought(alice, 7))
    buys(brought(bob, 8))
    waiting = brought(bob, 9)
    merge = merge_members(
        winner_id=alice.pk, loser_id=bob.pk, reason="one", actor="test", now=NOON
    )
    assert list(ReferralTally.objects.values_list("inviter", "friends")) == [
        (alice.pk, 2)
    ]
    buys(waiting)
    assert (waiting.inviter, waiting.reasons) == (alice, ["cap_reached"])
    undo_merge(merge_id=merge.pk, reason="two", actor="test", now=NOON)
    assert set(ReferralTally.objects.values_list("inviter", "friends")) == {
        (alice.pk, 1),
        (bob.pk, 1),
    }
    assert_sound()


def test_a_friend_who_was_merged_into_somebody_still_counts(alice, bob):
    promise()
    referral = brought(alice, 7)
    merge_members(
        winner_id=bob.pk,
        loser_id=referral.friend_id,
        reason="one",
        actor="test",
        now=NOON,
    )
    order = paid_order(bob, 10_000)
    review_of_order(order_id=order.pk, now=NOON)
    referral.refresh_from_db()
    assert (referral.state, points_of(bob)) == ("rewarded", 100)


def test_who_became_one_with_the_friend_they_brought_brings_nothing(alice, dana):
    """However late the fact of joining comes, and whoever of the two stays."""
    promise()
    referral, late = brought(alice, 7), befriended(alice, 8)
    merge = {"actor": dana, "reason": "one person", "now": NOON}
    merge_members(loser_id=alice.pk, winner_id=referral.friend_id, **merge)
    assert open_referral(friend_id=referral.friend_id, now=NOON) == referral
    buys(referral)
    assert (referral.state, referral.reasons) == ("rejected", ["self_referral"])
    assert points_of(referral.friend) == 0
    merge_members(loser_id=referral.friend_id, winner_id=late.pk, **merge)
    assert open_referral(friend_id=late.pk, now=NOON) is None


def test_an_order_of_nobody_changes_nothing(db):
    order = paid_order(None, 10_000)
    assert review_of_order(order_id=order.pk, now=NOON) == 0


def test_the_sweep_does_not_ask_again_about_orders_too_small_to_count(alice):
    promise(conversion="kept_order", least_order_minor=5_000)
    referral = brought(alice, 7)
    delivered(buys(referral, 4_999))
    assert sweep_referrals(now=CLOSED) == 0
