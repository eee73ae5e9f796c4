"""Promotions compiled once per version: whoever changes one changes the version."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils.translation import override

from campaigns.models import Budget, Promotion, PromotionVersion
from campaigns.offers import PromotionOffers
from campaigns.services.knowing import expected_needs
from campaigns.services.promoting import PromotionUsedUp
from orders.models import Brand, Product
from orders.rules.offers import PriceRequest
from orders.rules.quotes import FarOffers
from orders.services.quoting import quote_cart, request_of_cart
from tests.campaigns.recipes import ladder, of_kind, use
from tests.cast import NOON, make_variant
from tests.orders.shop import fill_cart, line


def version():
    return PromotionVersion.objects.get().version


def live(name: str = "A", **fields) -> Promotion:
    usual = ladder((1000, 100)) | {"starts_at": NOON}
    return Promotion.objects.create(
        name=name, state=Promotion.State.LIVE, **(usual | fields)
    )


def offered(at=NOON) -> list[str]:
    asked = PriceRequest(lines=(line(1, 1000),), currency="CNY", now=at)
    found, _refused = PromotionOffers().offers_for(asked)
    return [offer.name for offer in found if not isinstance(offer, FarOffers)]


def test_every_way_to_change_a_promotion_changes_the_version(db):
    seen = [version()]
    promotion = live()
    seen.append(version())
    promotion.name = "B"
    promotion.save()
    seen.append(version())
    Promotion.objects.update(priority=5)
    seen.append(version())
    promotion.delete()
    seen.append(version())
    assert len(set(seen)) == 5


def test_writing_the_same_again_changes_nothing(db):
    promotion = live()
    before = version()
    promotion.save()
    assert version() == before


def test_counting_a_use_leaves_the_version_until_the_last_one(db):
    promotion = live(limit_total=2)
    before = version()
    assert offered() == ["A"]
    use(promotion, "SO1")
    assert (version(), offered()) == (before, ["A"])
    use(promotion, "SO2")
    used_up = version()
    assert used_up != before
    assert offered() == []
    with pytest.raises(PromotionUsedUp), transaction.atomic():
        use(promotion, "SO3")
    Promotion.objects.update(used=1)
    assert version() != used_up
    assert offered() == ["A"], "a use came back"


def test_a_change_that_is_taken_back_leaves_no_trace(db):
    live()
    before, names = version(), offered()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        Promotion.objects.update(name="Never")
        assert offered() == ["Never"]
        raise ZeroDivisionError
    assert (version(), offered()) == (before, names)
    Promotion.objects.update(name="B")
    assert offered() == ["B"]


def test_time_passes_without_a_new_version(db):
    live("now", ends_at=NOON + timedelta(hours=2))
    live("soon", starts_at=NOON + timedelta(hours=1))
    live("paused").delete()
    before = version()
    assert offered() == ["now"]
    assert offered(NOON + timedelta(hours=1)) == ["now", "soon"]
    assert offered(NOON + timedelta(hours=2)) == ["soon"]
    assert version() == before


def test_each_reader_gets_the_names_of_their_language(db):
    live("满减", name_en="Spend and save")
    assert offered() == ["Spend and save"]
    with override("zh-hans"):
        assert offered() == ["满减"]


def test_a_draft_that_is_written_changes_no_version(db):
    live()
    draft = Promotion.objects.create(name="D", starts_at=NOON, **ladder((1000, 100)))
    before = version()
    Promotion.objects.filter(pk=draft.pk).update(name="E", **ladder((900, 90)))
    assert version() == before
    Promotion.objects.filter(pk=draft.pk).update(state="live")
    assert version() != before
    assert sorted(offered()) == ["A", "E"]


def test_another_kind_or_recipe_of_what_is_live_is_another_version(db):
    promotion = live()
    seen = [version()]
    Promotion.objects.update(**ladder((900, 90)))
    seen.append(version())
    Promotion.objects.update(**of_kind("percent", {"percent_bp": 1}))
    seen.append(version())
    Promotion.objects.filter(pk=promotion.pk).update(state="paused")
    seen.append(version())
    assert len(set(seen)) == 4


def test_a_recipe_that_cannot_be_read_keeps_nobody_from_buying(db, caplog):
    live()
    broken = live("B", **of_kind("percent", {"percent_bp": 0}))
    assert offered() == ["A"]
    assert broken.public_id in caplog.text


def test_a_promotion_for_members_asks_who_buys(alice):
    Promotion.objects.create(
        name="M",
        state="live",
        starts_at=NOON,
        **of_kind("percent", {"percent_bp": 1000}, when={"audience": ["member"]}),
    )
    make_variant("COAT", 40_000, on_hand=9)
    stranger, member = (fill_cart({"COAT": 1}, member=m) for m in (None, alice))
    assert quote_cart(cart=stranger, now=NOON).discount_minor == 0
    assert quote_cart(cart=member, now=NOON).discount_minor == 4_000


def test_brands_and_categories_of_the_catalogue_are_known_to_scopes(alice):
    variant = make_variant("COAT", 40_000, on_hand=9)
    brand = Brand.objects.create(name="Acme")
    Product.objects.filter(pk=variant.product_id).update(brand=brand)
    goods = {"brands": [brand.pk]}
    Promotion.objects.create(
        name="B",
        state="live",
        starts_at=NOON,
        **of_kind("percent", {"percent_bp": 1000}, goods=goods),
    )
    make_variant("HAT", 10_000, on_hand=9)
    quote = quote_cart(cart=fill_cart({"COAT": 1, "HAT": 1}), now=NOON)
    assert [each.discount_minor for each in quote.lines] == [4_000, 0]


def test_offers_for_members_cost_one_statement_however_many_there_are(alice):
    for_gold = of_kind("percent", {"percent_bp": 100}, when={"audience": ["tier:x"]})
    make_variant("COAT", 40_000, on_hand=9)
    cart = fill_cart({"COAT": 1}, member=alice)
    counts = []
    for number in range(20):
        live(f"P{number}", **for_gold)
        if number in {0, 19}:
            quote_cart(cart=cart, now=NOON)  # Somebody asked since they changed.
            with CaptureQueriesContext(connection) as captured:
                quote_cart(cart=cart, now=NOON)
            counts.append(len(captured))
    assert counts == [3, 3]


def test_a_budget_is_read_for_those_that_can_match_only_and_costs_no_statement(db):
    budget = Budget.objects.create(name="B", amount_minor=10_000)
    far = of_kind("percent", {"percent_bp": 100}, goods={"skus": ["HAT"]})
    promotion = live(budget=budget, **far)
    make_variant("COAT", 40_000, on_hand=9)
    cart = fill_cart({"COAT": 1})
    counts, read = [], []
    for skus in (["HAT"], ["COAT"]):
        goods = of_kind("percent", {"percent_bp": 100}, goods={"skus": skus})
        Promotion.objects.filter(pk=promotion.pk).update(**goods)
        quote_cart(cart=cart, now=NOON)
        with CaptureQueriesContext(connection) as captured:
            assert quote_cart(cart=cart, now=NOON).discount_minor == (
                400 if skus == ["COAT"] else 0
            )
        counts.append(len(captured))
        read.append(expected_needs(request_of_cart(cart=cart, now=NOON)).budgets)
    assert counts == [2, 2]
    assert read == [frozenset(), {budget.pk}]
