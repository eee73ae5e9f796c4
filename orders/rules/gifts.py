"""Goods that come for nothing (S16, S17). Plain Python."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

#: Why an offer brings no gift: none of its choices is left (S17).
GIFT_OUT_OF_STOCK = "gift_out_of_stock"


@dataclass(frozen=True, slots=True)
class GiftArticle:
    """What the catalogue says of a SKU that may come as a gift."""

    sku: str
    variant_id: int
    product_public_id: str
    name: str
    option: str
    #: What a unit costs who buys it, without sale or member price.
    listed_minor: int
    cost_minor: int | None
    #: Units promised to nobody; None where stock is not kept.
    free: int | None

    @property
    def label(self) -> str:
        """Return its name as a line of an order keeps it."""
        return f"{self.name} {self.option}".strip()


@dataclass(frozen=True, slots=True)
class Gift:
    """Goods an offer adds for nothing (S16).

    ``listed_minor`` is what one unit costs who buys it: what keeping it costs who
    sends back what brought it (R8), and its weight in a choice between offers (S6).
    """

    sku: str
    quantity: int
    listed_minor: int = 0
    variant_id: int | None = None
    article: GiftArticle | None = None
    #: The SKU that is out of stock and was to come instead (S17).
    instead_of: str = ""

    def given(
        self, quantity: int, article: GiftArticle | None, *, instead_of: str = ""
    ) -> "Gift":
        """Return so many units of it, as far as known with what the catalogue says."""
        if article is None:
            return replace(self, quantity=quantity, instead_of=instead_of)
        listed, variant_id = article.listed_minor, article.variant_id
        return Gift(self.sku, quantity, listed, variant_id, article, instead_of)


def and_promised(promised: Mapping[str, int], gifts: Iterable[Gift]) -> dict[str, int]:
    """Return the units by SKU that offers give away, with those of some more gifts.

    >>> and_promised({"MUG": 1}, [Gift("MUG", 2), Gift("PEN", 1)])
    {'MUG': 3, 'PEN': 1}
    """
    units = dict(promised)
    for gift in gifts:
        units[gift.sku] = units.get(gift.sku, 0) + gift.quantity
    return units


def known_article(gift: Gift) -> GiftArticle:
    """Return what the catalogue says of a gift.

    Raises:
        ValueError: an offer gave away what its source never looked up.
    """
    if gift.article is None:
        raise ValueError(f"Nobody looked up the gift {gift.sku}.")
    return gift.article


def listed_worth(gifts: Iterable[Gift]) -> int:
    """Return what gifts cost who buys them, in minor units."""
    return sum(gift.listed_minor * gift.quantity for gift in gifts)
