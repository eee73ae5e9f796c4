"""The tree keeps its lineage, whatever is moved where."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisCase

from orders.models import Category
from orders.queries.catalogue import tree_order
from orders.services.categorising import CategoryBelowItself, store_category

pytestmark = pytest.mark.django_db


def make(code: str, parent: Category | None = None, **fields) -> Category:
    category = Category(code=code, name=code, parent=parent, **fields)
    store_category(category=category)
    return category


def move(category: Category, parent: Category | None) -> None:
    category = Category.objects.get(pk=category.pk)
    category.parent = parent
    store_category(category=category)


def lineages() -> dict[str, list[str]]:
    codes = dict(Category.objects.values_list("pk", "code"))
    return {
        category.code: [codes[pk] for pk in category.lineage]
        for category in Category.objects.all()
    }


@pytest.fixture
def tree(db):
    home = make("home")
    kitchen = make("kitchen", home)
    return {
        "home": home,
        "kitchen": kitchen,
        "pans": make("pans", kitchen),
        "garden": make("garden", position=1),
    }


def test_each_knows_its_way_from_the_root(tree):
    assert lineages() == {
        "home": ["home"],
        "kitchen": ["home", "kitchen"],
        "pans": ["home", "kitchen", "pans"],
        "garden": ["garden"],
    }


def test_a_branch_moves_as_a_whole(tree):
    move(tree["kitchen"], tree["garden"])
    assert lineages()["pans"] == ["garden", "kitchen", "pans"]
    move(tree["kitchen"], None)
    assert lineages()["pans"] == ["kitchen", "pans"]
    below = Category.objects.filter(lineage__contains=[tree["kitchen"].pk])
    assert set(below.values_list("code", flat=True)) == {"kitchen", "pans"}


@pytest.mark.parametrize("below", ["home", "kitchen", "pans"])
def test_nothing_stands_below_itself(tree, below):
    before = lineages()
    with pytest.raises(CategoryBelowItself):
        move(tree["home"], tree[below])
    assert lineages() == before


def test_the_table_itself_refuses_a_circle(tree):
    with pytest.raises(IntegrityError, match="below itself"), transaction.atomic():
        Category.objects.filter(code="home").update(parent=tree["pans"])


def test_the_tree_reads_from_top_to_bottom(tree):
    make("cups", tree["kitchen"])
    make("bath", tree["home"], position=3)
    read = Category.objects.order_by(tree_order()).values_list("code", flat=True)
    assert list(read) == ["home", "kitchen", "pans", "cups", "bath", "garden"]


class Moves(HypothesisCase):
    """After any moves, refused ones too, lineage says what parents say."""

    @settings(max_examples=30, deadline=None)
    @given(
        st.lists(
            st.tuples(st.integers(0, 5), st.none() | st.integers(0, 5)), max_size=12
        )
    )
    def test_lineage_follows_the_parents(self, moves):
        nodes = [make(f"c{n}") for n in range(6)]
        for child, parent in moves:
            try:
                move(nodes[child], None if parent is None else nodes[parent])
            except CategoryBelowItself:
                continue
        parents = dict(Category.objects.values_list("pk", "parent_id"))
        for category in Category.objects.all():
            way, at = [], category.pk
            while at is not None:
                way.insert(0, at)
                assert len(way) <= 6
                at = parents[at]
            assert category.lineage == way


@pytest.mark.django_db(transaction=True)
def test_two_moves_at_once_make_no_circle():
    for round_ in range(3):
        one, other = make(f"a{round_}"), make(f"b{round_}")
        start = threading.Barrier(2)

        def below(pair, start=start) -> str:
            try:
                start.wait()
                move(*pair)
                return "moved"
            except CategoryBelowItself:
                return "refused"
            finally:
                connection.close()

        with ThreadPoolExecutor(2) as pool:
            outcome = sorted(pool.map(below, [(one, other), (other, one)]))
        assert outcome == ["moved", "refused"]
