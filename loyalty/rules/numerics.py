"""Two functions of mathematics and a search that NumPy does not have.

Kept small on purpose: what lifetime value needs, in double precision.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Lanczos' approximation with g = 7 and nine terms: 15 digits for positive numbers.
_G = 7.0
_LANCZOS = (
    0.99999999999980993,
    676.5203681218851,
    -1259.1392167224028,
    771.32342877765313,
    -176.61502916214059,
    12.507343278686905,
    -0.13857109526572012,
    9.9843695780195716e-6,
    1.5056327351493116e-7,
)
_HALF_LOG_2PI = 0.9189385332046727
_MOST_TERMS = 20_000


def log_gamma(x: Floats | float) -> Floats:
    """Return ln Γ(x) of numbers above zero (Lanczos 1964)."""
    # Γ(x) = Γ(x + 1) / x keeps small numbers precise.
    x = np.asarray(x, dtype=np.float64)
    total = np.full_like(x, _LANCZOS[0])
    for place, factor in enumerate(_LANCZOS[1:], start=1):
        total = total + factor / (x + place)
    t = x + _G + 0.5
    grown: Floats = _HALF_LOG_2PI + (x + 0.5) * np.log(t) - t + np.log(total)
    return grown - np.log(x)


def hypergeometric(
    a: Floats | float, b: Floats | float, c: Floats, z: Floats
) -> Floats:
    """Return ₂F₁(a, b; c; z) for 0 <= z < 1 by its series.

    Raises:
        ArithmeticError: it has not settled after 20,000 terms.
    """
    term = np.ones(np.broadcast(a, b, c, z).shape)
    total = term.copy()
    for n in range(_MOST_TERMS):
        term = term * ((a + n) * (b + n) / ((c + n) * (n + 1.0))) * z
        total += term
        # What is left is less than a geometric series of what was added last.
        if np.all(np.abs(term) <= 1e-13 * np.abs(total) * (1.0 - z)):
            return total
    raise ArithmeticError("The hypergeometric series does not settle.")


def lowest(
    cost: Callable[[Floats], float],
    start: Floats,
    *,
    most_steps: int = 1_000,
    precision: float = 1e-10,
) -> tuple[Floats, bool]:
    """Return where ``cost`` is lowest near ``start``, and whether it settled.

    The downhill simplex of Nelder & Mead (1965): no derivative, no chance, the same
    answer every time.

    Args:
        most_steps: of the simplex.
        precision: it has settled when all its corners cost the same, relative to that.
    """
    corners = np.vstack([start, *(start + step for step in 0.5 * np.eye(len(start)))])
    costs = np.array([cost(corner) for corner in corners])
    for _step in range(most_steps):
        order = np.argsort(costs, kind="stable")
        corners, costs = corners[order], costs[order]
        if costs[-1] - costs[0] <= precision * (abs(costs[0]) + precision):
            return corners[0], True
        middle = corners[:-1].mean(axis=0)
        away = middle - corners[-1]
        tried = middle + away
        price = cost(tried)
        if price < costs[0]:
            farther = middle + 2.0 * away
            if (much_less := cost(farther)) < price:
                tried, price = farther, much_less
        elif price >= costs[-2]:
            near = middle + (0.5 if price < costs[-1] else -0.5) * away
            tried, price = near, cost(near)
            if price >= costs[-1]:
                corners[1:] = corners[0] + 0.5 * (corners[1:] - corners[0])
                costs[1:] = [cost(corner) for corner in corners[1:]]
                continue
        corners[-1], costs[-1] = tried, price
    return corners[int(np.argmin(costs))], False
