"""Products are found by what they say now, soon after they say it."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from orders.models import Attribute, Brand, Category, Product, ProductAttribute, Variant
from orders.queries.catalogue import found_products
from orders.services.branding import brand_named
from orders.services.cataloguing import store_sku
from orders.services.categorising import store_category
from orders.services.indexing import (
    index_due,
    index_products,
    words_of_brand_changed,
)
from orders.tasks import index_changed_products
from tests.cast import NOON, make_variant

pytestmark = pytest.mark.django_db


def found(text: str) -> list[str]:
    skus = Variant.objects.filter(product__in=found_products(Product.objects, text))
    return sorted(skus.values_list("sku", flat=True))


@pytest.fixture
def pan(db):
    variant = make_variant("PAN-1", 100)
    product = variant.product
    product.category = Category.objects.create(code="kitchen", name="厨房")
    product.brand = Brand.objects.create(code="acme", name="Acme")
    product.tags = ["gift"]
    product.save()
    iron = Attribute.objects.create(code="material", name="材质")
    ProductAttribute.objects.create(
        product=product, attribute=iron, value="铸铁", value_en="cast iron"
    )
    index_products(product_ids=[product.pk])
    return product


def test_everything_it_says_finds_it(pan):
    for text in ("pan-1", "thing", "厨房", "chufang", "acme", "gift", "铸铁", "cast"):
        assert found(text) == ["PAN-1"], text
    assert found("材质") == []


def test_new_rows_are_found_when_the_task_came_round(pan):
    make_variant("LID-1", 100)
    assert found("lid-1") == []
    assert index_changed_products() == 1
    assert found("lid-1") == ["LID-1"]
    assert index_changed_products() == 0


def test_a_renamed_category_renames_its_whole_branch(pan):
    kitchen = pan.category
    home = Category(code="home", name="Home")
    store_category(category=home)
    kitchen.parent = home
    store_category(category=kitchen)
    # Till the task came round it is found by what it said.
    assert (found("home"), found("厨房")) == ([], ["PAN-1"])
    index_due()
    assert (found("home"), found("厨房")) == (["PAN-1"], ["PAN-1"])
    home.name = "Living"
    store_category(category=home)
    index_due()
    assert (found("home"), found("living")) == ([], ["PAN-1"])


def test_a_renamed_brand_renames_its_products(pan):
    Brand.objects.update(name="Umbrella Corp")
    words_of_brand_changed(brand_id=pan.brand_id)
    index_due()
    assert (found("acme"), found("corp")) == ([], ["PAN-1"])


def test_a_stored_sku_is_found_at_once(pan):
    values = {"name": "Lid", "price_minor": 100, "brand": "小满"}
    store_sku(sku="LID-1", values=values, now=NOON)
    store_sku(sku="LID-1", values={"name": "Cover"}, now=NOON)
    assert (found("lid"), found("cover"), found("xiaoman")) == (
        ["LID-1"],
        ["LID-1"],
        ["LID-1"],
    )
    assert found("cover acme") == []


def test_many_products_cost_three_statements(django_assert_num_queries):
    products = [make_variant(f"S{n}", 100).product_id for n in range(30)]
    with django_assert_num_queries(5):  # two of them: the transaction's savepoint
        assert index_products(product_ids=products) == 30
    assert len(found("thing")) == 30


@pytest.mark.django_db(transaction=True)
def test_a_new_brand_that_many_bring_at_once_is_one_brand():
    start = threading.Barrier(8)

    def bring(number: int) -> int:
        try:
            start.wait()
            return brand_named(name="小满" if number % 2 else " 小满".strip()).pk
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(bring, range(8)))
    assert len(made) == 1
    assert Brand.objects.get().code == "xiaoman"


def test_two_names_that_read_the_same_are_two_brands():
    assert brand_named(name="小满").code == "xiaoman"
    other = brand_named(name="Xiaoman")
    assert other.code.startswith("xiaoman-")
    assert brand_named(name="XIAOMAN") == other
