"""Ladders as rules see them: what is in force, and what a version would bring."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.conf import settings

from loyalty.models import Ladder, LadderVersion, Tier, VersionRung
from loyalty.rules.terms import LadderTerms, Start
from loyalty.rules.tiers import Rung

#: The ladder that prices and points go by.
MAIN_LADDER = "main"
#: What both a ladder and a version of it say.
LADDER_FIELDS = (
    *(
        "metric",
        "currency_id",
        "window",
        "window_days",
        "term",
        "period",
        "term_months",
    ),
    *("downgrade", "grace_days", "protect_days", "notice_days"),
    *("lifts_on", "gifts_of_skipped", "yearly_gifts"),
)
#: What both a tier and a rung of a version say.
RUNG_FIELDS = (
    *("code", "name", "name_en", "threshold_minor", "keep_minor", "also_metric"),
    *("also_threshold", "needs_both", "multiplier_bp", "color"),
)


@dataclass(frozen=True, slots=True)
class LadderInForce:
    """A ladder with its rules, and its tiers by code, gone ones included."""

    ladder: Ladder
    terms: LadderTerms
    tiers: dict[str, Tier]

    @property
    def is_main(self) -> bool:
        """Whether prices and points go by it."""
        return self.ladder.code == MAIN_LADDER

    def code_of(self, tier_id: int | None) -> str | None:
        """Return the code of a tier of this ladder."""
        found = (code for code, tier in self.tiers.items() if tier.pk == tier_id)
        return next(found, None)


def ladders_in_force() -> list[LadderInForce]:
    """Return every ladder that has tiers, the main one first."""
    by_ladder: dict[int, list[Tier]] = {}
    ladders: dict[int, Ladder] = {}
    for tier in Tier.objects.select_related("ladder").order_by("threshold_minor", "pk"):
        ladders.setdefault(tier.ladder_id, tier.ladder)
        by_ladder.setdefault(tier.ladder_id, []).append(tier)
    found = [
        LadderInForce(
            ladder, terms_of(ladder, rungs), {tier.code: tier for tier in rungs}
        )
        for pk, ladder in ladders.items()
        if (rungs := by_ladder[pk])
    ]
    return sorted(found, key=lambda each: (not each.is_main, each.ladder.pk))


def ladder_in_force(ladder: Ladder) -> LadderInForce:
    """Return one ladder; a new one has no tiers yet."""
    rungs = list(ladder.tiers.order_by("threshold_minor", "pk"))
    return LadderInForce(
        ladder, terms_of(ladder, rungs), {tier.code: tier for tier in rungs}
    )


def lifts_on_delivery() -> bool:
    """Whether on any ladder an order counts only when it is delivered (T4)."""
    return Ladder.objects.filter(lifts_on=Ladder.LiftsOn.DELIVERY).exists()


def main_ladder() -> LadderInForce | None:
    """Return the ladder prices and points go by, or None before it has tiers."""
    return next((each for each in ladders_in_force() if each.is_main), None)


def terms_of(ladder: Ladder, tiers: Sequence[Tier]) -> LadderTerms:
    """Return a ladder in force as rules see it."""
    rungs = tuple(rung_of(tier) for tier in tiers)
    return _terms(ladder, rungs, is_main=ladder.code == MAIN_LADDER)


def terms_of_version(
    version: LadderVersion, *, rungs: Iterable[VersionRung], tiers: Iterable[Tier]
) -> LadderTerms:
    """Return what a version would bring; tiers it leaves out are gone (T14).

    Args:
        tiers: of the ladder now, gone ones included.
    """
    held = {tier.code: tier for tier in tiers}
    new = {
        rung.code: _rung(rung, pk=held[rung.code].pk if rung.code in held else 0)
        for rung in rungs
    }
    gone = [
        _rung(tier, pk=tier.pk, is_removed=True)
        for code, tier in held.items()
        if code not in new
    ]
    by_height = sorted(
        [*new.values(), *gone],
        key=lambda rung: (rung.threshold_minor, rung.is_removed, rung.id),
    )
    is_main = version.ladder.code == MAIN_LADDER
    return _terms(version, tuple(by_height), is_main=is_main)


def start_of(version: LadderVersion) -> Start:
    """Return how a version treats who does not reach what they hold."""
    keeps = version.falls == LadderVersion.Falls.KEEP
    return Start(
        at_once=version.falls == LadderVersion.Falls.AT_ONCE,
        keep_until=version.keep_until if keeps else None,
    )


def rung_of(tier: Tier) -> Rung:
    """Return a tier as rules see it."""
    return _rung(tier, pk=tier.pk, is_removed=tier.removed_at is not None)


def _rung(row: Tier | VersionRung, *, pk: int, is_removed: bool = False) -> Rung:
    return Rung(
        id=pk,
        code=row.code,
        threshold_minor=row.threshold_minor,
        multiplier_bp=row.multiplier_bp,
        keep_minor=row.keep_minor,
        also_metric=row.also_metric,
        also_threshold=row.also_threshold,
        needs_both=row.needs_both,
        is_removed=is_removed,
    )


def _terms(
    row: Ladder | LadderVersion, rungs: tuple[Rung, ...], *, is_main: bool
) -> LadderTerms:
    said = {name: getattr(row, name) for name in LADDER_FIELDS}
    del said["currency_id"]
    # A gone rung may be the lowest one only where nothing is left below.
    return LadderTerms(
        rungs=rungs,
        zone=ZoneInfo(settings.SHOP_TIME_ZONE),
        has_floor=is_main,
        **said | {"metric": row.counts},
    )
