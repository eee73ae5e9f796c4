"""Which products are bought by the same people more than chance would have it.

Plain NumPy. Memory is bounded by the purchases and one row of counts, whatever the
number of products.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

#: Buyers of both that a pair needs to be believed.
LEAST_SUPPORT = 5
#: Others kept per product.
MOST_OTHERS = 20
#: Of a buyer with more products only so many, the newest, are counted: resellers who
#: bought the whole shop say nothing about taste and cost the square of their basket.
LARGEST_BASKET = 500
#: A lift seen on so many buyers is believed by half.
SHRINKAGE = 10


@dataclass(frozen=True, slots=True)
class Pair:
    """``other`` goes with ``product``; both are positions, not ids."""

    product: int
    other: int
    both: int
    buyers: int
    score: float


def shrunken_lift(
    both: np.ndarray, buyers: int, others: np.ndarray, members: int
) -> np.ndarray:
    """Return lift, pulled towards 0 where few buyers stand behind it.

    ``lift = both × members / (buyers × others)`` is 1 when two products have nothing
    to do with each other; it is multiplied by ``both / (both + SHRINKAGE)``.
    """
    lift = both * float(members) / (float(buyers) * others)
    return lift * both / (both + SHRINKAGE)


def bought_together(members: np.ndarray, products: np.ndarray) -> Iterator[Pair]:
    """Yield the best others of every product, best first.

    Args:
        members: of each purchase the buyer's position; purchases of one buyer stand
            together, newest first, and name a product once.
        products: of each purchase the product's position.
    """
    if len(members) == 0:
        return
    population = int(np.unique(members).size)
    catalogue = int(products.max()) + 1
    buyers = np.bincount(products, minlength=catalogue)
    kept = _rank(members) < LARGEST_BASKET
    members, products = members[kept], products[kept]
    _, basket, sizes = np.unique(members, return_inverse=True, return_counts=True)
    starts = np.concatenate(([0], np.cumsum(sizes)))
    by_product = np.argsort(products, kind="stable")
    ends = np.cumsum(np.bincount(products, minlength=catalogue))
    for product in range(catalogue):
        first = ends[product - 1] if product else 0
        bought_in = basket[by_product[first : ends[product]]]
        if len(bought_in) < LEAST_SUPPORT:
            continue
        others, both = np.unique(
            np.concatenate(
                [products[starts[each] : starts[each + 1]] for each in bought_in]
            ),
            return_counts=True,
        )
        good = (both >= LEAST_SUPPORT) & (others != product)
        others, both = others[good], both[good]
        score = shrunken_lift(both, int(buyers[product]), buyers[others], population)
        # Ties by position, so that the same orders give the same list.
        for at in np.lexsort((others, -score))[:MOST_OTHERS]:
            yield Pair(
                product=product,
                other=int(others[at]),
                both=int(both[at]),
                buyers=int(buyers[product]),
                score=float(score[at]),
            )


def _rank(members: np.ndarray) -> np.ndarray:
    """Return the place of every purchase among those of its buyer, from 0."""
    new = np.concatenate(([True], members[1:] != members[:-1]))
    begins = np.flatnonzero(new)
    return np.arange(len(members)) - begins[np.cumsum(new) - 1]
