"""Rewards and benefits of two members who become one, and part again (P28)."""

import pytest

from loyalty.models import BenefitTally, BenefitUse, RewardRedemption
from loyalty.queries.benefits import held_benefits
from loyalty.services.ending_redemptions import cancel_redemption
from loyalty.services.using_benefits import return_use, use_benefit
from members.services.merging import merge_members
from members.services.unmerging import undo_merge
from tests.cast import NOON
from tests.loyalty.books import account_of, assert_sound
from tests.loyalty.catalogue import give, make_benefit, make_reward, redeem

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
