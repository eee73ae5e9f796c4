"""A condition as a sentence, for people who never see its tree."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.utils.formats import date_format
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.shared.conditions import (
    All,
    Any_,
    Condition,
    ConditionError,
    Not,
    Question,
)
from crm.shared.money import display_amount

_SENTENCES = {
    "eq": gettext_lazy("%(field)s is %(value)s"),
    "ne": gettext_lazy("%(field)s is not %(value)s"),
    "lt": gettext_lazy("%(field)s is below %(value)s"),
    "lte": gettext_lazy("%(field)s is at most %(value)s"),
    "gt": gettext_lazy("%(field)s is above %(value)s"),
    "gte": gettext_lazy("%(field)s is at least %(value)s"),
    "between": gettext_lazy("%(field)s is from %(value)s to %(most)s"),
    "in": gettext_lazy("%(field)s is %(value)s"),
    "not_in": gettext_lazy("%(field)s is not %(value)s"),
    "known": gettext_lazy("%(field)s is known"),
    "unknown": gettext_lazy("%(field)s is not known"),
    "yes": gettext_lazy("%(field)s: yes"),
    "no": gettext_lazy("%(field)s: no"),
    "any_of": gettext_lazy("%(field)s include %(value)s"),
    "all_of": gettext_lazy("%(field)s include all of %(value)s"),
    "none_of": gettext_lazy("%(field)s include none of %(value)s"),
}
#: What people choose, by question.
QUESTION_LABELS = {
    "eq": gettext_lazy("is"),
    "ne": gettext_lazy("is not"),
    "lt": gettext_lazy("is below"),
    "lte": gettext_lazy("is at most"),
    "gt": gettext_lazy("is above"),
    "gte": gettext_lazy("is at least"),
    "between": gettext_lazy("is from … to …"),
    "in": gettext_lazy("is one of"),
    "not_in": gettext_lazy("is none of"),
    "known": gettext_lazy("is known"),
    "unknown": gettext_lazy("is not known"),
    "yes": gettext_lazy("yes"),
    "no": gettext_lazy("no"),
    "any_of": gettext_lazy("has one of"),
    "all_of": gettext_lazy("has all of"),
    "none_of": gettext_lazy("has none of"),
}
_PROBLEMS = {
    "not_a_node": gettext_lazy("This is no condition."),
    "unknown_field": gettext_lazy("Choose what to ask about."),
    "unknown_question": gettext_lazy("Choose how to compare."),
    "not_a_value": gettext_lazy("Enter a value that fits."),
    "empty": gettext_lazy("Enter at least one value."),
    "too_deep": gettext_lazy("There are too many groups inside one another."),
    "too_many": gettext_lazy("There are too many conditions or values."),
}


def words_of(condition: Condition) -> str:
    """Return a condition in one sentence without a full stop; empty for everybody."""
    if isinstance(condition, Question):
        return _question(condition)
    if isinstance(condition, Not):
        return _("not (%(condition)s)") % {"condition": words_of(condition.part)}
    assert isinstance(condition, All | Any_)
    word = _("and") if isinstance(condition, All) else _("or")
    return f" {word} ".join(_part(part) for part in condition.parts)


def problem_words(error: ConditionError) -> str:
    """Return what is wrong with a tree and how to mend it."""
    return str(_PROBLEMS[error.problem])


def _part(part: Condition) -> str:
    words = words_of(part)
    is_group = isinstance(part, All | Any_) and len(part.parts) > 1
    return f"({words})" if is_group else words


def _question(asked: Question) -> str:
    words = {"field": str(asked.field.label), "value": "", "most": ""}
    labels = dict(asked.field.choices()) if asked.field.choices else {}
    if asked.how == "between":
        words["value"], words["most"] = (
            _value(asked.field.kind, each, labels) for each in asked.value
        )
    elif asked.value is not None:
        several = asked.value if isinstance(asked.value, tuple) else (asked.value,)
        texts = [_value(asked.field.kind, each, labels) for each in several]
        words["value"] = get_text_list(texts, str(_("or")))
    return str(_SENTENCES[asked.how]) % words


def _value(kind: str, value: Any, labels: Mapping[str, Any]) -> str:
    if kind == "money":
        return display_amount(value, settings.SHOP_CURRENCY)
    if kind == "number":
        return f"{value:,d}"
    if kind == "date":
        return date_format(value)
    return str(labels.get(value, value))
