"""Which offers apply together: groups, bans, alone, per line, and the best choice."""

from dataclasses import dataclass, replace
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orders.rules.combining import MOST_RIVALS, Choose, Stacking
from orders.rules.freight import FreightRule
from orders.rules.offers import Gift, PriceRequest, Reduction, Refused, Stage
from orders.rules.pricing import price_cart
from tests.cast import NOON
from tests.orders.shop import Off, line


@dataclass(frozen=True)
class Tied(Off):
    """An offer that says what it does not go with."""

    forbids: frozenset[str] = frozenset()
    is_alone: bool = False
    group_scope: str = "order"
    lane: int = 0
    gifts: tuple[Gift, ...] = ()

    def reduce(self, lines):
        answer = super().reduce(lines)
        if isinstance(answer, Refused):
            return answer
        return replace(answer, gifts=self.gifts)


@dataclass(frozen=True)
class FreeFreight(Tied):
    """Takes its amount off delivery."""

    stage: Stage = Stage.FREIGHT

    def reduce(self, lines):
        charges = tuple(e.line.position for e in lines if e.line.kind == "freight")
        return Reduction(self.amount_minor, charges)


def priced(offers, *lines, **more):
    asked = PriceRequest(lines=lines or (line(1, 1000),), currency="CNY", now=NOON)
    return price_cart(asked, offers, **more)


def applied(quote):
    return [each.source_id for each in quote.applied]


def reasons(entries):
    return {each.source_id: each.why.code for each in entries}


def test_s6_the_best_of_a_group_is_the_best_with_all_that_follows():
    """By itself 30 % saves more than 2.90; after half the price is gone it does not."""
    offers = [
        Off("half", percent_bp=5000, priority=1),
        Off("percent", percent_bp=3000, exclusive_group="g"),
        Off("fixed", 290, exclusive_group="g"),
    ]
    quote = priced(offers)
    assert (applied(quote), quote.total_minor) == (["half", "fixed"], 210)
    assert reasons(quote.skipped) == {"percent": "exclusive_group"}


def test_s5_two_offers_combine_only_if_neither_forbids_the_other():
    offers = [Tied("a", 100, forbids=frozenset({"b"})), Off("b", 150), Off("c", 20)]
    quote = priced(offers)
    assert applied(quote) == ["b", "c"]
    assert quote.skipped[0].why == Refused("not_combinable", {"with": "b"})


def test_s5_a_ban_beats_membership_of_groups():
    offers = [
        Tied("a", 100, exclusive_group="g", forbids=frozenset({"z"})),
        Tied("b", 90, exclusive_group="g"),
        Tied("z", 50, exclusive_group="h"),
    ]
    quote = priced(offers)
    assert (applied(quote), quote.discount_minor) == (["b", "z"], 140)


def test_s5_a_ban_holds_across_stages():
    offers = [
        Off("order", 100),
        Tied("code", 300, stage=Stage.COUPON, forbids=frozenset({"order"})),
    ]
    quote = priced(offers)
    assert (applied(quote), reasons(quote.skipped)) == (
        ["order"],
        {"code": "not_combinable"},
    )


@pytest.mark.parametrize(
    ("alone", "total", "stays", "skipped"),
    [
        (500, 500, ["alone"], {"item": "alone", "code": "alone"}),
        (200, 700, ["item", "code"], {"alone": "alone_saves_less"}),
    ],
)
def test_s4_an_offer_that_is_alone_empties_the_stages_of_goods(
    alone, total, stays, skipped
):
    offers = [
        Tied("alone", alone, is_alone=True),
        Off("item", 100, stage=Stage.ITEM),
        Off("code", 200, stage=Stage.COUPON),
        Off("far", 1, threshold_minor=5000),
        Off("points", 50, stage=Stage.POINTS, points=5),
    ]
    quote = priced(offers)
    assert applied(quote) == [*stays, "points"]
    assert quote.total_minor == total - 50
    assert reasons(quote.skipped) == skipped
    assert reasons(quote.refused) == {"far": "threshold_not_met"}


def test_s4_a_list_may_say_that_who_is_alone_always_wins():
    offers = [
        Tied("weak", 10, is_alone=True, threshold_minor=9999),
        Tied("first", 20, is_alone=True, priority=-1),
        Off("other", 900, priority=9),
    ]
    quote = priced(offers, stacking=Stacking(alone=Choose.FIRST))
    assert applied(quote) == ["first"]
    assert reasons(quote.refused) == {"weak": "threshold_not_met"}
    assert reasons(quote.skipped) == {"other": "alone"}


def test_s4_per_line_the_offer_that_saves_most_on_the_line_applies():
    offers = [
        Tied("ten", percent_bp=1000, exclusive_group="g", group_scope="line"),
        Tied("two", 200, positions=(2,), exclusive_group="g", group_scope="line"),
        Tied("none", 1, positions=(2,), exclusive_group="g", group_scope="line"),
    ]
    quote = priced(offers, line(1, 3000), line(2, 1000))
    assert [(a.source_id, a.shares) for a in quote.applied] == [
        ("ten", ((1, 300),)),
        ("two", ((2, 200),)),
    ]
    assert reasons(quote.skipped) == {"none": "exclusive_group"}


@pytest.mark.parametrize(
    ("choose", "wins"),
    [(Choose.BEST, "b"), (Choose.FIRST, "a"), (Choose.SMALLEST, "c")],
)
def test_s6_largest_saving_list_order_or_smallest(choose, wins):
    offers = [
        Off(name, amount, exclusive_group="g")
        for name, amount in [("a", 20), ("b", 30), ("c", 10)]
    ]
    assert applied(priced(offers, stacking=Stacking(choose=choose))) == [wins]


def test_a_lane_begins_with_what_the_last_one_left():
    offers = [
        Tied("first", 400),
        Tied("same_lane", 10, threshold_minor=1000),
        Tied("next_lane", 10, threshold_minor=1000, lane=1),
        Tied("reached", 10, threshold_minor=590, lane=1),
    ]
    quote = priced(offers)
    assert applied(quote) == ["first", "same_lane", "reached"]
    assert quote.refused[0].why.params == {"missing_minor": 410}


def test_s16_a_gift_costs_nothing_and_weighs_what_it_is_listed_at():
    mug = Gift("MUG", 2, listed_minor=300)
    offers = [
        Tied("gift", 0, exclusive_group="g", gifts=(mug,)),
        Tied("money", 500, exclusive_group="g"),
    ]
    quote = priced(offers)
    assert [(a.source_id, gift) for a, gift in quote.gifts] == [("gift", mug)]
    assert (quote.total_minor, quote.discount_minor) == (1000, 0)
    assert priced(offers[1:]).hash != quote.hash != priced([]).hash


def test_s16_a_gift_goes_when_its_condition_fails():
    gift = Tied("gift", 0, threshold_minor=2000, gifts=(Gift("MUG", 1),))
    assert priced([gift], line(1, 2000)).gifts
    assert priced([gift], line(1, 1999)).gifts == ()


def test_s19_free_freight_lowers_freight_only():
    rule = FreightRule(fee_minor=800)
    quote = priced([FreeFreight("free", 5000)], freight=rule)
    assert (quote.freight_minor, quote.freight_discount_minor) == (0, 800)
    assert (quote.goods_minor, quote.discount_minor, quote.total_minor) == (
        1000,
        0,
        1000,
    )
    (entry,) = quote.applied
    assert (entry.amount_minor, entry.shares, entry.charge_shares) == (
        800,
        (),
        ((0, 800),),
    )
    goods = priced([Off("goods", 500, stage=Stage.FREIGHT)], freight=rule)
    assert (goods.total_minor, reasons(goods.refused)) == (1800, {"goods": "no_effect"})


def brute_force(offers, **more):
    """Return the least that any permitted set of rivals costs, with all others."""
    rivals = [
        each
        for each in offers
        if any(rule_out(each, other) for other in offers if other is not each)
    ]
    least = None
    for count in range(len(rivals) + 1):
        for some in combinations(rivals, count):
            if not any(rule_out(one, other) for one, other in combinations(some, 2)):
                present = [
                    replace(e, exclusive_group="", forbids=frozenset())
                    for e in offers
                    if e in some or e not in rivals
                ]
                total = priced(present, line(1, 1000), line(2, 700), **more).total_minor
                least = total if least is None else min(least, total)
    return least


def rule_out(one, other) -> bool:
    """Tell whether two offers never come together."""
    group = one.exclusive_group
    return bool(
        (group and group == other.exclusive_group)
        or one.source_id in other.forbids
        or other.source_id in one.forbids
    )


rivals_drawn = st.lists(
    st.builds(
        Tied,
        source_id=st.text("abcdef", min_size=1, max_size=1),
        amount_minor=st.sampled_from([0, 50, 400, 900]),
        percent_bp=st.sampled_from([1000, 5000, 9000]),
        priority=st.integers(0, 2),
        exclusive_group=st.sampled_from(["", "g", "h"]),
        threshold_minor=st.sampled_from([0, 0, 1000, 1700, 2000]),
        positions=st.sampled_from([None, (1,), (2,)]),
        forbids=st.frozensets(st.sampled_from("abcdef"), max_size=2),
    ).map(lambda offer: replace(offer, forbids=offer.forbids - {offer.source_id})),
    max_size=6,
    unique_by=lambda offer: offer.source_id,
)


def test_s6_what_has_no_rival_applies_though_rounding_would_gain_without_it():
    """Without ``f`` the other shares round so that it all costs a unit of money less."""
    offers = [
        Tied("a", 0, percent_bp=9000, priority=1, positions=(2,)),
        Tied("e", 900, percent_bp=1000, priority=1),
        Tied("f", 0, percent_bp=1000, priority=1, positions=(2,)),
        Tied("b", 0, percent_bp=1000),
        Tied("c", 0, percent_bp=1000, positions=(1,)),
        Tied("d", 0, percent_bp=1000, positions=(2,)),
    ]
    whole = priced(offers, line(1, 1000), line(2, 700))
    assert "f" in {each.source_id for each in whole.applied}
    without = [each for each in offers if each.source_id != "f"]
    fewer = priced(without, line(1, 1000), line(2, 700))
    assert (whole.total_minor, fewer.total_minor) == (139, 138)


@settings(max_examples=120, deadline=None)
@given(rivals_drawn)
def test_s6_the_choice_equals_brute_force(offers):
    """No permitted set of rivals is better; what has no rival always applies."""
    quote = priced(offers, line(1, 1000), line(2, 700))
    assert quote.total_minor == brute_force(offers)
    assert not quote.is_approximate
    names = [*applied(quote), *reasons(quote.refused), *reasons(quote.skipped)]
    assert sorted(names) == sorted(each.source_id for each in offers), "S25"


@pytest.mark.parametrize(("extra", "approximate"), [(0, False), (1, True)])
def test_s6_beyond_twelve_rivals_the_answer_says_approximate(extra, approximate):
    count = MOST_RIVALS + extra
    names = [f"o{n:02}" for n in range(count)]
    offers = [
        Tied(name, 1 + n, forbids=frozenset({names[n - 1]} if n else ()))
        for n, name in enumerate(names)
    ]
    # So many others that looking at each combination would take too long.
    crowd = [Off(f"x{n}", 1, priority=-1) for n in range(5 if extra else 0)]
    quote = priced([*offers, *crowd], line(1, 100_000))
    assert quote.is_approximate is approximate
    told = [e for e in quote.trace if e.get("result") == "approximate"]
    assert [e["rivals"] for e in told] == ([count] if approximate else [])
    chosen = [name for name in applied(quote) if name in names]
    assert chosen == names[1 - extra :: 2]


def test_s6_one_group_of_any_size_is_chosen_from_exactly():
    offers = [Off(f"o{n}", 1 + n % 97, exclusive_group="g") for n in range(300)]
    quote = priced(offers, line(1, 100_000))
    assert (quote.discount_minor, quote.is_approximate) == (97, False)
