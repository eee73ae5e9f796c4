"""Freezes of two members who become one, and part again (P14, P28)."""

from datetime import timedelta

import pytest

from loyalty.models import EarningTally
from loyalty.services.adjusting import grant_points
from loyalty.services.event_points import Happening, grant_for_event
from loyalty.services.freezing import freeze_account, unfreeze_account
from members.services.merging import merge_members
from members.services.unmerging import undo_merge
from tests.cast import NOON
from tests.loyalty.books import account_of, assert_sound, rule

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def pair(alice, bob):
    for member in (alice, bob):
        grant_points(
            member_id=member.pk,
            points=100,
            reason="x",
            actor="t",
            source=f"s:{member.pk}",
            now=NOON,
        )
    return alice, bob


def freeze(member, day=0, *, is_fraud=False):
    return freeze_account(
        member_id=member.pk,
        reason="look",
        actor="t",
        now=NOON + day * DAY,
        is_fraud=is_fraud,
    )


def unfreeze(member, day):
    unfreeze_account(
        member_id=member.pk, reason="seen", actor="t", now=NOON + day * DAY
    )


def merge(winner, loser, actor, day=1):
    return merge_members(
        loser_id=loser.pk,
        winner_id=winner.pk,
        actor=actor,
        reason="one person",
        now=NOON + day * DAY,
    )


def undo(merge, actor, day):
    undo_merge(merge_id=merge.pk, reason="two", actor=actor, now=NOON + day * DAY)
    assert_sound()


def frozen(member):
    account = account_of(member)
    return account.is_frozen, account.is_fraud


@pytest.mark.parametrize("is_fraud", [False, True])
def test_p14_undoing_a_merge_lifts_the_freeze_it_brought(pair, dana, is_fraud):
    alice, bob = pair
    freeze(bob, is_fraud=is_fraud)
    made = merge(alice, bob, dana)
    assert frozen(alice) == (True, is_fraud)
    undo(made, dana, 3)
    assert (frozen(alice), frozen(bob)) == ((False, False), (True, is_fraud))
    assert account_of(alice).frozen_at is None


def test_p14_undoing_a_merge_that_kept_no_moment_lifts_the_freeze_it_brought(
    pair, dana
):
    """As merges were written before."""
    alice, bob = pair
    freeze(bob)
    made = merge(alice, bob, dana)
    points = made.moved["loyalty"]["points"]
    points["froze"] = True
    del points["was_frozen"]
    made.save()
    undo(made, dana, 3)
    assert (frozen(alice), frozen(bob)) == ((False, False), (True, False))


def test_p14_undoing_a_merge_lifts_no_later_freeze(pair, dana):
    alice, bob = pair
    freeze(bob)
    made = merge(alice, bob, dana)
    unfreeze(alice, 2)
    freeze(alice, 3, is_fraud=True)
    undo(made, dana, 4)
    assert frozen(alice) == (True, True)


def test_p14_undoing_a_merge_lifts_no_freeze_that_turned_out_to_be_fraud(pair, dana):
    alice, bob = pair
    freeze(bob)
    made = merge(alice, bob, dana)
    freeze(alice, 2, is_fraud=True)
    undo(made, dana, 4)
    assert frozen(alice) == (True, True)


def test_p14_fraud_of_one_is_fraud_of_both_until_they_part(pair, dana):
    alice, bob = pair
    freeze(alice)
    freeze(bob, is_fraud=True)
    made = merge(alice, bob, dana)
    assert frozen(alice) == (True, True)
    undo(made, dana, 3)
    assert (frozen(alice), frozen(bob)) == ((True, False), (True, True))


def test_p24_who_was_merged_does_not_get_a_cap_twice(pair, dana):
    alice, bob = pair
    rule("share", occasion="share", points=5, member_cap=8, cap_period="ever")

    def share(member, name):
        happening = Happening(member.pk, f"share:{name}")
        return grant_for_event(occasion="share", happening=happening, now=NOON)

    share(alice, "a"), share(bob, "b")
    merge(alice, bob, dana)
    assert EarningTally.objects.get(member=alice).points == 10
    assert share(alice, "c").points == 0
