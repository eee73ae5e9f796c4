"""Rewards and benefits of two members who become one, and part again (P28)."""

from datetime import timedelta

import pytest

from loyalty.models import BenefitTally, BenefitUse, CheckIn, RewardRedemption
from loyalty.queries.benefits import held_benefits
from loyalty.services.admitting import admit
from loyalty.services.checking_in import check_in
from loyalty.services.ending_redemptions import cancel_redemption
from loyalty.services.using_benefits import return_use, use_benefit
from members.services.merging import merge_members
from members.services.unmerging import undo_merge
from tests.cast import NOON, make_member
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


@pytest.mark.parametrize("serial", [81, 82], ids=["who stays", "who goes"])
def test_r11_a_quota_of_a_year_of_membership_is_one_after_a_merge(dana, serial):
    """Their years began on different days: what either used counts in the one left."""
    stays = make_member(81, joined_at=NOON - timedelta(days=100))
    goes = make_member(82, joined_at=NOON - timedelta(days=10))
    user = stays if serial == 81 else goes
    give(user, 500)
    benefit = make_benefit("freight", {"quota": 5}, period="cycle")
    reward = make_reward(500, kind="benefit", benefit=benefit, refundable_days=7)
    bought = redeem(user, reward)
    for number in range(2):
        use(user, number)
    assert left(user) == 4

    merge = merged(stays, goes, dana)

    assert left(stays) == 4
    cancel_redemption(redemption=bought.public_id, member_id=stays.pk, now=NOON)
    assert (left(stays), account_of(stays).balance) == (3, 500)
    undo_merge(merge_id=merge.pk, actor=dana, reason="two persons", now=NOON)
    assert {left(stays), left(goes)} == {3, 5}
    one = BenefitUse.objects.filter(member=user).first()
    assert return_use(benefit_use=one.public_id, now=NOON)
    assert left(user) == 4


def test_p28_days_in_a_row_go_on_after_a_merge_and_its_undoing(alice, bob, dana):
    for days in range(3):
        check_in(member_id=bob.pk, now=NOON + timedelta(days=days))
    today = NOON + timedelta(days=2)
    check_in(member_id=alice.pk, now=today)

    merge = merged(alice, bob, dana)

    tomorrow = NOON + timedelta(days=3)
    assert check_in(member_id=alice.pk, now=tomorrow).check_in.streak == 4
    undo_merge(merge_id=merge.pk, actor=dana, reason="two persons", now=NOON)
    streaks = CheckIn.objects.order_by("day").values_list("member__pk", "streak")
    assert [n for pk, n in streaks if pk == alice.pk] == [1, 2]
    assert [n for pk, n in streaks if pk == bob.pk] == [1, 2, 3]


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
