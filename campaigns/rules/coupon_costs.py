"""What coupons of one template may cost in all, at worst (C22, 1.8). Plain Python."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cost:
    """What bounds the cost of coupons; None is no bound, amounts are minor units."""

    #: ``amount`` or ``percent``.
    kind: str
    #: What one coupon takes off at most.
    each_minor: int | None
    #: Of a percentage, in basis points; else 0.
    percent_bp: int
    #: How often coupons can be used in all.
    uses: int | None
    budget_minor: int | None

    @property
    def most_minor(self) -> int | None:
        """Return the most they can cost; None where nothing says so.

        >>> Cost("amount", 500, 0, 100, None).most_minor
        50000
        >>> Cost("percent", None, 1_000, 100, 9_000).most_minor
        9000
        """
        if self.each_minor is None or self.uses is None:
            return self.budget_minor
        return least(self.each_minor * self.uses, self.budget_minor)

    def is_within(self, limit_minor: int) -> bool:
        """Tell whether they can cost no more than so much."""
        return self.most_minor is not None and self.most_minor <= limit_minor

    def is_more_than(self, before: "Cost") -> bool:
        """Tell whether any of its bounds is wider than it was."""
        pairs = (
            (self.each_minor, before.each_minor),
            (self.percent_bp, before.percent_bp),
            (self.uses, before.uses),
            (self.budget_minor, before.budget_minor),
        )
        return self.kind != before.kind or any(_is_wider(*pair) for pair in pairs)


def _is_wider(bound: int | None, before: int | None) -> bool:
    return before is not None and (bound is None or bound > before)


def uses_in_all(
    *, limit: int | None, stock: int | None, public: Sequence[int | None]
) -> int | None:
    """Return how often coupons of a template can be used; None is without end.

    Args:
        limit: uses in all, whoever has them.
        stock: coupons that can be issued.
        public: uses of each public code, whose coupons take nothing off the stock.

    >>> uses_in_all(limit=None, stock=100, public=[20]), uses_in_all(
    ...     limit=50, stock=100, public=[None]
    ... )
    (120, 50)
    """
    if stock is None or None in public:
        return limit
    return least(stock + sum(each for each in public if each is not None), limit)


def least(*bounds: int | None) -> int | None:
    """Return the narrowest of some bounds; None where there is none."""
    return min((each for each in bounds if each is not None), default=None)
