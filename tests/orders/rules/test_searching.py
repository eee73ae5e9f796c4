"""The best choice is found part by part, where parts do not matter to one another."""

from collections import Counter
from dataclasses import dataclass, replace
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orders.rules.baskets import Basket
from orders.rules.offers import Gift, PriceRequest, Reduction, Stage
from orders.rules.pricing import price_cart
from orders.rules.searching import parts_of
from tests.cast import NOON
from tests.orders.rules.test_combining import Tied, applied, brute_force, priced
from tests.orders.shop import line


@dataclass(frozen=True)
class Local(Tied):
    """An offer that says which lines matter to it."""

    has_gifts: bool = False

    def concerns(self, lines):
        return None if self.positions is None else frozenset(self.positions)


def named(offers, rivals, count=4):
    asked = PriceRequest(
        lines=tuple(line(at, 1000) for at in range(1, count + 1)),
        currency="CNY",
        now=NOON,
    )
    basket = Basket.of(asked)
    lines = basket.at(Stage.ORDER, dict(basket.left))
    return [
        "".join(each.source_id for each in part.offers)
        for part in parts_of(offers, rivals, lines)
    ]


@pytest.mark.parametrize(
    ("_case", "changes", "parts"),
    [
        ("two groups on two lines", {}, ["ab", "cd"]),
        ("an offer looks at a line of each", {"e": {"positions": (1, 2)}}, ["abcde"]),
        ("an offer looks at all lines", {"e": {"positions": None}}, ["abcde"]),
        ("a ban ties", {"a": {"forbids": frozenset("d")}}, ["abcd"]),
        (
            "gifts come from one stock",
            {"a": {"has_gifts": True}, "d": {"has_gifts": True}},
            ["abcd"],
        ),
        ("a member ties its group", {"b": {"positions": (2,)}}, ["abcd"]),
        ("a group per line is no tie", {"e": {"exclusive_group": "g"}}, ["ab", "cd"]),
    ],
)
def test_offers_hold_together_by_groups_bans_and_lines(_case, changes, parts):
    offers = [
        Local("a", 100, exclusive_group="g", positions=(1,)),
        Local("b", 100, exclusive_group="g", positions=(1,)),
        Local("c", 100, exclusive_group="k", positions=(2,)),
        Local("d", 100, exclusive_group="k", positions=(2,)),
        Local("e", 100, positions=(3,), group_scope="line"),
    ]
    offers = [replace(e, **changes.get(e.source_id, {})) for e in offers]
    assert named(offers, offers[:4]) == parts


local_drawn = st.lists(
    st.builds(
        Local,
        source_id=st.text("abcdefg", min_size=1, max_size=1),
        amount_minor=st.sampled_from([0, 50, 400, 900]),
        percent_bp=st.sampled_from([1000, 5000, 9000]),
        priority=st.integers(0, 2),
        exclusive_group=st.sampled_from(["", "g", "h", "k"]),
        threshold_minor=st.sampled_from([0, 0, 700, 1000]),
        positions=st.sampled_from([(1,), (2,), (1,), (2,), (1, 2), None]),
        forbids=st.frozensets(st.sampled_from("abcdefg"), max_size=1),
    ).map(lambda offer: replace(offer, forbids=offer.forbids - {offer.source_id})),
    max_size=7,
    unique_by=lambda offer: offer.source_id,
)


@settings(max_examples=120, deadline=None)
@given(local_drawn)
def test_s6_the_best_of_parts_is_the_best_of_all(offers):
    """It saves what brute force saves, and is the very choice of a search of all."""
    lines = line(1, 1000), line(2, 700)
    quote = priced(offers, *lines)
    fields = Tied.__dataclass_fields__
    silent = [Tied(**{name: getattr(e, name) for name in fields}) for e in offers]
    assert applied(quote) == applied(priced(silent, *lines))
    assert quote.total_minor == brute_force(silent)


@dataclass(frozen=True)
class Few(Local):
    """Takes units of its lines to one price, the last ones first, and closes them."""

    units: int = 1

    def reduce(self, lines):
        mine = [e for e in lines if self.positions is None or self._is_mine(e)]
        found = [
            (each.line.position, place, left - self.amount_minor)
            for each in mine
            for place, left in reversed(list(enumerate(each.unit_lefts)))
            if left > self.amount_minor
        ][: self.units]
        return Reduction(
            sum(amount for _at, _place, amount in found),
            tuple(e.line.position for e in mine),
            unit_shares=tuple(found),
            closes=True,
        )

    def _is_mine(self, each):
        return each.line.position in self.positions


few_drawn = st.lists(
    st.builds(
        Few,
        source_id=st.text("hij", min_size=1, max_size=1),
        amount_minor=st.sampled_from([100, 300, 600]),
        priority=st.integers(0, 2),
        exclusive_group=st.sampled_from(["", "g", "h"]),
        positions=st.sampled_from([(1,), (2,), None]),
        units=st.integers(1, 4),
    ),
    min_size=1,
    max_size=2,
    unique_by=lambda offer: offer.source_id,
)


def rivals_of(offers):
    """Return the offers that rule another one out, or are ruled out."""
    groups = Counter(each.exclusive_group for each in offers)
    ids = {each.source_id for each in offers}
    banned = frozenset[str]().union(*(each.forbids for each in offers))
    return [
        each
        for each in offers
        if (each.exclusive_group and groups[each.exclusive_group] > 1)
        or each.forbids & ids
        or each.source_id in banned
    ]


def cheapest(offers, *lines):
    """Return the least that any permitted set of rivals costs, with all others in it.

    Who closes units takes them away from others: only rivals may be left out.
    """
    rivals = rivals_of(offers)
    totals = []
    for count in range(len(rivals) + 1):
        for some in combinations(rivals, count):
            groups = [each.exclusive_group for each in some if each.exclusive_group]
            ids = {each.source_id for each in some}
            if len(groups) > len(set(groups)) or any(e.forbids & ids for e in some):
                continue
            kept = [each for each in offers if each in some or each not in rivals]
            free = [replace(e, exclusive_group="", forbids=frozenset()) for e in kept]
            totals.append(priced(free, *lines).total_minor)
    return min(totals)


@settings(max_examples=120, deadline=None)
@given(local_drawn.map(lambda found: found[:5]), few_drawn)
def test_s6_the_choice_is_the_best_where_some_units_of_a_line_close(offers, few):
    lines = line(1, 1000, 3), line(2, 700, 2)
    drawn = [*offers, *few]
    quote = priced(drawn, *lines)
    for each in few:
        taken = [a.units for a in quote.applied if a.source_id == each.source_id]
        assert sum(taken) <= each.units
    assert quote.total_minor == cheapest(drawn, *lines)


def test_s6_eight_groups_of_four_on_eight_lines_are_chosen_from_exactly():
    """390,625 combinations, of which a few dozen are looked at."""
    offers = [
        Local(
            f"{group}{n}",
            10 * group + n,
            exclusive_group=f"g{group}",
            positions=(group,),
        )
        for group in range(1, 9)
        for n in range(1, 5)
    ]
    # What follows on the same line, so that no group stands alone.
    after = [Local(f"x{at}", 1, positions=(at,), priority=-1) for at in range(1, 9)]
    lines = [line(at, 1000) for at in range(1, 9)]
    quote = priced([*offers, *after], *lines)
    assert not quote.is_approximate
    assert quote.discount_minor == sum(10 * at + 4 + 1 for at in range(1, 9))
    tied = [
        Tied(each.source_id, each.amount_minor, exclusive_group=each.exclusive_group)
        for each in offers
    ]
    asked = PriceRequest(lines=tuple(lines), currency="CNY", now=NOON)
    crowd = [Tied(f"y{n}", 1, priority=-1) for n in range(5)]
    assert price_cart(asked, [*tied, *crowd]).is_approximate, "without parts"


def test_s6_a_gift_of_a_bystander_weighs_although_little_is_left_to_take():
    """Ten less off, and goods for fifteen: better than everything off."""
    offers = [
        Local("all", 1000, priority=2, exclusive_group="g"),
        Local("most", 990, priority=1, exclusive_group="g"),
    ]
    gift = GiftWhileUnpaid("gift", has_gifts=True, gifts=(Gift("SPOON", 1, 15),))
    assert applied(priced([*offers, gift], line(1, 1000))) == ["most", "gift"]


@dataclass(frozen=True)
class GiftWhileUnpaid(Local):
    """Gives its gift while anything is left to be paid."""

    def reduce(self, lines):
        answer = super().reduce(lines)
        has_left = any(each.left_minor for each in lines)
        return answer if has_left else replace(answer, gifts=())
