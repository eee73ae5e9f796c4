"""What a promotion of the wire format says of single units. Plain Python."""

from collections.abc import Mapping, Sequence
from typing import Any

from campaigns.rules.benefits import (
    Amount,
    Benefit,
    BuyGet,
    FirstNext,
    FixedPrice,
    FreeItem,
    QuantityGroup,
    SetPrice,
    Tiered,
)
from campaigns.rules.conditions import Condition, Quantity
from campaigns.rules.selections import Selection
from campaigns.rules.wire.conditions import Context
from campaigns.rules.wire.reading import NotExpressible, count

#: What a promotion may say of units, and what of it bounds them.
_BOUNDS = frozenset({"max_affected_units", "max_units_per_line"})
_ON_UNITS = _BOUNDS | {"select", "group_size", "max_units"}
#: What benefits make of that; others make something of all.
_HEEDED: dict[type[Benefit], frozenset[str]] = {
    BuyGet: _BOUNDS,
    QuantityGroup: _BOUNDS | {"group_size"},
    SetPrice: frozenset({"group_size"}),
    FirstNext: frozenset({"max_units"}),
    FixedPrice: frozenset(),
    FreeItem: frozenset(),
}
#: Ways of repeating that say: as often as it fits.
REPEATING = {"per_full_group", "per_condition"}


def units_for(
    made: Benefit,
    given: Mapping[str, Any],
    conditions: Sequence[Condition],
    context: Context,
) -> Selection:
    """Return which units get a benefit.

    Raises:
        NotExpressible: it does not look at units as the promotion wants it to.
    """
    benefit, heeded = given["benefit"], _heeded(made)
    for key in sorted(_ON_UNITS & {*given, *benefit} - heeded):
        raise NotExpressible(f"{key} of {benefit['type']}")
    if type(made) not in _HEEDED:
        return _selection(given, benefit, conditions, context)
    most, per_line = _bounds(given)
    return Selection(most_units=most, most_per_line=per_line)


def _heeded(made: Benefit) -> frozenset[str]:
    if isinstance(made, Tiered):
        heeded = _heeded(made.steps[0][1])
        by_line = made.by in {"line_value", "line_quantity"}
        return heeded - {"max_affected_units"} if by_line else heeded
    if isinstance(made, Amount) and made.per in {"line", "method"}:
        return frozenset()
    return _HEEDED.get(type(made), _ON_UNITS)


def _bounds(given: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """Return how many units may get it in all, and of a line; None is any number."""
    most, per_line = given.get("max_affected_units"), given.get("max_units_per_line")
    return (
        None if most is None else count(most),
        None if per_line is None else count(per_line),
    )


def _selection(
    given: Mapping[str, Any],
    benefit: Mapping[str, Any],
    conditions: Sequence[Condition],
    context: Context,
) -> Selection:
    """Return which units get the benefit: so many in all, of a line, or of a group."""
    most, per_line = _bounds(given)
    group, each = benefit.get("group_size"), benefit.get("max_units")
    repeats = repeats_of(given, context)
    if benefit["type"] == "cheapest_free" or benefit.get("select") == "cheapest_unit":
        each = count(benefit.get("qty") or each or 1)
        if group is None and (repeats is None or repeats > 1):
            # As often as the condition holds: it says how many units make a group.
            group = _group_of(conditions)
        if group is None:
            most, each = (each if most is None else min(each, most)), None
    elif "select" in benefit:
        raise NotExpressible(f"select {benefit['select']}")
    if each is not None and group is None:
        each = count(each)
        most, each = (each if most is None else min(most, each)), None
    return Selection(
        most_units=most,
        most_per_line=per_line,
        group_size=count(group or 0),
        per_group=count(each if each is not None else group or 0),
        repeats=repeats if group else None,
        dearest_first=_dearest(benefit, context),
    )


def _dearest(benefit: Mapping[str, Any], context: Context) -> bool:
    if benefit["type"] == "cheapest_free" or benefit.get("select") == "cheapest_unit":
        return False
    return context.policies.target_order == "most_expensive_first"


def _group_of(conditions: Sequence[Condition]) -> int | None:
    sizes = [each.value for each in conditions if isinstance(each, Quantity)]
    return sizes[0] if sizes else None


def repeats_of(given: Mapping[str, Any], context: Context) -> int | None:
    """Return for how many groups a benefit is given; None is for all."""
    most = (given.get("limits") or {}).get("max_applications_per_order")
    if most is not None:
        return count(most)
    asked = given["benefit"].get("repeat")
    if asked is None:
        if context.policies.application_repeat == "once_consumes_all":
            return 1
        is_grouped = "group_size" in given["benefit"]
        how = context.policies.application_repeat
        return None if is_grouped or how in REPEATING else 1
    if isinstance(asked, bool):
        return None if asked else 1
    return count(asked)
