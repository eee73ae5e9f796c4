from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.rules.referrals import (
    FIRST_ORDER,
    JOINING,
    KEPT_ORDER,
    KINDS,
    SUSPICIONS,
    Conversion,
    GivenBack,
    Purchase,
    conversion_of,
    reaches_milestone,
    still_counts,
    suspicions,
)

NOON = datetime(2026, 11, 21, 4, tzinfo=UTC)
DAY = timedelta(days=1)


def bought(order_id, day, net, *back, window=14):
    return Purchase(
        order_id,
        paid_at=NOON + day * DAY,
        closes_at=None if window is None else NOON + (day + window) * DAY,
        net_minor=net,
        given_back=tuple(GivenBack(NOON + on * DAY, minor) for on, minor in back),
    )


def found(event, *purchases, day=100, least=5_000):
    return conversion_of(
        event,
        joined_at=NOON,
        least_minor=least,
        purchases=purchases,
        now=NOON + day * DAY,
    )


@pytest.mark.parametrize(
    ("event", "purchases", "day", "expected"),
    [
        (JOINING, [], 0, (None, 0)),
        (FIRST_ORDER, [], 9, None),
        (FIRST_ORDER, [bought(1, 1, 5_000)], 9, (1, 1)),
        (FIRST_ORDER, [bought(1, 1, 4_999)], 9, None),
        # A small first order does not use the chance up.
        (FIRST_ORDER, [bought(1, 1, 4_999), bought(2, 3, 5_000)], 9, (2, 3)),
        # What was given back later does not choose another order.
        (FIRST_ORDER, [bought(1, 1, 9_000, (2, 9_000)), bought(2, 3, 9_000)], 9, (1, 1)),
        (FIRST_ORDER, [bought(1, 1, 9_000, window=None)], 9, (1, 1)),
        (KEPT_ORDER, [bought(1, 1, 9_000)], 14, None),
        (KEPT_ORDER, [bought(1, 1, 9_000)], 15, (1, 15)),
        (KEPT_ORDER, [bought(1, 1, 9_000, window=None)], 99, None),
        # Given back within the window it never counted; the next one does.
        (KEPT_ORDER, [bought(1, 1, 9_000, (5, 4_001)), bought(2, 3, 9_000)], 99, (2, 17)),
        # Given back after it, it did.
        (KEPT_ORDER, [bought(1, 1, 9_000, (16, 9_000))], 99, (1, 15)),
    ],
)  # fmt: skip
def test_which_order_makes_a_friend_count_and_when(event, purchases, day, expected):
    order_and_day = expected and Conversion(expected[0], NOON + expected[1] * DAY)
    assert found(event, *purchases, day=day) == order_and_day
    for shuffled in permutations(purchases):
        assert found(event, *shuffled, day=day) == order_and_day


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3), st.integers(0, 90))),
    st.sampled_from([FIRST_ORDER, KEPT_ORDER]),
    st.integers(0, 60),
)
def test_a_later_look_never_chooses_another_order(days, event, day):
    purchases = [
        bought(n, paid, 9_000, (back, 3_000 * parts))
        for n, (paid, parts, back) in enumerate(days)
    ]
    now = found(event, *purchases, day=day)
    assert now is None or found(event, *purchases, day=day + 40) == now


def test_an_order_of_nothing_never_counts():
    assert found(FIRST_ORDER, bought(1, 1, 0), least=0) is None
    assert not still_counts(bought(1, 1, 900, (2, 900)), least_minor=0)
    assert still_counts(bought(1, 1, 900, (2, 899)), least_minor=0)


NOTHING = {
    "is_one_member": False,
    "friend": {},
    "inviter": {},
    "others": {},
    "joined_lately": 1,
    "most_lately": 3,
}


def seen(**marks):
    return {kind: frozenset({value}) for kind, value in marks.items()}


def test_a_stranger_is_not_suspicious():
    apart = {
        "friend": seen(**dict.fromkeys(KINDS, b"1")),
        "inviter": seen(**dict.fromkeys(KINDS, b"2")),
    }
    assert suspicions(**NOTHING | apart) == ()


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_shared_is_named_with_whom(kind):
    friend, other = seen(**{kind: b"1"}), seen(**{kind: b"1"})
    with_inviter = NOTHING | {"friend": friend, "inviter": other}
    among_friends = NOTHING | {"friend": friend, "others": other}
    assert suspicions(**with_inviter) == (f"same_{kind}",)
    assert suspicions(**among_friends) == (f"same_{kind}_among_friends",)


@pytest.mark.parametrize(
    ("lately", "most", "is_too_fast"), [(3, 3, False), (4, 3, True), (99, 0, False)]
)
def test_more_friends_than_usual_within_hours(lately, most, is_too_fast):
    told = suspicions(**NOTHING | {"joined_lately": lately, "most_lately": most})
    assert told == (("velocity",) if is_too_fast else ())


def test_the_strongest_reason_comes_first():
    same = seen(**dict.fromkeys(KINDS, b"1"))
    told = suspicions(
        is_one_member=True,
        friend=same,
        inviter=same,
        others=same,
        joined_lately=9,
        most_lately=1,
    )
    assert told == SUSPICIONS


def test_milestones_are_every_so_many():
    assert [n for n in range(16) if reaches_milestone(n, every=5)] == [5, 10, 15]
    assert not any(reaches_milestone(n, every=0) for n in range(9))
