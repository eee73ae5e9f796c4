"""What staff take off by hand, as the pricing function sees it (S26). Plain Python.

It is an offer like any other: shared over lines, kept with the order, given back by
refunds. Only it also lowers what no promotion may.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from campaigns.rules.benefits import Amount, Benefit, Percent
from campaigns.rules.cuts import Cut, View, capped
from campaigns.rules.promotions import ELIGIBLE_KINDS, Promotion
from campaigns.rules.scopes import Scope
from crm.shared.money import percent_of
from orders.rules.offers import Refused, Stage
from orders.rules.staff_discounts import StaffDiscount

_WHOLE_BP = 10_000
#: Goods, and nothing else: delivery has prices of its own.
_GOODS = Scope(kinds=ELIGIBLE_KINDS)


@dataclass(frozen=True, slots=True)
class AtMost:
    """A benefit that never exceeds a share of what is left of the lines (S8)."""

    benefit: Benefit
    share_bp: int

    def cut(self, view: View) -> Cut | Refused:
        """Return what the benefit takes off, shrunk to the share."""
        cut = self.benefit.cut(view)
        if isinstance(cut, Refused):
            return cut
        left = sum(each.left_minor for each in view.lines)
        return capped(view, cut, percent_of(left, self.share_bp))


def offer_by_hand(*, source_id: str, benefit: Benefit, **fields: Any) -> Promotion:
    """Return a reduction by hand, after every promotion and beside coupons.

    Args:
        fields: what else the offer is, as ``Promotion`` takes it.
    """
    return Promotion(
        source_id=source_id,
        benefit=benefit,
        stage=Stage.COUPON,
        is_by_hand=True,
        **fields,
    )


def staff_offer(discount: StaffDiscount, *, name: str, most_bp: int) -> Promotion:
    """Return the discount of a cart as an offer on its goods.

    Args:
        most_bp: the share of the goods it never exceeds, whatever the cart became.
    """
    benefit: Benefit
    terms: dict[str, int]
    if discount.percent_bp is not None:
        benefit = Percent(Fraction(discount.percent_bp, _WHOLE_BP))
        terms = {"percent_bp": discount.percent_bp}
    else:
        assert discount.off_minor is not None
        benefit = Amount(discount.off_minor, "order")
        terms = {"off_minor": discount.off_minor}
    return offer_by_hand(
        source_id="staff",
        source_kind="staff",
        name=name,
        benefit=AtMost(benefit, most_bp),
        scope=_GOODS,
        is_whole=True,
        # After the coupons, whose order among themselves is theirs.
        rank=1,
        recipe=terms,
    )
