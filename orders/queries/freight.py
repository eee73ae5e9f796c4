"""What delivery costs, for prices of what is in no cart."""

from orders import models
from orders.rules.freight import FreightRule


def freight_rules() -> tuple[FreightRule, ...]:
    """Return the rules in force, by priority; empty where the shop has none."""
    active = models.FreightRule.objects.filter(is_active=True)
    return tuple(
        FreightRule(
            fee_minor=rule.first_minor,
            free_from_minor=rule.free_from_minor,
            first_grams=rule.first_grams,
            step_grams=rule.step_grams,
            step_minor=rule.step_minor,
            provinces=tuple(rule.provinces),
            name=rule.name,
        )
        for rule in active.order_by("-priority", "id")
    )
