"""Conditions as the fields of a form: each field asks one question, all must hold."""

from collections.abc import Mapping
from typing import Any

#: Name of a form's field -> the field of the vocabulary, and how it is compared.
Questions = Mapping[str, tuple[str, str]]
_WITHOUT_VALUE = frozenset({"yes", "no", "known", "unknown"})


def parts_of(answers: Mapping[str, Any], questions: Questions) -> list[dict[str, Any]]:
    """Return the conditions that answers mean; empty ones ask nothing.

    >>> parts_of({"tiers": ["gold"], "least": None},
    ...          {"tiers": ("tier", "in"), "least": ("spend", "gte")})
    [{'field': 'tier', 'is': 'in', 'value': ['gold']}]
    """
    parts = []
    for name, (field, how) in questions.items():
        if value := answers.get(name):
            part: dict[str, Any] = {"field": field, "is": how}
            parts.append(part if how in _WITHOUT_VALUE else part | {"value": value})
    return parts


def answers_of(
    tree: dict[str, Any], questions: Questions
) -> tuple[dict[str, Any], list[Any]]:
    """Return the answers that make a condition, and its parts no question can say."""
    names = {question: name for name, question in questions.items()}
    answers: dict[str, Any] = {}
    kept: list[Any] = []
    for part in tree.get("all", [tree] if tree else []):
        name = names.get((part.get("field"), part.get("is")))
        if name is None or name in answers:
            kept.append(part)
        else:
            answers[name] = part.get("value", True)
    return answers, kept
