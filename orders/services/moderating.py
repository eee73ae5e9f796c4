"""What the shop does with reviews: publish, reject, answer."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from crm.shared.audit import record_audit
from crm.shared.errors import Refusal
from crm.shared.outbox import record
from members.rules.profile import tidy_lines
from orders.events import ReviewPublished, ReviewRejected
from orders.models import Product, Review
from orders.rules.reviews import LONGEST_REPLY, MOVES

LEAST_REASON = 3


class ReviewMoveRefused(Refusal):
    """This review has been decided on."""

    code = "review_state_refused"
    message = _("This review has been decided on.")


class BadReviewText(Refusal):
    """Write plain text of at most %(most)s characters."""

    code = "invalid_text"
    status = 422
    message = _("Write plain text of at most %(most)s characters.")


class VerdictNeeded(Refusal):
    """Say why, in three characters or more."""

    code = "reason_required"
    status = 422
    message = _("Say why, in three characters or more.")


def lock_review(*, review_id: int) -> Review:
    """Lock and return a review. For use in a transaction."""
    return Review.objects.select_for_update(no_key=True).get(pk=review_id)


@transaction.atomic
def publish_review(*, review_id: int, actor: Any, now: datetime) -> Review:
    """Show a review to everybody and publish ``ReviewPublished``.

    Raises:
        ReviewMoveRefused: it is published.
    """
    review = lock_review(review_id=review_id)
    if review.state == Review.State.PUBLISHED:
        raise ReviewMoveRefused
    move_review(review=review, to_state=Review.State.PUBLISHED)
    record_audit(actor=actor, action="reviews.publish", obj=review, now=now)
    record(ReviewPublished(review_id=review.pk))
    return review


@transaction.atomic
def reject_review(*, review_id: int, reason: str, actor: Any, now: datetime) -> Review:
    """Refuse a review, or take it down, and publish ``ReviewRejected``.

    Args:
        reason: what the author is told.

    Raises:
        VerdictNeeded: no reason.
        ReviewMoveRefused: it is rejected.
    """
    reason = reason.strip()[:200]
    if len(reason) < LEAST_REASON:
        raise VerdictNeeded
    review = lock_review(review_id=review_id)
    if review.state == Review.State.REJECTED:
        raise ReviewMoveRefused
    move_review(review=review, to_state=Review.State.REJECTED, verdict=reason)
    record_audit(
        actor=actor, action="reviews.reject", obj=review, reason=reason, now=now
    )
    record(ReviewRejected(review_id=review.pk))
    return review


@transaction.atomic
def reply_to_review(*, review_id: int, text: str, actor: Any, now: datetime) -> Review:
    """Write the shop's answer under a review; an empty one takes it away."""
    try:
        answer = tidy_lines(text, longest=LONGEST_REPLY)
    except ValueError as error:
        raise BadReviewText(most=LONGEST_REPLY) from error
    review = lock_review(review_id=review_id)
    review.reply = answer or None
    review.replied_at = now if review.reply else None
    review.save(update_fields=["reply", "replied_at"])
    record_audit(actor=actor, action="reviews.reply", obj=review, now=now)
    return review


def move_review(*, review: Review, to_state: str, verdict: str = "") -> None:
    """Move a locked review; its rating counts exactly while it is published.

    A review that is there already stays.
    """
    if to_state == review.state:
        return
    if to_state not in MOVES[review.state]:
        raise ReviewMoveRefused
    if Review.State.PUBLISHED in (review.state, to_state):
        sign = 1 if to_state == Review.State.PUBLISHED else -1
        Product.objects.filter(pk=review.product_id).update(
            rating_count=F("rating_count") + sign,
            rating_sum=F("rating_sum") + sign * review.rating,
        )
    review.state, review.verdict = to_state, verdict
    review.save(update_fields=["state", "verdict"])


@transaction.atomic
def mark_rewarded(*, review_id: int, is_rewarded: bool = True) -> None:
    """Tell readers that points were given for a review, or no longer are."""
    Review.objects.filter(pk=review_id).update(is_rewarded=is_rewarded)
