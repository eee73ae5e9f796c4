"""Products and categories, as anybody sees them."""

import pytest

from orders.models import Category, Product, Variant
from tests.cast import make_variant
from tests.orders.api.conftest import ROOT


@pytest.fixture
def catalogue(db):
    drinks = Category.objects.create(code="drinks", name="饮品", name_en="Drinks")
    tea = Category.objects.create(code="tea", name="茶", parent=drinks, position=1)
    for sku, name, category in (
        ("T1", "龙井 Longjing", tea),
        ("D1", "Lemonade", drinks),
        ("X1", "Umbrella", None),
    ):
        variant = make_variant(sku, 1990, on_hand=3)
        Product.objects.filter(pk=variant.product_id).update(
            name=name, category=category
        )
    hidden = make_variant("H1", 100)
    Product.objects.filter(pk=hidden.product_id).update(is_listed=False)
    make_variant("FREIGHT", 100, kind="freight")


def names(response):
    assert response.status_code == 200, response.content
    return [each["name"] for each in response.json()["data"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["Umbrella", "Lemonade", "龙井 Longjing"]),
        ("?category=drinks", ["Lemonade", "龙井 Longjing"]),
        ("?category=tea", ["龙井 Longjing"]),
        ("?category=none", []),
        ("?q=longj", ["龙井 Longjing"]),
        ("?q=龙井", ["龙井 Longjing"]),
        ("?q=D1", ["Lemonade"]),
        ("?q=%25%25", []),
        ("?q=o&category=tea", None),
        ("?serach=tea", None),
        ("?cursor=nonsense", None),
    ],
)
def test_products(visitor, catalogue, query, expected):
    response = visitor.get(f"{ROOT}/products{query}")
    if expected is None:
        assert response.status_code == 400
        assert response["Content-Type"] == "application/problem+json"
    else:
        assert names(response) == expected


def test_a_product_with_its_skus(visitor, catalogue):
    product = Product.objects.get(variants__sku="T1")
    Variant.objects.create(product=product, sku="T2", price_minor=990, on_hand=0)
    Variant.objects.create(product=product, sku="T3", price_minor=1, is_active=False)
    body = visitor.get(f"{ROOT}/products/{product.public_id}").json()
    assert body == {
        "id": product.public_id,
        "name": "龙井 Longjing",
        "kind": "goods",
        "brand": "",
        "category": "tea",
        "description": "",
        "variants": [
            {
                "sku": "T2",
                "option": "",
                "price": {"amount": "9.90", "currency": "CNY"},
                "in_stock": False,
            },
            {
                "sku": "T1",
                "option": "",
                "price": {"amount": "19.90", "currency": "CNY"},
                "in_stock": True,
            },
        ],
    }


def test_what_is_not_listed_is_not_there(visitor, catalogue):
    for sku in ("H1", "FREIGHT"):
        product = Product.objects.get(variants__sku=sku)
        answer = visitor.get(f"{ROOT}/products/{product.public_id}")
        assert answer.status_code == 404
    assert visitor.get(f"{ROOT}/products/prd_none").json()["code"] == "not_found"


def test_pages_take_a_fixed_number_of_statements(
    visitor, catalogue, django_assert_max_num_queries
):
    for number in range(30):
        make_variant(f"P{number}", 100)
    with django_assert_max_num_queries(3):
        page = visitor.get(f"{ROOT}/products?limit=20").json()
    assert len(page["data"]) == 20
    rest = visitor.get(
        f"{ROOT}/products", {"limit": 20, "cursor": page["page"]["next_cursor"]}
    ).json()
    assert len(rest["data"]) == 13
    assert not rest["page"]["has_more"]


def test_categories_speak_the_language_of_the_request(visitor, catalogue):
    response = visitor.get(f"{ROOT}/categories", headers={"Accept-Language": "zh-hans"})
    assert response.json()["data"] == [
        {"code": "drinks", "name": "饮品", "parent": None},
        {"code": "tea", "name": "茶", "parent": "drinks"},
    ]
    english = visitor.get(f"{ROOT}/categories", headers={"Accept-Language": "en"})
    assert names(english) == ["Drinks", "茶"]


def test_nobody_writes_to_the_catalogue(as_alice, catalogue):
    assert as_alice.post(f"{ROOT}/products", {}, format="json").status_code == 405
