"""Every change of tier, to read."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from crm.shared.staff_lists import LedgerAdmin, money_column
from loyalty.models import TierChange


@admin.register(TierChange)
class TierChangeAdmin(LedgerAdmin):
    """Who moved from where to where, and why."""

    when_empty = _(
        "Each time a member climbs or falls, it stands here with the reason."
    )
    list_display = [
        "occurred_at",
        "member",
        "from_tier",
        "to_tier",
        "counted",
        "reason",
    ]
    list_select_related = ["member", "from_tier", "to_tier"]
    search_fields = ["=member__number"]
    ordering = ["-id"]

    counted = money_column("value_minor", _("value counted"), ordering=False)
