"""What delivery costs. Plain Python."""

from collections.abc import Iterable
from dataclasses import dataclass

#: What Chinese provinces are called after their name; it says nothing to a rule.
_ENDINGS = (
    *("特别行政区", "维吾尔自治区", "壮族自治区", "回族自治区", "自治区"),
    *("省", "市"),
)


@dataclass(frozen=True, slots=True)
class FreightRule:
    """A fee by weight, waived from a spend on. Amounts in minor units.

    ``fee_minor`` carries the first ``first_grams``; each further ``step_grams``, even
    if only begun, costs ``step_minor``. A step of 0 does not look at the weight.

    ``free_from_minor`` compares with goods after promotions and coupons and before
    points, so that spending points never brings the fee back; None never waives.
    ``provinces`` is empty for everywhere else.
    """

    fee_minor: int = 0
    free_from_minor: int | None = None
    first_grams: int = 0
    step_grams: int = 0
    step_minor: int = 0
    provinces: tuple[str, ...] = ()
    name: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What delivery costs, and what that was reckoned from."""

    fee_minor: int
    spend_minor: int
    grams: int
    has_goods: bool


def region_of(province: str) -> str:
    """Return a province as rules compare it: without spaces, case and its kind.

    >>> region_of("广东省"), region_of(" Guang Dong "), region_of("内蒙古自治区")
    ('广东', 'guangdong', '内蒙古')
    """
    name = "".join(province.split()).casefold()
    for ending in _ENDINGS:
        if name.endswith(ending) and len(name) > len(ending):
            return name.removesuffix(ending)
    return name


def rule_for(rules: Iterable[FreightRule], province: str) -> FreightRule | None:
    """Return the rule for a province, else the one for everywhere else, else None.

    Args:
        rules: by priority; of several that fit the first one counts.
        province: as an address has it; empty is not known yet.
    """
    region = region_of(province)
    elsewhere = None
    for rule in rules:
        if region and region in map(region_of, rule.provinces):
            return rule
        if not rule.provinces and elsewhere is None:
            elsewhere = rule
    return elsewhere


def freight_minor(
    rule: FreightRule, *, goods_minor: int, has_goods: bool, grams: int = 0
) -> int:
    """Return the fee for an order whose goods cost ``goods_minor``.

    Nothing to deliver costs nothing.

    >>> rule = FreightRule(fee_minor=1000, free_from_minor=9900)
    >>> [freight_minor(rule, goods_minor=m, has_goods=True) for m in (9899, 9900)]
    [1000, 0]
    """
    if not has_goods:
        return 0
    if rule.free_from_minor is not None and goods_minor >= rule.free_from_minor:
        return 0
    further = max(0, grams - rule.first_grams)
    if not rule.step_grams or not further:
        return rule.fee_minor
    return rule.fee_minor + -(-further // rule.step_grams) * rule.step_minor
