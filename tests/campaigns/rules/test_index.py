"""Only offers that can match are asked, whatever the number of live ones (P1)."""

from dataclasses import dataclass, field
from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.rules.benefits import WHOLE, Amount, BuyGet, FreeItem, Percent, Tiered
from campaigns.rules.conditions import Carries, Every, Facts, Not, Quantity, Worth
from campaigns.rules.index import Indexed, OfferIndex, spend_and_marks
from campaigns.rules.promotions import Promotion, SpendAndSave
from campaigns.rules.scopes import Scope, delivery
from orders.rules.baskets import Basket
from orders.rules.offers import Gift, Offer, PriceRequest, Stage
from orders.rules.pricing import price_cart
from orders.rules.quotes import FarOffers
from orders.rules.unit_prices import PriceOption
from tests.cast import NOON
from tests.orders.shop import line


def request(*lines, **fields):
    return PriceRequest(lines=tuple(lines), currency="CNY", now=NOON, **fields)


def on(*marks):
    return Scope(needs=(frozenset(marks),))


SHOES = on("category:1")


def promotion(name, scope=SHOES, **fields):
    benefit = fields.pop("benefit", Percent(Fraction(1, 10)))
    return Promotion(name, name, benefit, scope=scope, **fields)


def near(index, asked):
    found = index.offers_for(asked)
    return {each.source_id for each in found if not isinstance(each, FarOffers)}


@dataclass
class Counting(Offer):
    """An offer that counts how often it is asked anything."""

    source_id: str
    handles: frozenset[str] | None
    least_minor: int = 0
    stage: Stage = Stage.ITEM
    priority: int = 0
    source_kind: str = "promotion"
    exclusive_group: str = ""
    asked: list = field(default_factory=list)

    @property
    def name(self):
        return self.source_id

    def reduce(self, lines):
        self.asked.append(lines)
        return promotion("x", on("category:9")).reduce(lines)


def test_p1_nine_thousand_offers_that_cannot_match_are_not_asked():
    rest = [Counting(f"c{n}", frozenset({f"category:{n + 10}"})) for n in range(4_900)]
    rest += [Counting(f"t{n}", None, least_minor=10_001 + n) for n in range(5_000)]
    mine = [Counting(f"m{n}", frozenset({"sku:SKU1"})) for n in range(100)]
    index = OfferIndex.of(Indexed(each) for each in [*mine, *rest])
    asked = request(line(1, 10_000))
    quote = price_cart(asked, index.offers_for(asked))
    assert sum(len(each.asked) for each in mine) == 100
    assert sum(len(each.asked) for each in rest) == 0
    assert len(quote.turned_down) == 100
    # Whoever reads the answer is told of all ten thousand (S25).
    assert len(quote.refused) == 10_000


@pytest.mark.parametrize(
    ("_case", "scope", "fields", "handles"),
    [
        ("everything", Scope(), {}, None),
        ("a category", on("category:1"), {}, {"category:1"}),
        (
            "the smaller of two",
            Scope(needs=(frozenset("ab"), frozenset("c"))),
            {},
            {"c"},
        ),
        ("one of two scopes", Scope(any_of=(on("a"), on("b"))), {}, {"a", "b"}),
        ("one of any and a scope", Scope(any_of=(on("a"), Scope())), {}, None),
        ("delivery", delivery(["post"]), {}, None),
        (
            "what a condition counts",
            Scope(),
            {"conditions": Every((Quantity(2, on("a")),))},
            {"a"},
        ),
        (
            "a code",
            on("a", "b"),
            {"conditions": Every((Carries(frozenset({"code:X"})),))},
            {"code:X"},
        ),
        (
            "a condition that wants little does not open it",
            Scope(),
            {"conditions": Every((Worth(100, op="lte", scope=on("a")),))},
            None,
        ),
        (
            "what is bought and got",
            Scope(),
            {"benefit": BuyGet(1, 1, on("a", "b"), on("c"), WHOLE)},
            {"c"},
        ),
    ],
)
def test_an_offer_says_what_it_needs(_case, scope, fields, handles):
    assert promotion("p", scope, **fields).handles == handles


@pytest.mark.parametrize(
    ("_case", "condition", "least"),
    [
        ("a minimum", Worth(5_000), 5_000),
        ("a minimum before discounts", Worth(5_000, basis="before_discounts"), 0),
        ("with delivery", Worth(5_000, basis="total_including_shipping"), 0),
        ("a maximum", Worth(5_000, op="lte"), 0),
        ("units", Quantity(5), 0),
    ],
)
def test_an_offer_says_from_which_spend_on(_case, condition, least):
    assert promotion("p", conditions=Every((condition,))).least_minor == least


def test_by_sku_category_code_tier_and_threshold():
    carries = {
        name: Every((Carries(frozenset({name})),))
        for name in ("code:SAVE", "tier:gold")
    }
    offers = [
        promotion("sku", on("sku:SKU1")),
        promotion("other_sku", on("sku:SKU2")),
        promotion("category", on("category:7")),
        promotion("code", Scope(), conditions=carries["code:SAVE"]),
        promotion("tier", Scope(), conditions=carries["tier:gold"]),
        SpendAndSave("reached", "", ((1_000, 100),)),
        SpendAndSave("dear", "", ((1_001, 100),)),
    ]
    index = OfferIndex.of(Indexed(each) for each in offers)
    cart = line(1, 1_000, category_ids=(3, 7))
    assert near(index, request(cart)) == {"sku", "category", "reached"}
    gold = request(
        cart, coupon_codes=("SAVE",), audiences=frozenset({"member", "tier:gold"})
    )
    assert near(index, gold) == {"sku", "category", "reached", "code", "tier"}


def test_the_nearest_of_those_far_away_is_known_without_asking_all():
    offers = [SpendAndSave(f"o{n}", "", ((n, 1),)) for n in (3_000, 2_000, 9_000)]
    over = SpendAndSave("over", "", ((1_500, 1),))
    index = OfferIndex.of(
        [*map(Indexed, offers), Indexed(over, NOON - timedelta(seconds=1))]
    )
    asked = request(line(1, 1_000))
    nearest = price_cart(asked, index.offers_for(asked)).nearest
    assert (nearest.source_id, nearest.why.params) == (
        "o2000",
        {"missing_minor": 1_000},
    )


def test_an_offer_runs_from_its_start_to_before_its_end():
    first = SpendAndSave("first", "", ((1, 1),), starts_at=NOON)
    last = SpendAndSave("last", "", ((1, 1),))
    index = OfferIndex.of([Indexed(first), Indexed(last, NOON)])
    assert near(index, request(line(1, 100))) == {"first"}


def test_spend_is_what_goods_cost_before_any_offer():
    prices = (PriceOption("sale", "", 700), PriceOption("member", "tier:gold", 600))
    cart = (line(1, 1_000, 2, prices=prices), line(2, 5_000, kind="gift_card"))
    assert spend_and_marks(request(*cart))[0] == 1_400
    gold = request(*cart, audiences=frozenset({"tier:gold"}))
    assert spend_and_marks(gold)[0] == 1_200


scopes_drawn = st.one_of(
    st.just(Scope()),
    st.sets(
        st.sampled_from(["sku:SKU1", "sku:SKU2", "category:1", "category:2"]),
        min_size=1,
    ).map(lambda marks: on(*marks)),
)
promotions_drawn = st.lists(
    st.builds(
        promotion,
        name=st.text("abcdefgh", min_size=1, max_size=3),
        scope=scopes_drawn,
        benefit=st.sampled_from(
            [Percent(Fraction(1, 10)), Amount(500, "order"), Amount(70, "unit")]
        ),
        stage=st.sampled_from([Stage.PRICE, Stage.ITEM, Stage.ORDER]),
        priority=st.integers(0, 2),
        exclusive_group=st.sampled_from(["", "", "g"]),
        conditions=st.lists(
            st.one_of(
                st.builds(Worth, st.integers(0, 4_000), scope=scopes_drawn),
                st.builds(Quantity, st.integers(0, 4), scope=scopes_drawn),
                st.just(Carries(frozenset({"code:SAVE"}))),
            ),
            max_size=2,
        ).map(lambda some: Every(tuple(some))),
        facts=st.sampled_from([Facts(marks=frozenset({"code:SAVE"}))]),
    ),
    max_size=8,
    unique_by=lambda each: each.source_id,
)
carts_drawn = st.lists(
    st.tuples(st.integers(0, 2_000), st.integers(1, 3), st.sets(st.integers(1, 2))),
    min_size=1,
    max_size=3,
)


@settings(max_examples=150, deadline=None)
@given(promotions_drawn, carts_drawn)
def test_a_price_by_the_index_is_the_price_by_asking_everybody(offers, cart):
    lines = [
        line(at, price, quantity, category_ids=tuple(sorted(categories)))
        for at, (price, quantity, categories) in enumerate(cart, start=1)
    ]
    asked = request(*lines, coupon_codes=("SAVE",))
    index = OfferIndex.of(Indexed(each) for each in offers)
    quote = price_cart(asked, index.offers_for(asked))
    plain = price_cart(asked, offers)
    assert (quote.hash, quote.total_minor) == (plain.hash, plain.total_minor)
    assert quote.applied == plain.applied
    named = [*quote.applied, *quote.refused, *quote.skipped]
    assert sorted(e.source_id for e in named) == sorted(o.source_id for o in offers)


@pytest.mark.parametrize(
    ("_case", "scope", "fields", "concerned"),
    [
        ("its scope", on("category:1"), {}, {1}),
        (
            "what its conditions count",
            on("category:1"),
            {"conditions": Every((Quantity(1, on("category:2")),))},
            {1, 2},
        ),
        (
            "what is bought and got",
            on("category:1"),
            {"benefit": BuyGet(1, 1, on("category:1"), on("category:3"), WHOLE)},
            {1, 3},
        ),
        (
            "who buys is no line",
            on("category:1"),
            {"conditions": Every((Carries(frozenset({"code:X"})),))},
            {1},
        ),
        (
            "delivery may be any line",
            on("category:1"),
            {"conditions": Every((Worth(1, basis="total_including_shipping"),))},
            None,
        ),
        (
            "a tree of conditions says nothing",
            on("category:1"),
            {"conditions": Every((Not(Quantity(1)),))},
            None,
        ),
        (
            "steps may look at the order",
            on("category:1"),
            {"benefit": Tiered(((1, Percent(WHOLE)),), by="order_value")},
            None,
        ),
    ],
)
def test_s6_an_offer_says_which_lines_concern_it(_case, scope, fields, concerned):
    asked = request(*(line(at, 100, category_ids=(at,)) for at in (1, 2, 3)))
    basket = Basket.of(asked)
    lines = basket.at(Stage.ITEM, dict(basket.left))
    assert promotion("p", scope, **fields).concerns(lines) == concerned


@pytest.mark.parametrize(
    ("benefit", "has_gifts"),
    [(Percent(WHOLE), False), (FreeItem((Gift("SPOON", 1),)), True)],
)
def test_s6_an_offer_says_whether_it_gives_goods(benefit, has_gifts):
    assert promotion("p", benefit=benefit).has_gifts is has_gifts


@pytest.mark.parametrize(
    ("_case", "fields", "is_itself"),
    [
        ("nothing", {}, True),
        ("the lines", {"conditions": Every((Quantity(1), Worth(1)))}, True),
        ("the buyer", {"conditions": Every((Carries(frozenset({"code:X"})),))}, False),
        ("a tree", {"conditions": Every((Not(Quantity(1)),))}, False),
        ("the stock", {"benefit": FreeItem((Gift("SPOON", 1),))}, False),
    ],
)
def test_an_offer_is_made_anew_for_a_buyer_only_where_it_asks(_case, fields, is_itself):
    offer = promotion("p", **fields)
    told = offer.told(Facts(is_known=True))
    assert (told is offer) is is_itself
    assert told.facts.is_known is not is_itself
