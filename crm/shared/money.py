"""Money arithmetic without losing a cent. Plain Python, no Django.

An amount is an ``int`` of minor units (``1230`` is 12.30 CNY, 1230 JPY); a rate
is an ``int`` of basis points (``1`` is 0.01 %). Nothing here is a float.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

#: ISO 4217 currencies whose minor unit is not the hundredth.
_MINOR_DIGITS = {
    **{"BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0},
    **{"KRW": 0, "PYG": 0, "RWF": 0, "UGX": 0, "UYI": 0, "VND": 0, "VUV": 0},
    **{"XAF": 0, "XOF": 0, "XPF": 0},
    **{"BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3},
    **{"CLF": 4, "UYW": 4},
}
_SYMBOLS = {"CNY": "¥", "EUR": "€", "GBP": "£", "USD": "$"}
_CURRENCY = re.compile(r"[A-Z]{3}")
_AMOUNT = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?")

#: Largest amount anybody may enter, in minor units: exact in JSON everywhere.
LARGEST_MINOR = 10**15 - 1
#: Basis points in the whole.
WHOLE_BP = 10_000


class InvalidAmount(ValueError):
    """Text that is no amount of money of the currency."""


@lru_cache(maxsize=256)
def minor_digits(currency: str) -> int:
    """Return how many digits of ``currency`` stand after the point.

    Raises:
        ValueError: ``currency`` is no ISO 4217 code such as ``CNY``.

    >>> minor_digits("CNY"), minor_digits("JPY"), minor_digits("KWD")
    (2, 0, 3)
    """
    if not isinstance(currency, str) or not _CURRENCY.fullmatch(currency):
        raise ValueError(f"{currency!r} is no currency code such as CNY.")
    return _MINOR_DIGITS.get(currency, 2)


def parse_amount(text: str, currency: str) -> int:
    """Read a decimal such as ``12.30`` into minor units.

    Only ASCII digits, one point and a leading minus are read: no signs, spaces,
    grouping or exponents, so that nothing is guessed.

    Raises:
        InvalidAmount: not such a decimal, more digits than the currency has, or
            larger than ``LARGEST_MINOR``.

    >>> parse_amount("12.30", "CNY"), parse_amount("-5", "CNY")
    (1230, -500)
    """
    digits = minor_digits(currency)
    match = _AMOUNT.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise InvalidAmount("Enter an amount such as 12.30.")
    sign, whole, fraction = match.groups(default="")
    if len(fraction) > digits:
        raise InvalidAmount(f"{currency} has {digits} digits after the point.")
    # The length is looked at before int(): a megabyte of digits costs nothing.
    if len(whole) > len(str(LARGEST_MINOR)):
        raise InvalidAmount("This amount is too large.")
    minor = int(whole + fraction.ljust(digits, "0"))
    if minor > LARGEST_MINOR:
        raise InvalidAmount("This amount is too large.")
    return -minor if sign else minor


def format_amount(minor: int, currency: str) -> str:
    """Write minor units as a plain decimal, the inverse of ``parse_amount``.

    >>> format_amount(1230, "CNY"), format_amount(-5, "CNY"), format_amount(7, "JPY")
    ('12.30', '-0.05', '7')
    """
    return _decimal(minor, currency, grouping="")


def display_amount(minor: int, currency: str) -> str:
    """Write an amount for people, the same in every language.

    >>> display_amount(123450, "CNY"), display_amount(-700, "KWD")
    ('¥1,234.50', '-KWD 0.700')
    """
    sign = "-" if minor < 0 else ""
    mark = _SYMBOLS.get(currency, f"{currency} ")
    return f"{sign}{mark}{_decimal(abs(minor), currency, grouping=',')}"


def as_api(minor: int, currency: str) -> dict[str, str]:
    """Return an amount as the API writes it.

    >>> as_api(1230, "CNY")
    {'amount': '12.30', 'currency': 'CNY'}
    """
    return {"amount": format_amount(minor, currency), "currency": currency}


def _decimal(minor: int, currency: str, *, grouping: str) -> str:
    digits = minor_digits(currency)
    whole, fraction = divmod(abs(minor), 10**digits)
    text = f"{whole:{grouping}}"
    if digits:
        text += f".{fraction:0{digits}}"
    return f"-{text}" if minor < 0 else text


def round_half_up(numerator: int, denominator: int) -> int:
    """Divide and round to the nearest whole number; halves go away from zero.

    A negative amount rounds like its positive twin, so that what is given and
    what is taken back are equal.

    Raises:
        ValueError: ``denominator`` is not positive.

    >>> round_half_up(5, 2), round_half_up(-5, 2), round_half_up(4, 3)
    (3, -3, 1)
    """
    if denominator <= 0:
        raise ValueError("The denominator must be positive.")
    quotient = (2 * abs(numerator) + denominator) // (2 * denominator)
    return quotient if numerator >= 0 else -quotient


def percent_of(amount: int, bp: int) -> int:
    """Return ``bp`` basis points of ``amount``, rounded half up once (S9).

    >>> percent_of(1999, 1250)
    250
    """
    return round_half_up(amount * bp, WHOLE_BP)


def cumulative_share(total: int, taken: int, of: int) -> int:
    """Return what ``taken`` of ``of`` equal units are worth together (R2).

    Take the difference of two calls for the units of one refund: the parts then
    always add up to ``total``.

    Raises:
        ValueError: not ``0 <= taken <= of`` with ``of`` positive.

    >>> [cumulative_share(10000, k, 3) for k in (1, 2, 3)]
    [3333, 6667, 10000]
    """
    if of <= 0 or not 0 <= taken <= of:
        raise ValueError(f"{taken} of {of} units cannot be taken.")
    return round_half_up(total * taken, of)


def share(
    total: int, weights: Sequence[int], caps: Sequence[int] | None = None
) -> list[int]:
    """Split ``total`` in proportion to ``weights`` by largest remainder (S9, S10).

    Ties go to the larger weight, then to the earlier one. What a full part
    cannot take goes to the others in proportion; parts without weight take
    something only when nobody with weight can.

    Args:
        total: minor units (or points) to split, >= 0.
        weights: one per part, >= 0; all zero counts as all equal.
        caps: most that each part may take, >= 0; none means no limit.

    Returns:
        One whole number per part, in order. They add up to ``total``, or to the
        sum of ``caps`` when that is less.

    Raises:
        ValueError: something is negative, the lengths differ, or there is a
            ``total`` and nobody to take it.

    >>> share(1000, [10000, 10000, 10000]), share(1000, [3333, 3333, 3334])
    ([334, 333, 333], [333, 333, 334])
    >>> share(100, [50, 50], caps=[20, 90])
    [20, 80]
    """
    _check_shares(total, weights, caps)
    if caps is None:
        return _by_largest_remainder(total, weights) if weights else []
    parts = [0] * len(weights)
    open_parts = list(range(len(weights)))
    left = total
    while open_parts and left:
        proposal = _by_largest_remainder(left, [weights[i] for i in open_parts])
        offered = dict(zip(open_parts, proposal, strict=True))
        full = [i for i in open_parts if offered[i] >= caps[i]]
        if not any(offered[i] > caps[i] for i in full):
            for index, amount in offered.items():
                parts[index] = amount
            break
        for index in full:
            parts[index] = caps[index]
            left -= caps[index]
        open_parts = [i for i in open_parts if i not in set(full)]
    return parts


def _check_shares(
    total: int, weights: Sequence[int], caps: Sequence[int] | None
) -> None:
    if total < 0 or min(weights, default=0) < 0:
        raise ValueError("A total and its weights must not be negative.")
    if caps is not None and len(caps) != len(weights):
        raise ValueError("There must be one cap per weight.")
    if caps is not None and min(caps, default=0) < 0:
        raise ValueError("A cap must not be negative.")
    if total and not weights:
        raise ValueError("There is nobody to share with.")


def _by_largest_remainder(total: int, weights: Sequence[int]) -> list[int]:
    if len(weights) == 1:
        return [total]
    whole = sum(weights)
    if whole == 0:
        weights, whole = [1] * len(weights), len(weights)
    parts = [total * weight // whole for weight in weights]
    missing = total - sum(parts)
    if missing:
        remainders = [
            (part * whole - total * weight, -weight, index)
            for index, (part, weight) in enumerate(zip(parts, weights, strict=True))
        ]
        for _remainder, _weight, index in sorted(remainders)[:missing]:
            parts[index] += 1
    return parts
