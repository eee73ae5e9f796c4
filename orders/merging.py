"""What the orders app moves when two members become one."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from members.services.movers import Key, MergeCase, Merger, Moved, Share
from orders.models import (
    Cart,
    Order,
    Review,
    ReviewVote,
    UnmatchedReturn,
)

ORDERS = Key(Order, "member")
_CARTS = Key(Cart, "member")
_RETURNS = Key(UnmatchedReturn, "member")
_REVIEWS = Key(Review, "member")
_VOTES = Key(ReviewVote, "member")


class OrdersMerger(Merger):
    """What was bought, said and put into carts goes over; what was agreed stays."""

    name = "orders"
    keys = (ORDERS, _CARTS, _RETURNS, _REVIEWS)
    also_covers = frozenset({_VOTES.label})

    def lock_first(self, case: MergeCase) -> None:
        """Wait for checkouts: they lock the cart, then the member."""
        carts = Cart.objects.select_for_update().filter(member_id__in=case.member_ids)
        list(carts.order_by("pk").values_list("pk", flat=True))

    def move(self, case: MergeCase) -> dict[str, Any]:
        """Give everything over; votes only where one person would not vote twice."""
        # Before the reviews move: a vote for the other's review becomes one's own.
        voted = _VOTES.rows(case.winner_id).values("review_id")
        votes = (
            _VOTES.rows(case.loser_id)
            .exclude(review_id__in=voted)
            .exclude(review__member_id__in=case.member_ids)
        )
        ids = sorted(votes.values_list("pk", flat=True))
        ReviewVote.objects.filter(pk__in=ids).update(member_id=case.winner_id)
        return super().move(case) | {_VOTES.label: ids}

    def staying(self, case: MergeCase, moved: Moved) -> list[Share]:
        """Orders the winner placed from carts that were brought stay."""
        later = _carts_ordered_since(case, moved).count()
        return [Share(_("carts ordered since"), later)] if later else []

    def give_back(self, case: MergeCase, moved: Moved) -> None:
        """Give everything back but carts the winner has ordered since."""
        mine = moved[self.name]
        ordered = set(_carts_ordered_since(case, moved).values_list("pk", flat=True))
        self.return_rows(ORDERS, case, mine[ORDERS.label])
        self.return_rows(
            _CARTS, case, [pk for pk in mine[_CARTS.label] if pk not in ordered]
        )
        self.return_rows(_RETURNS, case, mine[_RETURNS.label])
        self.return_rows(_REVIEWS, case, mine.get(_REVIEWS.label, []))
        again = _VOTES.rows(case.loser_id).values("review_id")
        votes = _VOTES.rows(case.winner_id).filter(pk__in=mine.get(_VOTES.label, []))
        votes.exclude(review_id__in=again).update(member_id=case.loser_id)


def _carts_ordered_since(case: MergeCase, moved: Moved):
    mine = moved[OrdersMerger.name]
    return (
        _CARTS.rows(case.winner_id)
        .filter(pk__in=mine[_CARTS.label], order__isnull=False)
        .exclude(order__in=mine[ORDERS.label])
    )
