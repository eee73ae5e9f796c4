"""What the orders app moves when two members become one."""

from django.utils.translation import gettext_lazy as _

from members.services.movers import Key, MergeCase, Merger, Moved, Share
from orders.models import Cart, Order, UnmatchedReturn

ORDERS = Key(Order, "member")
_CARTS = Key(Cart, "member")
_RETURNS = Key(UnmatchedReturn, "member")


class OrdersMerger(Merger):
    """Orders, carts and unmatched returns go over; what was agreed stays as it is."""

    name = "orders"
    keys = (ORDERS, _CARTS, _RETURNS)

    def lock_first(self, case: MergeCase) -> None:
        """Wait for checkouts: they lock the cart, then the member."""
        carts = Cart.objects.select_for_update().filter(member_id__in=case.member_ids)
        list(carts.order_by("pk").values_list("pk", flat=True))

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


def _carts_ordered_since(case: MergeCase, moved: Moved):
    mine = moved[OrdersMerger.name]
    return (
        _CARTS.rows(case.winner_id)
        .filter(pk__in=mine[_CARTS.label], order__isnull=False)
        .exclude(order__in=mine[ORDERS.label])
    )
