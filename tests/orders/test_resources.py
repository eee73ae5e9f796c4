import pytest
import tablib
from django.core.exceptions import ValidationError

from orders.models import Brand, Category, Order, Product, Variant
from orders.queries.catalogue import found_products
from orders.queries.price_tables import price_history
from orders.resources import OrderResource, ProductResource
from tests.cast import NOON, make_variant

FULL = {
    "sku": "TEA-1",
    "name": "绿茶",
    "name_en": "Green tea",
    "kind": "goods",
    "category": "tea",
    "brand": "小满",
    "tags": "新品, gift，gift",
    "is_listed": "no",
    "option": "100 g",
    "price": "12.30",
    "cost": "5",
    "minimum_price": "8.50",
    "barcode": "6901234567892",
    "weight_grams": "120",
    "on_hand": "7",
    "is_active": "yes",
}


def bring(*rows, **how):
    data = tablib.Dataset(*[list(r.values()) for r in rows], headers=list(rows[0]))
    return ProductResource().import_data(data, now=NOON, **how)


def counts(result):
    assert not result.row_errors(), [
        str(e.error) for _n, errors in result.row_errors() for e in errors
    ]
    return {kind: n for kind, n in result.totals.items() if n}


@pytest.fixture
def tea(db):
    return Category.objects.create(code="tea", name="茶")


def test_a_new_row_writes_product_and_sku(tea):
    assert counts(bring(FULL)) == {"new": 1}
    variant = Variant.objects.get()
    assert (variant.sku, variant.option, variant.price_minor, variant.cost_minor) == (
        "TEA-1",
        "100 g",
        1230,
        500,
    )
    assert variant.minimum_price_minor == 850
    assert (variant.on_hand, variant.is_active, variant.reserved) == (7, True, 0)
    product = variant.product
    assert (product.name, product.name_en, product.kind, product.brand.name) == (
        "绿茶",
        "Green tea",
        "goods",
        "小满",
    )
    assert (product.brand.code, product.tags) == ("xiaoman", ["新品", "gift"])
    assert (variant.barcode, variant.weight_grams) == ("6901234567892", 120)
    assert (product.category, product.is_listed, product.created_at) == (
        tea,
        False,
        NOON,
    )


def test_the_same_file_again_changes_nothing_and_one_cell_changes_one_thing(tea):
    bring(FULL)
    assert counts(bring(FULL)) == {"skip": 1}
    assert counts(bring({"sku": "TEA-1", "price": "9.99", "brand": ""})) == {
        "update": 1
    }
    variant = Variant.objects.get()
    assert (variant.price_minor, variant.on_hand, variant.product.brand.name) == (
        999,
        7,
        "小满",
    )
    assert Product.objects.count() == 1


def test_a_second_sku_joins_the_product_it_names(tea):
    bring(FULL)
    product = Product.objects.get()
    row = {
        "sku": "TEA-2",
        "product": product.public_id,
        "price": "20",
        "option": "250 g",
    }
    assert counts(bring(row)) == {"new": 1}
    assert set(product.variants.values_list("sku", flat=True)) == {"TEA-1", "TEA-2"}
    assert Product.objects.get().name == "绿茶"


def test_two_dashes_stop_keeping_stock(tea):
    bring(FULL)
    row = {"sku": "TEA-1", "on_hand": "--", "cost": "--", "category": "--"}
    bring(row | {"minimum_price": "--"})
    variant = Variant.objects.get()
    assert (variant.on_hand, variant.cost_minor, variant.product.category) == (
        None,
        None,
        None,
    )
    assert variant.minimum_price_minor is None


@pytest.mark.parametrize(
    "bad",
    [
        {"price": "12.345"},
        {"price": "-1"},
        {"price": "NaN"},
        {"price": "1e3"},
        {"price": "--"},
        {"cost": "-1"},
        {"minimum_price": "-0.01"},
        {"on_hand": "-1"},
        {"weight_grams": "1.5"},
        {"weight_grams": "-1"},
        {"barcode": "6" * 41},
        {"brand": "x" * 161},
        {"tags": "x" * 41},
        {"tags": ",".join(map(str, range(21)))},
        {"on_hand": "1.5"},
        {"on_hand": "9" * 400},
        {"kind": "car"},
        {"is_listed": "maybe"},
        {"category": "coffee"},
        {"name": "x" * 161},
        {"sku": "x" * 61},
        {"sku": ""},
        {"product": "prd_none"},
        {"name": ""},
        {"price": ""},
    ],
)
def test_a_bad_row_is_named_and_writes_nothing(tea, bad):
    assert counts(bring({**FULL, "product": "", **bad})) == {"invalid": 1}
    assert not Variant.objects.exists()
    assert not Product.objects.exists()


def test_stock_below_what_is_promised_is_refused(db):
    variant = make_variant("TEA-1", 100, on_hand=5)
    Variant.objects.filter(pk=variant.pk).update(reserved=3)
    assert counts(bring({"sku": "TEA-1", "on_hand": "2"})) == {"invalid": 1}
    assert counts(bring({"sku": "TEA-1", "on_hand": "3"})) == {"update": 1}
    assert Variant.objects.get().on_hand == 3


def test_prices_and_stock_leave_their_trace(tea):
    bring(FULL)
    bring({"sku": "TEA-1", "price": "9.99", "on_hand": "10"})
    variant = Variant.objects.get()
    lists = [(p.amount_minor, p.ends_at) for p in price_history(variant_id=variant.pk)]
    assert sorted(lists, key=str) == [(1230, NOON), (999, None)]
    moves = variant.stock_moves.order_by("id").values_list("kind", "delta_on_hand")
    assert list(moves) == [("counted", 7), ("counted", 3)]


def test_a_brand_of_another_spelling_is_the_same_brand(tea):
    Brand.objects.create(code="acme", name="Acme")
    bring({**FULL, "brand": "ACME"})
    assert Product.objects.get().brand.code == "acme"
    assert Brand.objects.count() == 1
    bring({"sku": "TEA-1", "brand": "--", "tags": "--"})
    product = Product.objects.get()
    assert (product.brand, product.tags) == (None, [])


def test_a_barcode_is_of_one_sku(tea):
    bring(FULL)
    assert counts(bring({**FULL, "sku": "TEA-2"})) == {"invalid": 1}
    assert Variant.objects.count() == 1


def test_what_came_in_is_found_at_once(tea):
    bring(FULL)
    for text in ("lücha", "绿茶", "TEA-1", "gift", "6901234567892", "xm"):
        (found,) = found_products(Product.objects.all(), text)
        assert found.name == "绿茶"


def test_a_trial_run_writes_nothing(tea):
    assert counts(bring(FULL, dry_run=True)) == {"new": 1}
    assert not Variant.objects.exists()


def test_what_went_out_comes_back_unchanged(tea):
    second = {"sku": "=TEA-2", "name": "@x", "cost": "", "on_hand": "", "barcode": ""}
    bring(FULL, {**FULL, **second})
    out = ProductResource().export(Variant.objects.order_by("id"))
    assert out["sku"] == ["TEA-1", "'=TEA-2"]
    assert out["name"] == ["绿茶", "'@x"]
    assert out["price"] == ["12.30", "12.30"]
    assert counts(ProductResource().import_data(out, now=NOON)) == {"skip": 2}


def test_orders_go_out_without_the_person_and_never_in(
    alice, django_assert_num_queries
):
    for number in ("A1", "=A2"):
        Order.objects.create(
            number=number,
            member=alice,
            currency="CNY",
            goods_minor=1500,
            discount_minor=270,
            total_minor=1230,
            placed_at=NOON,
        )
    with django_assert_num_queries(1):
        out = OrderResource().export(Order.objects.order_by("id"))
    assert out["number"] == ["A1", "'=A2"]
    assert out.dict[0]["total"] == "12.30"
    assert out.dict[0]["member"] == alice.number
    assert "Alice" not in out.export("csv")
    with pytest.raises(ValidationError):
        OrderResource().import_data(out)
