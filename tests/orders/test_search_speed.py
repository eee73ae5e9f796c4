"""Search among 100,000 products: indexes are used, few rows are touched.

Timing is left to ``benchmarks/catalogue_search.py``; what is asserted here is exact on
any machine: plans and rows.
"""

from collections.abc import Iterator
from dataclasses import asdict

import pytest
from django.db import connection, transaction

from benchmarks.catalogue.by_hand import ALL_COMPARED
from benchmarks.catalogue.shelf import RARE, fill
from orders.models import Product
from orders.queries.catalogue import (
    MOST_COMPARED,
    ShownProduct,
    Wanted,
    best_first,
    found_products,
    listed_products,
)
from orders.rules.search_words import search_for
from orders.services.indexing import index_due
from tests.cast import NOON

pytestmark = pytest.mark.slow

PRODUCTS = 100_000
LIMIT = 20


@pytest.fixture(scope="module")
def shelf(django_db_setup, django_db_blocker):
    """Return a shop of 100,000 products, made once for this module."""
    with django_db_blocker.unblock(), transaction.atomic():
        fill(products=PRODUCTS)
        with connection.cursor() as cursor:
            # As on the disks of today; PostgreSQL's default is of turning ones.
            cursor.execute("SET LOCAL random_page_cost = 1.1")
        yield
        transaction.set_rollback(True)


def first_page(wanted: Wanted) -> list[ShownProduct]:
    """Return one page and one more, as the API reads them."""
    products = listed_products(wanted, at=NOON)
    parts = best_first(products, wanted.text) if wanted.text else [products]
    rows: list[ShownProduct] = []
    for part in parts:
        rows += part.page(("-created_at", "-id"), (), LIMIT + 1 - len(rows))
        if len(rows) > LIMIT:
            break
    return rows


def plans_of(wanted: Wanted) -> list[dict]:
    """Return the plan of each statement of a page, with what it really read."""
    asked = []

    def note(execute, sql, params, many, context):
        asked.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        first_page(wanted)
    plans = []
    with connection.cursor() as cursor:
        for sql, params in asked:
            cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql}", params)
            plans.append(cursor.fetchone()[0][0]["Plan"])
    return plans


def nodes(plan: dict) -> Iterator[dict]:
    yield plan
    for part in plan.get("Plans", []):
        yield from nodes(part)


def read(plans: list[dict], table: str) -> int:
    """Return how many rows of a table plans read, thrown away ones included."""
    return sum(
        round(
            (node["Actual Rows"] + node.get("Rows Removed by Filter", 0))
            * node["Actual Loops"]
        )
        for plan in plans
        for node in nodes(plan)
        if node.get("Relation Name") == table
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (RARE[0], 1),
        ("青瓷", 1),
        ("qingci", 1),
        ("lqqc", 1),
        (RARE[1].upper(), 1),
        ("celad", 1),
        ("SH-050000", 1),
        ("青瓷 gift", 1),
        ("nothing-like-this", 0),
    ],
)
def test_a_rare_word_touches_what_it_finds(shelf, text, found):
    assert len(first_page(Wanted(text=text))) == found
    plans = plans_of(Wanted(text=text))
    indexes = {node.get("Index Name") for plan in plans for node in nodes(plan)}
    assert "product_by_word" in indexes
    assert len(plans) <= 2
    assert read(plans, "orders_product") <= 2
    assert read(plans, "orders_productwords") <= 2


@pytest.mark.parametrize(
    ("text", "some"),
    [
        *(("苔绿", 5_000), ("moss", 5_000), ("tea", 5_000)),  # names
        *(("货架7", 1_500), ("shelf7", 1_500)),  # a category
        ("sh", 90_000),  # how all SKUs begin
    ],
)
def test_a_common_word_stops_where_the_page_is_full(shelf, text, some):
    matching = found_products(Product.objects.all(), text).count()
    assert matching > max(some, MOST_COMPARED)
    assert len(first_page(Wanted(text=text))) == LIMIT + 1
    plans = plans_of(Wanted(text=text))
    # One to see that it is common, then codes, names, the rest.
    assert len(plans) <= 4
    # Some are looked at to see that there are many, others on the way to the page.
    assert read(plans[1:], "orders_productwords") <= 100 * LIMIT
    assert read(plans[1:], "orders_product") <= 100 * LIMIT


@pytest.mark.parametrize("text", ["苔绿", "moss tea", "货架7", "Brand007", "sh", "茶"])
def test_the_page_is_that_of_all_compared_with_each_other(shelf, text):
    asked = search_for(text)
    with connection.cursor() as cursor:
        cursor.execute(ALL_COMPARED, {**asdict(asked), "most": LIMIT + 1})
        expected = [row[0] for row in cursor.fetchall()]
    assert [product.id for product in first_page(Wanted(text=text))] == expected


def test_the_newest_of_a_branch_are_read_in_their_order(shelf):
    assert read(plans_of(Wanted()), "orders_product") <= 2 * LIMIT
    branch = plans_of(Wanted(category="shelf-7"))
    assert read(branch, "orders_product") <= PRODUCTS // 20


def test_looking_for_changed_products_reads_none_when_there_are_none(shelf):
    with connection.cursor() as cursor:
        cursor.execute(
            "EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) "
            "SELECT id FROM orders_product p WHERE p.words_due ORDER BY p.id LIMIT 10"
        )
        plan = cursor.fetchone()[0][0]["Plan"]
    assert {n.get("Index Name") for n in nodes(plan)} & {"product_words_due"}
    assert index_due() == 0
