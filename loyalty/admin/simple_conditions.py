"""Conditions over members as a few plain questions: nobody types a tree."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelect2MultipleWidget,
    UnfoldAdminTextInputWidget,
)

from crm.shared import plain_questions
from crm.shared.clock import now
from crm.shared.condition_words import words_of
from crm.shared.conditions import ConditionError
from crm.shared.money_field import MoneyField
from loyalty.queries.tiers import tiers
from members.conditions import read_member_condition
from members.models import Tag

#: Field of the form -> what it asks. All of them must hold.
_ASKS = {
    "only_tiers": ("loyalty.tier", "in"),
    "only_orders": ("loyalty.orders", "gte"),
    "only_spend": ("loyalty.spend", "gte"),
    "only_tags": ("member.tags", "any_of"),
    "only_regions": ("member.region", "in"),
}
QUESTIONS = tuple(_ASKS)


class ConditionForm(forms.ModelForm):
    """A form whose ``condition`` is asked for by plain questions.

    A tree that says more than they can is kept as it is.
    """

    only_tiers = forms.MultipleChoiceField(
        label=gettext_lazy("only tiers"),
        required=False,
        widget=UnfoldAdminSelect2MultipleWidget,
    )
    only_orders = forms.IntegerField(
        label=gettext_lazy("orders at least"),
        required=False,
        min_value=1,
        widget=UnfoldAdminIntegerFieldWidget,
    )
    only_spend = MoneyField(
        label=gettext_lazy("lifetime spend at least"), required=False
    )
    only_tags = forms.MultipleChoiceField(
        label=gettext_lazy("with one of the tags"),
        required=False,
        widget=UnfoldAdminSelect2MultipleWidget,
    )
    only_regions = forms.CharField(
        label=gettext_lazy("from one of the regions"),
        required=False,
        max_length=400,
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("Names with commas between."),
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        asked = answers_of(self.instance.condition)
        self.says_more = asked is None
        for name in QUESTIONS:
            # Who may only look has no fields, and not every form asks everything.
            if name in self.fields:
                self.fields[name].disabled = self.says_more
                self.initial.setdefault(name, (asked or {}).get(name))
        if "only_tiers" in self.fields:
            self.fields["only_tiers"].choices = [
                (tier.code, tier.label) for tier in tiers()
            ]
        if "only_tags" in self.fields:
            names = Tag.objects.order_by("name").values_list("name", flat=True)
            self.fields["only_tags"].choices = [(name, name) for name in names]

    def clean(self):
        """Make the condition of the answers."""
        said = super().clean() or self.cleaned_data
        if not self.says_more and not self.errors:
            self.instance.condition = tree_of(said)
        return said


def tree_of(answers: dict[str, Any]) -> dict[str, Any]:
    """Return the condition that answers mean; empty ones ask nothing."""
    named = (answers.get("only_regions") or "").replace("，", ",").split(",")
    regions = [each.strip() for each in named if each.strip()]
    parts = plain_questions.parts_of(answers | {"only_regions": regions}, _ASKS)
    return {"all": parts} if parts else {}


def answers_of(tree: dict[str, Any]) -> dict[str, Any] | None:
    """Return the answers a condition was made of; None where it says more."""
    answers, _kept = plain_questions.answers_of(tree or {}, _ASKS)
    if "only_regions" in answers:
        answers["only_regions"] = ", ".join(answers["only_regions"])
    return answers if tree_of(answers) == (tree or {}) else None


def condition_words(tree: dict[str, Any]) -> str:
    """Return a condition in words; empty for one that asks nothing."""
    try:
        return words_of(read_member_condition(tree, now()))
    except ConditionError as error:
        return str(error)
