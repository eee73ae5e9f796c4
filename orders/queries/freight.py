"""What delivery costs, for prices of what is in no cart."""

from collections.abc import Sequence
from typing import Any

from orders import models
from orders.rules.freight import FreightRule

#: Columns in the order of ``FreightRule``.
COLUMNS = (
    *("first_minor", "free_from_minor", "first_grams", "step_grams", "step_minor"),
    *("provinces", "name"),
)


def freight_rules() -> tuple[FreightRule, ...]:
    """Return the rules in force, by priority; empty where the shop has none."""
    active = models.FreightRule.objects.filter(is_active=True)
    rows = active.order_by("-priority", "id").values_list(*COLUMNS)
    return tuple(rule_of(row) for row in rows)


def rule_of(row: Sequence[Any]) -> FreightRule:
    """Return a rule from its columns."""
    first, free_from, first_grams, step_grams, step, provinces, name = row
    return FreightRule(
        fee_minor=first,
        free_from_minor=free_from,
        first_grams=first_grams,
        step_grams=step_grams,
        step_minor=step,
        provinces=tuple(provinces),
        name=name,
    )
