"""Sales by day, to read."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateFilter

from crm.reports.models import DailySales
from crm.shared.staff_filters import RelatedFilter
from crm.shared.staff_lists import LedgerAdmin, money_column


@admin.register(DailySales)
class DailySalesAdmin(LedgerAdmin):
    """What each day and channel brought."""

    when_empty = _("A row a day, from the first order on.")
    list_display = [
        "day",
        "channel",
        "orders",
        "buyers",
        "sales",
        "refunds",
        "adjustments",
        "refreshed_at",
    ]
    list_select_related = ["channel"]
    list_filter = [("day", RangeDateFilter), ("channel", RelatedFilter)]
    ordering = ["-day", "channel_id"]

    sales = money_column("sales_minor", _("sales"))
    refunds = money_column("refunds_minor", _("refunds"))
    adjustments = money_column("adjustments_minor", _("adjustments"))
