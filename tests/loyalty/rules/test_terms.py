import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from unittest.mock import ANY
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.rules.lifts import CameBack, Lift, lifts_of, plain_lifts
from loyalty.rules.terms import (
    Held,
    LadderTerms,
    Look,
    Measured,
    Occasion,
    Start,
    missing,
)
from loyalty.rules.tiers import Rung
from loyalty.rules.windows import counts_from, moment_counted, period_of

ZONE = ZoneInfo("Asia/Shanghai")
RUNGS = (
    Rung(1, "member", 0, 10_000),
    Rung(2, "silver", 500, 12_000),
    Rung(3, "gold", 1_000, 15_000),
    Rung(4, "platinum", 5_000, 20_000),
)
YEARLY = LadderTerms(RUNGS, ZONE, window="year", term="end_of_period")
ROLLING = LadderTerms(RUNGS, ZONE, window_days=365)


def day(text):
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).astimezone(UTC)


JOINED = day("2024-02-29")
NOW = day("2026-06-15")
NEW_YEAR = day("2027-01-01")


def look(held, value, *, terms=YEARLY, at=NOW, **how):
    deed = Look(terms=terms, at=at, joined_at=JOINED, **how)
    numbers = {"value": value, "orders": how.pop("orders", 0)}
    return deed.outcome(held, terms.measure(held.tier, numbers))


def holding(tier, **more):
    return Held(tier=tier, since=day("2026-03-01"), **more)


# --- Windows and terms ------------------------------------------------------------


@pytest.mark.parametrize(
    ("window", "at", "since"),
    [
        ("month", "2026-06-15", "2026-06-01"),
        ("quarter", "2026-06-15", "2026-04-01"),
        ("half", "2026-06-30", "2026-01-01"),
        ("half", "2026-07-01", "2026-07-01"),
        ("year", "2026-12-31", "2026-01-01"),
        ("anniversary", "2026-02-27", "2025-02-28"),
        ("anniversary", "2026-02-28", "2026-02-28"),
        ("anniversary", "2028-02-28", "2027-02-28"),
        ("anniversary", "2028-02-29", "2028-02-29"),
    ],
)
def test_t6_a_period_counts_from_its_first_moment_in_the_zone(window, at, since):
    after = counts_from(
        day(at), window=window, window_days=None, joined_at=JOINED, zone=ZONE
    )
    assert after == day(since) - datetime.resolution


@given(
    st.sampled_from(["month", "quarter", "half", "year", "anniversary"]),
    st.integers(1, 16 * 365 * 24).map(lambda h: day("2024-03-01") + timedelta(hours=h)),
)
def test_t6_x4_periods_touch_and_hold_their_moment(period, at):
    start, end = period_of(period, at, joined_at=JOINED, zone=ZONE)
    assert start <= at < end
    assert period_of(period, end, joined_at=JOINED, zone=ZONE)[0] == end
    before = start - datetime.resolution
    if before >= JOINED:
        assert period_of(period, before, joined_at=JOINED, zone=ZONE)[1] == start


@pytest.mark.parametrize(
    ("term", "more", "end"),
    [
        ("none", {}, None),
        ("end_of_period", {}, "2027-01-01"),
        ("end_of_next", {}, "2028-01-01"),
        ("end_of_period", {"period": "quarter"}, "2026-07-01"),
        ("end_of_period", {"period": "anniversary"}, "2027-02-28"),
        ("months", {"term_months": 12}, "2027-06-16"),
    ],
)
def test_t7_a_term_ends_with_the_period_or_after_months(term, more, end):
    terms = replace(YEARLY, term=term, **more)
    found = terms.end_of_term(NOW, joined_at=JOINED)
    assert found == (day(end) if end else None)


def test_a_term_that_is_over_is_judged_by_its_own_window():
    last = NEW_YEAR - datetime.resolution
    assert moment_counted(NEW_YEAR, NEW_YEAR) == last
    assert moment_counted(last, NEW_YEAR) == last
    assert moment_counted(NOW, None) == NOW


# --- Up ---------------------------------------------------------------------------


@pytest.mark.parametrize("occasion", list(Occasion))
def test_t3_t4_up_goes_at_once_over_rungs_by_exactly_the_threshold(occasion):
    after = look(holding("member"), 5_000, occasion=occasion, cause="order:1")
    assert (after.tier, after.since, after.valid_until) == ("platinum", NOW, NEW_YEAR)
    assert after.lifted_by == "order:1"
    assert [lift.tier for lift in after.lifts] == ["member", after.tier]
    assert look(holding("member"), 499, occasion=occasion).tier == "member"


@pytest.mark.parametrize(
    ("_case", "value", "tier"),
    [
        ("nothing yet", 0, "member"),
        ("a cent short", 499, "member"),
        ("T3: the threshold exactly", 500, "silver"),
        ("T4: rungs may be skipped", 4_999, "gold"),
        ("more returned than bought", -1, "member"),
    ],
)
def test_t3_the_highest_threshold_reached_counts(_case, value, tier):
    assert YEARLY.measure("member", {"value": value}).due == tier


def test_without_rungs_or_floor_there_may_be_no_tier():
    assert LadderTerms((), ZONE).measure(None, {}).due is None
    terms = LadderTerms(RUNGS[1:], ZONE, has_floor=False)
    assert terms.measure(None, {"value": 499}).due is None


@pytest.mark.parametrize(
    ("both", "value", "orders", "tier"),
    [
        (True, 600, 2, "a"),
        (True, 600, 3, "b"),
        (False, 600, 0, "b"),
        (False, 0, 3, "b"),
        (False, 0, 2, "a"),
    ],
)
def test_two_thresholds_join_by_and_or_or(both, value, orders, tier):
    second = {"also_metric": "orders", "also_threshold": 3, "needs_both": both}
    rungs = (Rung(1, "a", 0, 1), Rung(2, "b", 500, 1, **second))
    terms = LadderTerms(rungs, ZONE)
    assert terms.metrics == {"value", "orders"}
    numbers = {"value": value, "orders": orders}
    assert terms.measure("a", numbers).due == tier


# --- Terms ------------------------------------------------------------------------


@pytest.mark.parametrize("occasion", [Occasion.REVIEW, Occasion.PAYMENT])
def test_t7_within_the_term_nothing_lowers(occasion):
    held = holding("gold", valid_until=NEW_YEAR)
    assert look(held, 0, at=NEW_YEAR - timedelta(seconds=1), occasion=occasion) == held


def test_t8_who_still_qualifies_is_renewed_for_the_term_that_begins():
    held = holding("gold", valid_until=NEW_YEAR)
    after = look(held, 1_000, at=NEW_YEAR)
    assert after == replace(held, valid_until=day("2028-01-01"))
    assert look(held, 1_000, at=NEW_YEAR + timedelta(hours=7)) == after


def test_t8_a_lower_number_may_keep_what_a_higher_one_gave():
    rungs = (*RUNGS[:2], replace(RUNGS[2], keep_minor=800))
    terms = replace(YEARLY, rungs=rungs)
    held = holding("gold", valid_until=NEW_YEAR)
    assert look(held, 800, terms=terms, at=NEW_YEAR).tier == "gold"
    assert look(held, 799, terms=terms, at=NEW_YEAR).tier == "silver"
    lacks = [missing(rungs[2], "value", {"value": value}) for value in (700, 900)]
    assert lacks == [(100, 0), (0, 0)]


@pytest.mark.parametrize(
    ("downgrade", "value", "tier"),
    [
        ("to_matching_tier", 0, "member"),
        ("to_matching_tier", 600, "silver"),
        ("one_below", 0, "gold"),
        ("lowest", 0, "member"),
        ("lowest", 600, "silver"),
        ("never", 0, "platinum"),
    ],
)
def test_t8_where_who_does_not_keep_it_lands(downgrade, value, tier):
    terms = replace(YEARLY, downgrade=downgrade)
    held = holding("platinum", valid_until=NEW_YEAR)
    after = look(held, value, terms=terms, at=NEW_YEAR)
    assert after.tier == tier
    ends = None if tier == "member" else day("2028-01-01")
    assert after.valid_until == ends, "the new term starts then"


def test_t8_grace_lets_a_term_that_is_over_still_be_met():
    terms = replace(YEARLY, grace_days=30)
    held = holding("gold", valid_until=NEW_YEAR)
    until = NEW_YEAR + timedelta(days=30)

    waiting = look(held, 0, terms=terms, at=NEW_YEAR)

    assert waiting == replace(held, grace_until=until)
    met = look(waiting, 1_000, terms=terms, at=until - timedelta(seconds=1))
    assert (met.tier, met.grace_until) == ("gold", None)
    assert met.valid_until == day("2028-01-01")
    assert look(waiting, 600, terms=terms, at=until).tier == "silver"


def test_t8_a_look_years_late_begins_a_term_that_is_not_over():
    held = holding("gold", valid_until=NEW_YEAR)
    after = look(held, 1_000, at=day("2030-05-05"))
    assert after.valid_until == day("2031-01-01")


def test_months_are_renewed_to_the_same_day():
    terms = replace(YEARLY, term="months", term_months=12)
    held = holding("gold", valid_until=day("2026-06-16"))
    after = look(held, 1_000, terms=terms, at=day("2026-06-16"))
    assert after.valid_until == day("2027-06-16")


# --- Refunds ----------------------------------------------------------------------

LIFTED = Held(
    tier="gold",
    since=NOW,
    valid_until=NEW_YEAR,
    lifted_by="order:1",
    put_aside=(
        Lift("member", None),
        Lift("silver", NOW, day("2026-12-01"), "order:0"),
    ),
)


def after_refund(*causes, days=1, value=100, then=0, **more):
    terms = replace(YEARLY, protect_days=30, **more)
    at = NOW + timedelta(days=days)
    kept = terms.kept({"value": value}) | terms.kept({"value": then})
    back = {cause: CameBack(at, kept) for cause in causes or ["order:1"]}
    how = {"occasion": Occasion.RETURN, "came_back": back}
    return look(LIFTED, value, terms=terms, at=at, **how)


def test_t9_the_order_that_lifted_undoes_the_lift_at_once():
    after = after_refund()
    assert (after.tier, after.valid_until) == ("silver", day("2026-12-01"))
    assert (after.lifted_by, after.put_aside) == ("order:0", LIFTED.put_aside[:1])


def test_t9_lifts_below_are_undone_with_it_or_before_it():
    assert after_refund("order:0", "order:1") == replace(
        LIFTED, tier="member", valid_until=None, lifted_by="", put_aside=(), since=ANY
    )
    below = after_refund("order:0")
    assert below == replace(LIFTED, put_aside=LIFTED.put_aside[:1])


def test_t9_what_is_left_of_the_lift_is_the_same_orders():
    after = after_refund("order:0", "order:1", value=600)
    assert (after.tier, after.lifted_by) == ("silver", "order:0")


@pytest.mark.parametrize(
    ("_case", "how"),
    [
        ("another order", {"cause": "order:2"}),
        ("too late", {"days": 30}),
        ("the threshold is still met", {"value": 1_000}),
        ("it was met by what is left", {"then": 1_000}),
    ],
)
def test_t9_nothing_else_lowers_within_the_term(_case, how):
    assert after_refund(how.pop("cause", "order:1"), **how) == LIFTED


def test_t9_without_a_term_what_is_left_counts():
    held = holding("gold")
    how = {"terms": ROLLING, "occasion": Occasion.RETURN}
    assert look(held, 600, **how).tier == "silver"


def test_t9_lifts_are_written_as_json_and_read_back():
    plain = json.loads(json.dumps(plain_lifts(LIFTED.lifts)))
    assert lifts_of(plain) == LIFTED.lifts


# --- Pins -------------------------------------------------------------------------


@pytest.mark.parametrize("value", [0, 9_999])
def test_t10_a_pin_outranks_the_numbers_until_its_end(value):
    end = NOW + timedelta(days=3)
    held = holding("gold", is_pinned=True, pinned_until=end)
    assert look(held, value, at=end - timedelta(seconds=1)) == held
    after = look(held, value, at=end)
    assert after.tier == ("platinum" if value else "member")
    assert not after.is_pinned


def test_t10_a_pin_without_end_stays():
    held = holding("gold", is_pinned=True)
    assert look(held, 0, at=day("2040-01-01")) == held


# --- Versions ---------------------------------------------------------------------


def started(held, value, start=None, **more):
    terms = replace(YEARLY, **more)
    how = {"occasion": Occasion.START, "start": start or Start()}
    return look(held, value, terms=terms, **how)


def test_t13_at_the_start_who_falls_falls_at_once_or_when_the_term_ends():
    held = holding("gold", valid_until=NEW_YEAR)
    assert started(held, 600).tier == "silver"
    assert started(held, 600, Start(at_once=False)) == held
    assert started(holding("gold"), 600, Start(at_once=False)).valid_until == NEW_YEAR
    assert started(holding("gold"), 600, Start(at_once=False), term="none").tier == (
        "silver"
    )


def test_t13_who_is_grandfathered_keeps_the_tier_to_a_date():
    until = day("2027-03-01")
    start = Start(at_once=False, keep_until=until)
    after = started(holding("gold", valid_until=NEW_YEAR), 0, start)
    assert (after.tier, after.valid_until) == ("gold", until)
    assert started(holding("gold"), 0, start, term="none").valid_until == until
    assert started(holding("gold"), 1_000, start, term="none").valid_until is None


REMOVED = (*RUNGS[:2], replace(RUNGS[2], is_removed=True), RUNGS[3])


def test_t14_a_removed_tier_is_left_for_the_nearest_lower_one():
    held = holding("gold", valid_until=NEW_YEAR)
    assert started(held, 0, rungs=REMOVED).tier == "silver", "forced"
    assert started(held, 0, Start(at_once=False), rungs=REMOVED) == held
    terms = replace(YEARLY, rungs=REMOVED, downgrade="never")
    assert look(held, 9_999, terms=terms).tier == "platinum"
    assert look(held, 1_000, terms=terms, at=NEW_YEAR).tier == "silver"
    assert look(holding("silver"), 1_000, terms=terms).tier == "silver", "none reach it"


def test_of_a_club_nobody_reaches_a_tier_and_only_pins_count():
    club = LadderTerms((Rung(1, "fans", 0, 1),), ZONE, metric="none", has_floor=False)
    assert look(Held(), 10**9, terms=club) == Held()
    pinned = holding("fans", is_pinned=True, pinned_until=NOW)
    assert look(pinned, 0, terms=club) == Held()


# --- A model ----------------------------------------------------------------------

WHEN = st.integers(0, 3 * 365 * 24).map(
    lambda h: day("2026-01-01") + timedelta(hours=h)
)
TIERS = st.sampled_from([rung.code for rung in RUNGS])
TERMS = st.builds(
    LadderTerms,
    rungs=st.just(RUNGS),
    zone=st.just(ZONE),
    term=st.sampled_from(["none", "end_of_period", "end_of_next", "months"]),
    period=st.sampled_from(["month", "quarter", "half", "year", "anniversary"]),
    term_months=st.integers(1, 24),
    downgrade=st.sampled_from(["to_matching_tier", "one_below", "lowest", "never"]),
    grace_days=st.sampled_from([0, 1, 30]),
)


def plain(terms, held, value, at):
    """Say once more, as a sentence would, who holds which tier after a review."""
    ranks = [rung.threshold_minor for rung in RUNGS]
    place = [rung.code for rung in RUNGS].index(held.tier)
    due = sum(bound <= value for bound in ranks) - 1
    if due >= place or terms.downgrade == "never":
        return max(due, place)
    if held.valid_until and at < held.valid_until:
        return place
    grace = timedelta(days=terms.grace_days)
    if held.valid_until and grace and at < held.valid_until + grace:
        return place
    fall = {"to_matching_tier": due, "one_below": place - 1, "lowest": 0}
    return max(due, fall[terms.downgrade])


@given(TERMS, TIERS, st.integers(0, 6_000), WHEN, st.none() | WHEN)
def test_t7_t8_reviews_agree_with_the_model_and_repeat_nothing(
    terms, tier, value, at, until
):
    held = Held(tier=tier, since=day("2026-01-01"), valid_until=until)
    after = look(held, value, terms=terms, at=at)
    assert after.tier == RUNGS[plain(terms, held, value, at)].code
    if after.valid_until is not None and after.grace_until is None:
        assert after.valid_until > at or after == held
    if terms.downgrade == "to_matching_tier" or after.valid_until is not None:
        assert look(after, value, terms=terms, at=at) == after, "T11"


def test_measured_says_what_is_due_and_whether_it_is_kept():
    assert YEARLY.measure("gold", {"value": 600}) == Measured("silver", False, "silver")
