"""Products and categories, as anybody sees them."""

from datetime import timedelta

import pytest

from crm.shared import clock
from orders.models import (
    Attribute,
    Brand,
    Category,
    Product,
    ProductAttribute,
    ProductImage,
    Variant,
)
from orders.queries import catalogue as catalogue_queries
from orders.services.indexing import index_due
from orders.services.picturing import add_picture
from orders.services.pricing_entries import set_price
from tests.cast import make_channel, make_variant
from tests.members.pictures import picture
from tests.orders.api.conftest import ROOT
from tests.orders.shop import Offers


@pytest.fixture
def catalogue(db):
    drinks = Category.objects.create(code="drinks", name="饮品", name_en="Drinks")
    tea = Category.objects.create(code="tea", name="茶", parent=drinks, position=1)
    brand = Brand.objects.create(code="xiaoman", name="小满", name_en="Xiaoman")
    for sku, name, category in (
        ("T1", "龙井 Longjing", tea),
        ("D1", "Lemonade", drinks),
        ("X1", "Umbrella", None),
    ):
        variant = make_variant(sku, 1990, on_hand=3)
        Product.objects.filter(pk=variant.product_id).update(
            name=name, category=category
        )
    Product.objects.filter(variants__sku="T1").update(
        brand=brand, tags=["gift", "新品"]
    )
    hidden = make_variant("H1", 100)
    Product.objects.filter(pk=hidden.product_id).update(is_listed=False)
    make_variant("FREIGHT", 100, kind="freight")
    index_due()


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
        ("?brand=xiaoman", ["龙井 Longjing"]),
        ("?brand=none", []),
        ("?tag=gift", ["龙井 Longjing"]),
        ("?tag=gif", []),
        ("?q=longj", ["龙井 Longjing"]),
        ("?q=龙井", ["龙井 Longjing"]),
        ("?q=井", ["龙井 Longjing"]),
        ("?q=lj", ["龙井 Longjing"]),
        ("?q=yinpin", ["Lemonade", "龙井 Longjing"]),
        ("?q=xiaoman", ["龙井 Longjing"]),
        ("?q=gift 龙井", ["龙井 Longjing"]),
        ("?q=gift umbrella", []),
        ("?q=D1", ["Lemonade"]),
        ("?q=d", ["Lemonade", "龙井 Longjing"]),
        ("?q=o&category=tea", []),
        ("?q=%25%25", []),
        ("?q=%27%3A*%20%7C%20!a", []),
        ("?q=%00", None),
        (f"?q={'x' * 81}", None),
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


def test_a_whole_code_comes_first_then_names_then_the_rest(visitor, catalogue):
    for sku, name in (("LAMP", "Torch"), ("Z9", "Lamp shade"), ("Z8", "Bulb")):
        variant = make_variant(sku, 100)
        Product.objects.filter(pk=variant.product_id).update(name=name)
    Product.objects.filter(variants__sku="Z8").update(tags=["lamp"])
    index_due()
    assert names(visitor.get(f"{ROOT}/products?q=Lamp")) == [
        "Torch",
        "Lamp shade",
        "Bulb",
    ]
    # Page by page, the same order.
    found, cursor = [], {}
    while cursor is not None:
        page = visitor.get(f"{ROOT}/products", {"q": "lamp", "limit": 1, **cursor})
        found += names(page)
        following = page.json()["page"]["next_cursor"]
        cursor = {"cursor": following} if following else None
    assert found == ["Torch", "Lamp shade", "Bulb"]


def walked(visitor, **query) -> list[str]:
    """Return the names of a list read page by page, there and back again."""
    pages, cursor = [], None
    while not pages or cursor:
        asked = {**query, "cursor": cursor} if cursor else query
        answer = visitor.get(f"{ROOT}/products", asked)
        pages.append(names(answer))
        page = answer.json()["page"]
        cursor = page["next_cursor"]
    back = []
    while page["prev_cursor"]:
        answer = visitor.get(
            f"{ROOT}/products", {**query, "cursor": page["prev_cursor"]}
        )
        back.append(names(answer))
        page = answer.json()["page"]
    assert back == pages[-2::-1]
    return [name for page in pages for name in page]


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 100])
@pytest.mark.parametrize("most_compared", [1_000, 2])
def test_pages_of_a_common_word_are_those_of_a_rare_one(
    visitor, catalogue, monkeypatch, limit, most_compared
):
    monkeypatch.setattr(catalogue_queries, "MOST_COMPARED", most_compared)
    brand = Brand.objects.create(code="lamp", name="Lamp")
    for number in range(3):
        for sku, name in ((f"N{number}", "Lamp"), (f"B{number}", "Bulb")):
            variant = make_variant(sku, 100)
            Product.objects.filter(pk=variant.product_id).update(
                name=f"{name} {number}", brand=brand
            )
    torch = make_variant("LAMP", 100).product
    Product.objects.filter(pk=torch.pk).update(name="Torch")
    index_due()
    assert walked(visitor, q="lamp", limit=limit) == [
        "Torch",
        *("Lamp 2", "Lamp 1", "Lamp 0"),
        *("Bulb 2", "Bulb 1", "Bulb 0"),
    ]
    assert walked(visitor, q="lamp", brand="lamp", limit=limit) == [
        *("Lamp 2", "Lamp 1", "Lamp 0"),
        *("Bulb 2", "Bulb 1", "Bulb 0"),
    ]


def test_a_page_goes_on_where_a_word_became_common_meanwhile(
    visitor, catalogue, monkeypatch
):
    found = {"q": "yinpin", "limit": 1}
    first = visitor.get(f"{ROOT}/products", found).json()
    monkeypatch.setattr(catalogue_queries, "MOST_COMPARED", 1)
    cursor = first["page"]["next_cursor"]
    assert names(visitor.get(f"{ROOT}/products", {**found, "cursor": cursor})) == [
        "龙井 Longjing"
    ]


def test_a_product_with_its_skus(visitor, catalogue):
    product = Product.objects.get(variants__sku="T1")
    Variant.objects.create(product=product, sku="T2", price_minor=990, on_hand=0)
    Variant.objects.create(product=product, sku="T3", price_minor=1, is_active=False)
    Variant.objects.filter(sku="T1").update(barcode="6901", weight_grams=250)
    origin = Attribute.objects.create(code="origin", name="产地", name_en="Origin")
    ProductAttribute.objects.create(
        product=product, attribute=origin, value="杭州", value_en="Hangzhou"
    )
    image = add_picture(
        product_id=product.pk,
        data=picture(),
        alt="一杯茶",
        alt_en="A cup",
        now=clock.now(),
    )
    body = visitor.get(f"{ROOT}/products/{product.public_id}").json()
    address = f"{ROOT}/products/{product.public_id}/images/{image.public_id}"
    assert body == {
        "id": product.public_id,
        "name": "龙井 Longjing",
        "kind": "goods",
        "brand": "Xiaoman",
        "brand_code": "xiaoman",
        "category": "tea",
        "tags": ["gift", "新品"],
        "description": "",
        "attributes": [{"code": "origin", "name": "Origin", "value": "Hangzhou"}],
        "images": [{"url": address, "alt": "A cup", "sku": None}],
        "variants": [
            {
                "sku": "T2",
                "option": "",
                "barcode": "",
                "weight_grams": None,
                "price": {"amount": "9.90", "currency": "CNY"},
                "list_price": {"amount": "9.90", "currency": "CNY"},
                "was": None,
                "price_kind": "list",
                "promotions": [],
                "in_stock": False,
            },
            {
                "sku": "T1",
                "option": "",
                "barcode": "6901",
                "weight_grams": 250,
                "price": {"amount": "19.90", "currency": "CNY"},
                "list_price": {"amount": "19.90", "currency": "CNY"},
                "was": None,
                "price_kind": "list",
                "promotions": [],
                "in_stock": True,
            },
        ],
    }
    shown = visitor.get(address)
    assert shown.status_code == 200
    assert shown["Content-Type"] == "image/webp"
    assert "immutable" in shown["Cache-Control"]
    assert shown.content == bytes(ProductImage.objects.get().picture)


def test_pictures_of_what_is_not_listed_are_not_there(visitor, catalogue):
    hidden = Product.objects.get(variants__sku="H1")
    seen = Product.objects.get(variants__sku="T1")
    image = add_picture(product_id=hidden.pk, data=picture(), now=clock.now())
    for product in (hidden, seen):
        address = f"{ROOT}/products/{product.public_id}/images/{image.public_id}"
        assert visitor.get(address).status_code == 404


# --- Prices (S24) -------------------------------------------------------------


def shown_to(client, sku: str) -> dict:
    product = Product.objects.get(variants__sku=sku)
    body = client.get(f"{ROOT}/products/{product.public_id}").json()
    (variant,) = [each for each in body["variants"] if each["sku"] == sku]
    listed = {
        each["sku"]: each
        for product in client.get(f"{ROOT}/products").json()["data"]
        for each in product["variants"]
    }
    # The list and the page say the same.
    assert listed[sku] == variant
    return {
        "price": variant["price"]["amount"],
        "list": variant["list_price"]["amount"],
        "was": variant["was"]["amount"] if variant["was"] else None,
        "kind": variant["price_kind"],
    }


def test_each_sees_the_price_they_would_pay(
    visitor, as_alice, as_mallory, alice, catalogue, monkeypatch
):
    now = clock.now()
    variant = Variant.objects.get(sku="T1")
    for kind, audience, amount in (
        ("sale", "", 1800),
        ("member", "member", 1700),
        ("member", "tier:gold", 1500),
    ):
        set_price(
            variant_id=variant.pk,
            kind=kind,
            audience=audience,
            amount_minor=amount,
            actor="test",
            now=now,
        )

    def gold_for_alice(self, request):
        mine = request.member_id == alice.pk
        return frozenset({"tier:gold"} if mine else ())

    monkeypatch.setattr(Offers, "audiences", gold_for_alice, raising=False)
    assert shown_to(visitor, "T1") == {
        "price": "18.00",
        "list": "19.90",
        "was": "19.90",
        "kind": "sale",
    }
    assert shown_to(as_mallory, "T1")["price"] == "17.00"
    assert shown_to(as_alice, "T1")["price"] == "15.00"
    assert shown_to(visitor, "D1") == {
        "price": "19.90",
        "list": "19.90",
        "was": None,
        "kind": "list",
    }


def test_a_planned_price_is_nobodys_yet(visitor, catalogue):
    now = clock.now()
    variant = Variant.objects.get(sku="T1")
    set_price(
        variant_id=variant.pk,
        kind="sale",
        amount_minor=100,
        starts_at=now + timedelta(hours=1),
        actor="test",
        now=now,
    )
    assert shown_to(visitor, "T1")["price"] == "19.90"


# --- Channels -----------------------------------------------------------------


def test_what_is_limited_to_a_channel_is_shown_there_alone(visitor, catalogue):
    store, web = make_channel("store"), make_channel("web")
    umbrella = Product.objects.get(variants__sku="X1")
    umbrella.channels.set([store, web])
    assert "Umbrella" not in names(visitor.get(f"{ROOT}/products"))
    assert names(visitor.get(f"{ROOT}/products?channel=store")) == [
        "Umbrella",
        "Lemonade",
        "龙井 Longjing",
    ]
    assert "Umbrella" not in names(visitor.get(f"{ROOT}/products?channel=tmall"))
    page = f"{ROOT}/products/{umbrella.public_id}"
    assert visitor.get(page).status_code == 404
    assert visitor.get(f"{page}?channel=web").status_code == 200


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", 3),
        ("category=drinks", 2),
        ("brand=xiaoman", 1),
        ("tag=gift", 1),
        ("channel=web", 3),
        ("q=longjing", 1),
        ("category=drinks&q=lemonade&channel=web", 1),
    ],
)
def test_whatever_is_asked_is_counted(visitor, catalogue, query, expected):
    """Counting leaves out brand and category beside a product (P5-c)."""
    page = visitor.get(f"{ROOT}/products?limit=1&include=total&{query}").json()["page"]
    assert page["total"] == {"count": expected, "exact": True}
    if expected > 1:  # from the second page on nothing is known by the page alone
        onwards = {"cursor": page["next_cursor"], "limit": 1, "include": "total"}
        asked = dict(part.split("=") for part in query.split("&") if part)
        again = visitor.get(f"{ROOT}/products", {**asked, **onwards}).json()["page"]
        assert again["total"] == page["total"]


def test_what_is_not_listed_is_not_there(visitor, catalogue):
    for sku in ("H1", "FREIGHT"):
        product = Product.objects.get(variants__sku=sku)
        answer = visitor.get(f"{ROOT}/products/{product.public_id}")
        assert answer.status_code == 404
    assert visitor.get(f"{ROOT}/products/prd_none").json()["code"] == "not_found"


def test_pages_take_a_fixed_number_of_statements(
    visitor, catalogue, django_assert_num_queries
):
    for number in range(30):
        make_variant(f"P{number}", 100)
    with django_assert_num_queries(1):
        page = visitor.get(f"{ROOT}/products?limit=20").json()
    assert len(page["data"]) == 20
    rest = visitor.get(
        f"{ROOT}/products", {"limit": 20, "cursor": page["page"]["next_cursor"]}
    ).json()
    assert len(rest["data"]) == 13
    assert not rest["page"]["has_more"]
    with django_assert_num_queries(2):
        visitor.get(f"{ROOT}/categories")


# --- The tree -----------------------------------------------------------------


def test_categories_are_a_tree_that_counts_its_branches(visitor, catalogue):
    Category.objects.create(code="toys", name="玩具", position=2)
    response = visitor.get(f"{ROOT}/categories", headers={"Accept-Language": "zh-hans"})
    tea = {
        "code": "tea",
        "name": "茶",
        "parent": "drinks",
        "products": 1,
        "children": [],
    }
    assert response.json()["data"] == [
        {
            "code": "drinks",
            "name": "饮品",
            "parent": None,
            "products": 2,
            "children": [tea],
        },
        {"code": "toys", "name": "玩具", "parent": None, "products": 0, "children": []},
    ]
    english = visitor.get(f"{ROOT}/categories", headers={"Accept-Language": "en"})
    assert names(english) == ["Drinks", "玩具"]


def test_counts_are_of_the_channel(visitor, catalogue):
    Product.objects.get(variants__sku="T1").channels.add(make_channel("store"))
    assert counted(visitor, "") == 1
    assert counted(visitor, "?channel=store") == 2


def counted(visitor, query: str) -> int:
    return visitor.get(f"{ROOT}/categories{query}").json()["data"][0]["products"]


def test_nobody_writes_to_the_catalogue(as_alice, catalogue):
    for path in ("products", "categories"):
        assert as_alice.post(f"{ROOT}/{path}", {}, format="json").status_code == 405
