from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection

from crm.shared.models import AuditEntry, Fact
from crm.shared.pictures import BadPicture
from orders.models import Order, OrderLine, Product, Review, ReviewPicture, ReviewVote
from orders.queries.reviews import (
    lines_to_review,
    published_reviews,
    rating_summary,
    reviewed_orders,
)
from orders.services.moderating import (
    BadReviewText,
    ReviewMoveRefused,
    VerdictNeeded,
    publish_review,
    reject_review,
    reply_to_review,
)
from orders.services.reviewing import (
    FollowedUpBefore,
    NotReviewable,
    OwnReview,
    ReviewClosed,
    ReviewedBefore,
    TooManyPictures,
    add_review_picture,
    edit_review,
    find_helpful,
    find_not_helpful,
    follow_up_review,
    remove_review_picture,
    withdraw_review,
    write_review,
)
from tests.cast import NOON, make_member, make_variant
from tests.members.pictures import picture
from tests.orders.shop import fill_cart, pay, place

LATER = NOON + timedelta(days=29)
TOO_LATE = NOON + timedelta(days=30)


def delivered_line(member, sku: str = "TEA") -> OrderLine:
    """Return a line of goods that are with their buyer."""
    make_variant(sku, 10_000, on_hand=100)
    order = place(fill_cart({sku: 1}, member=member))
    pay(order)
    Order.objects.filter(pk=order.pk).update(state="delivered")
    return OrderLine.objects.select_related("order", "variant").get(order=order)


def review_of(member, *, rating: int = 5, sku: str = "TEA") -> Review:
    return write_review(
        member_id=member.pk,
        line=delivered_line(member, sku),
        rating=rating,
        text="好喝",
        now=NOON,
    )


def publish(review: Review) -> Review:
    return publish_review(review_id=review.pk, actor="test", now=NOON)


def counters() -> tuple[int, int]:
    product = Product.objects.get()
    published = Review.objects.filter(state="published")
    rows = (published.count(), sum(published.values_list("rating", flat=True)))
    assert (product.rating_count, product.rating_sum) == rows
    return rows


def test_a_review_waits_for_a_moderator_and_then_counts(alice):
    review = review_of(alice, rating=4)
    assert (review.state, review.product.name) == ("pending", "Thing TEA")
    assert counters() == (0, 0)
    publish(review)
    assert counters() == (1, 4)
    assert Fact.objects.filter(name="orders.ReviewPublished").count() == 1
    assert AuditEntry.objects.filter(action="reviews.publish").count() == 1
    summary = rating_summary(product=review.product.__class__.objects.get())
    assert (summary.count, summary.average_bp, summary.stars[4]) == (1, 400, 1)


def test_one_review_per_line(alice):
    review = review_of(alice)
    with pytest.raises(ReviewedBefore):
        write_review(
            member_id=alice.pk, line=review.order_line, rating=1, text="", now=NOON
        )
    assert Review.objects.get().rating == 5


@pytest.mark.parametrize("state", ["pending", "paid", "shipped", "cancelled"])
def test_what_has_not_reached_the_buyer_is_not_reviewed(alice, state):
    line = delivered_line(alice)
    Order.objects.update(state=state)
    line.order.refresh_from_db()
    with pytest.raises(NotReviewable):
        write_review(member_id=alice.pk, line=line, rating=5, text="", now=NOON)
    assert not Review.objects.exists()
    assert not lines_to_review(member_id=alice.pk).exists()


def test_nobody_reviews_anothers_purchase(alice, mallory):
    with pytest.raises(NotReviewable):
        write_review(
            member_id=mallory.pk,
            line=delivered_line(alice),
            rating=1,
            text="",
            now=NOON,
        )


def test_gift_cards_are_no_goods(alice):
    line = delivered_line(alice)
    line.kind = "gift_card"
    with pytest.raises(NotReviewable):
        write_review(member_id=alice.pk, line=line, rating=1, text="", now=NOON)


def test_a_changed_review_is_moderated_again(alice):
    review = publish(review_of(alice, rating=5))
    edit_review(review_id=review.pk, rating=2, text=None, now=LATER)
    review.refresh_from_db()
    assert (review.state, review.rating, review.text) == ("pending", 2, "好喝")
    assert counters() == (0, 0)
    publish(review)
    assert counters() == (1, 2)


def test_after_thirty_days_a_review_stands(alice):
    review = publish(review_of(alice))
    with pytest.raises(ReviewClosed):
        edit_review(review_id=review.pk, rating=1, text=None, now=TOO_LATE)
    assert counters() == (1, 5)


def test_a_follow_up_is_written_once_within_half_a_year(alice):
    review = publish(review_of(alice))
    with pytest.raises(ReviewClosed):
        follow_up_review(
            review_id=review.pk, text="still", now=NOON + timedelta(days=180)
        )
    follow_up_review(review_id=review.pk, text=" 还是好喝 ", now=TOO_LATE)
    review.refresh_from_db()
    assert (review.follow_up, review.state) == ("还是好喝", "pending")
    with pytest.raises(FollowedUpBefore):
        follow_up_review(review_id=review.pk, text="again", now=TOO_LATE)


def test_a_rejected_review_tells_why_and_does_not_count(alice):
    review = publish(review_of(alice))
    with pytest.raises(VerdictNeeded):
        reject_review(review_id=review.pk, reason="no", actor="test", now=NOON)
    reject_review(review_id=review.pk, reason="an advert", actor="test", now=NOON)
    review.refresh_from_db()
    assert (review.state, review.verdict, counters()) == (
        "rejected",
        "an advert",
        (0, 0),
    )
    with pytest.raises(ReviewMoveRefused):
        reject_review(review_id=review.pk, reason="again", actor="test", now=NOON)
    assert publish(review).verdict == ""


def test_publishing_twice_counts_once(alice):
    review = publish(review_of(alice))
    with pytest.raises(ReviewMoveRefused):
        publish(review)
    assert counters() == (1, 5)


def test_what_is_withdrawn_leaves_nothing(alice, bob):
    review = publish(review_of(alice))
    find_helpful(review_id=review.pk, member_id=bob.pk, now=NOON)
    add_review_picture(review_id=review.pk, data=picture(), now=NOON)
    withdraw_review(review_id=review.pk)
    assert not Review.objects.exists()
    assert not ReviewPicture.objects.exists()
    assert not ReviewVote.objects.exists()
    assert counters() == (0, 0)


def test_the_shop_answers_and_takes_its_answer_away(alice):
    review = review_of(alice)
    reply_to_review(review_id=review.pk, text="谢谢", actor="test", now=NOON)
    review.refresh_from_db()
    assert (review.reply, review.replied_at) == ("谢谢", NOON)
    reply_to_review(review_id=review.pk, text=" ", actor="test", now=NOON)
    review.refresh_from_db()
    assert (review.reply, review.replied_at) == (None, None)
    with pytest.raises(BadReviewText):
        reply_to_review(review_id=review.pk, text="a\x00b", actor="test", now=NOON)


def test_nine_pictures_fit_and_each_is_moderated(alice):
    review = publish(review_of(alice))
    kept = [
        add_review_picture(review_id=review.pk, data=picture(), now=NOON)
        for _ in range(9)
    ]
    assert Review.objects.get().state == "pending"
    with pytest.raises(TooManyPictures):
        add_review_picture(review_id=review.pk, data=picture(), now=NOON)
    assert remove_review_picture(review_id=review.pk, picture=kept[3].public_id)
    assert not remove_review_picture(review_id=review.pk, picture=kept[3].public_id)
    again = add_review_picture(review_id=review.pk, data=picture("JPEG"), now=NOON)
    assert again.position == 3
    assert bytes(again.webp)[8:12] == b"WEBP"


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\nbroken"])
def test_what_is_no_picture_is_refused(alice, data):
    review = review_of(alice)
    with pytest.raises(BadPicture):
        add_review_picture(review_id=review.pk, data=data, now=NOON)
    assert not ReviewPicture.objects.exists()


def test_a_vote_counts_once_and_can_be_taken_back(alice, bob):
    review = publish(review_of(alice))
    with pytest.raises(OwnReview):
        find_helpful(review_id=review.pk, member_id=alice.pk, now=NOON)
    assert find_helpful(review_id=review.pk, member_id=bob.pk, now=NOON)
    assert not find_helpful(review_id=review.pk, member_id=bob.pk, now=NOON)
    assert Review.objects.get().helpful_count == 1
    assert find_not_helpful(review_id=review.pk, member_id=bob.pk)
    assert not find_not_helpful(review_id=review.pk, member_id=bob.pk)
    assert Review.objects.get().helpful_count == 0


def test_r20_the_review_of_returned_goods_stays_and_says_so(alice):
    review = publish(review_of(alice))
    assert not review.was_returned
    OrderLine.objects.update(refunded_quantity=1, refunded_minor=10_000)
    (shown,) = published_reviews(product=review.product)
    assert shown.was_returned
    assert counters() == (1, 5)


def test_what_waits_for_a_review(alice):
    line = delivered_line(alice)
    assert [each.pk for each in lines_to_review(member_id=alice.pk)] == [line.pk]
    assert reviewed_orders([line.order_id]) == set()
    write_review(member_id=alice.pk, line=line, rating=3, text="", now=NOON)
    assert not lines_to_review(member_id=alice.pk).exists()
    assert reviewed_orders([line.order_id]) == {line.order_id}


@pytest.mark.django_db(transaction=True)
def test_rivals_vote_and_decide_at_once_and_the_counters_are_the_rows(alice):
    review = review_of(alice)
    voters = [make_member(serial) for serial in range(20, 28)]
    barrier = Barrier(16)

    def attempt(deed, **given):
        barrier.wait()
        try:
            deed(review_id=review.pk, now=NOON, **given)
        except ReviewMoveRefused:
            pass
        finally:
            connection.close()

    callers = [
        Thread(target=attempt, args=(find_helpful,), kwargs={"member_id": voter.pk})
        for voter in voters
    ] + [
        Thread(target=attempt, args=(publish_review,), kwargs={"actor": "test"})
        for _ in range(8)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert counters() == (1, 5)
    assert Review.objects.get().helpful_count == ReviewVote.objects.count() == 8
    assert Fact.objects.filter(name="orders.ReviewPublished").count() == 1
