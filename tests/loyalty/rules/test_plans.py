"""Paid plans on paper: calendar, moves, proration, refunds of fees (X4, R21, T18)."""

from datetime import date, timedelta
from itertools import product

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from loyalty.rules.plans import (
    HOLDING,
    MOST_DAYS,
    MOVES,
    OPEN,
    Deed,
    Dunning,
    MoveNotAllowed,
    PaidDays,
    State,
    Step,
    Term,
    better_multiplier_bp,
    bought_until,
    change_of,
    credit_minor,
    days_left,
    fee_back_minor,
    moved,
    next_look,
    period_end,
    resumed_end,
    step_due,
    unused_days,
    worth_minor,
)

DAYS = st.dates(min_value=date(2020, 1, 1), max_value=date(2040, 12, 31))
MONTHS = st.sampled_from([1, 3, 12])


@pytest.mark.parametrize(
    ("starts_on", "months", "anchor_day", "ends_on"),
    [
        (date(2026, 1, 31), 1, 31, date(2026, 2, 28)),
        (date(2026, 2, 28), 1, 31, date(2026, 3, 31)),
        (date(2026, 3, 31), 1, 31, date(2026, 4, 30)),
        (date(2024, 1, 31), 1, 31, date(2024, 2, 29)),
        (date(2026, 11, 30), 3, 30, date(2027, 2, 28)),
        (date(2024, 2, 29), 12, 29, date(2025, 2, 28)),
        (date(2027, 2, 28), 12, 29, date(2028, 2, 29)),
        (date(2026, 12, 15), 1, 15, date(2027, 1, 15)),
    ],
)
def test_x4_periods_keep_their_day_of_the_month(starts_on, months, anchor_day, ends_on):
    assert period_end(starts_on, months=months, anchor_day=anchor_day) == ends_on


@given(DAYS, st.lists(st.just(1), min_size=1, max_size=30))
def test_x4_no_period_skips_a_month(first, months):
    day, seen = first, []
    for each in months:
        day = period_end(day, months=each, anchor_day=first.day)
        seen.append(day.year * 12 + day.month)
    begin = first.year * 12 + first.month
    assert seen == list(range(begin + 1, begin + 1 + len(months)))
    assert day.day <= first.day


@pytest.mark.parametrize(("state", "deed"), [*product(State, Deed)])
def test_every_move_is_in_the_table_or_refused(state, deed):
    if (state, deed) in MOVES:
        assert moved(state, deed) == MOVES[state, deed]
    else:
        with pytest.raises(MoveNotAllowed):
            moved(state, deed)


def test_every_open_state_can_end_and_nothing_follows():
    assert {state for state, deed in MOVES if deed is Deed.END} == set(OPEN)
    assert not any(state is State.ENDED for state, _deed in MOVES)
    assert OPEN - {State.PAUSED} == HOLDING


@pytest.mark.parametrize(
    ("value", "ends_on"),
    [
        (0, date(2026, 6, 1)),
        (99, date(2026, 6, 1)),
        (100, date(2026, 6, 2)),
        (2_999, date(2026, 6, 30)),
        (3_000, date(2026, 7, 1)),
        (3_099, date(2026, 7, 1)),
        (3_100, date(2026, 7, 2)),
        (6_000, date(2026, 7, 31)),
    ],
)
def test_money_buys_whole_days(value, ends_on):
    june = Term(date(2026, 6, 1), months=1, price_minor=3_000)
    assert bought_until(june, value_minor=value) == ends_on


def test_a_cent_a_month_does_not_buy_more_than_a_century():
    cheap = Term(date(2026, 6, 1), months=1, price_minor=1)
    assert (bought_until(cheap, value_minor=10**9) - cheap.starts_on).days == MOST_DAYS


def test_what_is_free_lasts_its_term():
    free = Term(date(2026, 6, 1), months=1, price_minor=0)
    assert bought_until(free, value_minor=9_999) == date(2026, 7, 1)


@given(DAYS, MONTHS, st.integers(100, 100_000), st.integers(0, 300_000))
def test_never_more_days_than_were_paid_and_less_than_one_day_is_lost(
    starts_on, months, price, value
):
    term = Term(starts_on, months, price)
    whole = (term.whole_end - starts_on).days
    days = (bought_until(term, value_minor=value) - starts_on).days
    assume(days < MOST_DAYS)
    assert days * price <= value * whole < (days + 1) * price


@given(
    st.lists(
        st.tuples(st.integers(0, 366), st.integers(0, 50_000)), min_size=1, max_size=5
    ),
    st.integers(0, 2_000),
)
def test_credit_is_never_above_what_was_paid(bought, left):
    paid = [
        PaidDays(n, days=days, bought_days=days, value_minor=value)
        for n, (days, value) in enumerate(bought)
    ]
    unused = unused_days(paid, days_left=left)
    assert sum(unused.values()) == min(left, sum(each.days for each in paid))
    assert 0 <= credit_minor(paid, days_left=left) <= sum(p.value_minor for p in paid)
    # What was bought last is used last.
    for earlier, later in zip(paid, paid[1:], strict=False):
        assert not unused[earlier.id] or unused[later.id] == later.days


@given(DAYS, MONTHS, st.integers(100, 100_000), st.integers(0, 300_000))
def test_a_change_takes_credit_and_money_and_nothing_else(day, months, price, credit):
    term = Term(day, months, price)
    change = change_of(term, credit_minor=credit)
    assert change.due_minor == max(0, price - credit)
    assert change.ends_on >= term.whole_end
    assert (change.ends_on == term.whole_end) or credit > price


@pytest.mark.parametrize(
    ("_case", "credit", "due", "days"),
    [
        ("upgrade in the middle", 1_500, 4_500, 30),
        ("nothing left", 0, 6_000, 30),
        ("credit covers it", 6_000, 0, 30),
        ("downgrade: the rest buys days", 7_000, 0, 35),
        ("less than a day is lost", 6_199, 0, 30),
    ],
)
def test_change_of_plan_by_table(_case, credit, due, days):
    change = change_of(Term(date(2026, 6, 1), 1, 6_000), credit_minor=credit)
    assert (change.due_minor, change.days) == (due, days)


@pytest.mark.parametrize(
    ("_case", "paid", "unused", "benefits", "back"),
    [
        ("nothing used", 3_000, 2_900, 0, 2_900),
        ("benefits used", 3_000, 2_000, 500, 1_500),
        ("more used than left", 3_000, 400, 500, 0),
        ("never more than was paid for it", 1_000, 2_900, 0, 1_000),
        ("all used", 3_000, 0, 0, 0),
    ],
)
def test_r21_refund_of_a_fee_by_table(_case, paid, unused, benefits, back):
    """R21: by the day, less benefits, not below 0."""
    assert (
        fee_back_minor(
            paid_minor=paid, unused_value_minor=unused, benefits_minor=benefits
        )
        == back
    )


@given(st.integers(0, 10**6), st.integers(0, 366), st.integers(0, 366), st.integers(0))
def test_r21_a_fee_gives_back_between_nothing_and_all(paid, days, unused, benefits):
    each = PaidDays(1, days=days, bought_days=days, value_minor=paid)
    worth = worth_minor(each, days=min(unused, days))
    back = fee_back_minor(
        paid_minor=paid, unused_value_minor=worth, benefits_minor=benefits
    )
    assert 0 <= back <= paid


THREE_TRIES = Dunning(attempts=3, days_between=3, grace_days=7)


@pytest.mark.parametrize(
    ("day", "tried", "cancels", "step"),
    [
        (-1, 0, False, Step.WAIT),
        (0, 0, False, Step.ATTEMPT),
        (0, 1, False, Step.WAIT),
        (3, 1, False, Step.ATTEMPT),
        (4, 1, False, Step.ATTEMPT),
        (6, 2, False, Step.ATTEMPT),
        (6, 3, False, Step.WAIT),
        (7, 3, False, Step.END),
        (7, 0, False, Step.END),
        (-1, 0, True, Step.WAIT),
        (0, 0, True, Step.END),
    ],
)
def test_what_a_day_asks_for(day, tried, cancels, step):
    end = date(2026, 7, 1)
    assert (
        step_due(
            THREE_TRIES,
            ends_on=end,
            tried=tried,
            is_cancelled=cancels,
            today=end + timedelta(days=day),
        )
        is step
    )


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 30))
def test_looking_only_on_the_days_said_misses_nothing(attempts, between, grace):
    dunning = Dunning(attempts, between, grace)
    end, tried, steps = date(2026, 7, 1), 0, []
    while not steps or steps[-1] is not Step.END:
        day = next_look(dunning, ends_on=end, tried=tried)
        steps.append(
            step_due(dunning, ends_on=end, tried=tried, is_cancelled=False, today=day)
        )
        tried += steps[-1] is Step.ATTEMPT
    assert Step.WAIT not in steps
    assert tried == min(attempts, -(-grace // between))
    assert day == end + timedelta(days=grace)


@given(DAYS, st.integers(1, 400), st.integers(0, 399), st.integers(0, 500))
def test_pausing_keeps_days_and_gains_none(starts_on, length, used, away):
    ends_on = starts_on + timedelta(days=length)
    paused_on = starts_on + timedelta(days=min(used, length - 1))
    kept = days_left(ends_on=ends_on, after=paused_on)
    today = paused_on + timedelta(days=away)
    end = resumed_end(paused_on=paused_on, kept_days=kept, today=today)
    lived = (paused_on - starts_on).days + 1
    begins = max(today, paused_on + timedelta(days=1))
    assert lived + (end - begins).days == length
    if away <= 1:
        assert end == ends_on


def test_t18_the_better_multiplier_counts_and_never_the_sum():
    assert better_multiplier_bp(15_000, 20_000) == 20_000
    assert better_multiplier_bp(15_000, 10_000) == 15_000
