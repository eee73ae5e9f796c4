"""Tickets on paper, until when a seat is given back, and from when it lets in (X3)."""

import secrets
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.rules.rewards import door, refund_deadline
from loyalty.rules.tickets import new_ticket, ticket_as_typed
from orders.rules.gift_codes import ALPHABET

SHANGHAI = ZoneInfo("Asia/Shanghai")
#: Noon in Shanghai.
NOON = datetime(2026, 11, 21, 4, tzinfo=UTC)


def test_tickets_are_of_60_random_bits():
    drawn = {new_ticket(secrets.choice) for _ in range(1_000)}
    assert len(drawn) == 1_000
    assert {len(each) for each in drawn} == {len("TKT-7K4M-9QXD-2HNP")}


@given(
    st.text(ALPHABET, min_size=12, max_size=12),
    st.sampled_from([("0", "O"), ("1", "I"), ("1", "l")]),
)
def test_a_ticket_is_found_however_it_is_typed(signs, misread):
    signs_drawn = iter(signs)
    ticket = new_ticket(lambda alphabet: next(signs_drawn))
    for typed in (
        ticket.lower(),
        f" {ticket} ",
        ticket.replace("-", ""),
        ticket.removeprefix("TKT-"),
        # The prefix has neither, so this is of the drawn signs alone.
        ticket.replace(*misread),
    ):
        assert ticket_as_typed(typed) == ticket


@pytest.mark.parametrize(
    ("_case", "days", "begins_in", "until"),
    [
        ("never", 0, timedelta(days=9), None),
        ("the days run out first", 1, timedelta(days=9), NOON + timedelta(hours=36)),
        ("it begins first", 7, timedelta(days=2), NOON + timedelta(days=2)),
        (
            "the end of the day is it",
            1,
            timedelta(hours=36),
            NOON + timedelta(days=1.5),
        ),
    ],
)
def test_a_seat_is_given_back_before_it_begins(_case, days, begins_in, until):
    told = {"days": days, "zone": SHANGHAI, "begins_at": NOON + begins_in}
    assert refund_deadline(NOON, **told) == until


def test_x3_the_door_is_open_the_day_of_the_shops_zone_or_until_it_is_over():
    early = datetime(2026, 11, 20, 16, tzinfo=UTC)  # 00:00 in Shanghai
    late = early + timedelta(hours=23, minutes=59)
    for begins_at in (early, late):
        all_day = door(begins_at, None, zone=SHANGHAI)
        assert all_day.opens_at == early
        assert all_day.closes_at == early + timedelta(days=1)
    over = late + timedelta(hours=3)
    assert door(late, over, zone=SHANGHAI).closes_at == over
