"""The form of a segment: lines of "what, how, value", joined by "and" or "or"."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.conf import settings
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from campaigns.models import Segment
from crm.shared import clock
from crm.shared.condition_words import QUESTION_LABELS, problem_words
from crm.shared.conditions import QUESTIONS, ConditionError, Field
from crm.shared.money import InvalidAmount, format_amount, parse_amount
from members.conditions import member_vocabulary, read_member_condition

LINES = 8
_JOINS = {
    "all": gettext_lazy("all of these hold"),
    "any": gettext_lazy("one of these holds"),
}
_SEVERAL = frozenset({"in", "not_in", "any_of", "all_of", "none_of", "between"})
_ALONE = frozenset({"known", "unknown", "yes", "no"})


class Unreadable(ValueError):
    """What was typed is no value of the field; the message says how to mend it."""


def fields_to_ask() -> list[tuple[str, Any]]:
    """Return what can be asked about, with an empty line first."""
    fields = member_vocabulary(clock.now()).values()
    return [("", "–"), *((field.name, field.label) for field in fields)]


def is_flat(tree: dict[str, Any]) -> bool:
    """Whether lines can show a tree: one group of questions, or none."""
    if not tree:
        return True
    parts = tree.get("all", tree.get("any"))
    return (
        isinstance(parts, list)
        and len(parts) <= LINES
        and all("field" in part for part in parts)
    )


def _line(number: int) -> dict[str, forms.Field]:
    usual: dict[str, Any] = {"required": False}
    return {
        f"field_{number}": forms.ChoiceField(
            label=_numbered(gettext_lazy("condition {number}"), number),
            choices=fields_to_ask,
            widget=UnfoldAdminSelectWidget,
            **usual,
        ),
        f"how_{number}": forms.ChoiceField(
            label=_numbered(gettext_lazy("comparison {number}"), number),
            choices=[("", "–"), *QUESTION_LABELS.items()],
            widget=UnfoldAdminSelectWidget,
            **usual,
        ),
        f"value_{number}": forms.CharField(
            label=_numbered(gettext_lazy("value {number}"), number),
            max_length=4_000,
            widget=UnfoldAdminTextInputWidget,
            **usual,
        ),
    }


def _numbered(text: Any, number: int) -> Any:
    return format_lazy(text, number=number + 1)


class _Lines(forms.ModelForm):
    """Name and lines; what they say together is the tree of the condition."""

    join = forms.ChoiceField(
        label=gettext_lazy("members for whom"),
        choices=list(_JOINS.items()),
        widget=UnfoldAdminSelectWidget,
        required=False,
    )

    class Meta:
        model = Segment
        fields = ["code", "name", "name_en", "is_active"]

    def __init__(self, *args, **kwargs):
        """Show the lines of a condition that has no groups."""
        super().__init__(*args, **kwargs)
        self.vocabulary = member_vocabulary(clock.now())
        tree = self.instance.condition
        self.is_flat = is_flat(tree)
        if self.is_flat:
            self.initial["join"] = "any" if "any" in tree else "all"
            for number, part in enumerate(tree.get("all", tree.get("any", []))):
                self.initial |= self._shown(number, part)

    def clean(self) -> dict[str, Any]:
        """Read the lines into a tree; what is wrong stands at its line."""
        cleaned = super().clean()
        if not self.is_flat:
            return cleaned
        numbers, parts = [], []
        for number, part in self._parts(cleaned):
            numbers.append(number)
            parts.append(part)
        tree = {cleaned.get("join") or "all": parts} if parts else {}
        if not self.errors:
            try:
                read_member_condition(tree, clock.now())
            except ConditionError as error:
                self._blame(error, numbers)
        self.instance.condition = tree
        return cleaned

    def _parts(self, cleaned: dict[str, Any]) -> Iterator[tuple[int, dict]]:
        for number in range(LINES):
            name = cleaned.get(f"field_{number}")
            how = cleaned.get(f"how_{number}")
            text = (cleaned.get(f"value_{number}") or "").strip()
            if not name:
                if how or text:
                    self.add_error(f"field_{number}", _("Choose what to ask about."))
                continue
            field = self.vocabulary[name]
            if how not in QUESTIONS[field.kind]:
                labels = (str(QUESTION_LABELS[each]) for each in QUESTIONS[field.kind])
                self.add_error(
                    f"how_{number}",
                    _("Choose one of: %(choices)s.") % {"choices": ", ".join(labels)},
                )
                continue
            try:
                value = _value(field, how, text)
            except Unreadable as error:
                self.add_error(f"value_{number}", str(error))
                continue
            part = {"field": name, "is": how}
            yield number, part if value is None else part | {"value": value}

    def _blame(self, error: ConditionError, numbers: list[int]) -> None:
        place, _bracket, rest = error.path.partition("[")[2].partition("]")
        if not place:
            self.add_error("join", problem_words(error))
            return
        name = "value" if "value" in rest else "field"
        self.add_error(f"{name}_{numbers[int(place)]}", problem_words(error))

    def _shown(self, number: int, part: dict[str, Any]) -> dict[str, str]:
        field = self.vocabulary.get(part["field"])
        value = part.get("value")
        several = value if isinstance(value, list) else [value]
        texts = ["" if each is None else _text(field, each) for each in several]
        return {
            f"field_{number}": part["field"],
            f"how_{number}": part["is"],
            f"value_{number}": ", ".join(texts),
        }


#: The same with its lines.
SegmentForm = type(
    "SegmentForm",
    (_Lines,),
    {
        "__doc__": "Name and lines of a segment.",
        "__module__": __name__,
        **{key: each for n in range(LINES) for key, each in _line(n).items()},
    },
)


def _text(field: Field | None, value: Any) -> str:
    if field is not None and field.kind == "money":
        return format_amount(value, settings.SHOP_CURRENCY)
    return str(value)


def _value(field: Field, how: str, text: str) -> Any:
    """Return what was typed as the tree wants it.

    Raises:
        Unreadable: saying how to mend it.
    """
    if how in _ALONE:
        if text:
            raise Unreadable(_("Leave this empty: the comparison needs no value."))
        return None
    words = [word.strip() for word in text.replace("，", ",").split(",")]
    words = [word for word in words if word]
    if not words:
        raise Unreadable(_("Enter a value that fits."))
    if how in _SEVERAL:
        return [_one(field, word) for word in words]
    if len(words) > 1:
        raise Unreadable(_("Enter one value, or choose “is one of”."))
    return _one(field, words[0])


def _one(field: Field, word: str) -> Any:
    if field.kind == "money":
        try:
            return parse_amount(word, settings.SHOP_CURRENCY)
        except InvalidAmount as error:
            raise Unreadable(_("Enter an amount such as 12.30.")) from error
    if field.kind == "number":
        try:
            return int(word)
        except ValueError as error:
            raise Unreadable(_("Enter a whole number.")) from error
    if field.choices is None:
        return word
    by_word = {}
    for code, label in field.choices():
        by_word |= {code.casefold(): code, str(label).casefold(): code}
    if word.casefold() not in by_word:
        shown = ", ".join(str(label) for _code, label in field.choices()[:20])
        raise Unreadable(_("Choose among: %(choices)s.") % {"choices": shown})
    return by_word[word.casefold()]
