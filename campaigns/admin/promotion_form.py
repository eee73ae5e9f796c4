"""The form of a promotion: one for each kind, made of the fields of its recipe."""

from dataclasses import MISSING, fields
from datetime import time
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextInputWidget,
)

from campaigns.admin.promotion_fields import field_for
from campaigns.models import Budget, Promotion
from campaigns.promotion_labels import LABELS, PROBLEMS
from campaigns.rules.recipes import KINDS, BadRecipe, Beside, Goods, When
from campaigns.rules.recipes_reading import as_json, read
from crm.shared.money_field import MoneyField

_PARTS = {"goods": Goods, "when": When, "beside": Beside}
#: Steps that the form of a ladder shows at least.
_LEAST_RUNGS = 4
_MOST_FORBIDDEN = 200
_MOST_EACH = 10_000


class PromotionForm(forms.Form):
    """What a marketer says of a promotion of one kind; ``content`` is what it means."""

    name = forms.CharField(
        label=LABELS["name"], max_length=120, widget=UnfoldAdminTextInputWidget
    )
    name_en = forms.CharField(
        label=LABELS["name_en"],
        max_length=120,
        required=False,
        widget=UnfoldAdminTextInputWidget,
    )
    starts_at = forms.SplitDateTimeField(
        label=LABELS["starts_at"], widget=UnfoldAdminSplitDateTimeWidget
    )
    ends_at = forms.SplitDateTimeField(
        label=LABELS["ends_at"], required=False, widget=UnfoldAdminSplitDateTimeWidget
    )
    limit_total = forms.IntegerField(
        label=LABELS["limit_total"],
        required=False,
        min_value=1,
        max_value=2_000_000_000,
        widget=UnfoldAdminIntegerFieldWidget,
    )
    limit_units = forms.IntegerField(
        label=LABELS["limit_units"],
        required=False,
        min_value=1,
        max_value=2_000_000_000,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=gettext_lazy("Empty: as many as there are. Orders take them."),
    )
    limit_member_units = forms.IntegerField(
        label=LABELS["limit_member_units"],
        required=False,
        min_value=1,
        max_value=_MOST_EACH,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=gettext_lazy("An order of a visitor counts by itself."),
    )
    budget = forms.ModelChoiceField(
        Budget.objects.order_by("-id"),
        label=LABELS["budget_id"],
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text=gettext_lazy("Orders reserve what it takes off, and spend it."),
    )
    priority = forms.IntegerField(
        label=LABELS["priority"],
        min_value=-1_000,
        max_value=1_000,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=gettext_lazy("The highest goes first."),
    )
    exclusive_group = forms.CharField(
        label=LABELS["exclusive_group"],
        max_length=40,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy(
            "Of promotions of one group a buyer gets the best one only."
        ),
    )
    on_return = forms.ChoiceField(
        label=LABELS["on_return"],
        choices=Promotion._meta.get_field("on_return").choices,
        widget=UnfoldAdminSelectWidget,
    )

    def __init__(self, *args, kind: str, promotion: Promotion | None = None, **kwargs):
        """Make the fields of a kind, filled with what a promotion says."""
        self.kind = kind
        self.gives = KINDS[kind]
        kwargs["initial"] = initial_of(kind, promotion) | kwargs.get("initial", {})
        super().__init__(*args, **kwargs)
        if kind != Promotion.Kind.FLASH_PRICE:
            del self.fields["limit_units"], self.fields["limit_member_units"]
        self.rungs = 0
        for part, made in {"gives": self.gives, **_PARTS}.items():
            for each in fields(made):
                self._add(part, each)
        forbids = self.fields["beside_forbids"]
        if isinstance(forbids, forms.MultipleChoiceField):
            forbids.choices = _others(promotion)

    def _add(self, part: str, each: Any) -> None:
        name, path = f"{part}_{each.name}", f"{part}.{each.name}"
        if each.metadata["is"] == "rungs":
            self._add_rungs()
        elif path == "beside.forbids":
            self.fields[name] = forms.MultipleChoiceField(
                label=LABELS[path],
                required=False,
                widget=forms.SelectMultiple(attrs={"class": "cs-input"}),
            )
        else:
            self.fields[name] = field_for(path, each)

    def _add_rungs(self) -> None:
        self.rungs = max(_LEAST_RUNGS, len(self.initial.get("rungs", ())) + 1)
        labels = {
            "spend": gettext_lazy("Step %(n)s: from a spend of"),
            "off": gettext_lazy("Step %(n)s: off"),
        }
        for n in range(1, self.rungs + 1):
            for part, label in labels.items():
                field = MoneyField(label=label % {"n": n}, required=n == 1)
                self.fields[f"rung_{n}_{part}"] = field

    def clean(self) -> dict[str, Any]:
        """Refuse what does not go together, at the field it is about."""
        found = super().clean()
        starts, ends = found.get("starts_at"), found.get("ends_at")
        if starts and ends and ends <= starts:
            self.add_error("ends_at", _("A promotion ends after it starts."))
        if self.errors:
            return found
        try:
            self.recipe = read(self.kind, self._recipe_json(found))
        except BadRecipe as error:
            self._say(error)
        return found

    def _recipe_json(self, found: dict[str, Any]) -> dict[str, Any]:
        parts: dict[str, dict[str, Any]] = {}
        for part, made in {"gives": self.gives, **_PARTS}.items():
            parts[part] = {}
            for each in fields(made):
                if each.metadata["is"] == "rungs":
                    parts[part][each.name] = self._rungs(found)
                    continue
                value = found[f"{part}_{each.name}"]
                if isinstance(value, time):
                    value = f"{value:%H:%M}"
                if value is None and each.default is not MISSING:
                    continue
                parts[part][each.name] = value
        return parts

    def _rungs(self, found: dict[str, Any]) -> list[list[int]]:
        steps = []
        for n in range(1, self.rungs + 1):
            pair = [found[f"rung_{n}_spend"], found[f"rung_{n}_off"]]
            if pair == [None, None]:
                continue
            if None in pair:
                raise BadRecipe(f"rung_{n}_off", "missing")
            steps.append(pair)
        return steps

    def _say(self, error: BadRecipe) -> None:
        name = error.field.replace(".", "_", 1)
        if name == "gives_rungs":
            name = "rung_1_off"
        text = PROBLEMS.get(error.problem, error.problem)
        self.add_error(name if name in self.fields else None, ValidationError(text))

    @property
    def content(self) -> dict[str, Any]:
        """Return the content of a draft; the form is valid."""
        found = self.cleaned_data
        plain = (
            *("name", "name_en", "starts_at", "ends_at", "limit_total", "priority"),
            *("exclusive_group", "on_return"),
        )
        budget = found["budget"]
        return {
            "kind": self.kind,
            "recipe": as_json(self.recipe),
            "budget_id": None if budget is None else budget.pk,
            "limit_units": found.get("limit_units"),
            "limit_member_units": found.get("limit_member_units"),
            **{name: found[name] for name in plain},
        }

    @property
    def sections(self) -> list[tuple[str, list[forms.BoundField]]]:
        """Return the fields under the headings of the page."""
        own = {
            _("What it gives"): ("gives_", "rung_"),
            _("On which goods"): ("goods_",),
            _("When it applies"): ("when_",),
            _("Limits"): ("limit_", "budget", "beside_cap"),
            _("Beside other offers"): (
                *("beside_is", "beside_forbids", "beside_skips"),
                *("priority", "exclusive_group", "on_return"),
            ),
        }
        first = [self[name] for name in ("name", "name_en", "starts_at", "ends_at")]
        found = [(_("Name and time"), first)]
        for title, starts in own.items():
            found.append(
                (title, [self[n] for n in self.fields if n.startswith(starts)])
            )
        return found


def initial_of(kind: str, promotion: Promotion | None) -> dict[str, Any]:
    """Return what the form of a promotion shows; of none, what is usual."""
    if promotion is None:
        found: dict[str, Any] = {
            "priority": 0,
            "exclusive_group": KINDS[kind].group,
            "on_return": "keep",
        }
        parts: dict[str, Any] = {"gives": KINDS[kind], **_PARTS}
    else:
        recipe = read(promotion.kind, promotion.recipe)
        names = (
            *("name", "name_en", "starts_at", "ends_at", "limit_total", "limit_units"),
            *("limit_member_units", "budget", "priority", "exclusive_group"),
            "on_return",
        )
        found = {name: getattr(promotion, name) for name in names}
        parts = {name: getattr(recipe, name) for name in ("gives", *_PARTS)}
    for part, holder in parts.items():
        for each in fields(holder):
            value = each.default if promotion is None else getattr(holder, each.name)
            if each.metadata["is"] == "rungs":
                found |= _initial_rungs(() if value is MISSING else value)
            elif value is not MISSING and value not in (0, None, ()):
                found[f"{part}_{each.name}"] = value
    return found


def _initial_rungs(rungs: tuple[tuple[int, int], ...]) -> dict[str, Any]:
    found: dict[str, Any] = {"rungs": rungs}
    for n, (spend, off) in enumerate(rungs, start=1):
        found[f"rung_{n}_spend"], found[f"rung_{n}_off"] = spend, off
    return found


def _others(promotion: Promotion | None) -> list[tuple[str, str]]:
    """Return the promotions one may keep it apart from."""
    rows = Promotion.objects.filter(changes=None).exclude(state=Promotion.State.ENDED)
    if promotion is not None and promotion.pk:
        rows = rows.exclude(pk__in=[promotion.pk, promotion.changes_id or 0])
    return [
        (row.public_id, row.label) for row in rows.order_by("-id")[:_MOST_FORBIDDEN]
    ]
