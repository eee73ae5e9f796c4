"""Points for what is no purchase."""

from datetime import datetime

from django.db import transaction
from django.db.models import F

from loyalty.models import PointsEntry, PointsLot
from loyalty.queries.program import program
from loyalty.rules.clawback import shortage_of_grant
from loyalty.services.counting import take_event_back
from loyalty.services.event_points import Happening, grant_for_event
from loyalty.services.posting import book_of, locked_account, lots_left, post_one
from members.models import Member
from orders.models import Review
from orders.services.moderating import mark_rewarded


@transaction.atomic
def reward_joining(*, member_id: int, now: datetime) -> PointsEntry | None:
    """Grant what the rules give for joining, once per member; see ``event_points``."""
    return _reward_once("joined", member_id=member_id, now=now)


@transaction.atomic
def reward_profile(*, member_id: int, now: datetime) -> PointsEntry | None:
    """Grant what the rules give for a complete profile, once per member.

    Returns:
        The entry, the same one on every call; None when no rule gives anything or
        the membership may not earn.
    """
    return _reward_once("profile", member_id=member_id, now=now)


@transaction.atomic
def reward_invitation(
    *, inviter_id: int, invitee_id: int, now: datetime
) -> PointsEntry | None:
    """Grant what the rules give for somebody who joined by invitation, once each."""
    invitee = Member.objects.only("public_id").get(pk=invitee_id)
    happening = Happening(inviter_id, f"invite:{invitee.public_id}")
    return grant_for_event(occasion="invite", happening=happening, now=now)


@transaction.atomic
def reward_review(*, review_id: int, now: datetime) -> PointsEntry | None:
    """Grant what the rules give for a published review, once per line of an order.

    The stars play no part: points for praise would buy praise.

    Returns:
        The entry, the same one on every call; None when no rule gives anything,
        the review is gone or hidden again, or the membership may not earn.
    """
    review = _review(review_id)
    if review is None or review.state != Review.State.PUBLISHED:
        return None
    happening = Happening(
        review.member_id,
        source_of_review(review),
        facts={"event.pictures": review.pictures.exists()},
    )
    entry = grant_for_event(occasion="review", happening=happening, now=now)
    if entry is not None:
        mark_rewarded(review_id=review_id)
    return entry


def _reward_once(occasion: str, *, member_id: int, now: datetime) -> PointsEntry | None:
    member = Member.objects.only("public_id").get(pk=member_id)
    happening = Happening(member_id, f"{occasion}:{member.public_id}")
    return grant_for_event(occasion=occasion, happening=happening, now=now)


@transaction.atomic
def take_review_points_back(*, review_id: int, now: datetime) -> PointsEntry | None:
    """Take back what a review earned, once, where the program says so (R20).

    A member who has too few left owes the rest or not, as with refunds (P16). What it
    counted in other currencies goes as well.

    Returns:
        The claw-back entry; None when there is nothing to take.
    """
    review = _review(review_id)
    if review is None or not program().takes_review_points_back:
        return None
    source = source_of_review(review)
    entry = take_grant_back(member_id=review.member_id, source=source, now=now)
    if entry is not None:
        mark_rewarded(review_id=review_id, is_rewarded=False)
    return entry


@transaction.atomic
def take_grant_back(
    *, member_id: int, source: str, keep: int = 0, now: datetime
) -> PointsEntry | None:
    """Take back what was granted for a source, once, or all of it but some points.

    A member who has too few left owes the rest, or the program waives it (P16, P17).
    What it counted in other currencies goes with the last point.

    Args:
        keep: how many of the granted points are still deserved; fewer than before take
            the difference.

    Returns:
        The claw-back entry; None when there is nothing to take.
    """
    account = locked_account(member_id=member_id, now=now)
    if not keep:
        take_event_back(account=account, source=source)
    mine = PointsEntry.objects.filter(account_id__in=account.accounts, source=source)
    granted = mine.filter(kind=PointsEntry.Kind.GRANT).first()
    if granted is None:
        return None
    undone = PointsEntry.objects.filter(reverses=granted)
    if undone.exclude(kind=PointsEntry.Kind.CLAW_BACK).exists():
        return None  # Staff revoked it.
    points = granted.points - keep - sum(entry.trace["due"] for entry in undone)
    if points <= 0:
        return None
    policy = program().claw_back
    book = book_of(account, lots=lots_left(member_id=account.pk))
    lot_id = PointsLot.objects.filter(entry=granted).values_list("pk", flat=True)
    movement = book.claw_back(
        points,
        own_lot=next((lot for lot in book.lots if lot.id in set(lot_id)), None),
        may_owe=shortage_of_grant(policy).may_owe,
        at=now,
        source=f"{source}:{keep}" if keep else source,
        occurred_at=now,
        trace={},
        reverses=granted.pk,
    )
    if movement.trace.get("waived"):
        movement.actor, movement.reason = "program", policy
    return post_one(book, movement=movement)


def take_back_of_refund(*, refund_id: int, now: datetime) -> int:
    """Take back what reviews of goods earned whose units all came back (R20).

    Returns:
        How many reviews lost their points by this call.
    """
    returned = Review.objects.filter(
        is_rewarded=True,
        order_line__refund_lines__refund_id=refund_id,
        order_line__refunded_quantity=F("order_line__quantity"),
    )
    ids = returned.order_by("pk").values_list("pk", flat=True)
    taken = [take_review_points_back(review_id=pk, now=now) for pk in ids]
    return sum(entry is not None for entry in taken)


def source_of_review(review: Review) -> str:
    """Return how the ledger names a review.

    By its line: another one of the same purchase earns nothing again.
    """
    line = review.order_line
    return f"review:{line.order.public_id}:{line.position}"


def _review(review_id: int) -> Review | None:
    return (
        Review.objects.select_related("order_line__order").filter(pk=review_id).first()
    )
