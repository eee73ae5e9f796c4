"""Which units a condition uses up where a unit serves one offer. Plain Python."""

from collections.abc import Collection, Hashable, Sequence

from campaigns.rules.conditions import Condition, Quantity, Situation, Worth, kind_of
from campaigns.rules.selections import Unit, by_price, units_of

#: A unit of a line: the position of the line, and its place in it.
UnitKey = tuple[int, int]


def units_brought(
    condition: Condition, situation: Situation, used: Collection[UnitKey]
) -> list[UnitKey]:
    """Return the units that make a condition hold beyond those its offer uses anyway.

    Of a count the cheapest ones, of a value the dearest: no more than it needs.
    """
    if isinstance(condition, Quantity):
        return _counted(condition, situation, used)
    if isinstance(condition, Worth) and condition.op in {"gte", "gt"}:
        return _weighed(condition, situation, used)
    return []


def _counted(
    condition: Quantity, situation: Situation, used: Collection[UnitKey]
) -> list[UnitKey]:
    found = condition.scope.of(situation.lines)
    lines = {each.line.position: each for each in found}
    units = by_price(units_of(found, unused_only=True))
    attribute = condition.same or condition.distinct
    kinds: dict[Hashable, list[Unit]] = {}
    for unit in units:
        kind = kind_of(lines[unit.position], attribute) if attribute else ""
        kinds.setdefault(unit.position if condition.per_line else kind, []).append(unit)
    if condition.distinct:
        # One of each kind; where the offer uses one anyway, that one.
        units = [_first(some, used) for some in kinds.values()]
    else:
        enough = [some for some in kinds.values() if len(some) >= condition.value]
        units = max(enough, key=lambda some: _known(some, used), default=[])
    missing = condition.value - _known(units, used)
    return [unit[:2] for unit in units if unit[:2] not in used][: max(0, missing)]


def _first(units: Sequence[Unit], used: Collection[UnitKey]) -> Unit:
    return min(units, key=lambda unit: unit[:2] not in used)


def _known(units: Sequence[Unit], used: Collection[UnitKey]) -> int:
    return sum(unit[:2] in used for unit in units)


def _weighed(
    condition: Worth, situation: Situation, used: Collection[UnitKey]
) -> list[UnitKey]:
    found = condition.scope.of(situation.lines)
    free = sum([each.line.quantity - len(each.used) for each in found])
    if free == len(used):
        at_hand = {each.line.position for each in found}
        if all(position in at_hand for position, _place in used):
            # The offer uses all that there is.
            return []
    policies, taxes = situation.policies, situation.taxes
    basis = condition.basis or policies.threshold_basis
    tax_basis = condition.tax_basis or policies.threshold_tax_basis
    amounts = {
        (at, place): taxes.as_basis(at, amount, tax_basis)
        for each in found
        for at in (each.line.position,)
        for place, amount in enumerate(situation.unit_amounts(each, basis))
        if place not in each.used
    }
    # Delivery counts where the basis says so, and is no unit.
    worth = situation.worth_of((), basis, tax_basis)
    worth += sum(amount for unit, amount in amounts.items() if unit in used)
    least = condition.value_minor + (condition.op == "gt")
    brought: list[UnitKey] = []
    for unit in sorted(amounts, key=lambda unit: -amounts[unit]):
        if worth >= least:
            break
        if unit not in used:
            brought.append(unit)
            worth += amounts[unit]
    return brought
