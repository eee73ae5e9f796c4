"""Rewards and benefits of two members who become one, and part again (P28)."""

from datetime import timedelta

import pytest

from loyalty.models import BenefitTally, BenefitUse, RewardRedemption
from loyalty.queries.benefits import held_benefits
from loyalty.services.admitting import admit
from loyalty.services.ending_redemptions import cancel_redemption
from loyalty.services.using_benefits import return_use, use_benefit
from members.services.merging import merge_members
from members.services.unmerging import undo_merge
from tests.cast import NOON
from tests.loyalty.books import account_of, assert_sound, rule
from tests.loyalty.catalogue import give, make_benefit, make_reward, make_seats, redeem

pytestmark = pytest.mark.django_db


def left(member) -> int | None:
    return held_benefits(member.pk, NOON)[0].left


def use(member, number: int) -> BenefitUse:
    return use_benefit(
        benefit="freight", member_id=member.pk, source=f"order:{number}", now=NOON
    )


def merged(alice, bob, dana):
    return merge_members(
        loser_id=bob.pk, winner_id=alice.pk, actor=dana, reason="one person", now=NOON
    )


def test_a_quota_is_one_after_a_merge_and_two_after_its_undoing(alice, bob, dana):
    give(bob, 500)
    benefit = make_benefit("freight", {"quota": 5})
    use(alice, 1)
    use(bob, 2)
    redeem(bob, make_reward(500, kind="benefit", benefit=benefit))

    merge = merged(alice, bob, dana)

    assert left(alice) == 4
    assert not BenefitTally.objects.filter(member=bob).exclude(used=0, bought=0)
    undo_merge(merge_id=merge.pk, actor=dana, reason="two persons", now=NOON)
    assert (left(alice), left(bob)) == (4, 5)
    assert return_use(
        benefit_use=BenefitUse.objects.get(member=bob).public_id, now=NOON
    )
    assert left(bob) == 6


def test_p28_what_a_merged_member_took_is_given_back_to_who_stayed(alice, bob, dana):
    give(bob, 500)
    redemption = redeem(bob, make_reward(500, refundable_days=7))
    merged(alice, bob, dana)

    cancel_redemption(redemption=redemption.public_id, member_id=alice.pk, now=NOON)

    assert RewardRedemption.objects.get().member == alice
    assert account_of(alice).balance == 500
    assert_sound()


def test_p28_the_ticket_of_a_merged_member_lets_in_and_earns_for_who_stayed(
    alice, bob, dana
):
    rule("came", occasion="attendance", points=50)
    give(bob, 500)
    seat = redeem(bob, make_seats(500, begins_at=NOON + timedelta(hours=1)))
    merged(alice, bob, dana)

    done = admit(ticket=seat.ticket, actor=dana, now=NOON)

    assert (done.redemption.member, done.points) == (alice, 50)
    assert account_of(alice).balance == 50
    assert_sound()
