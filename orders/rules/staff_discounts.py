"""What staff take off a cart by hand (S26). Plain Python."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StaffDiscount:
    """A share of the goods, in basis points, or an amount of money: one of the two."""

    percent_bp: int | None = None
    off_minor: int | None = None

    def __post_init__(self):
        """Refuse both and neither."""
        if (self.percent_bp is None) == (self.off_minor is None):
            raise ValueError("A share or an amount, and one of them.")
