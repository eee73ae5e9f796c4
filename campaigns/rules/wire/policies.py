"""Policies of points, tiers, memberships and refunds in the wire format. Plain Python.

Those of prices, codes and limits are ``campaigns.rules.policies``. The first value of
each is what the format means when it says nothing; a policy with one value is a
decision that is always taken so.
"""

from collections.abc import Mapping
from typing import Any

from campaigns.rules.wire.reading import chosen

VALUES: dict[str, tuple[str, ...]] = {
    # Earning.
    "earn.basis": (
        *("net_of_discounts", "items_total_gross", "items_total_net"),
        *("order_total_gross", "order_total_net", "gross", "before_point_rewards"),
    ),
    "points.rounding": ("floor", "floor_per_rule", "half_up", "ceil"),
    "points.fractional": ("whole", "allowed"),
    "earn.non_stackable": ("alone",),
    "earn.bonus": ("after_multipliers",),
    "earn.order_discount_on_scoped_rule": ("counted", "ignored"),
    "earn.stored_value": ("counts_as_payment",),
    # Lots and spending.
    "lots.consumption": ("earliest_expiry_first", "oldest_first"),
    "balance.negative": ("refused", "allowed"),
    "expiry.mode": ("never", "after_days", "end_of_month", "end_of_year"),
    "expiry.boundary": ("inclusive",),
    "redeem.over_balance": ("reject", "clamp"),
    "redeem.same_order_points": ("later", "usable"),
    "redeem.step": ("whole_conversion_units",),
    "reward.discount": ("any_number", "once_per_order"),
    "reward.order_discount": ("added", "replaced_by_next"),
    # Points that go back.
    "points.clawback": ("clamp_at_zero", "allow_negative"),
    "points.on_refund": ("proportional_to_value", "spent_points_returned"),
    "points.on_return": ("subtract",),
    # Tiers and memberships.
    "tier.basis": ("earned_not_reduced_by_spend", "locked_points_excluded"),
    "tier.downgrade": (
        *("never", "only_on_return", "to_matching_tier", "one_below", "lowest"),
    ),
    "tier.manual_assignment": ("acts_as_floor",),
    "tier.on_return": ("kept", "recalculate"),
    "tier.points_reset": ("never", "at_review"),
    "tier.review_start": ("last_change",),
    "expression.precedence": ("left_to_right",),
    "membership.end": ("last_day_inclusive", "like_event"),
    "membership.granted_at": ("payment",),
    "membership.unneeded_use": ("error",),
    # Refunds.
    "refund.line": ("proportional_to_qty",),
    "refund.order_discount": ("prorated_by_unit",),
    "refund.rounding": ("half_up", "down_on_sum"),
    "refund.custom_amount": ("allowed",),
    "refund.method_order": ("configured", "admin_choice", "latest_payment_first"),
    "refund.on_order_change": ("kept_shares", "recalculate_discounts_on_remainder"),
    "refund.partial_execution": ("error",),
    "refund.requires_receipt": ("false", "true"),
    "refund.window_boundary": ("inclusive", "exclusive"),
    "giftcard.reservation": ("exclusive",),
}


def taken_from(named: dict[str, Any]) -> dict[str, str]:
    """Take these policies out of all that are named; those of prices stay.

    Raises:
        NotExpressible: a value nobody knows.
    """
    found = {name: values[0] for name, values in VALUES.items()}
    for name in [name for name in named if name in VALUES]:
        value = named.pop(name)
        text = str(value).lower() if isinstance(value, bool) else str(value)
        found[name] = chosen(f"policy {name}", text, VALUES[name])
    return found


def named_in(policies: Any) -> Mapping[str, Any]:
    """Return policies by name; they may come as texts such as ``stacking=...``."""
    if isinstance(policies, Mapping):
        return policies
    pairs = (str(each).partition("=") for each in policies or ())
    return {name.strip(): value.strip() for name, _equals, value in pairs}
