"""Which promotions of a wire case may try at all: codes, windows, limits. Plain Python.

What is turned down here is turned down before anything is priced; each with a reason
of the fixed list of the wire format.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from campaigns.rules.policies import Policies
from campaigns.rules.wire.codes import codes_of, folded, own_terms
from campaigns.rules.wire.reading import known_keys, person, texts, whole, window
from campaigns.rules.wire.uses import Budget, Budgets, Use

_LIMITS = {
    *("uses_total", "per_customer", "per_customer_promotion"),
    *("max_applications_per_order", "applications_total", "applications_per_customer"),
    *("discount_budget", "assigned_to", "release_on_cancel"),
}

#: Limits a code may have of its own.
_OF_CODE = ("uses_total", "per_customer", "assigned_to")


@dataclass(frozen=True, slots=True)
class Rejected:
    """What was turned down, and the reason."""

    reason: str
    promotion: str = ""
    code: str = ""

    def told(self) -> dict[str, str]:
        """Return it as the answer has it."""
        parts = {"id": self.promotion, "code": self.code, "reason": self.reason}
        return {key: value for key, value in parts.items() if value}


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, when and where."""

    now: datetime | None
    channel: str = ""
    currency: str = ""
    #: Every name the buyer goes by: member id, e-mail.
    names: frozenset[str] = frozenset()
    has_sale_items: bool = False


@dataclass(frozen=True, slots=True)
class Gate:
    """The rules of getting in, and what has been used so far."""

    policies: Policies
    asker: Asker
    uses: Sequence[Use] = ()
    budgets: Budgets = Budgets()
    #: Promotions that take nothing, and so no use of their campaign.
    idle: frozenset[str] = frozenset()
    #: Promotion -> codes entered for it that counted.
    entered: dict[str, str] = field(default_factory=dict)

    def admit(
        self, promotions: Iterable[Mapping[str, Any]], codes: Sequence[str]
    ) -> tuple[list[Mapping[str, Any]], list[Rejected]]:
        """Return the promotions that may try, and what was turned down."""
        listed = list(promotions)
        codes, rejected = self._codes(listed, codes)
        admitted: list[Mapping[str, Any]] = []
        for each in listed:
            own = {self._folded(code) for code in codes_of(each)}
            code = next((c for c in codes if self._folded(c) in own), "")
            if not code and (own or each.get("trigger") == "code"):
                continue
            reason = next(self.objections(each, code), None)
            if reason is None and self._is_spent(str(each["id"]), admitted):
                reason = "budget_exceeded"
            if reason is None:
                admitted.append(each)
                self.entered[str(each["id"])] = code
                if code and self.policies.code_unique == "global":
                    # A code stands for one promotion: the first that is open.
                    codes = [other for other in codes if other != code]
            else:
                rejected.append(Rejected(reason, str(each["id"]), code))
        return admitted, rejected

    def _codes(
        self, listed: Sequence[Mapping[str, Any]], codes: Sequence[str]
    ) -> tuple[list[str], list[Rejected]]:
        """Return the codes that exist, once each, and those turned down."""
        known = {self._folded(code) for each in listed for code in codes_of(each)}
        kept: list[str] = []
        rejected = []
        for code in codes:
            if self._folded(code) not in known:
                rejected.append(Rejected("unknown_code", code=code))
            elif self._folded(code) in {self._folded(each) for each in kept}:
                if self.policies.code_duplicate == "error":
                    rejected.append(Rejected("already_applied", code=code))
            else:
                kept.append(code)
        if self.policies.codes_max == "1_replace":
            # The newest of those that may in stands for them; it replaces, they not it.
            may = [code for code in kept if self._lets_in(code, listed)]
            kept = [code for code in kept if code not in may[:-1]]
        return kept, rejected

    def _lets_in(self, code: str, listed: Iterable[Mapping[str, Any]]) -> bool:
        """Tell whether a code brings a promotion that nothing speaks against."""
        name = self._folded(code)
        return any(
            next(self.objections(each, code), None) is None
            for each in listed
            if name in map(self._folded, codes_of(each))
        )

    def _folded(self, code: str) -> str:
        return folded(code, self.policies)

    def objections(self, given: Mapping[str, Any], code: str) -> Iterator[str]:
        """Say what speaks against a promotion, first things first."""
        asker = self.asker
        if given.get("active") is False:
            yield "inactive"
        if not _is_open("window", given.get("window"), asker.now):
            yield "outside_window"
        if code and not _is_open("code_window", given.get("code_window"), asker.now):
            yield "outside_window"
        if given.get("channels") and asker.channel not in texts(given["channels"]):
            yield "not_in_channel"
        currency = given.get("currency")
        if not currency and self.policies.currency_unset == "no_discount":
            yield "condition_not_met"
        if currency and currency != asker.currency:
            yield "condition_not_met"
        blocks = self.policies.discounted_items == "block_cart_code"
        if code and blocks and asker.has_sale_items and given.get("target") == "order":
            yield "sale_item_in_cart"
        yield from self._against_code(given, code)
        yield from self._over_limits(str(given["id"]), given.get("limits") or {}, code)

    def _against_code(self, given: Mapping[str, Any], code: str) -> Iterator[str]:
        """Say what speaks against a code that has terms of its own."""
        told = own_terms(given)
        own = next((told[c] for c in told if self._folded(c) == self._folded(code)), {})
        if not code or not own:
            return
        if own.get("active") is False:
            yield "inactive"
        if not _is_open("window of a code", own.get("window"), self.asker.now):
            yield "outside_window"
        if own.get("channels") and self.asker.channel not in texts(own["channels"]):
            yield "not_in_channel"
        limits = dict(own.get("limits") or {})
        limits |= {key: own[key] for key in _OF_CODE if own.get(key) is not None}
        promotion = str(given["id"])
        entered = self._folded(code)
        mine = [each for each in self.uses if each.promotion == promotion]
        uses = [each for each in mine if self._folded(each.code) == entered]
        if own.get("used"):
            uses.append(Use(promotion, count=whole(own["used"]), code=code))
        yield from replace(self, uses=uses)._over_limits(promotion, limits, code)

    def _over_limits(
        self, promotion: str, limits: Mapping[str, Any], code: str
    ) -> Iterator[str]:
        known_keys("limits", limits, _LIMITS)
        names = self.asker.names
        owners = frozenset(map(person, texts(limits.get("assigned_to"))))
        if owners and not owners & names:
            yield "customer_not_eligible" if names else "customer_unknown"
        mine = [each for each in self.uses if each.promotion == promotion]
        for key in ("uses_total", "applications_total"):
            if self._is_reached(key, limits, mine):
                yield "usage_limit_reached"
        own = [each for each in mine if each.member in names]
        entered = self._folded(code)
        by_code = [e for e in own if not e.code or self._folded(e.code) == entered]
        for key, used in (
            ("per_customer", by_code),
            ("per_customer_promotion", own),
            ("applications_per_customer", own),
        ):
            if limits.get(key) is None:
                continue
            if not names and self.policies.limits_guest == "reject_without_identity":
                yield "customer_unknown"
            if self._is_reached(key, limits, used):
                yield "customer_limit_reached"

    def _is_reached(
        self, key: str, limits: Mapping[str, Any], uses: Sequence[Use]
    ) -> bool:
        most = self._most(limits.get(key))
        if most is None:
            return False
        if key.startswith("applications"):
            return sum(each.applications for each in uses) >= most
        return sum(each.count for each in uses) >= most

    def _most(self, limit: Any) -> int | None:
        """Return a limit; None is none."""
        most = None if limit is None else whole(limit)
        if most == 0 and self.policies.limits_zero == "unlimited":
            return None
        return most

    def applications_left(self, given: Mapping[str, Any]) -> int | None:
        """Return how often a promotion may still be given; None is any number (S21)."""
        limits, names = given.get("limits") or {}, self.asker.names
        mine = [each for each in self.uses if each.promotion == str(given["id"])]
        own = [each for each in mine if each.member in names]
        left = [
            most - sum(each.applications for each in used)
            for key, used in (
                ("applications_total", mine),
                ("applications_per_customer", own),
            )
            if (most := self._most(limits.get(key))) is not None
        ]
        return max(0, min(left)) if left else None

    def money_left(self, budget: Budget | None) -> int | None:
        """Return what is left of a budget of money; None where nothing bounds it."""
        if budget is None or budget.is_of_uses:
            return None
        return budget.left(self.uses)

    def _is_spent(self, promotion: str, admitted: Iterable[Mapping[str, Any]]) -> bool:
        """Tell whether a budget is used up, by uses or by those let in before."""
        before = {str(each["id"]) for each in admitted} - self.idle
        for budget in self.budgets.of(promotion):
            taken = len(before & budget.members) if budget.is_of_uses else 0
            if budget.left(self.uses) <= taken:
                return True
        return False


def _is_open(what: str, given: Any, now: datetime | None) -> bool:
    """Tell whether a moment lies in a window; both ends are inside."""
    first, last = window(what, given)
    if now is None:
        return True
    return (first is None or first <= now) and (last is None or now <= last)
