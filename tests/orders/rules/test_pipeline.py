"""What is kept of a cart for others like it changes no price (X6)."""

from dataclasses import dataclass, replace

from hypothesis import given
from hypothesis import strategies as st

from orders.rules.offers import PriceRequest, Stage
from orders.rules.pipeline import Beginnings
from orders.rules.pricing import price_cart
from orders.rules.quotes import FarOffers
from orders.rules.unit_prices import PriceOption
from tests.cast import NOON
from tests.orders.shop import Off, line


@dataclass(frozen=True)
class Wish(Off):
    """An offer that may want to be alone, or without another one."""

    is_alone: bool = False
    forbids: frozenset[str] = frozenset()
    lane: int = 0


@st.composite
def offers(draw):
    stage = draw(st.sampled_from([s for s in Stage if s is not Stage.POINTS]))
    return Wish(
        draw(st.sampled_from("abcdefgh")) + str(draw(st.integers(0, 10**9))),
        amount_minor=draw(st.sampled_from([0, 0, 300, 9_000])),
        percent_bp=draw(st.integers(1, 5_000)),
        stage=stage,
        threshold_minor=draw(st.integers(0, 4_000)),
        priority=draw(st.integers(0, 1)),
        exclusive_group=draw(st.sampled_from(["", "g", "h"])),
        is_alone=draw(st.sampled_from([False, False, False, True])),
        forbids=frozenset(draw(st.sets(st.sampled_from("abcd"), max_size=1))),
        lane=draw(st.integers(0, 1)),
    )


gold = PriceOption("member", "tier:gold", 500)
carts = st.lists(
    st.builds(
        lambda price, quantity, prices: (price, quantity, prices),
        st.integers(1, 3_000),
        st.integers(1, 3),
        st.sampled_from([(), (gold,)]),
    ),
    min_size=1,
    max_size=3,
)


def told(quote):
    return (quote, quote.refused, quote.trace, quote.nearest, quote.unreached)


@given(
    carts=st.lists(carts, min_size=1, max_size=2),
    found=st.lists(offers(), max_size=6, unique_by=lambda each: each.source_id),
    asked=st.lists(
        st.tuples(
            st.integers(0, 1),
            st.sets(st.integers(0, 5)),
            st.sampled_from([frozenset(), frozenset({"tier:gold"})]),
        ),
        min_size=2,
        max_size=6,
    ),
)
def test_carts_that_begin_alike_cost_what_they_cost_alone(carts, found, asked):
    requests = [
        PriceRequest(
            lines=tuple(
                line(at, price, quantity, prices=prices)
                for at, (price, quantity, prices) in enumerate(cart, start=1)
            ),
            currency="CNY",
            now=NOON,
        )
        for cart in carts
    ]
    far = FarOffers(Stage.ORDER, lambda: ())
    beginnings = Beginnings()
    for cart, chosen, audiences in asked:
        request = replace(requests[cart % len(requests)], audiences=audiences)
        # Coupons come and go by their codes; other offers are left out as well.
        some = [each for place, each in enumerate(found) if place in chosen]
        some += [each for each in found if each.stage is not Stage.COUPON][:2]
        some = list({id(each): each for each in some}.values())
        alone = price_cart(request, [*some, far])
        again = price_cart(request, [*some, far], beginnings=beginnings)
        assert told(again) == told(alone)


def test_what_codes_do_not_change_is_done_once():
    class Counted(Off):
        asked = 0

        def reduce(self, lines):
            Counted.asked += 1
            return super().reduce(lines)

    early = Counted("a", 100)
    codes = [Off(f"c{n}", 10 + n, stage=Stage.COUPON) for n in range(5)]
    request = PriceRequest(lines=(line(1, 4_000),), currency="CNY", now=NOON)
    beginnings = Beginnings()
    totals = [
        price_cart(request, [early, code], beginnings=beginnings).total_minor
        for code in codes
    ]
    assert totals == [3_890 - n for n in range(5)]
    assert Counted.asked == 1
    other = replace(request, lines=(line(1, 5_000),))
    assert price_cart(other, [early], beginnings=beginnings).total_minor == 4_900
    assert Counted.asked == 2
