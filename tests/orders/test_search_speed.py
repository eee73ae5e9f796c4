"""Search among 100,000 products: indexes are used, few rows are touched.

Timing is left to ``benchmarks/catalogue_search.py``; what is asserted here is exact on
any machine: plans and rows.
"""

from collections.abc import Iterator

import pytest
from django.db import connection, transaction

from benchmarks.catalogue.shelf import RARE, fill
from orders.queries.catalogue import Wanted, listed_products
from orders.services.indexing import index_due

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


def plan_of(wanted: Wanted) -> dict:
    """Return the plan, with what it really read, of the first page of a list."""
    products = listed_products(wanted)
    order = ("-rank",) if wanted.text else ()
    sql, params = products.order_by(*order, "-created_at", "-id")[
        : LIMIT + 1
    ].query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql}", params)
        return cursor.fetchone()[0][0]["Plan"]


def nodes(plan: dict) -> Iterator[dict]:
    yield plan
    for part in plan.get("Plans", []):
        yield from nodes(part)


def read(plan: dict, table: str) -> int:
    """Return how many rows of a table a plan read, thrown away ones included."""
    return sum(
        round(
            (node["Actual Rows"] + node.get("Rows Removed by Filter", 0))
            * node["Actual Loops"]
        )
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
    plan = plan_of(Wanted(text=text))
    assert plan["Actual Rows"] == found
    indexes = {node.get("Index Name") for node in nodes(plan)}
    assert "product_by_word" in indexes
    assert read(plan, "orders_product") <= 2
    assert read(plan, "orders_productwords") <= 2


def test_a_common_word_is_read_from_the_index_and_sorted_once(shelf):
    """About 10,000 products are moss green; every one has a rank to compare."""
    plan = plan_of(Wanted(text="苔绿"))
    matching = listed_products(Wanted(text="苔绿")).count()
    assert 5_000 < matching < 20_000
    assert plan["Actual Rows"] == LIMIT + 1
    assert read(plan, "orders_productwords") <= matching
    assert not [
        n
        for n in nodes(plan)
        if n["Node Type"] == "Seq Scan" and n["Relation Name"] == "orders_productwords"
    ]


def test_the_newest_of_a_branch_are_read_in_their_order(shelf):
    plan = plan_of(Wanted())
    assert read(plan, "orders_product") <= 2 * LIMIT
    branch = plan_of(Wanted(category="shelf-7"))
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
