"""Earning rules, and what they gave, in plain words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from crm.shared.condition_words import words_of
from crm.shared.conditions import Vocabulary, read_condition
from crm.shared.money import display_amount
from loyalty.earning_vocabulary import VOCABULARY
from loyalty.models import EarningRule, PointsEntry
from loyalty.queries.earning import names_of_rules
from loyalty.rules.earning import Earned

#: Why a rule did not count.
WHY_NOT = {
    "not_yet": gettext_lazy("not valid yet"),
    "over": gettext_lazy("no longer valid"),
    "condition": gettext_lazy("its condition does not hold"),
    "lower": gettext_lazy("another basic rule gives more"),
}


@dataclass(frozen=True, slots=True)
class RuleWords:
    """One line of a calculation: the rule, what it says, and what it gave."""

    name: str
    how: str
    points: int
    is_counted: bool = True


def rule_sentence(row: EarningRule, vocabulary: Vocabulary = VOCABULARY) -> str:
    """Return a rule in one sentence: what it gives, for what, when, at most.

    Args:
        vocabulary: ``remembered`` for many rules.
    """
    award = {
        "points": row.points,
        "per_minor": row.per_minor,
        "bonus_bp": row.bonus_bp,
        "ladder": row.ladder,
    }
    words = _("%(award)s, for %(occasion)s") % {
        "award": award_words(row.award, award),
        "occasion": row.get_occasion_display(),
    }
    if row.currency is not None:
        words = _("%(rule)s; in %(currency)s instead of points") % {
            "currency": row.currency.label,
            "rule": words,
        }
    condition = words_of(read_condition(row.condition, vocabulary))
    if condition:
        words = _("%(rule)s, if %(condition)s") % {
            "rule": words,
            "condition": condition,
        }
    if row.member_cap is not None:
        words = _("%(rule)s; at most %(points)s %(period)s for one member") % {
            "rule": words,
            "points": f"{row.member_cap:,d}",
            "period": row.get_cap_period_display(),
        }
    if row.budget is not None:
        words = _("%(rule)s; at most %(points)s for all members") % {
            "rule": words,
            "points": f"{row.budget:,d}",
        }
    return words


def award_words(award: str, told: Mapping[str, Any]) -> str:
    """Return what an award gives, such as "1 point for every ¥1.00"."""
    return _AWARDS[award](told)


def _points(told: Mapping[str, Any]) -> str:
    count = told.get("points", 0)
    words = ngettext("%(count)s point", "%(count)s points", count)
    return words % {"count": f"{count:,d}"}


def _per_amount(told: Mapping[str, Any]) -> str:
    amount = display_amount(told["per_minor"], settings.SHOP_CURRENCY)
    words = {"points": _points(told), "amount": amount}
    return _("%(points)s for every %(amount)s") % words


def _multiplier(told: Mapping[str, Any]) -> str:
    share = f"{told['bonus_bp'] / 100:+g}%"
    return _("%(share)s of the basic points") % {"share": share}


def _ladder(told: Mapping[str, Any]) -> str:
    steps = " → ".join(f"{each:,d}" for each in told.get("ladder", ()))
    return _("points by the day of the streak: %(steps)s") % {"steps": steps or "–"}


_AWARDS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "per_amount": _per_amount,
    "per_unit": lambda told: _("%(points)s a unit") % {"points": _points(told)},
    "per_order": _points,
    "fixed": _points,
    "dynamic": lambda told: (
        _("%(points)s times the number told") % {"points": _points(told)}
    ),
    "ladder": _ladder,
    "multiplier": _multiplier,
}


def earned_words(earned: Earned) -> list[RuleWords]:
    """Return what every rule gave, or why it gave nothing (P8)."""
    return trace_words(earned.trace(lines=False))


def entry_words(entry: PointsEntry) -> list[RuleWords]:
    """Return why an entry has its points; nothing for what no rule gave."""
    return trace_words(entry.trace)


def trace_words(trace: Mapping[str, Any]) -> list[RuleWords]:
    """Return a stored calculation in words, with the names rules have today."""
    counted, missed = trace.get("rules", []), trace.get("missed", {})
    if not counted and not missed:
        return _before_rules(trace)
    names = names_of_rules([*(rule["code"] for rule in counted), *missed])
    found = [
        RuleWords(names.get(rule["code"], rule["code"]), _how(rule), rule["points"])
        for rule in counted
    ]
    return found + [
        RuleWords(names.get(code, code), str(WHY_NOT.get(why, why)), 0, False)
        for code, why in missed.items()
    ]


def _how(rule: Mapping[str, Any]) -> str:
    if rule["award"] == "ladder":
        words = _("by the day of the streak")
    else:
        words = award_words(rule["award"], {**rule, "points": rule.get("each", 0)})
    if "capped" in rule:
        words = _("%(award)s; a cap kept back %(points)s") % {
            "award": words,
            "points": f"{rule['capped']:,d}",
        }
    return words


def _before_rules(trace: Mapping[str, Any]) -> list[RuleWords]:
    """Return how an order earned before there were rules."""
    if "minor_per_point" not in trace:
        return []
    per, basis = trace["minor_per_point"], trace["basis_minor"]
    told = {"points": 1, "per_minor": per}
    base = basis // per
    found = [RuleWords(_("Spending"), award_words("per_amount", told), base)]
    if trace["multiplier_bp"] != 10_000:
        bonus = trace["multiplier_bp"] - 10_000
        points = basis * trace["multiplier_bp"] // (per * 10_000) - base
        how = award_words("multiplier", {"bonus_bp": bonus})
        found.append(RuleWords(trace.get("tier", _("Tier")), how, points))
    return found
