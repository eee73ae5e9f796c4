"""Below what no offer brings a unit (S12). Plain Python."""

from crm.shared.money import WHOLE_BP

#: Which floor it is: what the shop said of the SKU, what its margin asks of the cost,
#: or that nothing costs less than nothing.
MINIMUM_PRICE, MARGIN, ZERO = "minimum_price", "margin", "zero"


def floor_of(
    minimum_price_minor: int | None, cost_minor: int | None, *, margin_bp: int | None
) -> tuple[int, str]:
    """Return below what no offer brings a unit, and which floor that is (S12).

    The greater of the minimum price and the cost with the margin on it; ``(0, "")``
    where neither is known.

    Args:
        margin_bp: what must stay over the cost, in basis points of it; None: nothing.

    >>> floor_of(700, 650, margin_bp=1_000)
    (715, 'margin')
    """
    minimum, kind = minimum_price_minor or 0, MINIMUM_PRICE
    if margin_bp is not None and cost_minor is not None:
        # Rounded up: a part of the smallest coin below the floor is below it.
        margin = -(-cost_minor * (WHOLE_BP + margin_bp) // WHOLE_BP)
        if margin > minimum:
            minimum, kind = margin, MARGIN
    return (minimum, kind) if minimum else (0, "")
