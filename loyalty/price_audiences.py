"""Tiers as the audiences of prices (``crm.wiring.PRICE_AUDIENCES``)."""

from loyalty.models import Tier


def tiers() -> list[tuple[str, str]]:
    """Return ``("tier:<code>", name)`` of every tier, lowest first."""
    rows = Tier.objects.order_by("ladder_id", "threshold_minor")
    return list({f"tier:{tier.code}": tier.label for tier in rows}.items())
