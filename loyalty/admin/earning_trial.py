"""The simulator of earning rules: its form, and what it answers."""

from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from crm.shared.money_field import MoneyField
from loyalty.earning_vocabulary import (
    brand_choices,
    category_choices,
    channel_choices,
    tier_choices,
)
from loyalty.earning_words import earned_words
from loyalty.models import EarningRule
from loyalty.services.estimating import Sample, simulate_order, simulate_sample

_NONE = [("", "–")]
_AT = "%Y-%m-%dT%H:%M"


def _choice(label: Any, choices: Any) -> forms.ChoiceField:
    return forms.ChoiceField(
        label=label,
        choices=lambda: _NONE + choices(),
        required=False,
        widget=UnfoldAdminSelectWidget,
    )


class TrialForm(forms.Form):
    """A real order by its number, or a sample."""

    order_number = forms.CharField(
        label=_("Number of the order"),
        max_length=40,
        required=False,
        help_text=_("A real order; empty tries the sample below."),
        widget=UnfoldAdminTextInputWidget,
    )
    occasion = forms.ChoiceField(
        label=_("earned by"),
        choices=EarningRule.Occasion.choices,
        widget=UnfoldAdminSelectWidget,
    )
    amount_minor = MoneyField(label=_("paid for goods"), required=False)
    units = forms.IntegerField(
        label=_("pieces"),
        min_value=1,
        max_value=10_000,
        widget=UnfoldAdminIntegerFieldWidget,
    )
    number = forms.IntegerField(
        label=_("number told with the event"),
        min_value=0,
        max_value=1_000_000,
        widget=UnfoldAdminIntegerFieldWidget,
    )
    tier = _choice(_("tier"), tier_choices)
    channel = _choice(_("sales channel"), channel_choices)
    category = _choice(_("category"), category_choices)
    brand = _choice(_("brand"), brand_choices)
    is_first = forms.BooleanField(
        label=_("the first order"), required=False, widget=UnfoldBooleanSwitchWidget
    )
    at = forms.DateTimeField(
        label=_("at the time"),
        input_formats=[_AT],
        widget=UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"}),
    )

    def __init__(self, *args, rule: EarningRule | None, at: datetime, **kwargs):
        """Begin with a usual sample for the rule that is tried."""
        kwargs["initial"] = {
            "occasion": rule.occasion if rule else EarningRule.Occasion.ORDER,
            "amount_minor": 16_890,
            "units": 1,
            "number": 1,
            "at": f"{at:{_AT}}",
        }
        super().__init__(*args, **kwargs)


def trial_of(form: TrialForm, *, rule: EarningRule | None) -> dict[str, Any]:
    """Return what a valid form earns, rule by rule, and line by line.

    Raises:
        NoSuchOrder: nobody has paid an order of this number.
    """
    told = dict(form.cleaned_data)
    number = told.pop("order_number").strip()
    if number:
        earned = simulate_order(number=number, tried=rule)
    else:
        told["amount_minor"] = told["amount_minor"] or 0
        earned = simulate_sample(Sample(**told), tried=rule)
    lines = earned.by_line()
    return {
        "earned": earned,
        "rows": earned_words(earned),
        "lines": [(part, lines[part.position]) for part in earned.occurrence.parts]
        if len(lines) > 1
        else [],
    }
