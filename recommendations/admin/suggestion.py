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
    list_display = ["product", "other", "both", "buyers", "score"]
    list_select_related = ["product", "other"]
    search_fields = ["=product__variants__sku"]
    ordering = ["-id"]


@admin.register(Popularity)
class PopularityAdmin(LedgerAdmin):
    """Products by buyers, newer purchases counting more."""

    when_empty = _(
        "Computed every night from what members buy; the first orders fill it."
    )
    list_display = ["product", "buyers", "score"]
    list_select_related = ["product"]
    ordering = ["-score", "product_id"]
