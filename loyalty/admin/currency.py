"""Counted currencies: configuration."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from crm.shared.staff_lists import CALM, GOOD, StaffAdmin
from loyalty.models import VALUE, Currency

_CHOICES = (("unit", "unit_en"), "resets_yearly", "is_active")


@admin.register(Currency)
class CurrencyAdmin(StaffAdmin):
    """Every currency that rules may award beside points, and qualifying value."""

    when_empty = _(
        "A counted currency, such as stars, is gathered and never spent: earning rules "
        "award it, and a ladder may count it. Add one, then a rule that awards it."
    )
    list_display = ["label", "code", "unit", "resets_yearly", "state_label"]
    search_fields = ["name", "name_en", "code"]
    actions = None
    fields = [("name", "name_en"), "code", *_CHOICES]

    def get_fields(self, request, obj=None):
        """Let only the name of qualifying value change: it is what was paid."""
        fields = super().get_fields(request, obj)
        is_first = obj is not None and obj.code == VALUE
        return [each for each in fields if not (is_first and each in _CHOICES)]

    def has_delete_permission(self, request, obj=None) -> bool:
        """Refuse: entries are in it; it is switched off instead."""
        return False

    def get_readonly_fields(self, request, obj=None):
        """Keep the code: entries and ladders name the currency by it."""
        return ["code"] if obj else []

    @admin.display(description=_("counted currency"), ordering="name")
    def label(self, currency: Currency) -> str:
        """Return the name in the language of the page."""
        return currency.label

    @display(description=_("state"), label={"active": GOOD, "inactive": CALM})
    def state_label(self, currency: Currency) -> tuple[str, str]:
        """Return whether members see it."""
        if currency.is_active:
            return "active", _("active")
        return "inactive", _("switched off")
