"""Tiers and plans as the audiences of prices (``crm.wiring.PRICE_AUDIENCES``)."""

from loyalty.models import Plan, Tier


def tiers() -> list[tuple[str, str]]:
    """Return ``("tier:<code>", name)`` of every tier, lowest first."""
    rows = Tier.objects.order_by("ladder_id", "threshold_minor")
    return list({f"tier:{tier.code}": tier.label for tier in rows}.items())


def plans() -> list[tuple[str, str]]:
    """Return ``("plan:<code>", name)`` of every paid plan."""
    return [(plan.mark, plan.label) for plan in Plan.objects.order_by("code")]
