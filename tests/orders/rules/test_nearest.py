"""Paths to offers that did nothing: told only where they bring the offer."""

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.rules.nearest import Paths, Trials, trials_worth
from orders.rules.offers import PriceRequest, Refused, Stage
from orders.rules.pricing import price_cart
from orders.rules.quotes import NotApplied
from tests.cast import NOON
from tests.orders.shop import Off, line

ZONE = ZoneInfo("Asia/Shanghai")
GOLD = [("tier:silver", "Silver"), ("tier:gold", "Gold")]


class Shop:
    """Prices requests against offers that may look at all of the request."""

    def __init__(self, *offers, refuse=lambda _request: ()):
        self.offers, self.refuse, self.priced = offers, refuse, 0

    def __call__(self, request):
        self.priced += 1
        turned_down = [
            NotApplied("promotion", each, each, why)
            for each, why in self.refuse(request)
        ]
        gone = {each.source_id for each in turned_down}
        offers = [
            each
            for each in self.offers
            if each.source_id not in gone
            and (each.source_kind != "coupon" or each.name in request.coupon_codes)
        ]
        return price_cart(request, offers, turned_down)


class Code(Off):
    """A coupon; its code is its id."""

    @property
    def name(self):
        return self.source_id


def coupon(code, **fields):
    stage, kind = Stage.COUPON, "coupon"
    return Code(code, stage=stage, source_kind=kind, exclusive_group="c", **fields)


class Units(Off):
    """Wants so many units of its positions, as ``percent_bp`` says how many."""

    def reduce(self, lines):
        mine = [e for e in lines if e.line.position in (self.positions or ())]
        have = sum(each.line.quantity for each in mine)
        if have < self.percent_bp:
            return Refused("quantity_not_met", {"missing": self.percent_bp - have})
        return Off(self.source_id, 100, positions=self.positions).reduce(lines)


def asked(*lines, **fields):
    return PriceRequest(lines=lines, currency="CNY", now=NOON, **fields)


def paths_of(shop, request, **fields):
    """Return the path to each offer that did nothing, by its id."""
    quote = shop(request)
    paths = Paths(request, Trials(shop), ZONE, **fields)
    return {each.source_id: paths.to(each) for each in (*quote.refused, *quote.skipped)}


def told(path):
    return (path.code, path.params, path.saves_minor, path.total_minor)


def test_spending_the_missing_amount():
    shop = Shop(Off("a", 500, threshold_minor=10_000))
    path = paths_of(shop, asked(line(1, 4_000)))["a"]
    assert told(path) == ("spend_more", {"missing_minor": 6_000}, 500, 9_500)


def test_what_another_offer_takes_meanwhile_is_spent_too():
    # From 90.00 on 5.00 come off before the coupon looks at the goods.
    earlier = Off("rung", 500, threshold_minor=9_000)
    shop = Shop(earlier, coupon("C", amount_minor=1_000, threshold_minor=10_000))
    path = paths_of(shop, asked(line(1, 8_000), coupon_codes=("C",)))["C"]
    assert told(path) == ("spend_more", {"missing_minor": 2_500}, 1_000, 9_000)


def test_goods_that_do_not_count_are_not_told_but_more_of_those_that_do():
    offer = Off("a", 500, threshold_minor=10_000, positions=(2,))
    shop = Shop(offer)
    path = paths_of(shop, asked(line(1, 100), line(2, 4_000)))["a"]
    params = {"missing": 2, "sku": "SKU2", "product": "Thing 2"}
    assert told(path) == ("add_units", params, 500, 11_600)


def test_missing_units_are_added_where_it_costs_least():
    shop = Shop(Units("a", percent_bp=3, positions=(1, 2)))
    path = paths_of(shop, asked(line(1, 900), line(2, 700), line(3, 5)))["a"]
    params = {"missing": 1, "sku": "SKU2", "product": "Thing 2"}
    assert told(path) == ("add_units", params, 100, 2_205)


class Kinds(Off):
    """Wants goods called ``SKU9``: so many units, as ``percent_bp`` says, worth so much."""

    def reduce(self, lines):
        mine = [each for each in lines if each.line.sku == "SKU9"]
        have = sum(each.line.quantity for each in mine)
        worth = sum(each.amount_minor for each in mine)
        if not mine:
            return Refused("products_not_in_cart")
        if have < self.percent_bp:
            return Refused("quantity_not_met", {"missing": self.percent_bp - have})
        if worth < self.threshold_minor:
            missing = {"missing_minor": self.threshold_minor - worth}
            return Refused("threshold_not_met", missing)
        return Off(self.source_id, 100).reduce(lines)


@pytest.mark.parametrize(
    ("wants", "units"),
    [
        ({}, 1),
        ({"percent_bp": 3}, 3),
        ({"threshold_minor": 1_200}, 3),
        ({"percent_bp": 2, "threshold_minor": 1_200}, 3),
    ],
)
def test_goods_that_go_with_an_offer_are_put_into_the_cart(wants, units):
    sought = {("promotion", "a"): line(0, 500, sku="SKU9", name="Tea")}
    shop, request = Shop(Kinds("a", **wants)), asked(line(1, 900))
    path = paths_of(shop, request, sought=sought)["a"]
    params = {"missing": units, "sku": "SKU9", "product": "Tea"}
    assert told(path) == ("add_goods", params, 100, 800 + 500 * units)
    assert paths_of(shop, request) == {"a": None}, "nobody knows goods of it"


def test_goods_of_which_some_are_there_are_added_to_them():
    nine = line(1, 500, sku="SKU9", name="Tea")
    shop = Shop(Kinds("a", percent_bp=2))
    path = paths_of(shop, asked(nine), sought={("promotion", "a"): nine})["a"]
    assert (path.code, path.params["missing"]) == ("add_units", 1)


def test_goods_that_bring_nothing_are_not_told():
    sought = {("promotion", "a"): line(0, 500, sku="SKU9")}
    shop = Shop(refuse=lambda _request: [("a", Refused("products_not_in_cart"))])
    assert paths_of(shop, asked(line(1, 900)), sought=sought) == {"a": None}


def test_a_code_that_is_in_the_way():
    shop = Shop(coupon("BIG", amount_minor=900), coupon("SMALL", amount_minor=300))
    request = asked(line(1, 4_000), coupon_codes=("BIG", "SMALL"))
    path = paths_of(shop, request)["SMALL"]
    assert told(path) == ("remove_code", {"code": "BIG"}, 300, 3_700)


def test_a_promotion_that_is_in_the_way_is_no_path():
    offers = (Off("a", 900, exclusive_group="g"), Off("b", 300, exclusive_group="g"))
    assert paths_of(Shop(*offers), asked(line(1, 4_000))) == {"b": None}


def needs(mark):
    def refuse(request):
        return [] if mark in request.audiences else [("a", Refused("not_for_you"))]

    return Shop(Off("a", 500), refuse=refuse)


def test_signing_in_and_climbing():
    request = asked(line(1, 4_000))
    path = paths_of(needs("member"), request, reachable=GOLD)["a"]
    assert told(path) == ("sign_in", {}, 500, 3_500)
    assert paths_of(needs("tier:gold"), request, reachable=GOLD) == {"a": None}

    known = replace(request, member_id=7)
    path = paths_of(needs("tier:gold"), known, reachable=GOLD)["a"]
    assert told(path) == ("reach_tier", {"tier": "Gold"}, 500, 3_500)
    assert paths_of(needs("segment:vip"), known, reachable=GOLD) == {"a": None}


@pytest.mark.parametrize("seconds", [0, 30])
def test_coming_when_it_begins(seconds):
    begins_at = NOON + timedelta(days=1, seconds=seconds)
    local = begins_at.astimezone(ZONE)

    def refuse(request):
        why = Refused("coupon_not_started", {"from": f"{local:%Y-%m-%d %H:%M}"})
        return [("a", why)] if request.now < begins_at else []

    path = paths_of(Shop(Off("a", 500), refuse=refuse), asked(line(1, 4_000)))["a"]
    then = local.replace(second=0) + timedelta(minutes=1 if seconds else 0)
    assert told(path) == ("come_later", {"from": f"{then:%Y-%m-%d %H:%M}"}, 500, 3_500)


def test_spending_as_many_points_as_a_step_has():
    def refuse(request):
        few = request.points_to_spend < 100
        return [("a", Refused("points_below_step", {"step": 100}))] if few else []

    request = asked(line(1, 4_000), points_to_spend=30)
    path = paths_of(Shop(Off("a", 500), refuse=refuse), request)["a"]
    assert told(path) == ("spend_points", {"points": 100}, 500, 3_500)


@pytest.mark.parametrize("code", ["gift_out_of_stock", "coupon_expired", "no_effect"])
def test_what_nothing_brings_is_not_tried(code):
    shop = Shop(refuse=lambda _request: [("a", Refused(code))])
    assert paths_of(shop, asked(line(1, 4_000))) == {"a": None}
    assert shop.priced == 1


def test_no_more_carts_are_priced_than_may_be():
    shop = Shop(*(Off(f"{n}", 1, threshold_minor=5_000 + n) for n in range(9)))
    request = asked(line(1, 4_000))
    refused = shop(request).refused
    paths = Paths(request, Trials(shop, left=4), ZONE)
    assert [paths.to(each) is not None for each in refused] == [True] * 4 + [False] * 5
    assert shop.priced == 5


@pytest.mark.parametrize(
    ("lines", "offers", "trials"),
    [(1, 1, 60), (10, 100, 60), (10, 400, 15), (2, 0, 60)],
)
def test_the_dearer_a_price_the_fewer_are_asked_for(lines, offers, trials):
    shop = Shop(*(Off(f"{n}", 1) for n in range(offers)))
    quote = shop(asked(*(line(at, 900) for at in range(1, lines + 1))))
    assert trials_worth(quote) == trials
    assert trials_worth(replace(quote, turned_down=quote.applied * 99)) >= 5


def test_what_many_miss_is_priced_once():
    shop = Shop(*(Off(f"{n}", 1, threshold_minor=5_000) for n in range(9)))
    assert all(paths_of(shop, asked(line(1, 4_000))).values())
    assert shop.priced == 2


amounts = st.integers(1, 20_000)
offers_ = st.lists(
    st.tuples(
        st.sampled_from(["off", "percent", "coupon", "units"]),
        amounts,
        st.integers(0, 30_000),
        st.sampled_from(["", "g"]),
        st.sampled_from([None, (1,), (2,), (1, 3)]),
    ),
    max_size=6,
)


def offer_of(number, kind, amount, least, group, positions):
    where = {"threshold_minor": least, "positions": positions}
    if kind == "coupon":
        return coupon(f"C{number}", amount_minor=amount, **where)
    if kind == "percent":
        rate = amount % 9_000 + 1
        return Off(f"p{number}", percent_bp=rate, exclusive_group=group, **where)
    if kind == "units":
        positions = positions or (1, 2, 3)
        return Units(f"u{number}", percent_bp=amount % 6 + 1, positions=positions)
    return Off(f"o{number}", amount, exclusive_group=group, **where)


def as_told(request, path):
    """Return the cart after a path, made from what people are told alone."""
    params = path.params
    if path.code == "spend_more":
        more = line(99, params["missing_minor"])
        return replace(request, lines=(*request.lines, more))
    if path.code == "add_units":
        lines = [
            replace(each, quantity=each.quantity + params["missing"])
            if each.sku == params["sku"]
            else each
            for each in request.lines
        ]
        return replace(request, lines=tuple(lines))
    assert path.code == "remove_code"
    codes = [code for code in request.coupon_codes if code != params["code"]]
    return replace(request, coupon_codes=tuple(codes))


@given(
    st.lists(st.tuples(amounts, st.integers(1, 3)), min_size=3, max_size=3),
    offers_,
)
def test_every_path_told_brings_its_offer_and_less_does_not(goods, wanted):
    offers = [offer_of(number, *each) for number, each in enumerate(wanted)]
    shop = Shop(*offers)
    codes = tuple(each.name for each in offers if each.source_kind == "coupon")
    lines = [line(at, *each) for at, each in enumerate(goods, start=1)]
    request = asked(*lines, coupon_codes=codes)
    for source_id, path in paths_of(shop, request).items():
        if path is None:
            continue
        after = shop(as_told(request, path))
        (applied,) = (each for each in after.applied if each.source_id == source_id)
        assert (applied.amount_minor, after.total_minor) == (
            path.saves_minor,
            path.total_minor,
        )
        missing = path.params.get("missing_minor", 0)
        if missing > 1:
            less = replace(path, params={"missing_minor": missing - 1})
            before = shop(as_told(request, less))
            assert source_id not in {each.source_id for each in before.applied}
