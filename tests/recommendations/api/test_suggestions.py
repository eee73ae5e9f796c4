import pytest
from rest_framework.test import APIClient

from members.models import Consent
from recommendations.services.learning import learn_from_orders
from tests.cast import NOON
from tests.recommendations.shop import buy, crowd, make_product

MINE = "/api/storefront/v1/me/recommendations"


def of(member):
    client = APIClient()
    client.force_authenticate(member.user)
    return client


def names(answer):
    assert answer.status_code == 200, answer.content
    return [
        (each["product"]["name"], each["reasons"][0]["code"])
        for each in answer.json()["data"]
    ]


@pytest.fixture
def shop(db):
    """Tea goes with cups, pans with lids; bread is bought by everybody."""
    found = {name: make_product(name) for name in ["tea", "cup", "pan", "lid", "bread"]}
    people = crowd(20)
    for member in people[:8]:
        buy(member, found["tea"], found["cup"])
    for member in people[8:14]:
        buy(member, found["pan"], found["lid"])
    for member in people:
        buy(member, found["bread"])
    learn_from_orders(now=NOON)
    return found


def withdraw(member, granted=False):
    Consent.objects.create(
        member=member,
        purpose=Consent.Purpose.PROFILING,
        channel=Consent.Channel.ANY,
        granted=granted,
        text_version="1",
        source="test",
        occurred_at=NOON,
    )


def test_a_member_gets_what_goes_with_the_purchases_then_what_is_popular(shop, alice):
    buy(alice, shop["tea"])

    answer = of(alice).get(MINE, headers={"accept-language": "en"})

    assert names(answer) == [
        ("Thing cup", "because_purchased"),
        ("Thing bread", "because_purchased"),
        ("Thing pan", "popular"),
        ("Thing lid", "popular"),
    ]
    first = answer.json()["data"][0]
    assert first["product"]["id"] == shop["cup"].public_id
    assert first["reasons"] == [
        {
            "code": "because_purchased",
            "text": "Because you bought Thing tea",
            "evidence": [shop["tea"].public_id],
        }
    ]
    assert first["score"] > 0


def test_a_new_member_gets_what_is_popular(shop, bob):
    found = names(of(bob).get(f"{MINE}?limit=2"))
    assert found[0] == ("Thing bread", "popular")
    assert len(found) == 2


def test_who_withdrew_profiling_gets_only_what_is_popular(shop, alice):
    buy(alice, shop["tea"])
    withdraw(alice)

    found = names(of(alice).get(MINE))

    assert {reason for _, reason in found} == {"popular"}
    assert found[0] == ("Thing bread", "popular")

    withdraw(alice, granted=True)
    assert names(of(alice).get(MINE))[0] == ("Thing cup", "because_purchased")


def test_r19_what_was_given_back_is_no_evidence(shop, alice):
    buy(alice, shop["tea"], refunded=1)
    assert {reason for _, reason in names(of(alice).get(MINE))} == {"popular"}


def test_what_is_not_on_sale_is_not_suggested(shop, alice):
    buy(alice, shop["tea"])
    shop["cup"].is_listed = False
    shop["cup"].save()
    assert "Thing cup" not in dict(names(of(alice).get(MINE)))


def test_related_products_are_open_to_all(shop):
    path = f"/api/storefront/v1/products/{shop['tea'].public_id}/related"

    found = names(APIClient().get(path))

    assert found[:2] == [
        ("Thing cup", "bought_together"),
        ("Thing bread", "bought_together"),
    ]
    assert "Thing tea" not in dict(found)


def test_a_product_nobody_knows_is_not_found(shop):
    shop["tea"].is_listed = False
    shop["tea"].save()
    for product in ["prd_none", shop["tea"].public_id]:
        answer = APIClient().get(f"/api/storefront/v1/products/{product}/related")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("limit=0", "validation_error"),
        ("limit=21", "validation_error"),
        ("limit=x", "validation_error"),
        ("limit=²", "validation_error"),
        ("limt=3", "unknown_parameter"),
    ],
)
def test_bad_requests_are_told_why(alice, query, code):
    answer = of(alice).get(f"{MINE}?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_strangers_are_refused(db):
    assert APIClient().get(MINE).status_code == 401


def test_suggestions_cost_a_fixed_number_of_statements(
    shop, alice, django_assert_max_num_queries
):
    buy(alice, shop["tea"], shop["pan"])
    with django_assert_max_num_queries(4):
        of(alice).get(MINE)
