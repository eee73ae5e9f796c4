"""Rounding and splitting as policies say it. Plain Python, whole numbers throughout."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import cycle
from operator import gt

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


def split(
    total: int,
    weights: Sequence[int],
    policies: Policies,
    caps: Sequence[int] | None = None,
) -> list[int]:
    """Split a total in proportion to weights; where the remainder goes is a policy.

    No part falls below zero, nor does one exceed its weight where the total does not
    exceed theirs: what a part cannot take of the remainder goes to the others.

    Args:
        caps: most that each part may take, where that is not its weight; the total is
            no more than their sum. Where one is full, no policy has a say (S10).

    >>> from campaigns.rules.policies import Policies
    >>> last = Policies(allocation_remainder="last_line", rounding_mode="down")
    >>> split(1000, [1, 1, 1], last)
    [333, 333, 334]
    """
    if caps is None and len(weights) == 1:
        return [total]
    whole = sum(weights)
    rule = policies.allocation_remainder
    is_by_size = rule in {"largest_remainder", "any"} or not whole
    if is_by_size:
        parts = share(total, weights) if weights else []
    else:
        parts = [rounded(Fraction(total * each, whole), policies) for each in weights]
    if caps is not None and any(map(gt, parts, caps)):
        return share(total, weights, caps)
    if is_by_size:
        return parts
    most = caps or (weights if total <= whole else [total] * len(weights))
    places = list(range(len(weights)))
    if rule == "last_line":
        places.reverse()
    # Those without weight take something only when nobody with weight can.
    places.sort(key=lambda place: not weights[place])
    return _handed_on(parts, total, most, places, at_once=rule == "last_line")


def _handed_on(
    parts: list[int],
    total: int,
    most: Sequence[int],
    places: Sequence[int],
    *,
    at_once: bool,
) -> list[int]:
    """Bring parts to a total: one minor unit a place, or all that it can take."""
    rest = total - sum(parts)
    for place in cycle(places):
        if not rest:
            break
        step = rest if at_once else (rest > 0) - (rest < 0)
        part = max(0, min(parts[place] + step, most[place]))
        rest += parts[place] - part
        parts[place] = part
    return parts
