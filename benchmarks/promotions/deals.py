"""Offers and carts with no engine in mind, so that every side prices the same.

Money is in minor units, percentages are whole. Products stand in 200 leaf categories
of ten departments; a deal names one of them, some products, a spend, a code, a tier.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

LEAVES, DEPARTMENTS, PRODUCTS, TIERS = 200, 10, 5_000, 5
#: What the buyer is.
TIER = 0
Kind = Literal[
    *("percent", "threshold", "multibuy", "products", "code"),
    *("spend", "nth", "tier", "gift"),
]
#: What each side can say: the peer, the limit and ours.
COMMON: tuple[Kind, ...] = ("percent", "threshold", "multibuy", "products", "code")
#: What a shop has on besides.
ALL: tuple[Kind, ...] = (*COMMON, "spend", "nth", "tier", "gift")


@dataclass(frozen=True, slots=True)
class Product:
    """One thing to buy; its number is its place in the catalogue."""

    number: int
    leaf: int
    price_minor: int

    @property
    def department(self) -> int:
        """Return the department its category stands in."""
        return self.leaf % DEPARTMENTS


@dataclass(frozen=True, slots=True)
class Deal:
    """One offer; ``category`` is a leaf, or a department where ``is_wide``."""

    number: int
    kind: Kind
    priority: int
    category: int
    is_wide: bool
    #: Percent, or an amount in minor units.
    value: int = 0
    threshold_minor: int = 0
    products: frozenset[int] = frozenset()
    code: str = ""
    tier: int = 0

    def looks_at(self, product: Product) -> bool:
        """Tell whether a product is among what it is for."""
        if self.kind in {"code", "spend"}:
            return True
        if self.kind == "products":
            return product.number in self.products
        return self.category == (product.department if self.is_wide else product.leaf)


def catalogue() -> list[Product]:
    """Return all products."""
    chance = random.Random(7)
    return [
        # Five per cent of each is a whole number: nobody rounds.
        Product(n, n % LEAVES, chance.randrange(500, 50_000, 20))
        for n in range(PRODUCTS)
    ]


def deals(count: int, kinds: Sequence[Kind], *, is_wide: bool) -> list[Deal]:
    """Return offers, the same ones first however many.

    Args:
        kinds: dealt out in turn.
        is_wide: for departments, with little to be spent: most carts match. Else for
            one of many categories, and some beyond what anybody spends.
    """
    chance = random.Random(11)
    return [_deal(chance, n, kinds[n % len(kinds)], is_wide) for n in range(count)]


def _deal(chance: random.Random, number: int, kind: Kind, is_wide: bool) -> Deal:
    made = {
        "priority": chance.randrange(1_000),
        "category": chance.randrange(DEPARTMENTS if is_wide else LEAVES),
        "value": chance.choice([5, 10, 15, 20]),
    }
    if kind == "products":
        made["products"] = frozenset(chance.sample(range(PRODUCTS), 5))
    if kind in {"threshold", "gift"}:
        made["threshold_minor"] = chance.choice([10_000, 20_000, 50_000])
        made["value"] = chance.choice([1_000, 2_000, 3_000])
    if kind == "spend":
        most = 200 if is_wide else 20_000
        made["threshold_minor"] = 10_000 * chance.randrange(1, most)
        made["value"] = made["threshold_minor"] // 10
    if kind == "code":
        made["code"] = f"V{number:05}"
    if kind == "tier":
        made["tier"] = TIER if is_wide else chance.randrange(TIERS)
    return Deal(number, kind, is_wide=is_wide, **made)


def cart(lines: int) -> list[tuple[int, int]]:
    """Return products and quantities."""
    chance = random.Random(3_000 + lines)
    return [
        (number, chance.choice([1, 1, 1, 2, 3]))
        for number in chance.sample(range(PRODUCTS), lines)
    ]


def code_of(some: Sequence[Deal]) -> str:
    """Return the code a cart carries: that of the first deal that has one."""
    return next((each.code for each in some if each.code), "")


def matching(some: Sequence[Deal], products: Sequence[Product], code: str) -> int:
    """Return how many deals could take something off a cart by what they are for."""
    return sum(
        (each.kind != "code" or each.code == code)
        and (each.kind != "tier" or each.tier == TIER)
        and any(each.looks_at(product) for product in products)
        for each in some
    )
