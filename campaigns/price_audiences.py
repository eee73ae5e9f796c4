"""Segments as the audiences of prices (``crm.wiring.PRICE_AUDIENCES``)."""

from campaigns.models import Segment


def segments() -> list[tuple[str, str]]:
    """Return ``("segment:<code>", name)`` of every segment in use."""
    return [(each.mark, each.label) for each in Segment.objects.filter(is_active=True)]
