"""What is bought together, to read."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from crm.shared.staff_lists import LedgerAdmin
from recommendations.models import BoughtTogether, Popularity


@admin.register(BoughtTogether)
class BoughtTogetherAdmin(LedgerAdmin):
    """Pairs bought by the same members more than chance would have it."""

    when_empty = _(
        "Computed every night from what members buy; the first orders fill it."
    )
    list_display = ["product", "other", "both", "buyers", "how_much"]
    list_select_related = ["product", "other"]
    search_fields = ["=product__variants__sku"]
    ordering = ["-id"]

    @admin.display(description=_("score"))
    def how_much(self, pair: BoughtTogether) -> str:
        """Return the score, as exact as anybody reads it."""
        return f"{pair.score:,.2f}"


@admin.register(Popularity)
class PopularityAdmin(LedgerAdmin):
    """Products by buyers, newer purchases counting more."""

    when_empty = _(
        "Computed every night from what members buy; the first orders fill it."
    )
    list_display = ["product", "buyers", "how_much"]
    list_select_related = ["product"]
    ordering = ["-score", "product_id"]

    @admin.display(description=_("score"), ordering="score")
    def how_much(self, product: Popularity) -> str:
        """Return the score, as exact as anybody reads it."""
        return f"{product.score:,.2f}"
