"""What buyers do with reviews: write, change, add to, illustrate, take back, like."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Greatest
from django.utils.translation import gettext_lazy as _

from crm.shared.errors import Refusal
from crm.shared.picture_files import fitted_webp
from crm.shared.pictures import BadPicture
from members.models import Member
from members.rules.profile import tidy_lines
from orders.models import OrderLine, Product, Review, ReviewPicture, ReviewVote
from orders.rules.reviews import (
    LONGEST_SIDE,
    LONGEST_TEXT,
    MOST_PICTURES,
    REVIEWABLE,
    may_edit,
    may_follow_up,
)
from orders.services.moderating import BadReviewText, lock_review, move_review


class NotReviewable(Refusal):
    """Only goods that have reached you can be reviewed."""

    code = "not_reviewable"
    message = _("Only goods that have reached you can be reviewed.")


class ReviewedBefore(Refusal):
    """You have reviewed this purchase already; change that review instead."""

    code = "already_reviewed"
    message = _("You have reviewed this purchase already; change that review instead.")


class ReviewClosed(Refusal):
    """This review can no longer be changed."""

    code = "review_closed"
    message = _("This review can no longer be changed.")


class FollowedUpBefore(Refusal):
    """A review can be followed up once."""

    code = "already_followed_up"
    message = _("A review can be followed up once.")


class TooManyPictures(Refusal):
    """A review has room for %(most)s pictures."""

    code = "too_many_pictures"
    status = 422
    message = _("A review has room for %(most)s pictures.")


class OwnReview(Refusal):
    """You cannot vote for your own review."""

    code = "own_review"
    message = _("You cannot vote for your own review.")


def write_review(
    *, member_id: int, line: OrderLine, rating: int, text: str, now: datetime
) -> Review:
    """Keep what a buyer says about one line of an order; a moderator decides.

    Args:
        line: of an order of the member's, with its order.
        rating: 1 to 5 stars.
        text: at most ``LONGEST_TEXT`` characters; may be empty.

    Raises:
        NotReviewable: not goods, not with the buyer yet, or someone else's.
        ReviewedBefore: the line has a review.
    """
    order = line.order
    is_theirs = order.member_id == member_id
    is_goods = line.kind == Product.Kind.GOODS
    if not (is_theirs and is_goods and order.state in REVIEWABLE):
        raise NotReviewable
    try:
        with transaction.atomic():
            return Review.objects.create(
                order_line=line,
                member_id=member_id,
                product_id=line.variant.product_id,
                rating=rating,
                text=_tidy(text),
                created_at=now,
            )
    except IntegrityError as error:
        raise ReviewedBefore from error


@transaction.atomic
def edit_review(
    *, review_id: int, rating: int | None, text: str | None, now: datetime
) -> Review:
    """Change a review within its time; it waits for a moderator again.

    Args:
        rating, text: None leaves it as it is.

    Raises:
        ReviewClosed: too late.
    """
    review = lock_review(review_id=review_id)
    if not may_edit(written_at=review.created_at, now=now):
        raise ReviewClosed
    move_review(review=review, to_state=Review.State.PENDING)
    if rating is not None:
        review.rating = rating
    if text is not None:
        review.text = _tidy(text)
    review.edited_at = now
    review.save(update_fields=["rating", "text", "edited_at"])
    return review


@transaction.atomic
def follow_up_review(*, review_id: int, text: str, now: datetime) -> Review:
    """Add what turned out later, once; it waits for a moderator again.

    Raises:
        FollowedUpBefore, ReviewClosed: as they say.
    """
    review = lock_review(review_id=review_id)
    if review.followed_up_at is not None:
        raise FollowedUpBefore
    if not may_follow_up(written_at=review.created_at, now=now):
        raise ReviewClosed
    move_review(review=review, to_state=Review.State.PENDING)
    review.follow_up, review.followed_up_at = _tidy(text), now
    review.save(update_fields=["follow_up", "followed_up_at"])
    return review


@transaction.atomic
def withdraw_review(*, review_id: int) -> None:
    """Take a review back, with its pictures and votes, as if it was never written."""
    review = lock_review(review_id=review_id)
    move_review(review=review, to_state=Review.State.PENDING)
    review.delete()


def add_review_picture(*, review_id: int, data: bytes, now: datetime) -> ReviewPicture:
    """Add a picture, made smaller and bare; the review waits for a moderator again.

    Raises:
        BadPicture: no PNG, JPEG or WebP, broken, or too large.
        TooManyPictures, ReviewClosed: as they say.
    """
    try:
        # Before the transaction: decoding is slow work.
        webp = fitted_webp(data, LONGEST_SIDE)
    except ValueError as error:
        raise BadPicture from error
    with transaction.atomic():
        review = lock_review(review_id=review_id)
        if not may_edit(written_at=review.created_at, now=now):
            raise ReviewClosed
        taken = set(review.pictures.values_list("position", flat=True))
        free = [place for place in range(MOST_PICTURES) if place not in taken]
        if not free:
            raise TooManyPictures(most=MOST_PICTURES)
        move_review(review=review, to_state=Review.State.PENDING)
        return ReviewPicture.objects.create(review=review, position=free[0], webp=webp)


def remove_review_picture(*, review_id: int, picture: str) -> bool:
    """Take a picture out, at any time; return whether it was there."""
    gone, _rows = ReviewPicture.objects.filter(
        review_id=review_id, public_id=picture
    ).delete()
    return bool(gone)


@transaction.atomic
def find_helpful(*, review_id: int, member_id: int, now: datetime) -> bool:
    """Vote for a published review; return whether this call counted.

    Raises:
        OwnReview: it is the member's own.
    """
    # Held, so that a merge of two members cannot make it one's own meanwhile.
    Member.objects.select_for_update(no_key=True).get(pk=member_id)
    if Review.objects.filter(pk=review_id, member_id=member_id).exists():
        raise OwnReview
    _votes, is_new = ReviewVote.objects.get_or_create(
        review_id=review_id, member_id=member_id, defaults={"created_at": now}
    )
    if is_new:
        _count_votes(review_id, 1)
    return is_new


@transaction.atomic
def find_not_helpful(*, review_id: int, member_id: int) -> bool:
    """Take a vote back; return whether there was one."""
    gone, _rows = ReviewVote.objects.filter(
        review_id=review_id, member_id=member_id
    ).delete()
    if gone:
        _count_votes(review_id, -1)
    return bool(gone)


def _count_votes(review_id: int, step: int) -> None:
    Review.objects.filter(pk=review_id).update(
        helpful_count=Greatest(F("helpful_count") + step, 0)
    )


def _tidy(text: str) -> str | None:
    try:
        return tidy_lines(text, longest=LONGEST_TEXT) or None
    except ValueError as error:
        raise BadReviewText(most=LONGEST_TEXT) from error
