"""What the units of a line are worth (S11). Plain Python."""

from collections.abc import Sequence
from itertools import pairwise

from crm.shared.money import cumulative_share, share


def split_over_units(
    total: int, count: int, units: tuple[int, ...], floor_minor: int = 0
) -> tuple[int, ...]:
    """Return what units are worth together ``total``, in proportion or evenly (S11).

    Units that stand above a floor fall in proportion to what they have above it, so
    that none falls below (S12).

    >>> split_over_units(600, 2, (300, 302), floor_minor=300)
    (300, 300)
    """
    if count == 1:
        return (total,)
    if not units:
        return split_evenly(total, count)
    if sum(units) == total:
        return units
    if floor_minor and min(units) >= floor_minor:
        above = share(total - floor_minor * count, [e - floor_minor for e in units])
        return tuple(floor_minor + each for each in above)
    return tuple(share(total, units))


def split_first(total: int, rooms: Sequence[int]) -> list[int]:
    """Split over units in proportion to what each can take, no more than all can.

    The first ones that can take it have the remainder.

    >>> split_first(2000, [5000, 5000, 5000]), split_first(500, [1000, 0])
    ([667, 667, 666], [500, 0])
    """
    whole = sum(rooms)
    parts = [total * room // whole if room else 0 for room in rooms]
    rest = total - sum(parts)
    for place in [at for at, room in enumerate(rooms) if room][:rest]:
        parts[place] += 1
    return parts


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
