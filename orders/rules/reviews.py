"""What a buyer may say about a purchase, and until when. Plain Python.

The names of states are the values of ``orders.models.Review.State``.
"""

from datetime import datetime, timedelta

MOST_PICTURES = 9
#: The longer side of a picture that is kept, in pixels.
LONGEST_SIDE = 1280
LONGEST_TEXT = 2000
LONGEST_REPLY = 1000
#: How long after writing a review it may be changed, or followed up.
EDIT_FOR = timedelta(days=30)
FOLLOW_UP_FOR = timedelta(days=180)
#: Orders whose goods are with the buyer.
REVIEWABLE = ("delivered", "completed", "refunded")

#: State -> states it may move to. What was changed waits for a moderator again.
MOVES: dict[str, frozenset[str]] = {
    "pending": frozenset({"published", "rejected"}),
    "published": frozenset({"pending", "rejected"}),
    "rejected": frozenset({"pending", "published"}),
}


def may_edit(*, written_at: datetime, now: datetime) -> bool:
    """Whether a review can still be changed."""
    return now < written_at + EDIT_FOR


def may_follow_up(*, written_at: datetime, now: datetime) -> bool:
    """Whether something can still be added to a review."""
    return now < written_at + FOLLOW_UP_FOR


def byline(nickname: str | None) -> str:
    """Return an author's name as strangers read it: first character, then stars.

    The stars are always three, so that they do not tell how long the name is.

    >>> byline("静静的茶"), byline("a"), byline(None)
    ('静***', 'a***', '')
    """
    return f"{nickname[0]}***" if nickname else ""


def average_bp(rating_sum: int, rating_count: int) -> int | None:
    """Return the mean rating in hundredths of a star, half up; None without any.

    >>> average_bp(14, 3), average_bp(0, 0)
    (467, None)
    """
    if not rating_count:
        return None
    return (rating_sum * 200 + rating_count) // (2 * rating_count)
