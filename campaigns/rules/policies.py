"""What products decide differently, as data: named policies with their values.

A policy is a field here and a name with a point outside: ``rounding_mode`` is
``rounding.mode``. The first value of a field is what the neutral wire format means
when it says nothing (``WIRE``); the shop's own rules (S1-S28) are ``SHOP``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args, get_type_hints


class UnknownPolicy(ValueError):
    """A policy, or a value of one, that the engine does not know; the text names it."""


@dataclass(frozen=True, slots=True)
class Policies:
    """Every decision of pricing, codes and limits that somebody may take otherwise."""

    # Rounding and allocation.
    rounding_mode: Literal["half_up", "down", "half_down"] = "half_up"
    #: What is rounded: each line of a reduction on items and the total of one on the
    #: order (``target``), or always one of them.
    rounding_level: Literal[
        "target", "unit", "line", "order", "per_tax_group", "per_discount_line"
    ] = "target"
    rounding_currency_exponent: Literal["by_currency", "0"] = "by_currency"
    allocation_remainder: Literal[
        "largest_remainder", "last_line", "any", "first_units"
    ] = "largest_remainder"
    allocation_basis: Literal[
        "line_value", "line_value_after_catalog_discount", "line_gross_value"
    ] = "line_value"
    allocation_zero_basis: Literal["equal_shares"] = "equal_shares"
    floor_min_unit_price: Literal["respected"] = "respected"
    floor_excess: Literal["lost", "redistributed_to_other_lines"] = "lost"
    # Order of evaluation, and what goes with what.
    stacking: Literal[
        "sequential",
        "best_only_per_order",
        "best_only_per_item",
        "best_only_per_item_per_lane",
        "additive_on_original",
        "one_order_wide_percentage_best_wins",
        "one_order_wide_percentage",
        "combination_whitelist",
    ] = "sequential"
    discount_base: Literal[
        "what_is_left",
        "unit_price_less_line_discount",
        "overridden_price",
        "original_price_within_promotion",
        "list_price",
    ] = "what_is_left"
    #: A unit serves one offer of sets, one offer of any kind, or one of those that
    #: stop at so many units.
    units_consumption: Literal[
        "shared_between_promotions",
        "each_unit_counts_for_one_promotion",
        "limited_coupons_move_on",
    ] = "shared_between_promotions"
    exclusive_scope: Literal["whole_order"] = "whole_order"
    priority_direction: Literal["higher_first", "lower_first"] = "higher_first"
    evaluation_order: Literal["listed", "narrow_scope_first"] = "listed"
    discounted_items: Literal["counted", "skipped", "block_cart_code"] = "counted"
    manual_discount: Literal[
        "spread_over_goods_and_shipping", "replaces_promotions_on_line"
    ] = "spread_over_goods_and_shipping"
    discount_clamp: Literal["goods", "payable_total"] = "goods"
    # Thresholds.
    threshold_basis: Literal[
        "after_previous_discounts",
        "before_discounts",
        "after_previous_lanes",
        "total_including_shipping",
    ] = "after_previous_discounts"
    threshold_tax_basis: Literal["same_as_prices", "net", "gross"] = "same_as_prices"
    # Which units get a limited benefit.
    target_order: Literal[
        "cheapest_first",
        "most_expensive_first",
        "cheapest_of_whole_cart",
        "cheapest_first_same_pool",
    ] = "cheapest_first"
    group_formation: Literal["cheapest_of_all", "consecutive", "round_robin"] = (
        "cheapest_of_all"
    )
    #: Whether a condition on different goods only opens the offer, or whether its
    #: sets, which may grow beyond the least number, are all that gets it.
    group_distinct: Literal["opens", "sets_may_grow"] = "opens"
    application_repeat: Literal[
        "as_written",
        "per_full_group",
        "once_consumes_all",
        "once_per_line",
        "per_condition",
    ] = "as_written"
    buy_get_group_includes_target: Literal["false", "true"] = "false"
    buy_get_partial_set: Literal["none"] = "none"
    free_item_mode: Literal[
        "gift_line", "extra_unit_added", "discount_on_unit_in_cart"
    ] = "gift_line"
    quantity_group_order: Literal["line_order"] = "line_order"
    first_next_beyond_max: Literal["zero"] = "zero"
    amount_per_line: Literal["once"] = "once"
    addons: Literal["counted", "excluded"] = "counted"
    # Tax.
    discount_tax_basis: Literal["same_as_prices", "net", "gross"] = "same_as_prices"
    cap_tax_basis: Literal["same_as_prices", "net", "gross"] = "same_as_prices"
    discount_before_tax: Literal["true"] = "true"
    discount_fixed_taxes: Literal["untouched"] = "untouched"
    # Codes and limits.
    code_case: Literal["insensitive", "sensitive"] = "insensitive"
    code_duplicate: Literal["once", "error"] = "once"
    code_unique: Literal["per_channel", "global"] = "per_channel"
    codes_max: Literal["any", "1_replace"] = "any"
    #: Whether a promotion that names no currency goes with any.
    currency_unset: Literal["any", "no_discount"] = "any"
    budget_overrun: Literal["clamp", "reject_whole"] = "clamp"
    #: A promotion whose budget is spent is passed by; the answer says so.
    budget_at_limit: Literal["ignore"] = "ignore"
    limits_count_at: Literal["order_placement", "draft"] = "order_placement"
    limits_count_unit: Literal["order", "checkout"] = "order"
    limits_count_when: Literal["discount_given"] = "discount_given"
    limits_guest: Literal["counts_as_nobody", "reject_without_identity"] = (
        "counts_as_nobody"
    )
    limits_release_on_cancel: Literal["true", "false"] = "true"
    limits_zero: Literal["nothing", "unlimited"] = "nothing"
    # Stored value.
    giftcard_treated_as: Literal["payment_after_discounts"] = "payment_after_discounts"


#: What the wire format means where it says nothing.
WIRE = Policies()
#: How the shop prices: one rounding an offer (S9), thresholds on entering the stage
#: (S7), floors whose excess moves on (S10), a unit in one set at most (S15, S18).
SHOP = Policies(
    rounding_level="order",
    threshold_basis="after_previous_lanes",
    floor_excess="redistributed_to_other_lines",
    code_unique="global",
    limits_guest="reject_without_identity",
)

_VALUES = {name: get_args(hint) for name, hint in get_type_hints(Policies).items()}
#: Fields whose point does not stand after the first word.
_NAMES = {
    **{name: name for name in ("stacking", "target_order", "manual_discount")},
    **{name: name for name in ("discounted_items", "addons")},
    "buy_get_group_includes_target": "buy_get.group_includes_target",
    "buy_get_partial_set": "buy_get.partial_set",
    "free_item_mode": "free_item.mode",
    "quantity_group_order": "quantity_group.order",
    "first_next_beyond_max": "first_next.beyond_max",
}
_FIELDS = {
    _NAMES.get(each.name, each.name.replace("_", ".", 1)): each.name
    for each in fields(Policies)
}

#: Name of a policy -> its values, the first of which is that of ``WIRE``.
POLICY_VALUES = {name: _VALUES[field] for name, field in _FIELDS.items()}


def policies_of(named: Mapping[str, Any], base: Policies = WIRE) -> Policies:
    """Return policies with some of them named as the wire format does.

    Raises:
        UnknownPolicy: a name or a value that is not one of them.

    >>> policies_of({"rounding.mode": "down"}).rounding_mode
    'down'
    """
    changes: dict[str, Any] = {}
    for name, value in named.items():
        field = _FIELDS.get(name)
        if field is None:
            raise UnknownPolicy(f"policy {name}")
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if text not in POLICY_VALUES[name]:
            raise UnknownPolicy(f"policy {name}={text}")
        changes[field] = text
    return replace(base, **changes)
