"""What a version of a ladder would do, as its pages show it: saved, or while typed."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.forms import BaseInlineFormSet, ModelForm
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.shared.money import display_amount
from loyalty.models import LadderVersion, VersionRung
from loyalty.queries.tier_terms import ladder_in_force, start_of, terms_of_version
from loyalty.queries.what_if import WhatIf, what_if_of
from loyalty.rules.benefit_costs import BenefitCost
from loyalty.services.versioning import faults


def effect_of(
    version: LadderVersion, rungs: Sequence[VersionRung], *, at: datetime
) -> dict[str, Any]:
    """Return who would hold what, what it costs, and why it cannot be published.

    Args:
        rungs: of the version, saved or not.
    """
    ladder = ladder_in_force(version.ladder)
    terms = terms_of_version(version, rungs=rungs, tiers=ladder.tiers.values())
    would = what_if_of(ladder, terms, start=start_of(version), at=at)
    names = {rung.code: rung.label for rung in [*ladder.tiers.values(), *rungs]}
    is_draft = version.state == LadderVersion.State.DRAFT
    return {
        "would": would,
        "share": _share(would),
        "matrix": _matrix(would, names),
        "columns": [names[code] for code in would.codes],
        "costs": list(cost_words(would.cost)),
        "faults": list(faults(version, rungs=rungs)) if is_draft else [],
        "needs_two": is_draft and would.losing > settings.LADDER_FALL_LIMIT,
    }


def typed_effect(
    form: ModelForm, rungs: BaseInlineFormSet, *, at: datetime
) -> dict[str, Any]:
    """Return the effect of what stands in a form, or what is not complete in it."""
    if not (form.is_valid() and rungs.is_valid()):
        found = [said for each in (form, *rungs) for said in _said(each)]
        return {"problems": [*found, *(("", w) for w in rungs.non_form_errors())]}
    kept = [
        each.instance
        for each in rungs.forms
        if each.has_changed() or each.instance.pk is not None
    ]
    gone = [each.instance for each in rungs.deleted_forms]
    return effect_of(form.instance, [each for each in kept if each not in gone], at=at)


def _said(form: ModelForm) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a form: label of the field, and the words."""
    for name, words in form.errors.items():
        label = str(form.fields[name].label) if name in form.fields else ""
        yield label, " ".join(str(each) for each in words)


def cost_words(cost: BenefitCost) -> list[str]:
    """Say what a year like the last one would cost more, or less."""
    words = []
    if cost.points:
        count = abs(cost.points)
        more = ngettext(
            "Orders would earn %(count)s point more, worth %(worth)s.",
            "Orders would earn %(count)s points more, worth %(worth)s.",
            count,
        )
        less = ngettext(
            "Orders would earn %(count)s point less, worth %(worth)s.",
            "Orders would earn %(count)s points less, worth %(worth)s.",
            count,
        )
        said = {"count": f"{count:,d}", "worth": _money(cost.points_minor)}
        words.append((more if cost.points > 0 else less) % said)
    if cost.prices_minor:
        more = _("Prices of tiers would take off %(worth)s more.")
        less = _("Prices of tiers would take off %(worth)s less.")
        said = {"worth": _money(cost.prices_minor)}
        words.append((more if cost.prices_minor > 0 else less) % said)
    if cost.total_minor > 0:
        total = _("In a year like the last one it costs %(worth)s.")
    elif cost.total_minor < 0:
        total = _("In a year like the last one it saves %(worth)s.")
    else:
        total = _("In a year like the last one it costs nothing.")
    return [*words, total % {"worth": _money(cost.total_minor)}]


def _money(minor: int) -> str:
    return display_amount(abs(minor), settings.SHOP_CURRENCY)


def _share(would: WhatIf) -> str:
    """Return the part of all spending that who falls brought, in percent."""
    if not would.spent_minor:
        return "0"
    return f"{would.falling_spent_minor * 100 / would.spent_minor:.1f}"


def _matrix(
    would: WhatIf, names: dict[str, str]
) -> list[tuple[str, list[tuple[int, str, bool]]]]:
    """Return a row for each present tier: members, opacity of the cell, a fall."""
    counts = {(move.from_code, move.to_code): move.members for move in would.moves}
    rows = []
    for row, held in enumerate([None, *would.codes]):
        total = sum(count for (code, _to), count in counts.items() if code == held)
        if not total:
            continue
        cells = [
            (
                counts.get((held, code), 0),
                f"{counts.get((held, code), 0) / total:.2f}",
                place < row - 1,
            )
            for place, code in enumerate(would.codes)
        ]
        rows.append((names[held] if held else "–", cells))
    return rows
