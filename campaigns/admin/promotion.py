"""Promotions."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from campaigns.models import Promotion
from crm.shared.staff_lists import BUSY, CALM, GOOD, StaffAdmin


@admin.register(Promotion)
class PromotionAdmin(StaffAdmin):
    """Spend-and-save promotions."""

    list_display = [
        "label",
        "state_label",
        "starts_at",
        "ends_at",
        "used",
        "limit_total",
        "priority",
    ]
    list_filter = [("state", ChoicesDropdownFilter)]
    search_fields = ["name", "name_en"]
    ordering = ["-id"]
    readonly_fields = ["public_id", "used"]
    fieldsets = [
        (
            None,
            {"fields": [("name", "name_en"), "state", "starts_at", "ends_at"]},
        ),
        (
            _("Reduction"),
            {
                "fields": ["rungs", ("repeats", "max_times"), "on_return"],
                "classes": ["tab"],
            },
        ),
        (
            _("Limits"),
            {
                "fields": [
                    ("limit_total", "used"),
                    ("priority", "exclusive_group"),
                    "public_id",
                ],
                "classes": ["tab"],
            },
        ),
    ]

    @admin.display(description=_("promotion"), ordering="name")
    def label(self, promotion: Promotion) -> str:
        """Return the name in the language of the page."""
        return promotion.label

    @display(
        description=_("state"),
        label={"live": GOOD, "draft": BUSY, "paused": CALM},
    )
    def state_label(self, promotion: Promotion) -> tuple[str, str]:
        """Return where it stands."""
        return promotion.state, promotion.get_state_display()
