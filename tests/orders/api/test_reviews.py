import pytest
from rest_framework.test import APIClient

from orders.models import OrderLine, Review
from orders.services.moderating import publish_review
from tests.cast import NOON
from tests.members.pictures import picture
from tests.orders.services.test_reviewing import delivered_line, publish, review_of

ROOT = "/api/storefront/v1"


def client_of(member) -> APIClient:
    client = APIClient()
    client.force_login(member.user)
    return client


def path_of(line: OrderLine) -> str:
    return f"{ROOT}/me/orders/{line.order.public_id}/lines/{line.position}/review"


def test_a_buyer_writes_changes_and_follows_up(alice):
    line = delivered_line(alice)
    client = client_of(alice)
    (waiting,) = client.get(f"{ROOT}/me/reviews/waiting").json()["data"]
    assert (waiting["order"], waiting["position"]) == (line.order.public_id, 1)
    answer = client.post(path_of(line), {"rating": 5, "text": "好"}, format="json")
    assert answer.status_code == 201
    mine = f"{ROOT}/me/reviews/{answer.json()['id']}"
    assert answer.json()["status"] == "pending"
    changed = client.patch(mine, {"rating": 4}, format="json").json()
    assert (changed["rating"], changed["text"]) == (4, "好")
    told = client.post(f"{mine}/follow-up", {"text": "later"}, format="json")
    assert told.json()["follow_up"] == "later"
    again = client.post(f"{mine}/follow-up", {"text": "again"}, format="json")
    assert (again.status_code, again.json()["code"]) == (409, "already_followed_up")
    assert client.get(f"{ROOT}/me/reviews").json()["data"][0]["rating"] == 4
    assert client.delete(mine).status_code == 204
    assert not Review.objects.exists()


@pytest.mark.parametrize(
    "body",
    [{}, {"rating": 0}, {"rating": 6}, {"rating": "x"}, {"rating": 5, "state": "x"}],
)
def test_a_bad_review_is_refused_whole(alice, body):
    line = delivered_line(alice)
    answer = client_of(alice).post(path_of(line), body, format="json")
    assert answer.status_code == 400
    assert not Review.objects.exists()


def test_it_is_nobody_elses(alice, mallory):
    line = delivered_line(alice)
    body = {"rating": 1}
    assert APIClient().post(path_of(line), body, format="json").status_code == 401
    foreign = client_of(mallory).post(path_of(line), body, format="json")
    assert foreign.status_code == 404
    review = client_of(alice).post(path_of(line), body, format="json").json()
    mine = f"{ROOT}/me/reviews/{review['id']}"
    assert client_of(mallory).get(mine).status_code == 404
    assert client_of(mallory).delete(mine).status_code == 404
    assert Review.objects.count() == 1


def test_only_published_reviews_are_read_and_authors_are_masked(alice, bob):
    review = review_of(alice, rating=4)
    rated = f"{ROOT}/products/{review.product.public_id}"
    assert APIClient().get(f"{rated}/reviews").json()["data"] == []
    publish(review)
    (shown,) = APIClient().get(f"{rated}/reviews").json()["data"]
    assert (shown["author"], shown["rating"], shown["text"]) == ("A***", 4, "好喝")
    assert {"status", "verdict", "order"}.isdisjoint(shown)
    summary = APIClient().get(f"{rated}/rating").json()
    assert summary == {
        "count": 1,
        "average": "4.00",
        "stars": {"1": 0, "2": 0, "3": 0, "4": 1, "5": 0},
        "with_pictures": 0,
    }
    for query, found in {
        "rating=4": 1,
        "rating=5": 0,
        "with_pictures=true": 0,
        "sort=helpful": 1,
    }.items():
        page = APIClient().get(f"{rated}/reviews?{query}").json()
        assert len(page["data"]) == found, query
    for query in ("rating=9", "sort=worst", "colour=red"):
        assert APIClient().get(f"{rated}/reviews?{query}").status_code == 400


def test_a_page_of_reviews_costs_a_fixed_number_of_statements(
    alice, bob, django_assert_num_queries
):
    review = publish(review_of(alice))
    path = f"{ROOT}/products/{review.product.public_id}/reviews"
    with django_assert_num_queries(3):
        APIClient().get(path)
    for member in (alice, bob):
        line = OrderLine.objects.get(pk=review.order_line_id)
        line.pk, line.position = None, 2 + member.pk
        line.save()
        extra = Review.objects.create(
            order_line=line,
            member=member,
            product=review.product,
            rating=3,
            created_at=NOON,
        )
        publish_review(review_id=extra.pk, actor="test", now=NOON)
    with django_assert_num_queries(3):
        assert len(APIClient().get(path).json()["data"]) == 3


def test_pictures_are_seen_by_the_author_until_all_may(alice, mallory):
    review = review_of(alice)
    pictures = f"{ROOT}/me/reviews/{review.public_id}/pictures"
    client = client_of(alice)
    made = client.post(pictures, picture(), content_type="image/png")
    assert made.status_code == 201
    bad = client.post(pictures, b"GIF89a", content_type="image/png")
    assert (bad.status_code, bad.json()["code"]) == (422, "invalid_picture")
    shown = f"{ROOT}/reviews/{review.public_id}/pictures/{made.json()['id']}"
    assert client.get(shown)["Content-Type"] == "image/webp"
    assert client_of(mallory).get(shown).status_code == 404
    publish(review)
    assert APIClient().get(shown).content[8:12] == b"WEBP"
    foreign = client_of(mallory).delete(f"{pictures}/{made.json()['id']}")
    assert foreign.status_code == 404
    assert client.delete(f"{pictures}/{made.json()['id']}").status_code == 204
    assert APIClient().get(shown).status_code == 404


def test_members_find_reviews_helpful(alice, bob, mallory):
    review = review_of(alice)
    path = f"{ROOT}/reviews/{review.public_id}/helpful"
    voter = client_of(mallory)
    assert voter.post(path).status_code == 404
    publish(review)
    assert APIClient().post(path).status_code == 401
    assert [voter.post(path).status_code for _ in range(2)] == [204, 204]
    own = client_of(alice).post(path)
    assert (own.status_code, own.json()["code"]) == (409, "own_review")
    assert Review.objects.get().helpful_count == 1
    assert voter.delete(path).status_code == 204
    assert Review.objects.get().helpful_count == 0
