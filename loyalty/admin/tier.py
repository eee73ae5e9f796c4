"""Every change of tier, to read."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from crm.shared.staff_lists import LedgerAdmin
from loyalty.models import TierChange
from loyalty.tier_words import counted_words, why_changed


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
        "why",
    ]
    list_select_related = ["member", "from_tier__ladder", "to_tier__ladder"]
    search_fields = ["=member__number"]
    ordering = ["-id"]

    fields = [
        *("member", "from_tier", "to_tier", "counted", "why", "cause", "occurred_at"),
    ]

    @admin.display(description=_("value counted"))
    def counted(self, change: TierChange) -> str:
        """Return what the ladder counted then."""
        tier = change.to_tier or change.from_tier
        return counted_words(tier.ladder.counts if tier else "", change.value_minor)

    @admin.display(description=_("reason"))
    def why(self, change: TierChange) -> str:
        """Return why it changed."""
        return why_changed(change.reason)

    @admin.display(description=_("source"))
    def cause(self, change: TierChange) -> str:
        """Return which order, refund or run it was."""
        return change.reason.partition(":")[2] or "–"
