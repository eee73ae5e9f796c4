"""The moderators' queue and the page of one review."""

import pytest
from django.urls import reverse

from crm.console.rules.roles import ROLES
from orders.models import Review

DECIDES = {"support", "marketer", "owner"}


@pytest.fixture
def review(shop) -> Review:
    return Review.objects.get()


def page_of(review: Review) -> str:
    return reverse("admin:orders_review_change", args=[review.pk])


@pytest.mark.parametrize("role", [*ROLES, "nobody"])
def test_who_decides_on_reviews(signed_in, review, role):
    client = signed_in(role)
    seen = client.get(page_of(review))
    done = client.post(page_of(review), {"deed": "publish"})
    review.refresh_from_db()
    if role in DECIDES:
        assert "宝宝爱喝" in seen.content.decode()
        assert (done.status_code, review.state) == (302, "published")
    else:
        assert (seen.status_code, done.status_code) == (403, 403)
        assert review.state == "pending"


def test_a_review_is_rejected_with_a_reason_and_answered(signed_in, review):
    client = signed_in("support")
    answer = client.post(page_of(review), {"deed": "reject", "reason": "no"})
    assert "three characters" in answer.content.decode()
    review.refresh_from_db()
    assert review.state == "pending"
    client.post(page_of(review), {"deed": "reject", "reason": "an advert"})
    client.post(page_of(review), {"deed": "reply", "reply": "Thank you"})
    review.refresh_from_db()
    assert (review.state, review.verdict, review.reply) == (
        "rejected",
        "an advert",
        "Thank you",
    )


def test_many_are_published_at_once_and_only_those_that_wait(signed_in, review):
    queue = reverse("admin:orders_review_changelist")
    deed = {"action": "publish", "_selected_action": [review.pk]}
    for told in ("1 review was published", "0 reviews were published"):
        answer = signed_in("support").post(queue, deed, follow=True)
        assert told in answer.content.decode()
    review.refresh_from_db()
    assert review.state == "published"


def test_the_list_filters_by_stars(signed_in, review):
    queue = reverse("admin:orders_review_changelist")
    client = signed_in("support")
    page = reverse("admin:orders_review_change", args=[review.pk])
    assert page in client.get(f"{queue}?rating=4").content.decode()
    assert page not in client.get(f"{queue}?rating=5").content.decode()
