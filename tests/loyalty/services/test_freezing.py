"""Freezing accounts (P14) and so many points (P15)."""

from datetime import timedelta

import pytest

from crm.shared.models.audit import AuditEntry
from loyalty.models import PointsEntry, PointsFreeze, PointsLot, Program
from loyalty.queries.books import breakdown
from loyalty.queries.points import points_summary
from loyalty.queries.program import program
from loyalty.services.activating import date_lots
from loyalty.services.adjusting import deduct_points, grant_points
from loyalty.services.clawing import settle_refund
from loyalty.services.earning import earn_for_order
from loyalty.services.event_points import Happening, grant_for_event
from loyalty.services.expiring import expire_lots
from loyalty.services.freezing import (
    FreezeEndsAtOnce,
    FreezeIsOver,
    end_freezes,
    freeze_account,
    freeze_points,
    unfreeze_account,
    unfreeze_points,
)
from loyalty.services.merging_points import join_points, part_points
from loyalty.services.order_points import end_of_points
from loyalty.services.posting import NotEnoughPoints, PointsFrozen
from orders.models import Order
from orders.queries.returns import return_deadline
from tests.cast import NOON
from tests.loyalty.books import (
    account_of,
    assert_sound,
    ledger,
    paid_order,
    refund,
    rule,
)

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _sound_in_the_end(db):
    yield
    assert_sound()


def give(member, points, *, number=1, days=100):
    """Grant points that end at midnight in Shanghai, ``days`` after NOON's day."""
    entry = grant_points(
        member_id=member.pk,
        points=points,
        reason="welcome",
        actor="test",
        source=f"test:{number}",
        now=NOON,
    )
    PointsLot.objects.filter(entry=entry).update(expires_at=end_of(days))
    return PointsLot.objects.get(entry=entry)


def end_of(days):
    return NOON + timedelta(hours=12) + days * DAY


def freeze(member, points=None, *, source="one", now=NOON, until=None):
    return freeze_points(
        member_id=member.pk,
        points=points,
        reason="dispute",
        actor="dana",
        source=source,
        now=now,
        until=until,
    )


def test_p15_frozen_points_stay_visible_and_return_to_their_lot(alice, dana):
    soon, later = give(alice, 300, days=10), give(alice, 200, number=2)

    frozen = freeze(alice, 350)

    summary = points_summary(alice.pk, NOON)
    assert (summary.available, summary.frozen, summary.balance) == (150, 350, 500)
    with pytest.raises(NotEnoughPoints):
        take(alice, 151)
    unfreeze_points(freeze_id=frozen.pk, reason="settled", actor=dana, now=NOON + DAY)

    for lot in (soon, later):
        end = lot.expires_at
        lot.refresh_from_db()
        assert (lot.remaining, lot.held, lot.expires_at) == (lot.granted, 0, end)
    assert points_summary(alice.pk, NOON + DAY).available == 500
    frozen.refresh_from_db()
    assert (frozen.ended_by, frozen.end_reason) == ("dana", "settled")
    assert not PointsEntry.objects.exclude(kind="grant").exists(), "nothing moved"
    actions = AuditEntry.objects.values_list("action", flat=True)
    assert {"points.freeze_some", "points.unfreeze_some"} <= set(actions)


def take(member, points, now=NOON):
    return deduct_points(
        member_id=member.pk,
        points=points,
        reason="test",
        actor="test",
        source=f"take:{points}",
        now=now,
    )


def test_p15_all_points_at_once(alice):
    give(alice, 300)
    assert freeze(alice).hold.points == 300
    assert points_summary(alice.pk, NOON).available == 0
    with pytest.raises(NotEnoughPoints):
        freeze(alice, source="two")


def test_p15_asked_twice_is_one_freeze(alice):
    give(alice, 300)
    assert freeze(alice, 100) == freeze(alice, 100)
    assert account_of(alice).held == 100


def test_p15_more_than_there_is_freezes_nothing(alice):
    give(alice, 300)
    with pytest.raises(NotEnoughPoints):
        freeze(alice, 301)
    assert not PointsFreeze.objects.exists()


def test_p15_a_freeze_that_is_over_does_not_end_again(alice):
    give(alice, 300)
    frozen = freeze(alice, 100)
    unfreeze_points(freeze_id=frozen.pk, reason="a", actor="dana", now=NOON)
    with pytest.raises(FreezeIsOver):
        unfreeze_points(freeze_id=frozen.pk, reason="b", actor="dana", now=NOON)


def test_p15_a_freeze_ends_by_itself(alice):
    give(alice, 300)
    with pytest.raises(FreezeEndsAtOnce):
        freeze(alice, 100, until=NOON)
    freeze(alice, 100, until=NOON + 3 * DAY)
    freeze(alice, 50, source="two")

    assert end_freezes(now=NOON + 2 * DAY) == 0
    assert end_freezes(now=NOON + 3 * DAY) == 1
    assert end_freezes(now=NOON + 3 * DAY) == 0

    assert account_of(alice).held == 50


def test_p15_frozen_points_do_not_expire_before_they_are_free(alice):
    give(alice, 300, days=1)
    frozen = freeze(alice, 100)

    expire_lots(now=NOON + 5 * DAY)
    assert account_of(alice).balance == 300
    unfreeze_points(freeze_id=frozen.pk, reason="x", actor="dana", now=NOON + 5 * DAY)
    expire_lots(now=NOON + 5 * DAY)

    assert ledger(alice)[-1] == ("expire", -300, 0)


def test_p15_points_of_a_frozen_account_can_be_set_aside(alice):
    give(alice, 300)
    freeze_account(member_id=alice.pk, reason="odd", actor="dana", now=NOON)
    freeze(alice, 100)
    assert points_summary(alice.pk, NOON).frozen == 300


# --- Accounts (P14) -------------------------------------------------------------------


def test_p14_unfreezing_gives_the_lost_time_back(alice):
    lot, ended = give(alice, 300, days=1), give(alice, 50, number=2, days=-3)
    freeze_account(member_id=alice.pk, reason="odd", actor="dana", now=NOON)

    late = NOON + 10 * DAY
    assert expire_lots(now=late) == 0, "lots of a frozen account stand still"
    assert points_summary(alice.pk, late).frozen == 300
    assert unfreeze_account(member_id=alice.pk, reason="ok", actor="dana", now=late)

    lot.refresh_from_db()
    assert lot.expires_at == end_of(11)
    assert points_summary(alice.pk, late).available == 300
    expire_lots(now=late)
    ended.refresh_from_db()
    assert ended.remaining == 0, "what had ended before gets nothing"


def test_p14_points_earned_meanwhile_get_only_the_time_they_lost(alice):
    freeze_account(member_id=alice.pk, reason="odd", actor="dana", now=NOON)
    lot = give(alice, 300, days=100)
    PointsLot.objects.filter(pk=lot.pk).update(active_at=NOON + 8 * DAY)

    unfreeze_account(member_id=alice.pk, reason="ok", actor="dana", now=NOON + 10 * DAY)

    lot.refresh_from_db()
    assert lot.expires_at == end_of(102)


def test_p14_a_freeze_for_fraud_gives_no_time_back(alice):
    lot = give(alice, 300, days=1)
    freeze_account(
        member_id=alice.pk, reason="odd", actor="dana", now=NOON, is_fraud=True
    )
    late = NOON + 10 * DAY

    assert expire_lots(now=late) == 1
    unfreeze_account(member_id=alice.pk, reason="ok", actor="dana", now=late)

    lot.refresh_from_db()
    assert (lot.remaining, lot.expires_at) == (0, end_of(1))
    assert not account_of(alice).is_fraud


def test_p14_nothing_is_spent_while_frozen(alice):
    give(alice, 300)
    freeze_account(member_id=alice.pk, reason="odd", actor="dana", now=NOON)
    with pytest.raises(PointsFrozen):
        take(alice, 1)
    give(alice, 100, number=2)
    assert account_of(alice).balance == 400


def test_p28_lots_of_a_merge_lose_and_gain_no_time(alice, bob):
    """Bob's account is frozen for ten days, then becomes part of Alice's."""
    old, hers = give(bob, 300, days=50), give(alice, 100, days=50)
    freeze_account(member_id=bob.pk, reason="odd", actor="dana", now=NOON)
    join_points(
        loser_id=bob.pk, winner_id=alice.pk, source="merge:1", now=NOON + 10 * DAY
    )
    assert account_of(alice).is_frozen
    unfreeze_account(member_id=alice.pk, reason="ok", actor="dana", now=NOON + 15 * DAY)
    for lot, days in ((old, 65), (hers, 55)):
        lot.refresh_from_db()
        assert abs(lot.expires_at - end_of(days)) <= 2 * DAY
        assert lot.expires_at >= end_of(days)


# --- What comes in meanwhile (P14, P9) --------------------------------------------------


def shut(member, **how):
    freeze_account(member_id=member.pk, reason="odd", actor="dana", now=NOON, **how)


def open_again(member, *, now):
    unfreeze_account(member_id=member.pk, reason="ok", actor="dana", now=now)


def _by_order(member, at):
    earn_for_order(order_id=paid_order(member, 30_000, at=at).pk, now=at)


def _by_event(member, at):
    rule("hello", occasion="survey", points=300)
    happening = Happening(member_id=member.pk, source="survey:1")
    grant_for_event(occasion="survey", happening=happening, now=at)


def _by_staff(member, at):
    grant_points(
        member_id=member.pk, points=300, reason="sorry", actor="dana", source="s:1",
        now=at,
    )  # fmt: skip


@pytest.mark.parametrize("earns", [_by_order, _by_event, _by_staff])
@pytest.mark.parametrize("is_fraud", [False, True])
def test_p14_what_comes_in_while_frozen_is_pending_until_it_is_open(
    alice, earns, is_fraud
):
    """Its term begins when it counts (P9); after fraud no time is given back."""
    shut(alice, is_fraud=is_fraud)
    earned_at, open_at = NOON + 2 * DAY, NOON + 40 * DAY

    earns(alice, earned_at)

    summary = points_summary(alice.pk, earned_at)
    assert (summary.pending, summary.frozen, summary.balance) == (300, 0, 300)
    assert breakdown(account_of(alice), at=earned_at).pending == 300
    lot = PointsLot.objects.get()
    assert (lot.active_at, lot.expires_at) == (None, None)
    assert date_lots(now=open_at) == 0, "frozen: it waits on"
    open_again(alice, now=open_at)

    lot.refresh_from_db()
    begins = earned_at if is_fraud else open_at
    assert lot.active_at == begins
    assert lot.expires_at == end_of_points(active_at=begins, terms=program())
    assert points_summary(alice.pk, open_at).available == 300


def test_p14_what_waits_for_a_delivery_waits_on(alice):
    Program.objects.update(activation="after_returns")
    shut(alice)
    order = paid_order(alice, 30_000)
    earn_for_order(order_id=order.pk, now=NOON)
    open_again(alice, now=NOON + DAY)
    lot = PointsLot.objects.get()
    assert lot.active_at is None

    Order.objects.update(delivered_at=NOON + 2 * DAY, state="delivered")
    assert date_lots(now=NOON + 3 * DAY) == 1
    lot.refresh_from_db()
    assert lot.active_at == return_deadline(NOON + 2 * DAY)


def test_p18_what_comes_in_while_frozen_pays_debt_when_it_is_open(alice):
    order = paid_order(alice, 10_000)
    earn_for_order(order_id=order.pk, now=NOON)
    take(alice, 100)
    settle_refund(refund_id=refund(order, 10_000).pk, now=NOON + DAY)
    freeze_account(member_id=alice.pk, reason="odd", actor="dana", now=NOON + DAY)
    _by_staff(alice, NOON + 2 * DAY)
    assert account_of(alice).debt == 100

    open_again(alice, now=NOON + 3 * DAY)
    assert (account_of(alice).debt, account_of(alice).balance) == (0, 200)


def test_p16_a_refund_takes_what_waits_for_the_account(alice):
    Program.objects.update(claw_back="pending")
    shut(alice)
    order = paid_order(alice, 10_000)
    earn_for_order(order_id=order.pk, now=NOON)
    settle_refund(refund_id=refund(order, 10_000).pk, now=NOON + DAY)
    assert account_of(alice).balance == 0


def test_p28_parted_from_a_frozen_member_points_count_again(alice, bob):
    """Bob is frozen; what Alice earned while they were one counts from the parting."""
    shut(bob)
    told = {"loser_id": bob.pk, "winner_id": alice.pk, "source": "merge:1"}
    brought = join_points(**told, now=NOON)
    _by_staff(alice, NOON + DAY)
    part_points(**told, brought=brought, orders=[], now=NOON + 2 * DAY)
    lot = PointsLot.objects.get()
    assert (lot.account_id, lot.active_at) == (alice.pk, NOON + 2 * DAY)
    assert points_summary(alice.pk, NOON + 2 * DAY).available == 300


def test_p14_a_dispute_may_turn_out_to_be_fraud(alice):
    lot = give(alice, 100, days=5)
    about = {"member_id": alice.pk, "actor": "dana"}
    assert freeze_account(**about, reason="dispute", now=NOON)
    assert freeze_account(**about, reason="fraud", now=NOON + DAY, is_fraud=True)
    assert not freeze_account(**about, reason="dispute", now=NOON + DAY)
    account = account_of(alice)
    assert (account.is_fraud, account.frozen_at) == (True, NOON)
    assert AuditEntry.objects.filter(action="points.freeze").count() == 2
    unfreeze_account(**about, reason="seen", now=NOON + 3 * DAY)
    end = lot.expires_at
    lot.refresh_from_db()
    assert lot.expires_at == end, "no time is given back"


def test_p14_fraud_gives_no_time_to_what_still_runs(alice):
    lot = give(alice, 100, days=30)
    about = {"member_id": alice.pk, "reason": "x", "actor": "t"}
    freeze_account(**about, now=NOON, is_fraud=True)
    unfreeze_account(**about, now=NOON + 10 * DAY)
    end = lot.expires_at
    lot.refresh_from_db()
    assert lot.expires_at == end


@pytest.mark.parametrize("policy", ["to_zero", "pending", "debt"])
def test_p17_points_that_stand_still_are_taken_not_waived(alice, policy):
    Program.objects.update(claw_back=policy)
    order = paid_order(alice, 60_000)
    earn_for_order(order_id=order.pk, now=NOON)
    lots = PointsLot.objects.filter(account_id=alice.pk)
    lots.update(expires_at=NOON + 5 * DAY)
    if policy == "pending":
        lots.update(active_at=NOON + 20 * DAY)
    about = {"member_id": alice.pk, "reason": "dispute", "actor": "t"}
    freeze_account(**about, now=NOON + DAY)
    late = NOON + 10 * DAY
    row = refund(order, 60_000, at=late, is_last=True)
    entry = settle_refund(refund_id=row.pk, now=late)
    assert (entry.points, "waived" in entry.trace) == (-600, False)
    unfreeze_account(**about, now=late + DAY)
    account = account_of(alice)
    assert (account.balance, account.debt) == (0, 0)


def test_p17_points_that_ended_under_a_freeze_for_fraud_are_waived(alice):
    Program.objects.update(claw_back="to_zero")
    order = paid_order(alice, 60_000)
    earn_for_order(order_id=order.pk, now=NOON)
    PointsLot.objects.update(expires_at=NOON + 5 * DAY)
    freeze_account(
        member_id=alice.pk, reason="x", actor="t", now=NOON + DAY, is_fraud=True
    )
    late = NOON + 10 * DAY
    row = refund(order, 60_000, at=late, is_last=True)
    assert settle_refund(refund_id=row.pk, now=late).trace["waived"] == 600


def test_p27_a_freeze_and_its_end_keep_their_reason_codes(alice):
    grant_points(
        member_id=alice.pk, points=9, reason="x", actor="t", source="s:1", now=NOON
    )
    frozen = freeze_points(
        member_id=alice.pk,
        points=5,
        reason_code="fraud",
        reason="looks odd",
        actor="t",
        source="p27",
        now=NOON,
    )
    unfreeze_points(
        freeze_id=frozen.pk, reason_code="other", reason="fine", actor="t", now=NOON
    )
    frozen.refresh_from_db()
    assert (frozen.reason_code, frozen.end_reason_code) == ("fraud", "other")
    freeze_account(
        member_id=alice.pk, reason_code="fraud", reason="odd", actor="t", now=NOON
    )
    unfreeze_account(
        member_id=alice.pk, reason_code="other", reason="fine", actor="t", now=NOON
    )
    noted = AuditEntry.objects.filter(action__startswith="points.").order_by("pk")
    codes = [
        entry.detail["reason_code"] for entry in noted.exclude(action__endswith="grant")
    ]
    assert codes == ["fraud", "other", "fraud", "other"]
