"""What delivery costs, province by province."""

from django import forms
from django.conf import settings
from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from crm.shared.money import display_amount
from crm.shared.staff_lists import StaffAdmin
from orders.models import FreightRule
from orders.rules.freight import region_of


class FreightRuleForm(forms.ModelForm):
    """A freight rule, with each province named once."""

    def clean_provinces(self) -> list[str]:
        """Drop what names the same province again."""
        named = {}
        for province in self.cleaned_data["provinces"]:
            named.setdefault(region_of(province), province.strip())
        return [name for region, name in named.items() if region]


@admin.register(FreightRule)
class FreightRuleAdmin(StaffAdmin):
    """Freight rules. Without any, the flat fee of the settings is charged."""

    when_empty = _("Without a rule delivery costs nothing.")
    form = FreightRuleForm
    list_display = ["name", "goes_to", "costs", "priority", "is_active"]
    search_fields = ["name"]
    ordering = ["-priority", "id"]
    fieldsets = [
        (
            None,
            {"fields": ["name", "is_active"]},
        ),
        (
            _("To these provinces"),
            {
                "description": _(
                    "Of several rules for a province the highest priority counts. A "
                    "rule without provinces is for everywhere else."
                ),
                "fields": ["provinces", "priority"],
            },
        ),
        (
            _("a delivery costs"),
            {
                "description": _(
                    "The first fee carries the first weight; each further weight, "
                    "even if only begun, costs its fee on top."
                ),
                "fields": [
                    ("first_minor", "first_grams"),
                    ("step_minor", "step_grams"),
                ],
            },
        ),
        (
            _("and nothing from a spend on"),
            {
                "description": _("Spending points does not bring the fee back."),
                "fields": ["free_from_minor"],
            },
        ),
    ]

    @admin.display(description=_("provinces"))
    def goes_to(self, rule: FreightRule) -> str:
        """Return the provinces as a sentence has them."""
        return ", ".join(rule.provinces) or str(_("everywhere else"))

    @admin.display(description=_("a delivery costs"), ordering="first_minor")
    def costs(self, rule: FreightRule) -> str:
        """Return the fee in words."""
        told = _("%(fee)s up to %(first)s g, then %(step_fee)s for each %(step)s g")
        parts = [_money(rule.first_minor)]
        if rule.step_grams:
            parts = [
                str(told)
                % {
                    "fee": _money(rule.first_minor),
                    "first": rule.first_grams,
                    "step_fee": _money(rule.step_minor),
                    "step": rule.step_grams,
                }
            ]
        if rule.free_from_minor is not None:
            parts.append(
                str(_("free from %(spend)s")) % {"spend": _money(rule.free_from_minor)}
            )
        return "; ".join(parts)


def _money(minor: int) -> str:
    return display_amount(minor, settings.SHOP_CURRENCY)
