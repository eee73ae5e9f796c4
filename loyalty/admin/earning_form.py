"""The form of an earning rule: its condition in typed fields, never as a tree."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectMultipleWidget,
    UnfoldBooleanSwitchWidget,
)

from crm.shared.money_field import MoneyField
from crm.shared.plain_questions import answers_of, parts_of
from loyalty.earning_vocabulary import (
    WEEKDAYS,
    brand_choices,
    category_choices,
    channel_choices,
    tier_choices,
)
from loyalty.models import EarningRule
from loyalty.queries.currencies import others

#: Field of the form -> the question it asks.
_QUESTIONS = {
    "tiers": ("member.tier", "in"),
    "birthday_month": ("member.birthday_month", "yes"),
    "weekdays": ("time.weekday", "in"),
    "least_minor": ("order.amount", "gte"),
    "first_order": ("order.first", "yes"),
    "channels": ("order.channel", "in"),
    "categories": ("line.category", "any_of"),
    "brands": ("line.brand", "in"),
    "pictures": ("event.pictures", "yes"),
    "least_number": ("event.number", "gte"),
}
#: Of these the form asks only where the other occasion cannot be.
ORDER_FIELDS = ("least_minor", "first_order", "channels", "categories", "brands")
EVENT_FIELDS = ("pictures", "least_number")
_AWARDS = {
    True: {"per_amount", "per_unit", "per_order", "multiplier"},
    False: {"fixed", "dynamic", "ladder", "multiplier"},
}


def _several(label: Any, choices: Any, widget: Any) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=label, choices=choices, required=False, widget=widget
    )


def _yes(label: Any) -> forms.BooleanField:
    return forms.BooleanField(
        label=label, required=False, widget=UnfoldBooleanSwitchWidget
    )


class EarningRuleForm(forms.ModelForm):
    """A rule with what it wants as fields; all of them together must hold."""

    per_minor = MoneyField(label=gettext_lazy("spend for it"), required=False)
    tiers = _several(
        gettext_lazy("tiers"), tier_choices, UnfoldAdminCheckboxSelectMultipleWidget
    )
    birthday_month = _yes(gettext_lazy("in the month of the birthday"))
    weekdays = _several(
        gettext_lazy("days of the week"),
        lambda: [*WEEKDAYS.items()],
        UnfoldAdminCheckboxSelectMultipleWidget,
    )
    least_minor = MoneyField(label=gettext_lazy("from a spend of"), required=False)
    first_order = _yes(gettext_lazy("the first order only"))
    channels = _several(
        gettext_lazy("sales channels"),
        channel_choices,
        UnfoldAdminCheckboxSelectMultipleWidget,
    )
    categories = _several(
        gettext_lazy("categories"), category_choices, UnfoldAdminSelectMultipleWidget
    )
    brands = _several(
        gettext_lazy("brands"), brand_choices, UnfoldAdminSelectMultipleWidget
    )
    pictures = _yes(gettext_lazy("with pictures only"))
    least_number = forms.IntegerField(
        label=gettext_lazy("from the number"),
        required=False,
        min_value=1,
        widget=UnfoldAdminIntegerFieldWidget,
    )

    class Meta:
        model = EarningRule
        fields = [
            *("code", "name", "name_en", "occasion", "award", "role", "points"),
            "currency",
            *("per_minor", "bonus_bp", "ladder", "starts_at", "ends_at", "is_active"),
            *("priority", "member_cap", "cap_period", "budget"),
        ]

    def __init__(self, *args, **kwargs):
        """Fill in what the rule wants; what no field can say is kept as it is."""
        super().__init__(*args, **kwargs)
        asked, self.kept = read_tree(self.instance.condition)
        for name, value in asked.items():
            self.initial.setdefault(name, value)
        currency = self.fields.get("currency")
        if currency is not None:
            currency.queryset = others()
            currency.empty_label = _("points")

    def clean_per_minor(self) -> int:
        """Take 1.00 for nothing: other awards do not ask."""
        return self.cleaned_data["per_minor"] or 100

    def clean(self) -> dict[str, Any]:
        """Refuse what does not go together, at the field it is about."""
        found = super().clean()
        is_order = found.get("occasion") == EarningRule.Occasion.ORDER
        award = found.get("award")
        if award and award not in _AWARDS[is_order]:
            self.add_error("award", _("This award does not go with the occasion."))
        if award == EarningRule.Award.LADDER and not found.get("ladder"):
            self.add_error("ladder", _("Enter at least one value."))
        for name in EVENT_FIELDS if is_order else ORDER_FIELDS:
            if found.get(name):
                self.add_error(name, _("This does not go with the occasion."))
        starts, ends = found.get("starts_at"), found.get("ends_at")
        if starts and ends and ends <= starts:
            self.add_error("ends_at", _("A rule ends after it starts."))
        return found

    def _post_clean(self):
        """Write the condition before the rule is looked at as a whole."""
        super()._post_clean()
        self.instance.condition = tree_of(self.cleaned_data, self.kept)


def tree_of(found: dict[str, Any], kept: list[Any]) -> dict[str, Any]:
    """Return the condition that the fields of a form ask for."""
    parts = [*parts_of(found, _QUESTIONS), *kept]
    if len(parts) == 1:
        return parts[0]
    return {"all": parts} if parts else {}


def read_tree(tree: dict[str, Any]) -> tuple[dict[str, Any], list[Any]]:
    """Return what fields of the form a condition fills, and what none can say."""
    return answers_of(tree, _QUESTIONS)
