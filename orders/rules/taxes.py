"""Value-added tax: net and gross, mixed rates, fixed taxes a unit. Plain Python.

Tax is reckoned on what is left after offers. A rate is a fraction of the net price
(``19 %`` is 19/100); prices either include their tax or do not. A fixed tax a unit,
such as a deposit or an eco tax, is added to the line and no offer lowers it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from crm.shared.money import round_half_up

#: Rounds an amount that is not negative to whole minor units.
Rounding = Callable[[Fraction], int]


def half_up(amount: Fraction) -> int:
    """Return the nearest whole number; halves go away from zero."""
    return round_half_up(amount.numerator, amount.denominator)


@dataclass(frozen=True, slots=True)
class Rate:
    """The tax of one line: part on top of the price, part already in it."""

    #: Comes on top of the price as it stands.
    on_top: Fraction = Fraction(0)
    #: Is in the price as it stands.
    included: Fraction = Fraction(0)
    fixed_minor: int = 0

    def net(self, amount: Fraction) -> Fraction:
        """Return a price without tax."""
        return amount / (1 + self.included)

    def gross(self, amount: Fraction) -> Fraction:
        """Return a price with all its tax, but for what is fixed a unit."""
        return self.net(amount) * (1 + self.included + self.on_top)


@dataclass(frozen=True, slots=True)
class Taxes:
    """Which rate each line has, and whether prices are gross."""

    rates: Mapping[int, Rate] = field(default_factory=dict)
    #: ``gross`` or ``net``: what the prices are that offers see.
    prices: str = "gross"
    rounding: Rounding = half_up

    def rate_of(self, position: int) -> Rate:
        """Return the rate of a line."""
        return self.rates.get(position, _UNTAXED)

    def as_basis(self, position: int, amount_minor: int, basis: str) -> int:
        """Return an amount of a line on another basis: ``net`` or ``gross``."""
        if basis not in {"net", "gross"} or not self.rates:
            return amount_minor
        rate, amount = self.rate_of(position), Fraction(amount_minor)
        return self.rounding(rate.net(amount) if basis == "net" else rate.gross(amount))

    def from_basis(self, position: int, amount_minor: int, basis: str) -> int:
        """Return an amount given as ``net`` or ``gross`` as prices of the line are."""
        if basis not in {"net", "gross"} or not self.rates:
            return amount_minor
        rate = self.rate_of(position)
        whole = rate.gross(Fraction(1)) if basis == "gross" else rate.net(Fraction(1))
        return self.rounding(Fraction(amount_minor) / whole)


_UNTAXED = Rate()
NO_TAXES = Taxes()


@dataclass(frozen=True, slots=True)
class Taxed:
    """Amounts with and without tax."""

    net_minor: int = 0
    gross_minor: int = 0

    @property
    def tax_minor(self) -> int:
        """Return the tax."""
        return self.gross_minor - self.net_minor


def taxed(
    amounts: Iterable[tuple[int, int, int]],
    taxes: Taxes,
    *,
    by_rate: bool = False,
) -> Taxed:
    """Return what lines come to with and without tax.

    Args:
        amounts: ``(position, amount_minor, units)`` as prices stand.
        by_rate: round the sum of each rate once instead of each line.
    """
    groups: dict[object, tuple[Rate, int]] = {}
    fixed = 0
    for number, (position, amount_minor, units) in enumerate(amounts):
        rate = taxes.rate_of(position)
        fixed += rate.fixed_minor * units
        key = (rate.on_top, rate.included) if by_rate else number
        so_far = groups[key][1] if key in groups else 0
        groups[key] = (rate, so_far + amount_minor)
    net = gross = 0
    for rate, amount_minor in groups.values():
        amount = Fraction(amount_minor)
        net += amount_minor if not rate.included else taxes.rounding(rate.net(amount))
        gross += amount_minor if not rate.on_top else taxes.rounding(rate.gross(amount))
    return Taxed(net, gross + fixed)
