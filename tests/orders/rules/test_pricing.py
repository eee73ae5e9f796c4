"""The pricing pipeline: order of stages, floors, exclusivity, allocation, trace."""

import random
import time
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.shared.money import cumulative_share
from orders.rules.freight import FreightRule
from orders.rules.offers import PriceRequest, Refused, Stage
from orders.rules.pricing import price_cart
from orders.rules.quotes import NotApplied
from orders.rules.unit_prices import PriceOption
from tests.cast import NOON
from tests.orders.shop import Far, Off, line


def request(*lines, **fields):
    return PriceRequest(lines=tuple(lines), currency="CNY", now=NOON, **fields)


def shares(quote, source_id):
    return next(dict(a.shares) for a in quote.applied if a.source_id == source_id)


def test_a_cart_without_offers_costs_its_list_prices():
    quote = price_cart(request(line(1, 1999, 3), line(2, 500)), [])
    assert (quote.goods_minor, quote.discount_minor, quote.total_minor) == (
        6497,
        0,
        6497,
    )
    assert [each.net_minor for each in quote.lines] == [5997, 500]


@pytest.mark.parametrize(
    ("prices", "expected"),
    [
        ([10000, 10000, 10000], {1: 334, 2: 333, 3: 333}),
        ([3333, 3333, 3334], {1: 333, 2: 333, 3: 334}),
    ],
)
def test_s9_allocation_by_largest_remainder(prices, expected):
    lines = [line(i, price) for i, price in enumerate(prices, start=1)]
    quote = price_cart(request(*lines), [Off("a", 1000)])
    assert shares(quote, "a") == expected


def test_s1_stages_run_in_order_whatever_the_order_of_offers():
    offers = [
        Off("points", 100, stage=Stage.POINTS, points=10),
        Off("coupon", percent_bp=1000, stage=Stage.COUPON),
        Off("order", 1000, stage=Stage.ORDER),
        Off("item", percent_bp=5000, stage=Stage.ITEM),
    ]
    quote = price_cart(request(line(1, 10000)), offers)
    assert [(a.source_id, a.amount_minor) for a in quote.applied] == [
        ("item", 5000),
        ("order", 1000),
        ("coupon", 400),
        ("points", 100),
    ]
    assert quote.total_minor == 3500
    assert quote.points_spent == 10


def test_s3_priority_then_start_then_id_inside_a_stage():
    late, early = NOON.replace(month=10), NOON.replace(month=9)
    offers = [
        Off("c", 1, starts_at=late),
        Off("b", 1, starts_at=early),
        Off("d", 1, starts_at=late),
        Off("z", 1, priority=5),
    ]
    quote = price_cart(request(line(1, 100)), offers)
    assert [a.source_id for a in quote.applied] == ["z", "b", "c", "d"]


def test_s7_a_threshold_compares_with_the_amount_on_entering_the_stage():
    same_stage = [
        Off("a", 2000, priority=1),
        Off("b", 1000, threshold_minor=10000),
    ]
    quote = price_cart(request(line(1, 10000)), same_stage)
    assert quote.discount_minor == 3000
    next_stage = [
        Off("a", 1, stage=Stage.ORDER),
        Off("b", 1000, stage=Stage.COUPON, threshold_minor=10000),
    ]
    quote = price_cart(request(line(1, 10000)), next_stage)
    assert quote.discount_minor == 1
    assert quote.refused[0].why == Refused("threshold_not_met", {"missing_minor": 1})


def test_s8_forty_then_seventy_percent_leave_eighteen():
    offers = [Off("a", percent_bp=4000, priority=1), Off("b", percent_bp=7000)]
    assert price_cart(request(line(1, 10000)), offers).total_minor == 1800


def test_s10_a_line_at_its_floor_takes_no_more_and_the_others_take_it():
    offers = [
        Off("a", 900, positions=(1,), priority=1),
        Off("b", 1000),
    ]
    quote = price_cart(request(line(1, 1000), line(2, 1000)), offers)
    assert shares(quote, "b") == {1: 91, 2: 909}
    assert [each.net_minor for each in quote.lines] == [9, 91]


def test_x7_an_offer_shrinks_to_what_is_left():
    quote = price_cart(
        request(line(1, 500)), [Off("a", 300, priority=1), Off("b", 300)]
    )
    assert [(a.source_id, a.amount_minor) for a in quote.applied] == [
        ("a", 300),
        ("b", 200),
    ]
    assert quote.total_minor == 0
    assert quote.trace[-1]["asked_minor"] == 300


def test_s20_an_offer_without_effect_is_not_applied():
    quote = price_cart(request(line(1, 500)), [Off("a", 500, priority=1), Off("b", 5)])
    assert [a.source_id for a in quote.applied] == ["a"]
    assert [(r.source_id, r.why.code) for r in quote.refused] == [("b", "no_effect")]


def test_s4_s6_of_a_group_the_best_saving_applies_whatever_its_priority():
    offers = [
        Off("a", 100, exclusive_group="g", priority=9),
        Off("b", 300, exclusive_group="g"),
        Off("c", 300, exclusive_group="g"),
        Off("d", 50, exclusive_group="other"),
    ]
    quote = price_cart(request(line(1, 1000)), offers)
    assert [a.source_id for a in quote.applied] == ["b", "d"]
    assert {(s.source_id, s.why.code, s.why.params["with"]) for s in quote.skipped} == {
        ("a", "exclusive_group", "b"),
        ("c", "exclusive_group", "b"),
    }


def test_s4_a_group_taken_in_an_earlier_stage_is_closed():
    offers = [
        Off("a", 100, exclusive_group="g", stage=Stage.ORDER),
        Off("b", 300, exclusive_group="g", stage=Stage.COUPON),
    ]
    quote = price_cart(request(line(1, 1000)), offers)
    assert [a.source_id for a in quote.applied] == ["a"]
    assert [s.source_id for s in quote.skipped] == ["b"]


def test_s4_what_refuses_by_itself_did_not_give_way_to_anybody():
    offers = [
        Off("a", 100, exclusive_group="g"),
        Off("b", 900, exclusive_group="g", threshold_minor=1200),
    ]
    quote = price_cart(request(line(1, 1000)), offers)
    assert [a.source_id for a in quote.applied] == ["a"]
    assert quote.skipped == ()
    assert [r.why for r in quote.refused] == [
        Refused("threshold_not_met", {"missing_minor": 200})
    ]


def test_s2_offers_on_goods_pass_closed_lines_by_and_points_do_not():
    lines = (line(1, 1000, is_closed=True), line(2, 1000))
    quote = price_cart(
        request(*lines),
        [
            Off("order", percent_bp=5000, threshold_minor=1000),
            Off("over", 1, threshold_minor=1001),
            Off("points", 100, stage=Stage.POINTS, points=10),
        ],
    )
    assert shares(quote, "order") == {2: 500}
    assert [r.source_id for r in quote.refused] == ["over"]
    assert shares(quote, "points") == {1: 67, 2: 33}


@pytest.mark.parametrize(
    ("off", "taken", "amount"),
    [
        (400, {1: 200, 2: 200}, 400),
        # The first line stops at 700 a unit, the other takes what it cannot.
        (900, {1: 300, 2: 600}, 900),
        (9999, {1: 300, 2: 1000}, 1300),
    ],
)
def test_s12_no_offer_takes_a_unit_below_its_floor(off, taken, amount):
    lines = (line(1, 1000, floor_minor=700), line(2, 1000))
    quote = price_cart(request(*lines), [Off("a", off)])
    assert (shares(quote, "a"), quote.discount_minor) == (taken, amount)
    met = {"minimum_price": [1]} if taken[1] == 300 else {}
    if amount < off:
        met["zero"] = [2]
    assert quote.trace[-1].get("floors", {}) == quote.applied[0].floors == met


def test_s12_the_trace_says_which_floor_bit():
    lines = (
        line(1, 1000, floor_minor=700),
        line(2, 1000, floor_minor=600, floor_kind="margin"),
        line(3, 1000),
    )
    quote = price_cart(
        request(*lines), [Off("a", 2000), Off("b", 100, positions=(1, 2), priority=-1)]
    )
    assert [each.get("floors") for each in quote.trace] == [
        {"minimum_price": [1], "margin": [2], "zero": [3]},
        {"minimum_price": [1], "margin": [2]},
    ]
    assert [each.why.code for each in quote.refused] == ["floor_reached"]


def test_s12_a_price_below_its_floor_is_left_alone():
    quote = price_cart(request(line(1, 1000, floor_minor=1500)), [Off("a", 100)])
    assert (quote.discount_minor, quote.refused[0].why.code) == (0, "floor_reached")


def test_s12_points_too_stop_at_a_floor():
    points = Off("points", 500, stage=Stage.POINTS, points=50)
    quote = price_cart(request(line(1, 1000, floor_minor=700)), [points])
    assert (quote.total_minor, quote.points_spent) == (700, 30)


def test_s12_an_agreed_price_may_lie_below_the_floor_and_stays():
    agreed = line(1, 1000, floor_minor=700).at_agreed_price(500, kind="group")
    points = Off("points", 100, stage=Stage.POINTS, points=10)
    quote = price_cart(request(agreed), [points])
    assert (quote.total_minor, quote.points_spent) == (500, 0)


def test_an_offer_out_of_reach_is_not_asked_until_somebody_reads_why():
    far = Far("far", 500, threshold_minor=5000)
    near = Far("near", 100, threshold_minor=1000)
    quote = price_cart(request(line(1, 1000)), [far, near])
    plain = price_cart(
        request(line(1, 1000)),
        [
            Off("far", 500, threshold_minor=5000),
            Off("near", 100, threshold_minor=1000),
        ],
    )
    assert [a.source_id for a in quote.applied] == ["near"]
    assert quote.turned_down == ()
    assert quote.refused == plain.refused
    assert (quote.total_minor, quote.hash) == (plain.total_minor, plain.hash)
    assert {e["id"]: e["result"] for e in quote.trace} == {
        "far": "refused",
        "near": "applied",
    }


def test_the_nearest_offer_is_the_one_that_wants_the_least_more():
    asked = request(line(1, 1000))
    offers = [
        Off("asked", 1, threshold_minor=1900),
        Far("far", 1, threshold_minor=9000),
        Far("nearer", 1, threshold_minor=1500),
        Off("no_number", 5, positions=(9,)),
    ]
    nearest = price_cart(asked, offers).nearest
    assert (nearest.source_id, nearest.why.params) == (
        "nearer",
        {"missing_minor": 500},
    )
    assert price_cart(asked, [Off("a", 1)]).nearest is None


def test_an_offer_that_lies_about_its_reach_is_found_out():
    @dataclass(frozen=True)
    class Liar(Off):
        least_minor: int = 5000

    quote = price_cart(request(line(1, 1000)), [Liar("a", 100)])
    with pytest.raises(TypeError, match="out of reach"):
        _ = quote.refused


def test_an_order_keeps_the_terms_of_what_applied():
    quote = price_cart(
        request(line(1, 1000)), [Off("a", 100, on_return="reprice"), Off("b", 50)]
    )
    assert [(a.terms, a.on_return) for a in quote.applied] == [
        ({"amount_minor": 100, "percent_bp": 0}, "reprice"),
        ({"amount_minor": 50, "percent_bp": 0}, "keep"),
    ]


def test_s25_every_offer_appears_in_the_trace_once():
    offers = [
        Off("applied", 100, exclusive_group="g"),
        Off("skipped", 50, exclusive_group="g"),
        Off("refused", 50, threshold_minor=99999),
    ]
    early = [NotApplied("coupon", "XX", "XX", Refused("coupon_not_found"))]
    quote = price_cart(request(line(1, 1000)), offers, early)
    results = {entry["id"]: entry["result"] for entry in quote.trace}
    assert results == {
        "XX": "refused",
        "applied": "applied",
        "skipped": "skipped",
        "refused": "refused",
    }
    assert len(quote.trace) == 4


@pytest.mark.parametrize(
    ("price", "offers", "freight"),
    [
        (9899, [], 1000),
        (9900, [], 0),
        (10000, [Off("a", 101)], 1000),
        (10000, [Off("c", 101, stage=Stage.COUPON)], 1000),
        # Points do not bring the fee back.
        (10000, [Off("p", 5000, stage=Stage.POINTS, points=50)], 0),
    ],
)
def test_freight_is_waived_by_goods_after_coupons_and_before_points(
    price, offers, freight
):
    rule = FreightRule(fee_minor=1000, free_from_minor=9900)
    quote = price_cart(request(line(1, price)), offers, freight=rule)
    assert quote.freight_minor == freight
    assert quote.total_minor == quote.goods_minor - quote.discount_minor + freight


def test_freight_is_for_what_is_delivered_and_never_reduced():
    rule = FreightRule(fee_minor=1000)
    card = line(1, 5000, kind="gift_card")
    assert price_cart(request(card), [], freight=rule).freight_minor == 0
    free = price_cart(request(line(1, 5000)), [Off("a", 9999)], freight=rule)
    assert (free.total_minor, free.freight_minor) == (1000, 1000)


@pytest.mark.parametrize("bad", [line(1, 100, 0), line(1, -1)])
def test_a_line_that_cannot_be_is_refused(bad):
    with pytest.raises(ValueError, match="line"):
        price_cart(request(bad), [])


def test_two_lines_at_one_position_are_refused():
    with pytest.raises(ValueError, match="position"):
        price_cart(request(line(1, 1), line(1, 2)), [])


def test_s27_the_hash_follows_the_deal_and_nothing_else():
    base = price_cart(request(line(1, 1000)), [Off("a", 100)])
    later = PriceRequest(
        lines=(line(1, 1000),), currency="CNY", now=NOON.replace(year=2027)
    )
    assert price_cart(later, [Off("a", 100)]).hash == base.hash
    refused = Off("x", 1, threshold_minor=10**9)
    assert (
        price_cart(request(line(1, 1000)), [Off("a", 100), refused]).hash == base.hash
    )
    others = [
        price_cart(request(line(1, 1001)), [Off("a", 100)]),
        price_cart(request(line(1, 500, 2)), [Off("a", 100)]),
        price_cart(request(line(1, 1000)), [Off("b", 100)]),
        price_cart(request(line(1, 1000)), [Off("a", 100, points=1)]),
        price_cart(request(line(1, 1000)), [Off("a", 100)], freight=FreightRule(1)),
    ]
    assert len({base.hash, *(each.hash for each in others)}) == 6


prices_drawn = st.lists(
    st.builds(
        PriceOption,
        st.sampled_from(["sale", "member"]),
        st.sampled_from(["", "member"]),
        st.integers(0, 60_000),
    ),
    max_size=2,
).map(tuple)
lines_drawn = st.lists(
    st.fixed_dictionaries(
        {
            "unit_price_minor": st.integers(0, 50_000),
            "quantity": st.integers(1, 5),
            "kind": st.sampled_from(["goods", "goods", "gift_card", "fee"]),
            "prices": prices_drawn,
            "floor_minor": st.sampled_from([0, 0, 100, 20_000]),
            "floor_kind": st.sampled_from(["minimum_price", "margin"]),
            "is_closed": st.sampled_from([False, False, False, True]),
            "weight_grams": st.integers(0, 3_000),
        }
    ),
    min_size=1,
    max_size=8,
)
offers_drawn = st.lists(
    st.builds(
        lambda is_far, **terms: (Far if is_far else Off)(**terms),
        is_far=st.booleans(),
        source_id=st.text("abcdefgh", min_size=1, max_size=3),
        amount_minor=st.integers(1, 60_000),
        percent_bp=st.integers(0, 10_000),
        stage=st.sampled_from(list(Stage)),
        priority=st.integers(0, 3),
        exclusive_group=st.sampled_from(["", "", "g", "h"]),
        threshold_minor=st.integers(0, 80_000),
        points=st.integers(0, 5_000),
        positions=st.one_of(
            st.none(), st.sets(st.integers(1, 8)).map(lambda s: tuple(sorted(s)))
        ),
    ),
    max_size=8,
    unique_by=lambda offer: offer.source_id,
)


@settings(max_examples=150, deadline=None)
@given(lines_drawn, offers_drawn, st.randoms(use_true_random=False))
def test_x6_x7_x8_sums_add_up_and_order_does_not_matter(
    drawn, offers, chance: random.Random
):
    lines = [line(i, **fields) for i, fields in enumerate(drawn, start=1)]
    rule = FreightRule(
        800, 30_000, first_grams=1_000, step_grams=700, step_minor=90, name="any"
    )
    asked = request(*lines, audiences=frozenset({"member"}))
    quote = price_cart(asked, offers, freight=rule)

    for each in quote.lines:
        taken = sum(amount for _a, amount, _p in quote.shares_of(each.line.position))
        assert each.discount_minor == taken
        assert each.net_minor == each.line.gross_minor - taken >= 0
        assert each.line.unit_price_minor <= each.line.list_price_minor
        floor = each.line.floor_minor * each.line.quantity
        assert each.net_minor >= min(floor, each.line.gross_minor), "S12"
        units = [
            cumulative_share(each.net_minor, k, each.line.quantity)
            for k in range(each.line.quantity + 1)
        ]
        assert units[-1] == each.net_minor, "S11: units add up"
        assert units == sorted(units)
        if each.line.is_closed:
            stages = {a.stage for a, _m, _p in quote.shares_of(each.line.position)}
            assert stages <= {Stage.POINTS}, "S2"
    by_position = {each.line.position: each for each in quote.lines}
    for applied in quote.applied:
        assert applied.amount_minor > 0
        for kind, positions in applied.floors.items():
            for each in (by_position[at] for at in positions if at > 0):
                floor = each.line.floor_minor * each.line.quantity
                assert each.net_minor <= floor, "S12: it stands at the floor it names"
                assert kind == (each.line.floor_kind if floor else "zero")
        assert sum(amount for _at, amount in applied.shares) == applied.amount_minor
        assert sum(points for _at, points in applied.point_shares) == applied.points
    nets = sum(each.net_minor for each in quote.lines)
    assert quote.total_minor == nets + quote.freight_minor >= 0
    named = [*quote.applied, *quote.refused, *quote.skipped]
    assert sorted(e.source_id for e in named) == sorted(o.source_id for o in offers)
    told = [entry["id"] for entry in quote.trace if "id" in entry]
    assert sorted(told) == sorted(o.source_id for o in offers), "S25"

    chance.shuffle(lines)
    shuffled = list(offers)
    chance.shuffle(shuffled)
    again = price_cart(replace(asked, lines=tuple(lines)), shuffled, freight=rule)
    assert again == quote
    assert (again.refused, again.trace) == (quote.refused, quote.trace)
    assert again.nearest == quote.nearest


def test_s22_removing_what_a_discount_needed_removes_the_discount():
    offer = Off("a", 1000, threshold_minor=15000)
    assert price_cart(request(line(1, 10000), line(2, 5000)), [offer]).discount_minor
    assert price_cart(request(line(1, 10000)), [offer]).discount_minor == 0


def test_s28_fifty_lines_and_two_hundred_offers_take_150_ms_at_most():
    lines = [line(i, 1000 + i) for i in range(1, 51)]
    offers = [Off(f"o{i:03}", 1 + i % 7, stage=Stage.ORDER) for i in range(200)]
    took = []
    for _again in range(5):
        started = time.perf_counter()
        quote = price_cart(request(*lines), offers)
        took.append(time.perf_counter() - started)
    assert len(quote.applied) == 200
    assert min(took) < 0.150
