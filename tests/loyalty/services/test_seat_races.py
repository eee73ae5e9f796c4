"""Real threads after the last seat and at the door; each race beside its control."""

from datetime import timedelta

import pytest

from loyalty.models import PointsEntry, RewardRedemption
from loyalty.services import admitting
from loyalty.services.admitting import Admitted, admit
from loyalty.services.ending_redemptions import cancel_redemption
from tests.cast import NOON, make_member, make_user
from tests.faults.callers import at_once, rendezvous, tally
from tests.loyalty.books import account_of, assert_sound, rule
from tests.loyalty.catalogue import give, make_seats, redeem

pytestmark = pytest.mark.django_db(transaction=True)
THREADS = 8
BEGINS = NOON + timedelta(hours=2)


@pytest.fixture
def seat(alice):
    give(alice, 500)
    reward = make_seats(500, begins_at=BEGINS, stock=3, refundable_days=7)
    return redeem(alice, reward)


def test_x5_of_many_after_the_last_seat_one_has_a_ticket():
    members = [make_member(serial) for serial in range(100, 100 + THREADS)]
    for member in members:
        give(member, 500)
    reward = make_seats(500, begins_at=BEGINS, stock=1)

    answers = at_once([lambda who=who: redeem(who, reward) for who in members])

    (got,) = [each for each in answers if isinstance(each, RewardRedemption)]
    assert tally(answers)["RewardGone"] == THREADS - 1
    assert got.ticket
    assert [who for who in members if not account_of(who).balance] == [got.member]
    assert_sound()


def test_x5_a_ticket_shown_at_many_doors_at_once_lets_in_once(seat, alice):
    rule("came", occasion="attendance", points=50)
    doors = [make_user(f"door-{number}", is_staff=True) for number in range(THREADS)]

    answers = at_once(
        [lambda at=at: admit(ticket=seat.ticket, actor=at, now=NOON) for at in doors]
    )

    assert tally(answers)["TicketUsed"] == THREADS - 1
    assert sum(isinstance(each, Admitted) for each in answers) == 1
    assert PointsEntry.objects.filter(source__startswith="seat:").count() == 1
    assert account_of(alice).balance == 50
    assert_sound()


def test_x5_control_a_door_that_reads_first_lets_in_twice(seat, dana, monkeypatch):
    """Without the lock and the condition both see a ticket that is good."""
    meet = rendezvous(2)

    def read_only(public_id, *, now):
        row = RewardRedemption.objects.get(public_id=public_id)
        meet()
        return row

    class Unguarded:
        """Writes whatever the state is."""

        @staticmethod
        def filter(**key):
            key.pop("state", None)
            return RewardRedemption.objects.filter(**key)

    monkeypatch.setattr(admitting, "locked_redemption", read_only)
    monkeypatch.setattr(
        admitting,
        "RewardRedemption",
        type("Model", (), {"objects": Unguarded, "State": RewardRedemption.State}),
    )

    answers = at_once([lambda: admit(ticket=seat.ticket, actor=dana, now=NOON)] * 2)

    assert sum(isinstance(each, Admitted) for each in answers) == 2


def test_at_the_door_and_given_back_at_once_it_is_one_of_both(seat, alice, dana):
    came, gone = at_once(
        [
            lambda: admit(ticket=seat.ticket, actor=dana, now=NOON),
            lambda: cancel_redemption(
                redemption=seat.public_id, member_id=alice.pk, now=NOON
            ),
        ]
    )

    seat.refresh_from_db()
    assert isinstance(came, Admitted) != isinstance(gone, RewardRedemption)
    assert seat.state == ("admitted" if isinstance(came, Admitted) else "refunded")
    assert account_of(alice).balance == (0 if seat.state == "admitted" else 500)
    assert_sound()
