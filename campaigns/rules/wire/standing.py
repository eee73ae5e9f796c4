"""The tier a member of a wire case holds, as it goes up and down. Plain Python."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from fractions import Fraction
from typing import Any

from campaigns.rules.wire import tiers
from campaigns.rules.wire.reading import NotExpressible, moment
from loyalty.rules.ladders import Standing, review_is_due


class Held:
    """A tier and the metrics it hangs on; without ``tiers`` it says nothing."""

    def __init__(
        self,
        given: Mapping[str, Any],
        member: Mapping[str, Any],
        policies: Mapping[str, str],
        now: datetime,
    ) -> None:
        self.policies = policies
        self.counters = tiers.Counters(member.get("metrics") or {}, now)
        since = member.get("tier_since")
        self.counters.changed_at = moment(since) if since else None
        self.rules = None
        if "tiers" in given:
            self.rules = tiers.rules_of(given["tiers"], policies)
        self.tier = str(member["tier"]) if member.get("tier") else None
        self.manual = str(member["manual_tier"]) if member.get("manual_tier") else None
        self.before, self.renewed = self.tier, False

    @property
    def balance(self) -> Fraction:
        """Points at the moment."""
        return self.counters.balance

    @balance.setter
    def balance(self, points: Fraction) -> None:
        self.counters.balance = points

    def climb(self) -> None:
        """Go up as far as metrics reach."""
        if self.rules is not None:
            metrics = self.counters.value
            self._set(self.rules.ladder.climbed(self.tier, metrics, manual=self.manual))

    def review(self) -> bool:
        """Look whether the tier is kept, where it is time; tell of a reset of points.

        Raises:
            NotExpressible: there are no tiers.
        """
        if self.rules is None:
            raise NotExpressible("a review without tiers")
        since, now = self.counters.changed_at, self.counters.now
        if not review_is_due(since, now, every_days=self.rules.every_days):
            return False
        metrics = self.counters.value
        self._set(self.rules.review.reviewed(self.tier, metrics, manual=self.manual))
        if self.rules.resets:
            self.counters.changed_at = now
        return self.rules.resets

    def after_return(self) -> None:
        """Look again when what may have caused a tier came back."""
        if self.rules is None:
            return
        falls = self.rules.ladder.downgrade == "only_on_return"
        if falls or self.policies["tier.on_return"] == "recalculate":
            ladder = replace(self.rules.ladder, downgrade="to_matching_tier")
            metrics = self.counters.value
            self._set(ladder.reviewed(self.tier, metrics, manual=self.manual))

    def settle(self) -> None:
        """Look once at a case that only says how things stand."""
        if self.rules is not None and self.rules.has_way_down:
            self.review()
        else:
            self.climb()

    def _set(self, found: Standing) -> None:
        if found.changed:
            self.counters.changed_at = self.counters.now
        self.tier, self.renewed = found.tier, found.renewed

    def answer(self) -> dict[str, Any]:
        """Return the tier as ``expect`` has it."""
        if self.rules is None:
            return {}
        ranks = [each.id for each in self.rules.ladder.levels]
        places = {name: rank for rank, name in enumerate(ranks)}
        return {
            "tier": self.tier,
            "changed": self.tier != self.before,
            "upgraded": places.get(self.tier or "", -1)
            > places.get(self.before or "", -1),
            "renewed": self.renewed,
        }
