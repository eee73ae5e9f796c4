"""The points program, ladders and their tiers: configuration."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline

from crm.shared.staff_lists import StaffAdmin, money_column
from loyalty.models import Ladder, Program, Tier


@admin.register(Program)
class ProgramAdmin(StaffAdmin):
    """How points are earned and what they are worth. One row."""

    list_display = ["name", "valid_months", "activation", "claw_back"]

    def has_add_permission(self, request) -> bool:
        """Allow the first program only."""
        return super().has_add_permission(request) and not Program.objects.exists()

    def has_delete_permission(self, request, obj=None) -> bool:
        """Refuse: points without a program have no value."""
        return False


class TierInline(TabularInline):
    """The rungs of a ladder."""

    model = Tier
    fields = ["code", "name", "name_en", "threshold_minor", "multiplier_bp", "color"]
    extra = 0


@admin.register(Ladder)
class LadderAdmin(StaffAdmin):
    """A ladder with its rungs."""

    list_display = ["name", "code", "window_days"]
    inlines = [TierInline]


@admin.register(Tier)
class TierAdmin(StaffAdmin):
    """Every rung of every ladder."""

    list_display = ["label", "ladder", "code", "threshold", "multiplier"]
    list_select_related = ["ladder"]
    search_fields = ["name", "name_en", "code"]

    threshold = money_column("threshold_minor", _("threshold"))

    @admin.display(description=_("tier"), ordering="name")
    def label(self, tier: Tier) -> str:
        """Return the name in the language of the page."""
        return tier.label

    @admin.display(description=_("points multiplier"), ordering="multiplier_bp")
    def multiplier(self, tier: Tier) -> str:
        """Return the multiplier as people say it, such as 1.5×."""
        return f"{tier.multiplier_bp / 10000:g}×"
