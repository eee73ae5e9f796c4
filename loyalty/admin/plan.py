"""Paid plans and what they cost: configuration."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline

from crm.shared.staff_lists import StaffAdmin
from loyalty.models import Plan, PlanPrice


class PlanPriceInline(TabularInline):
    """For how long a plan is paid, and which SKU that is."""

    model = PlanPrice
    fields = ["period", "variant"]
    extra = 0


@admin.register(Plan)
class PlanAdmin(StaffAdmin):
    """Every plan, with the SKUs that sell it."""

    when_empty = _(
        "Plans that members pay for stand here. Add a product of the kind “paid "
        "plan” with a SKU for each period first."
    )
    list_display = ["label", "code", "is_offered", "multiplier", "trial_days"]
    search_fields = ["name", "name_en", "code"]
    inlines = [PlanPriceInline]

    @admin.display(description=_("plan"), ordering="name")
    def label(self, plan: Plan) -> str:
        """Return the name in the language of the page."""
        return plan.label

    @admin.display(description=_("points multiplier"), ordering="multiplier_bp")
    def multiplier(self, plan: Plan) -> str:
        """Return the multiplier as people say it, such as 1.5×."""
        return f"{plan.multiplier_bp / 10000:g}×"
