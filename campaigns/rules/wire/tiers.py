"""Tiers of a wire case as a ladder, and the metrics it asks for. Plain Python."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from campaigns.rules.wire.reading import (
    NotExpressible,
    chosen,
    known_keys,
    moment,
    number,
    whole,
)
from loyalty.rules.ladders import (
    COMPARISONS,
    DOWNGRADES,
    Ladder,
    Level,
    LevelCondition,
    Metric,
    Several,
    ordered,
)

#: Keys of ``given`` that are read here.
GIVEN = {"tiers"}
_TIERS = {"basis", "levels", "downgrade", "window"}
_LEVEL = {"id", "name", "threshold", "upgrade_when", "renew_when"}
_DOWNGRADE = {"mode", "days", "basis", "target", "reset_points"}
_METRIC = {"metric", "op", "value", "window"}
#: Modes that say when to look, and leave to ``target`` where it goes.
_AT_REVIEW = {"review", "periodic", "automatic", "every_days", "after_days"}
#: What the account itself knows, by the names a basis may have.
BALANCE = {"active_points", "points_balance", "balance", "points"}
EARNED = {
    *("earned_points", "lifetime_points", "earned", "total_earned", "lifetime_earned"),
    *("points_earned", "earned_in_window", "earned_since_last_change"),
}
SPEND = {"spend", "lifetime_spend", "total_spend", "spent", "purchases", "revenue"}
ORDERS = {"orders", "order_count", "transactions", "visits"}


@dataclass(frozen=True, slots=True)
class Happened:
    """That a metric grew, at a moment."""

    metric: str
    at: datetime
    value: Fraction


@dataclass(slots=True)
class Counters:
    """Metrics of a member: those given, and what steps added to them."""

    given: Mapping[str, Any]
    now: datetime
    happened: list[Happened] = field(default_factory=list)
    #: Since when ``earned_since_last_change`` counts.
    changed_at: datetime | None = None
    balance: Fraction = Fraction(0)

    def add(self, metric: str, value: Fraction) -> None:
        """Note that a metric grew, or with a negative value that it shrank."""
        self.happened.append(Happened(metric, self.now, value))

    def value(self, name: str, window_days: int | None = None) -> Fraction:
        """Return a metric at the moment, or what of it lies in so many days.

        One that nobody gave and no step has changed is nothing.
        """
        since = None
        if window_days is not None:
            since = self.now - timedelta(days=window_days)
        if name == "earned_since_last_change":
            since = self.changed_at
        kind = _kind(name)
        if kind == "balance" and name not in self.given:
            return self.balance
        found = self._given(name, since)
        for each in self.happened:
            if (since is None or each.at > since) and each.metric in {name, kind}:
                found += each.value
        return found

    def _given(self, name: str, since: datetime | None) -> Fraction:
        value = self.given.get(name, 0)
        if not isinstance(value, list):
            return number(value)
        dated = [(moment(e["at"]), number(e["value"])) for e in value]
        return sum(
            (v for at, v in dated if (since is None or at > since) and at <= self.now),
            Fraction(0),
        )


def _kind(name: str) -> str | None:
    for kind, names in (
        ("balance", BALANCE),
        ("earned", EARNED),
        ("spend", SPEND),
        ("orders", ORDERS),
    ):
        if name in names:
            return kind
    return None


@dataclass(frozen=True, slots=True)
class TierRules:
    """The ladder to climb, the one of reviews, and when those are."""

    ladder: Ladder
    review: Ladder
    every_days: int | None = None
    resets: bool = False
    #: A way down is named: a tier that is not kept is lost.
    has_way_down: bool = False


def rules_of(given: Mapping[str, Any], policies: Mapping[str, str]) -> TierRules:
    """Read ``tiers``.

    Raises:
        NotExpressible: it says something a ladder has no words for.
    """
    known_keys("tiers", given, _TIERS)
    down = given.get("downgrade") or {}
    if isinstance(down, str):
        down = {"mode": down}
    known_keys("downgrade", down, _DOWNGRADE)
    mode = str(down.get("mode", policies["tier.downgrade"]))
    if mode in _AT_REVIEW:
        usual = policies["tier.downgrade"]
        usual = "to_matching_tier" if usual == "never" else usual
        mode = str(down.get("target", usual))
    mode = {"matching": "to_matching_tier", "on_return": "only_on_return"}.get(
        mode, mode
    )
    basis = str(given.get("basis") or "points")
    resets = down.get("reset_points")
    return TierRules(
        ladder=_ladder(given, basis, mode),
        review=_ladder(given, str(down.get("basis") or basis), mode),
        every_days=whole(down["days"]) if "days" in down else None,
        resets=bool(resets) or policies["tier.points_reset"] == "at_review",
        has_way_down=mode not in {"never", "only_on_return"},
    )


def _ladder(given: Mapping[str, Any], basis: str, mode: str) -> Ladder:
    chosen("downgrade.mode", mode, DOWNGRADES)
    within = _days(given.get("window"))
    levels = [_level(each, basis, within) for each in given["levels"]]
    by_threshold = all("threshold" in each for each in given["levels"])
    made = ordered(levels) if by_threshold else tuple(level for _at, level in levels)
    return Ladder(made, mode)  # type: ignore[arg-type]


def _level(
    given: Mapping[str, Any], basis: str, within: int | None
) -> tuple[Fraction, Level]:
    known_keys("level", given, _LEVEL)
    threshold = number(given.get("threshold") or 0)
    upgrade: LevelCondition | None = None
    if given.get("upgrade_when"):
        upgrade = condition_of(given["upgrade_when"])
    elif threshold:
        upgrade = Metric(basis, threshold, window_days=within)
    renew = condition_of(given["renew_when"]) if given.get("renew_when") else None
    if upgrade is None and renew is not None:
        # Said only of staying: nobody climbs there by it.
        upgrade = Several((), needs_all=False)
    return threshold, Level(str(given["id"]), upgrade, renew)


def condition_of(given: Any) -> LevelCondition:
    """Return a metric condition, or several under ``any`` or ``all``."""
    if isinstance(given, Sequence) and not isinstance(given, str):
        return Several(tuple(condition_of(each) for each in given))
    for key in given.keys() & {"any", "all"}:
        known_keys("tier condition", given, {key})
        parts = tuple(condition_of(each) for each in given[key])
        return Several(parts, needs_all=key == "all")
    known_keys("tier condition", given, _METRIC)
    return Metric(
        str(given["metric"]),
        number(given["value"]),
        chosen("op", given.get("op", "gte"), COMPARISONS),
        _days(given.get("window")),
    )


def _days(given: Any) -> int | None:
    """Return a window in days: a number, ``365d``, ``12 months`` or ``{days}``.

    None is ever. A month is the twelfth part of a year of 365 days.
    """
    if given in (None, "lifetime"):
        return None
    if isinstance(given, Mapping):
        known_keys("window", given, {"days", "months", "years"})
        given = " ".join(f"{count} {unit}" for unit, count in given.items())
    match = re.fullmatch(r"(\d+)[ _]*(d|m|y)?[a-z]*", str(given).strip().lower())
    if match is None:
        raise NotExpressible(f"window {given}")
    return int(match[1]) * _UNITS[match[2] or "d"] // 12


#: Unit of a window -> twelfths of a day.
_UNITS = {"d": 12, "m": 365, "y": 12 * 365}
