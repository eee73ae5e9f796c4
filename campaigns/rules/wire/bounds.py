"""What limits and budgets leave of a promotion for one order. Plain Python."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from campaigns.rules.benefits import Benefit, BuyGet, FreeItem, SetPrice
from campaigns.rules.policies import Policies
from campaigns.rules.promotions import Promotion
from campaigns.rules.wire.limits import Gate
from campaigns.rules.wire.reading import NotExpressible, whole

#: More often than any cart can be given something.
_WITHOUT_END = 10**9


def without_zero_limit(
    given: Mapping[str, Any], policies: Policies
) -> Mapping[str, Any]:
    """Return a promotion whose 0 applications an order are any number, by policy."""
    limits = given.get("limits") or {}
    most = limits.get("max_applications_per_order")
    if policies.limits_zero != "unlimited" or most is None or whole(most):
        return given
    endless = {**limits, "max_applications_per_order": _WITHOUT_END}
    return {**given, "limits": endless}


def bounded(promotion: Promotion, given: Mapping[str, Any], gate: Gate) -> Promotion:
    """Return a promotion that gives no more than its limits and budgets leave (S21).

    Raises:
        NotExpressible: two budgets that cannot be kept at once.
    """
    name = promotion.source_id
    own = gate.money_left(gate.budgets.own.get(name))
    campaign = gate.budgets.shared.get(name)
    shared = gate.money_left(campaign)
    if shared is None:
        promotion = replace(promotion, budget_minor=own)
    elif campaign is not None:
        cap = promotion.cap_minor
        if own is not None:
            cap = own if cap is None else min(cap, own)
            _check_own_budget(promotion)
        promotion = replace(
            promotion, budget_minor=shared, budget_id=campaign.number, cap_minor=cap
        )
    return _given_at_most(promotion, gate.applications_left(given))


def _check_own_budget(promotion: Promotion) -> None:
    """Refuse a budget of its own that a cap cannot stand for."""
    policies = promotion.policies
    taxed = promotion.taxes.rates and policies.cap_tax_basis != "same_as_prices"
    if taxed or policies.budget_overrun != "clamp":
        raise NotExpressible("a budget of its own besides that of the campaign")


def _given_at_most(promotion: Promotion, times: int | None) -> Promotion:
    """Return a promotion that is given so many times in one order at most."""
    if times is None:
        return promotion
    selection = promotion.selection
    if selection.group_size:
        selection = replace(selection, repeats=_least(selection.repeats, times))
    return replace(
        promotion,
        benefit=_repeated_at_most(promotion.benefit, times),
        selection=selection,
        most_times=_least(promotion.most_times, times),
    )


def _repeated_at_most(benefit: Benefit, times: int) -> Benefit:
    if isinstance(benefit, BuyGet | SetPrice):
        return replace(benefit, repeats=_least(benefit.repeats, times))
    if isinstance(benefit, FreeItem):
        return replace(benefit, most=_least(benefit.most, times))
    return benefit


def _least(limit: int | None, times: int) -> int:
    return times if limit is None else min(limit, times)
