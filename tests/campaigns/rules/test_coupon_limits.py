"""Which counts a use takes one of, and when a coupon can be used."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from campaigns.rules.coupon_limits import Limits, Slot
from campaigns.rules.coupons import (
    ReturnOf,
    Validity,
    is_plausible,
    period_name,
    return_of,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
ME = ("m:1", "p:ab")


@pytest.mark.parametrize(
    ("_case", "limits", "slots"),
    [
        ("none", Limits(), []),
        ("in all", Limits(total=5), [Slot("", "", 5)]),
        ("C11 each name", Limits(member=2), [Slot("m:1", "", 2), Slot("p:ab", "", 2)]),
        ("a period", Limits(period="day", in_period=3), [Slot("", "2026-11-21", 3)]),
        (
            "each in a period",
            Limits(period="month", member_in_period=1),
            [Slot("m:1", "2026-11", 1), Slot("p:ab", "2026-11", 1)],
        ),
        ("C12 an order, not a count", Limits(first_order_only=True), []),
        ("no period, no limit", Limits(in_period=3), []),
    ],
)
def test_c8_what_a_use_counts(_case, limits, slots):
    assert limits.slots(ME, at=NOON, zone=SHANGHAI) == slots


@pytest.mark.parametrize(
    ("slot", "reason"),
    [
        (Slot("", "", 1), "coupon_redemption_limit"),
        (Slot("m:1", "", 1), "coupon_member_limit"),
        (Slot("", "2026-W47", 1), "coupon_timeframe_limit"),
        (Slot("m:1", "2026-W47", 1), "coupon_timeframe_limit"),
    ],
)
def test_a_full_count_has_a_reason(slot, reason):
    assert slot.reason == reason


@pytest.mark.parametrize(
    ("kind", "utc", "name"),
    [
        ("day", datetime(2026, 11, 21, 15, 59, tzinfo=UTC), "2026-11-21"),
        ("day", datetime(2026, 11, 21, 16, 0, tzinfo=UTC), "2026-11-22"),
        ("week", datetime(2026, 11, 22, 15, 59, tzinfo=UTC), "2026-W47"),
        ("week", datetime(2026, 11, 22, 16, 0, tzinfo=UTC), "2026-W48"),
        ("week", datetime(2026, 12, 31, 16, 0, tzinfo=UTC), "2026-W53"),
        ("month", datetime(2026, 11, 30, 16, 0, tzinfo=UTC), "2026-12"),
    ],
)
def test_periods_begin_at_midnight_in_the_shops_zone(kind, utc, name):
    assert period_name(kind, utc, SHANGHAI) == name


def test_an_unknown_period_is_an_error():
    with pytest.raises(ValueError, match="year"):
        period_name("year", NOON, SHANGHAI)


DAY = timedelta(days=1)
#: Day 2 after a Saturday noon ends at midnight of Monday in Shanghai.
END_OF_DAY_2 = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("_case", "validity", "window"),
    [
        ("end of day N", Validity(days=2), (None, END_OF_DAY_2)),
        ("a fixed end", Validity(days=2, ends_at=NOON + DAY), (None, NOON + DAY)),
        (
            "from a day on",
            Validity(days=2, begins_at=NOON + DAY),
            (NOON + DAY, END_OF_DAY_2),
        ),
        ("begun already", Validity(days=2, begins_at=NOON), (None, END_OF_DAY_2)),
        (
            "not beyond the campaign",
            Validity(days=2, campaign_ends_at=NOON + DAY),
            (None, NOON + DAY),
        ),
        (
            "a campaign that ends later",
            Validity(days=2, campaign_ends_at=NOON + 9 * DAY),
            (None, END_OF_DAY_2),
        ),
    ],
)
def test_c3_when_a_coupon_can_be_used(_case, validity, window):
    assert validity.of_coupon(NOON, SHANGHAI) == window


@pytest.mark.parametrize(
    ("expires_in", "grace_days", "outcome"),
    [
        (DAY, 7, ReturnOf.RETURNS),
        (timedelta(0), 7, ReturnOf.GRACE),
        (timedelta(0), 0, ReturnOf.EXPIRED),
    ],
)
def test_c10_days_of_grace_are_for_what_expired(expires_in, grace_days, outcome):
    assert (
        return_of(
            returns=True,
            expires_at=NOON + expires_in,
            closes_order=True,
            grace_days=grace_days,
            now=NOON,
        )
        == outcome
    )


@pytest.mark.parametrize(
    ("code", "is_good"),
    [
        ("ABC", False),
        ("SPRING26", True),
        ("TWELVELETTER", True),
        ("THIRTEENCHARS", False),
        ("2" * 15, False),
        ("VP2222222222222", False),
    ],
)
def test_c4_lengths_tell_kinds_of_codes_apart(code, is_good):
    assert is_plausible(code) is is_good
