"""What the orders app moves when two members become one."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from members.services.movers import Key, MergeCase, Merger, Moved, Share
from orders.models import (
    Cart,
    GiftCard,
    Order,
    Review,
    ReviewVote,
    UnmatchedReturn,
    Wallet,
)
from orders.services.merging_wallets import (
    join_wallets,
    locked_wallets,
    part_wallets,
    value_left,
)

ORDERS = Key(Order, "member")
_CARTS = Key(Cart, "member")
_RETURNS = Key(UnmatchedReturn, "member")
_REVIEWS = Key(Review, "member")
_VOTES = Key(ReviewVote, "member")
_CARDS = Key(GiftCard, "redeemed_by")


class OrdersMerger(Merger):
    """What was bought, said and put into carts goes over; what was agreed stays.

    Stored value moves by a pair of entries; what is held goes with its orders.
    """

    name = "orders"
    keys = (ORDERS, _CARTS, _RETURNS, _REVIEWS, _CARDS)
    also_covers = frozenset({_VOTES.label, "orders.Wallet.member"})

    def lock_first(self, case: MergeCase) -> None:
        """Wait for checkouts: they lock the cart, then the member."""
        carts = Cart.objects.select_for_update().filter(member_id__in=case.member_ids)
        list(carts.order_by("pk").values_list("pk", flat=True))

    def lock(self, case: MergeCase) -> None:
        """Lock both wallets."""
        locked_wallets(member_ids=case.member_ids)

    def shares(self, member_id: int) -> list[Share]:
        """Return rows and stored value, in minor units of the shop's currency."""
        wallet = Wallet.objects.filter(pk=member_id).first() or Wallet()
        return [
            *super().shares(member_id),
            Share(_("stored value in minor units"), wallet.balance_minor),
        ]

    def move(self, case: MergeCase) -> dict[str, Any]:
        """Move stored value, then the rows; nobody votes twice by a merge."""
        brought = join_wallets(
            loser_id=case.loser_id,
            winner_id=case.winner_id,
            source=case.source,
            now=case.now,
        )
        # Before the reviews move: a vote for the other's review becomes one's own.
        voted = _VOTES.rows(case.winner_id).values("review_id")
        votes = (
            _VOTES.rows(case.loser_id)
            .exclude(review_id__in=voted)
            .exclude(review__member_id__in=case.member_ids)
        )
        ids = sorted(votes.values_list("pk", flat=True))
        ReviewVote.objects.filter(pk__in=ids).update(member_id=case.winner_id)
        return {**super().move(case), "wallet": brought, _VOTES.label: ids}

    def staying(self, case: MergeCase, moved: Moved) -> list[Share]:
        """Orders the winner placed from carts that were brought stay; spent value, too.

        Raises:
            WalletReserved: an open order that stays holds some of the value.
        """
        brought = moved[self.name].get("wallet", 0)
        left = value_left(
            winner_id=case.winner_id,
            brought=brought,
            orders=moved[self.name][ORDERS.label],
        )
        later = _carts_ordered_since(case, moved).count()
        found = [
            Share(_("carts ordered since"), later),
            Share(_("stored value spent since, in minor units"), brought - left),
        ]
        return [share for share in found if share.count]

    def give_back(self, case: MergeCase, moved: Moved) -> None:
        """Give everything back but carts the winner has ordered since."""
        mine = moved[self.name]
        part_wallets(
            loser_id=case.loser_id,
            winner_id=case.winner_id,
            brought=mine.get("wallet", 0),
            orders=mine[ORDERS.label],
            source=case.source,
            now=case.now,
        )
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
        self.return_rows(_CARDS, case, mine.get(_CARDS.label, []))


def _carts_ordered_since(case: MergeCase, moved: Moved):
    mine = moved[OrdersMerger.name]
    return (
        _CARTS.rows(case.winner_id)
        .filter(pk__in=mine[_CARTS.label], order__isnull=False)
        .exclude(order__in=mine[ORDERS.label])
    )
