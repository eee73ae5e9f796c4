"""Rounding and splitting as policies say it. Plain Python, whole numbers throughout."""

from collections.abc import Sequence
from fractions import Fraction

from campaigns.rules.policies import Policies
from crm.shared.money import round_half_up, share


def rounded(amount: Fraction, policies: Policies) -> int:
    """Return an amount that is not negative in whole minor units.

    >>> from campaigns.rules.policies import Policies
    >>> [rounded(Fraction(105, 2), Policies(rounding_mode=mode)) for mode in MODES]
    [53, 52, 52]
    """
    return _divided(amount.numerator, amount.denominator, policies)


def rounded_part(amount_minor: int, rate: Fraction, policies: Policies) -> int:
    """Return a rate of an amount in whole minor units; makes no fraction of it."""
    return _divided(amount_minor * rate.numerator, rate.denominator, policies)


def _divided(numerator: int, denominator: int, policies: Policies) -> int:
    if policies.rounding_mode == "down":
        return numerator // denominator
    if policies.rounding_mode == "half_down":
        return -((denominator - 2 * numerator) // (2 * denominator))
    return round_half_up(numerator, denominator)


MODES = ("half_up", "down", "half_down")


def split(total: int, weights: Sequence[int], policies: Policies) -> list[int]:
    """Split a total in proportion to weights; where the remainder goes is a policy.

    >>> from campaigns.rules.policies import Policies
    >>> last = Policies(allocation_remainder="last_line", rounding_mode="down")
    >>> split(1000, [1, 1, 1], last)
    [333, 333, 334]
    """
    whole = sum(weights)
    rule = policies.allocation_remainder
    if rule in {"largest_remainder", "any"} or not whole:
        return share(total, weights) if weights else []
    parts = [rounded(Fraction(total * each, whole), policies) for each in weights]
    rest = total - sum(parts)
    if rule == "last_line":
        last = max(place for place, each in enumerate(weights) if each)
        parts[last] += rest
        return parts
    step = 1 if rest > 0 else -1
    for place in [at for at, each in enumerate(weights) if each][: abs(rest)]:
        parts[place] += step
    return parts


def split_first(total: int, count: int) -> list[int]:
    """Split over equal units, the first ones taking the remainder.

    >>> split_first(2000, 3)
    [667, 667, 666]
    """
    whole, rest = divmod(total, count)
    return [whole + (place < rest) for place in range(count)]
