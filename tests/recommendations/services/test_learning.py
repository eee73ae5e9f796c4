from datetime import timedelta

import pytest

from crm.shared.models import Fact
from recommendations.models import BoughtTogether, Popularity
from recommendations.services.learning import learn_from_orders
from recommendations.subscribers import learn_from_import
from tests.cast import NOON
from tests.orders.shop import as_gift
from tests.recommendations.shop import buy, crowd, make_product


def learn():
    return learn_from_orders(now=NOON)


def popularity():
    return {
        row.product.name: (row.buyers, row.score) for row in Popularity.objects.all()
    }


def test_popularity_counts_buyers_and_halves_every_ninety_days(db):
    tea, cup = make_product("tea"), make_product("cup")
    for member in crowd(3):
        buy(member, tea)
        buy(member, tea)
    buy(crowd(1, 700)[0], cup, at=NOON - timedelta(days=90))

    learned = learn()

    assert popularity() == {
        "Thing tea": (3, pytest.approx(3.0)),
        "Thing cup": (1, pytest.approx(0.5)),
    }
    assert (learned.purchases, learned.products, learned.pairs) == (4, 2, 0)


def test_pairs_of_five_buyers_are_learned_both_ways(db):
    tea, cup = make_product("tea"), make_product("cup")
    for member in crowd(5):
        buy(member, tea)
        buy(member, cup)

    learn()

    rows = BoughtTogether.objects.order_by("product__name")
    assert [(r.product, r.other, r.both, r.buyers) for r in rows] == [
        (cup, tea, 5, 5),
        (tea, cup, 5, 5),
    ]


@pytest.mark.parametrize(
    ("_case", "purchase"),
    [
        ("R19: given back", {"refunded": 1}),
        ("R19: fully refunded", {"state": "refunded"}),
        ("cancelled", {"state": "cancelled"}),
        ("not paid", {"state": "pending"}),
        ("in the future", {"at": NOON + timedelta(days=1)}),
    ],
)
def test_what_does_not_stand_teaches_nothing(db, _case, purchase):
    tea = make_product("tea")
    for member in crowd(5):
        buy(member, tea, **purchase)
    assert learn().purchases == 0
    assert popularity() == {}


def test_fees_freight_and_strangers_teach_nothing(db):
    tea, fee = make_product("tea"), make_product("fee", kind="fee")
    buy(None, tea)
    for member in crowd(5):
        buy(member, fee)
    assert learn().purchases == 0


def test_s16_gifts_teach_nothing(db):
    tea, mug = make_product("tea"), make_product("mug")
    for member in crowd(5):
        order = buy(member, tea, mug)
        as_gift(order.lines.get(position=2), 1)
    assert learn().pairs == 0
    assert set(popularity()) == {"Thing tea"}


def test_learning_again_replaces_what_was_known(db):
    tea, cup = make_product("tea"), make_product("cup")
    buyers = crowd(5)
    orders = [buy(member, tea, cup) for member in buyers]
    learn()
    first = list(BoughtTogether.objects.order_by("product").values_list("score"))
    learn()
    assert (
        list(BoughtTogether.objects.order_by("product").values_list("score")) == first
    )

    orders[0].lines.update(refunded_quantity=1)
    learn_from_import({"batch_id": 1, "source": "x"}, fact=Fact(), now=NOON)
    assert not BoughtTogether.objects.exists()
    assert popularity()["Thing tea"][0] == 4
