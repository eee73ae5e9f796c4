"""Rewards of a wire case: what points buy, at the cost the shop knows. Plain Python.

A reward with a benefit becomes a promotion of the cart; one with codes gives a code.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from campaigns.rules.wire.accounts import Account
from campaigns.rules.wire.points import REWARD
from campaigns.rules.wire.reading import NotExpressible, known_keys, whole, window

_OF_PROMOTION = {"benefit", "target", "scope", "conditions", "cap"}
_KEYS = {
    *("id", "name", "cost", "codes", "per_customer", "active", "window", "currency"),
    *_OF_PROMOTION,
}


@dataclass(frozen=True, slots=True)
class Claimed:
    """A reward that was claimed, and the source of its points."""

    reward: str
    source: str
    code: str = ""


class Claims:
    """The rewards there are, what they cost now, and those claimed so far."""

    def __init__(self, given: Mapping[str, Any], account: Account) -> None:
        self.account = account
        self.rewards = {str(e.get("id", "reward")): dict(e) for e in _listed(given)}
        self._codes = {
            name: list(each["codes"])
            for name, each in self.rewards.items()
            if "codes" in each
        }
        for each in self.rewards.values():
            known_keys("reward", each, _KEYS)
        self._single = given.get("reward")
        self.claimed: list[Claimed] = []
        self.were_asked = False
        self._number = 0

    def claim(self, name: str, *, at: datetime, more: int, units: int) -> str:
        """Claim a reward, all units or none; return why not, or nothing.

        Args:
            more: points that may be spent on top of the account.
            units: how many of it.
        """
        if units < 1:
            raise ValueError(f"{units} rewards")
        self.were_asked = True
        name = name or self._only()
        reason = self._objection(name, at, units)
        reason = reason or self._shortage(name, at, more, units)
        if not reason:
            for _unit in range(units):
                self._take(name, at)
        return reason

    def _objection(self, name: str, at: datetime, units: int) -> str:
        if name not in self.rewards:
            return "unknown_code"
        reward = self.rewards[name]
        mine = [each for each in self.claimed if each.reward == name]
        first, last = window("window", reward.get("window"))
        policy = self.account.policies["reward.discount"]
        most = reward.get("per_customer")
        claimed, codes = len(mine) + units, self._codes.get(name)
        against = (
            (reward.get("active") is False, "inactive"),
            (bool(first and at < first) or bool(last and at > last), "outside_window"),
            (policy == "once_per_order" and claimed > 1, "already_applied"),
            (most is not None and claimed > whole(most), "customer_limit_reached"),
            (codes is not None and len(codes) < units, "out_of_codes"),
        )
        return next((reason for is_so, reason in against if is_so), "")

    def _shortage(self, name: str, at: datetime, more: int, units: int) -> str:
        """Return why the points do not suffice; what is replaced gives its own back."""
        book = self.account.book
        more += sum(
            part.points
            for each in self._replaced_by(name)
            for part in book.spent_for.get(each.source, ())
        )
        cost = self.account.read(self.rewards[name]["cost"])
        return self.account.refusal(cost * units, at=at, more=more)

    def _take(self, name: str, at: datetime) -> None:
        """Pay for one and keep it, in the place of what it replaces."""
        self._number += 1
        source = f"{REWARD}{name}:{self._number}"
        for each in self._replaced_by(name):
            self.account.book.roll_back(each.source)
            self.claimed.remove(each)
        cost = self.account.read(self.rewards[name]["cost"])
        self.account.book.take(cost, source=source, at=at)
        codes = self._codes.get(name)
        self.claimed.append(Claimed(name, source, str(codes.pop(0)) if codes else ""))

    def _replaced_by(self, name: str) -> list[Claimed]:
        """Return claims on the whole order that a further one replaces."""
        if self.account.policies["reward.order_discount"] != "replaced_by_next":
            return []
        if self.rewards[name].get("target") != "order":
            return []
        return [
            each
            for each in self.claimed
            if self.rewards[each.reward].get("target") == "order"
        ]

    def change_cost(self, name: str, cost: Any) -> None:
        """Change what a reward costs from now on."""
        self.rewards[name or self._only()]["cost"] = cost

    def _only(self) -> str:
        if isinstance(self._single, str):
            return self._single
        if len(self.rewards) != 1:
            raise NotExpressible("a claim that does not say of which reward")
        return next(iter(self.rewards))

    def added_to(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return a case with the benefits of claimed rewards among its promotions."""
        listed = [
            each
            for each in given.get("promotions") or ()
            if not str(each["id"]).startswith(REWARD)
        ]
        for each in self.claimed:
            reward = self.rewards[each.reward]
            parts = {key: reward[key] for key in _OF_PROMOTION if key in reward}
            if "benefit" in parts:
                listed.append({"id": each.source, "trigger": "automatic", **parts})
        return {**given, "promotions": listed}

    def answer(self) -> dict[str, Any]:
        """Return the rewards that were claimed, and their codes."""
        if not self.rewards:
            return {}
        told = [{"reward": e.reward, "code": e.code} for e in self.claimed]
        return {"claimed": [{k: v for k, v in each.items() if v} for each in told]}


def _listed(given: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    rewards = given.get("rewards") or []
    if isinstance(rewards, Mapping):
        rewards = [{"id": name, **each} for name, each in rewards.items()]
    single = given.get("reward")
    if isinstance(single, Mapping):
        rewards = [*rewards, single]
    return list(rewards)
