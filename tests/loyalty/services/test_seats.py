"""Stories of event seats: taken for points, given back in time, shown at the door."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import translation

from crm.shared.models import AuditEntry, Fact
from loyalty.models import PointsEntry, Reward
from loyalty.queries.rewards import shown_rewards
from loyalty.services.admitting import (
    TicketGivenBack,
    TicketTooEarly,
    TicketTooLate,
    TicketUnknown,
    TicketUsed,
    admit,
)
from loyalty.services.ending_redemptions import (
    TooLateToGiveBack,
    cancel_redemption,
    end_redemption,
)
from loyalty.services.locking_redemptions import RedemptionUnknown
from loyalty.services.redeeming_rewards import RewardNotOnOffer
from loyalty.services.reward_kinds import RewardGone, RewardUsed, SeatTooLate
from tests.cast import NOON, put_in_state
from tests.loyalty.books import account_of, assert_sound, rule
from tests.loyalty.catalogue import give, make_reward, make_seats, redeem
from tests.tables import digest

pytestmark = pytest.mark.django_db
BEGINS = NOON + timedelta(days=2)
BEFORE = BEGINS - timedelta(minutes=10)


@pytest.fixture
def seat(alice):
    """Return a seat of Alice's at an occasion in two days."""
    give(alice, 500)
    reward = make_seats(500, begins_at=BEGINS, stock=2, refundable_days=7)
    return redeem(alice, reward)


def let_in(seat, dana, now=BEFORE, reason=""):
    return admit(ticket=seat.ticket, actor=dana, reason=reason, now=now)


# --- Taking -------------------------------------------------------------------


def test_a_seat_brings_a_ticket_and_keeps_when_and_where(seat, alice):
    assert (seat.state, seat.kind) == ("fulfilled", "seat")
    assert seat.ticket.startswith("TKT-")
    assert seat.public_id not in seat.ticket
    Reward.objects.update(seat_at=BEGINS + timedelta(days=9), place="别处", place_en="")

    seat.refresh_from_db()

    assert seat.seat_at == BEGINS
    with translation.override("en"):
        assert seat.where == "Wensan Road shop"
    with translation.override("zh-hans"):
        assert seat.where == "文三路店"
    assert account_of(alice).balance == 0
    assert_sound()


def test_once_it_has_begun_no_seat_is_to_be_had(alice):
    give(alice, 500)
    reward = make_seats(500, begins_at=BEGINS)
    before = digest()

    assert shown_rewards(member_id=alice.pk, at=BEFORE)
    assert not shown_rewards(member_id=alice.pk, at=BEGINS)
    with pytest.raises(SeatTooLate) as refusal:
        redeem(alice, reward, now=BEGINS)

    assert "begun" in str(refusal.value)
    assert digest() == before
    assert redeem(alice, reward, now=BEFORE).state == "fulfilled"


def test_the_last_seat_is_the_last_and_nothing_else_begins(alice, bob):
    for member in (alice, bob):
        give(member, 500)
    reward = make_seats(500, stock=1)
    redeem(alice, reward)
    with pytest.raises(RewardGone):
        redeem(bob, reward)
    assert account_of(bob).balance == 500
    with pytest.raises(IntegrityError), transaction.atomic():
        make_reward(500, seat_at=BEGINS)


def test_who_may_not_see_it_has_no_seat(alice):
    give(alice, 500)
    gold = {"field": "loyalty.tier", "is": "in", "value": ["gold"]}
    with pytest.raises(RewardNotOnOffer):
        redeem(alice, make_seats(500, condition=gold))


# --- Giving back --------------------------------------------------------------


def test_p20_a_seat_is_given_back_until_it_begins(seat, alice):
    assert seat.refundable_until == BEGINS
    told = {"redemption": seat.public_id, "member_id": alice.pk}
    with pytest.raises(TooLateToGiveBack):
        cancel_redemption(**told, now=BEGINS)

    ended = cancel_redemption(**told, now=BEFORE)

    assert ended.state == "refunded"
    assert Reward.objects.get().taken == 0
    assert account_of(alice).balance == 500
    assert_sound()


def test_what_was_given_back_lets_nobody_in(seat, alice, dana):
    cancel_redemption(redemption=seat.public_id, member_id=alice.pk, now=NOON)
    with pytest.raises(TicketGivenBack):
        let_in(seat, dana)


def test_after_the_door_nothing_goes_back_not_even_by_staff(seat, alice, dana):
    let_in(seat, dana)
    before = digest()
    with pytest.raises(TooLateToGiveBack):
        cancel_redemption(redemption=seat.public_id, member_id=alice.pk, now=BEFORE)
    with pytest.raises(RewardUsed):
        end_redemption(
            redemption=seat.public_id, actor=dana, reason="Asked", now=BEFORE
        )
    assert digest() == before


def test_staff_give_points_back_for_what_did_not_take_place(seat, alice, dana):
    end_redemption(
        redemption=seat.public_id,
        actor=dana,
        reason="It rained",
        now=BEGINS + timedelta(days=1),
    )
    assert account_of(alice).balance == 500
    assert_sound()


# --- The door -----------------------------------------------------------------


def test_p4_a_ticket_lets_in_once_and_coming_earns_once(seat, alice, dana):
    rule("came", occasion="attendance", points=50)

    done = admit(ticket=seat.ticket.lower(), actor=dana, now=BEFORE)

    assert (done.redemption.pk, done.points) == (seat.pk, 50)
    seat.refresh_from_db()
    assert (seat.state, seat.admitted_at) == ("admitted", BEFORE)
    entry = PointsEntry.objects.get(source=f"seat:{seat.public_id}")
    assert (entry.points, entry.account_id) == (50, alice.pk)
    assert Fact.objects.filter(name="loyalty.SeatTaken").count() == 1
    (trail,) = AuditEntry.objects.filter(action="rewards.admit")
    assert seat.ticket not in str(trail.detail)
    before = digest()
    with pytest.raises(TicketUsed) as refusal:
        let_in(seat, dana, now=BEGINS)
    assert digest() == before
    # When, in the shop's zone, which is named: 11:50 in Shanghai.
    assert "11:50" in str(refusal.value)
    assert "Asia/Shanghai" in str(refusal.value)
    assert_sound()


def test_x3_a_ticket_of_another_day_does_not_let_in(seat, dana):
    midnight = BEGINS - timedelta(hours=12)
    with pytest.raises(TicketTooEarly):
        let_in(seat, dana, now=midnight - timedelta(seconds=1))
    assert let_in(seat, dana, now=midnight).redemption.state == "admitted"


@pytest.mark.parametrize("moved", [timedelta(days=-1), timedelta(days=3)])
def test_the_door_opens_on_the_day_the_occasion_was_moved_to(moved, seat, dana):
    Reward.objects.update(seat_at=BEGINS + moved)
    with pytest.raises(TicketTooEarly):
        let_in(seat, dana, now=BEGINS + moved - timedelta(days=1))
    assert let_in(seat, dana, now=BEGINS + moved).redemption.state == "admitted"


@pytest.mark.parametrize(
    ("over_at", "closes_at"),
    [
        # 12:00 in Shanghai it begins; its day is over at midnight there.
        (None, BEGINS + timedelta(hours=12)),
        (BEGINS + timedelta(hours=2), BEGINS + timedelta(hours=2)),
        (BEGINS + timedelta(hours=30), BEGINS + timedelta(hours=30)),
    ],
)
def test_x3_a_ticket_lets_in_until_it_is_over(over_at, closes_at, seat, dana):
    Reward.objects.update(seat_until=over_at)
    before = digest()
    for reason in ("", " x "):
        with pytest.raises(TicketTooLate):
            let_in(seat, dana, now=closes_at, reason=reason)
    assert digest() == before
    let_in(seat, dana, now=closes_at - timedelta(seconds=1), reason="not asked for")
    (trail,) = AuditEntry.objects.filter(action="rewards.admit")
    assert (trail.reason, trail.detail) == ("", {})


@pytest.mark.parametrize(
    ("now", "code"),
    [
        (BEGINS - timedelta(days=1), "ticket_too_early"),
        (BEGINS + timedelta(days=1), "ticket_too_late"),
    ],
)
def test_with_a_reason_somebody_comes_in_and_the_trail_says_so(now, code, seat, dana):
    done = let_in(seat, dana, now=now, reason=" Helps to set up ")
    assert done.redemption.state == "admitted"
    (trail,) = AuditEntry.objects.filter(action="rewards.admit")
    assert trail.reason == "Helps to set up"
    assert trail.detail == {"not_open": code}
    with pytest.raises(TicketUsed):
        let_in(seat, dana, now=now, reason="Once more")


def test_no_reason_opens_the_door_for_what_was_given_back(seat, alice, dana):
    cancel_redemption(redemption=seat.public_id, member_id=alice.pk, now=NOON)
    before = digest()
    for now in (BEFORE, BEGINS + timedelta(days=1)):
        with pytest.raises(TicketGivenBack):
            let_in(seat, dana, now=now, reason="Says it is a mistake")
    assert digest() == before


def test_p20_once_the_door_is_closed_a_member_gives_no_seat_back(seat, alice, dana):
    """Moved to the day before, and over: the promised day does not matter."""
    moved = BEGINS - timedelta(days=1)
    closes = moved + timedelta(hours=2)
    Reward.objects.update(seat_at=moved, seat_until=closes)
    told = {"redemption": seat.public_id, "member_id": alice.pk}
    before = digest()
    with pytest.raises(TooLateToGiveBack):
        cancel_redemption(**told, now=closes)
    assert digest() == before
    in_time = closes - timedelta(seconds=1)
    assert cancel_redemption(**told, now=in_time).state == "refunded"


def test_what_begins_is_over_afterwards_and_nothing_else_is_ever_over(db):
    for wrong in ({"seat_until": BEGINS}, {"seat_at": None, "seat_until": BEGINS}):
        with pytest.raises(IntegrityError), transaction.atomic():
            make_seats(500, **{"begins_at": BEGINS} | wrong)


@pytest.mark.parametrize("typed", ["", "TKT-", "TKT-0000-0000-0000"])
def test_what_is_no_ticket_lets_nobody_in(typed, seat, dana):
    with pytest.raises(TicketUnknown):
        admit(ticket=typed, actor=dana, now=BEFORE)


def test_a_public_id_and_the_result_of_another_kind_are_no_tickets(seat, alice, dana):
    give(alice, 500)
    value = redeem(alice, make_reward(500, kind="stored_value"))
    for text in (seat.public_id, value.result, value.public_id):
        with pytest.raises(TicketUnknown):
            admit(ticket=text, actor=dana, now=BEFORE)


@pytest.mark.parametrize("state", ["closed", "erased"])
def test_who_may_not_earn_comes_in_all_the_same(state, seat, alice, dana):
    """The seat was paid for; a rule about coming gives nothing to who may not earn."""
    rule("came", occasion="attendance", points=50)
    put_in_state(alice, state)
    done = let_in(seat, dana)
    assert (done.redemption.state, done.points) == ("admitted", 0)
    assert not PointsEntry.objects.filter(source__startswith="seat:").exists()


def test_two_seats_of_one_member_earn_each(alice, dana):
    rule("came", occasion="attendance", points=50)
    give(alice, 1_000)
    reward = make_seats(500)
    for _ in range(2):
        let_in(redeem(alice, reward), dana)
    assert account_of(alice).balance == 100
    assert_sound()


def test_nobody_gives_back_the_seat_of_somebody_else(seat, mallory):
    with pytest.raises(RedemptionUnknown):
        cancel_redemption(redemption=seat.public_id, member_id=mallory.pk, now=NOON)
