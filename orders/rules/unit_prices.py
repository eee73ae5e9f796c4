"""The first stage: what one unit costs before any offer (S1). Plain Python."""

from collections.abc import Iterable, Set
from dataclasses import dataclass

#: Kinds of prices from the one everybody knows to the narrowest, for ties.
_KINDS = ("list", "sale", "member")


@dataclass(frozen=True, slots=True)
class PriceOption:
    """A price that runs now; ``kind`` and ``audience`` as in ``orders.Price``."""

    kind: str
    audience: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class UnitPrice:
    """What a unit costs somebody, which price it is, and what it costs without."""

    list_minor: int
    amount_minor: int
    kind: str

    @property
    def was_minor(self) -> int | None:
        """The list price, where this one is lower."""
        return self.list_minor if self.amount_minor < self.list_minor else None


def best_price(
    list_minor: int, options: Iterable[PriceOption], audiences: Set[str]
) -> UnitPrice:
    """Return the lowest price open to somebody; never above the list price.

    Args:
        list_minor: of the SKU; a running ``list`` price takes its place, the newest
            of several.
        options: prices that run now, the newest last.
        audiences: what the buyer belongs to, such as ``{"member", "tier:gold"}``.

    >>> sale = PriceOption("sale", "", 900)
    >>> gold = PriceOption("member", "tier:gold", 800)
    >>> best_price(1000, [sale, gold], {"member"})
    UnitPrice(list_minor=1000, amount_minor=900, kind='sale')
    """
    open_to = [
        each for each in options if not each.audience or each.audience in audiences
    ]
    for each in open_to:
        if each.kind == "list":
            list_minor = each.amount_minor
    amount, kind = min(
        (
            (each.amount_minor, _KINDS.index(each.kind))
            for each in open_to
            if each.kind != "list"
        ),
        default=(list_minor, 0),
    )
    if amount >= list_minor:
        amount, kind = list_minor, 0
    return UnitPrice(list_minor, amount, _KINDS[kind])
