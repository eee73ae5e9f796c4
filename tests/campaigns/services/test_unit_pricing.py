"""A price list tells what a quote of one unit would (S24), and asks once a page."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.models import Budget, Promotion
from campaigns.rules.promotions import Promotion as Offer
from crm import wiring
from loyalty.models import PointsAccount, Tier
from orders.models import Brand, Category, Price, Variant
from orders.queries.catalogue import Wanted, listed_products
from orders.rules.offers import Stage
from orders.services.carts import add_item, create_cart
from orders.services.quoting import quote_cart
from orders.services.showing_prices import shown_prices
from tests.campaigns.recipes import ladder, of_kind, use
from tests.campaigns.services.test_limits import order_of
from tests.cast import NOON, make_channel, make_variant
from tests.orders.shop import fill_cart, pay, place

REAL = [
    "campaigns.offers.PromotionOffers",
    "campaigns.offers.CouponOffers",
    "loyalty.offers.PointsOffers",
]
SKUS = ("TEA", "MUG", "CARD")


@pytest.fixture(autouse=True)
def real_sources(monkeypatch):
    monkeypatch.setattr(wiring, "OFFER_SOURCES", REAL)


def on(kind="flash_price", gives=None, *, name="P", parts=None, **fields) -> Promotion:
    """Put a promotion on; 9.00 for a flash unless something else is said."""
    recipe = of_kind(kind, gives or {"price_minor": 900}, **(parts or {}))
    usual = {"name": name, "starts_at": NOON - timedelta(days=1), "state": "live"}
    return Promotion.objects.create(**(usual | recipe | fields))


def members_only(percent_bp: int, *audience: str, **parts):
    when = {"audience": list(audience or ["member"])} | parts.pop("when", {})
    gives = {"percent_bp": percent_bp}
    return on("member_price", gives, parts={"when": when, **parts})


def listed(member=None, *, channel="", at=NOON) -> dict[str, object]:
    """Return SKU -> shown price of one page of the catalogue."""
    page = listed_products(Wanted(channel=channel), at=at).page(
        ["-created_at", "-id"], (), 100
    )
    lines = []
    for product in page:
        lines += product.lines(first=len(lines) + 1)
    found = shown_prices(
        lines=lines,
        member_id=member and member.pk,
        channel_code=channel,
        now=at,
    )
    return {line.sku: each for line, each in zip(lines, found, strict=True)}


def shown(sku="TEA", member=None, **how) -> tuple[int, str]:
    price = listed(member, **how)[sku].price
    return (price.amount_minor, price.kind)


def quoted(sku: str, member=None, *, channel="", at=NOON) -> int:
    """Return the unit price of the first stage of a cart with that one item."""
    cart = create_cart(member_id=member and member.pk, channel_code=channel, now=NOON)
    add_item(cart_id=cart.pk, sku=sku, quantity=1, now=NOON)
    quote = quote_cart(cart=cart, now=at)
    (line,) = quote.lines
    taken = [
        sum(minor for _at, minor in each.shares)
        for each in quote.applied
        if each.stage is Stage.PRICE
    ]
    return line.line.unit_price_minor - sum(taken)


@pytest.fixture
def tea(db):
    return make_variant("TEA", 1_000, on_hand=50)


# --- Each promotion of the first stage --------------------------------------------


def test_s24_a_flash_price_is_shown_to_everybody_while_it_runs(tea):
    on(name="秒杀", ends_at=NOON + timedelta(hours=1))
    price = listed()["TEA"]
    assert (price.price.list_minor, price.price.was_minor) == (1_000, 1_000)
    assert [(each.source_kind, each.name) for each in price.offers] == [
        ("promotion", "秒杀")
    ]
    assert shown() == (900, "promotion")
    assert shown(at=NOON + timedelta(hours=1)) == (1_000, "list")
    assert shown(at=NOON - timedelta(days=2)) == (1_000, "list")


def test_s24_an_offer_of_a_later_stage_is_no_price(tea):
    on("percent", {"percent_bp": 5_000})
    on("one_price", {"price_minor": 1})
    on(**ladder((100, 10)))
    assert shown() == (1_000, "list") == (quoted("TEA"), "list")


def test_s24_a_price_for_a_tier_is_nobody_elses(tea, alice, mallory):
    members_only(1_000)
    members_only(3_000, "tier:gold")
    gold = Tier.objects.get(code="gold")
    PointsAccount.objects.update_or_create(member=alice, defaults={"tier": gold})
    assert shown(member=alice) == (700, "promotion"), "the better one of a group"
    assert shown(member=mallory) == (900, "promotion")
    assert shown() == (1_000, "list")
    assert [quoted("TEA", m) for m in (alice, mallory, None)] == [700, 900, 1_000]


def test_s24_the_price_of_a_first_order_goes_with_it(tea, alice):
    members_only(2_000, when={"nth_order": 1})
    assert (shown(member=alice), quoted("TEA", alice)) == ((800, "promotion"), 800)
    pay(place(fill_cart({"TEA": 1}, member=alice)))
    assert (shown(member=alice), quoted("TEA", alice)) == ((1_000, "list"), 1_000)


def test_s24_a_price_of_a_channel_is_shown_there(tea):
    make_channel("store")
    on(parts={"when": {"channels": ["store"]}})
    assert shown(channel="store") == (900, "promotion")
    assert shown() == (1_000, "list")


def test_s24_who_buys_one_has_not_the_price_of_two(tea):
    on(parts={"when": {"least_units": 2}})
    on(parts={"when": {"least_spend_minor": 1_001}})
    assert shown() == (1_000, "list") == (quoted("TEA"), "list")


def test_s24_the_better_of_a_sale_and_a_flash_price(tea):
    sale = {"variant": tea, "kind": "sale", "starts_at": NOON, "created_at": NOON}
    Price.objects.create(amount_minor=850, **sale)
    on()
    assert shown() == (850, "sale"), "a flash price lowers what costs more, only"
    assert listed()["TEA"].price.was_minor == 1_000
    on(gives={"price_minor": 800})
    assert shown() == (800, "promotion")


def test_s24_s21_a_flash_price_ends_with_its_uses_and_its_budget(tea):
    few = on(limit_total=1)
    use(few, "SO1", amount_minor=100)
    assert shown() == (1_000, "list")
    budget = Budget.objects.create(name="B", amount_minor=150)
    poor = on(budget=budget)
    assert shown() == (900, "promotion")
    use(poor, "SO2", amount_minor=100)
    assert shown() == (950, "promotion") == (quoted("TEA"), "promotion")
    Budget.objects.update(spent_minor=50)
    assert shown() == (1_000, "list") == (quoted("TEA"), "list")


def test_s24_no_price_of_before_a_change_is_told(tea):
    flash = on()
    assert shown() == (900, "promotion")
    flash.state = Promotion.State.PAUSED
    flash.save()
    assert shown() == (1_000, "list")
    Promotion.objects.update(state="live", **of_kind("flash_price", {"price_minor": 5}))
    assert shown() == (5, "promotion")


# --- Any of them together ------------------------------------------------------------


@pytest.fixture
def shop(alice, bob):
    """Return buyers by name: a visitor, somebody new, somebody gold who bought."""
    make_channel("store")
    drinks = Category.objects.create(code="drinks", name="Drinks")
    brand = Brand.objects.create(code="acme", name="Acme")
    tea = make_variant("TEA", 1_000, on_hand=90)
    make_variant("MUG", 777, on_hand=90)
    make_variant("CARD", 5_000, kind="gift_card")
    tea.product.category, tea.product.brand = drinks, brand
    tea.product.save()
    for kind, audience, amount in (("sale", "", 700), ("member", "tier:gold", 650)):
        Price.objects.create(
            variant=Variant.objects.get(sku="MUG"),
            kind=kind,
            audience=audience,
            amount_minor=amount,
            starts_at=NOON,
            ends_at=NOON + timedelta(days=1),
            created_at=NOON,
        )
    gold = Tier.objects.get(code="gold")
    PointsAccount.objects.update_or_create(member=bob, defaults={"tier": gold})
    pay(place(fill_cart({"TEA": 1}, member=bob)))
    Budget.objects.create(name="B", amount_minor=120)
    return {"visitor": None, "new": alice, "gold": bob}


shares = st.integers(1, 10_000)
goods = st.sampled_from(
    [
        {},
        {"skus": ["TEA"]},
        {"skus": ["MUG", "CARD"]},
        {"categories": ["drinks"]},
        {"brands": ["acme"]},
        {"not_brands": ["acme"]},
        {"not_categories": ["drinks"], "skus": ["MUG", "TEA"]},
    ]
)
whens = st.fixed_dictionaries(
    {"audience": st.sampled_from([["member"], ["tier:gold"], ["tier:gold", "member"]])},
    optional={
        "nth_order": st.integers(1, 2),
        "channels": st.just(["store"]),
        "weekdays": st.sampled_from([[1, 2, 3], [4, 5, 6, 7]]),
        "since": st.just("10:00"),
        "least_units": st.integers(0, 2),
        "least_spend_minor": st.integers(0, 900),
    },
)
besides = st.fixed_dictionaries(
    {},
    optional={
        "cap_minor": st.integers(1, 300),
        "is_alone": st.booleans(),
        "skips_discounted": st.booleans(),
    },
)


@st.composite
def promotions(draw):
    """Return fields of a promotion, mostly of the first stage."""
    kind, gives = draw(
        st.sampled_from(["member_price", "flash_price", "percent"]).flatmap(
            lambda kind: st.tuples(
                st.just(kind),
                st.builds(lambda n: {"price_minor": n}, st.integers(0, 1_200))
                if kind == "flash_price"
                else st.builds(lambda n: {"percent_bp": n}, shares),
            )
        )
    )
    when = draw(whens)
    if kind != "member_price" and draw(st.booleans()):
        when = {key: each for key, each in when.items() if key != "audience"}
    return {
        "kind": kind,
        "gives": gives,
        "goods": draw(goods),
        "when": when,
        "beside": draw(besides),
        "priority": draw(st.integers(-1, 1)),
        "exclusive_group": draw(st.sampled_from(["", "unit_price"])),
        "has_budget": draw(st.booleans()),
        **{
            name: draw(st.sampled_from([None, None, 0, 1, 9]))
            for name in ("limit_units", "limit_member_units")
            if kind == "flash_price"
        },
        "starts_at": NOON + timedelta(hours=draw(st.sampled_from([-5, 0, 20]))),
    }


def put_on(wanted) -> None:
    keys = {
        "categories": dict(Category.objects.values_list("code", "pk")),
        "brands": dict(Brand.objects.values_list("code", "pk")),
    }
    budget = Budget.objects.get()
    for number, each in enumerate(wanted):
        goods = {
            name: [
                keys.get(name.removeprefix("not_"), {}).get(one, one) for one in some
            ]
            for name, some in each["goods"].items()
        }
        on(
            each["kind"],
            each["gives"],
            name=f"P{number}",
            parts={"goods": goods, "when": each["when"], "beside": each["beside"]},
            priority=each["priority"],
            exclusive_group=each["exclusive_group"],
            budget=budget if each["has_budget"] else None,
            limit_units=each.get("limit_units"),
            limit_member_units=each.get("limit_member_units"),
            starts_at=each["starts_at"],
        )


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    wanted=st.lists(promotions(), max_size=4),
    who=st.sampled_from(["visitor", "new", "gold"]),
    channel=st.sampled_from(["", "store"]),
    hours=st.sampled_from([0, 23, 72]),
)
def test_s24_the_list_tells_the_price_of_a_quote_with_that_one_item(
    shop, wanted, who, channel, hours
):
    at, member = NOON + timedelta(hours=hours), shop[who]
    with transaction.atomic():
        put_on(wanted)
        told = listed(member, channel=channel, at=at)
        quotes = {sku: quoted(sku, member, channel=channel, at=at) for sku in SKUS}
        transaction.set_rollback(True)
    assert {sku: each.price.amount_minor for sku, each in told.items()} == quotes
    for each in told.values():
        assert (each.price.kind == "promotion") == bool(each.offers)
        assert each.price.amount_minor <= each.price.list_minor


# --- What it costs --------------------------------------------------------------------


def statements(work) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        work()
    return [each["sql"] for each in captured]


def test_a_page_takes_one_statement_more_at_no_offer_and_at_a_thousand(tea):
    counts = []
    budget = Budget.objects.create(name="B", amount_minor=10**9)
    for number in (0, 1, 1_000):
        Promotion.objects.bulk_create(
            Promotion(
                name=f"P{n}",
                state="live",
                starts_at=NOON,
                budget=budget,
                **of_kind("flash_price", {"price_minor": 900}, goods={"skus": [sku]}),
            )
            for n, sku in enumerate(["TEA", *(f"S{n}" for n in range(number))][:number])
        )
        listed()  # Somebody asked since the promotions changed.
        counts.append(len(statements(listed)))
    assert counts == [2, 2, 2], "the page, and the offers"
    for n in range(30):
        make_variant(f"S{n}", 2_000)
    listed()
    assert len(statements(listed)) == 2
    assert {each.price.amount_minor for each in listed().values()} == {900}


def test_who_buys_is_asked_only_where_prices_differ_by_it(tea, alice):
    on()
    on("percent", {"percent_bp": 100}, parts={"when": {"audience": ["member"]}})
    listed(alice)
    assert len(statements(lambda: listed(alice))) == 2
    members_only(500, when={"nth_order": 1})
    order_of(alice, state="paid")
    listed(alice)
    asked = statements(lambda: listed(alice))
    assert len(asked) == 3
    assert sum("loyalty_" in (sql or "") for sql in asked) == 1
    listed()
    assert len(statements(listed)) == 2, "a visitor belongs to nobody"


def test_offers_of_later_stages_are_not_asked(tea, monkeypatch):
    on()
    on("percent", {"percent_bp": 100})
    listed()
    asked = []
    reduce = Offer.reduce

    def counted(self, lines):
        asked.append(self.stage)
        return reduce(self, lines)

    monkeypatch.setattr(Offer, "reduce", counted)
    assert shown() == (900, "promotion")
    assert set(asked) == {Stage.PRICE}
