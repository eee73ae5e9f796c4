"""What the units of a line are worth (S11). Plain Python."""

from itertools import pairwise

from crm.shared.money import cumulative_share, share


def split_over_units(total: int, count: int, units: tuple[int, ...]) -> tuple[int, ...]:
    """Return what units are worth together ``total``, in proportion or evenly (S11)."""
    if not units:
        return split_evenly(total, count)
    return units if sum(units) == total else tuple(share(total, units))


def split_evenly(total: int, count: int) -> tuple[int, ...]:
    """Return what equal units are worth that are worth ``total`` together (S11).

    >>> split_evenly(10000, 3)
    (3333, 3334, 3333)
    """
    whole, rest = divmod(total, count)
    if not rest:
        return (whole,) * count
    marks = [cumulative_share(total, taken, count) for taken in range(count + 1)]
    return tuple(after - before for before, after in pairwise(marks))
