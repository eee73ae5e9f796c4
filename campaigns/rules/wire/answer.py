"""A priced wire case in the words of ``expect``. Plain Python.

Amounts are decimal texts by line id; what differs from unit to unit is a list. A
discount is everything a promotion took off the prices that were given, those of the
catalogue included.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from campaigns.rules.wire.codes import gift_codes
from campaigns.rules.wire.history import CARD
from campaigns.rules.wire.pricing import Priced, State
from campaigns.rules.wire.reading import known_keys, moment
from orders.rules.offers import Applied
from orders.rules.quotes import NotApplied, QuoteLine
from orders.rules.taxes import Taxed, taxed
from orders.rules.units import split_evenly

#: Why an offer took nothing -> the reason the wire has for it.
_REASONS = {
    "not_for_you": "customer_not_eligible",
    "customer_unknown": "customer_unknown",
    "budget_exceeded": "budget_exceeded",
    "insufficient_points": "insufficient_points",
    **dict.fromkeys(
        ("exclusive_group", "not_combinable", "alone", "alone_saves_less"),
        "not_combinable",
    ),
    "better_without": "not_combinable",
}
_OTHERWISE = "condition_not_met"


def answer(state: State, priced: Priced) -> dict[str, Any]:
    """Return every key of ``expect`` that a priced cart has."""
    write = state.money.write
    rejected = _rejected(state, priced)
    for card in _cards(state):
        if card_refusal(state, card):
            reason = card_refusal(state, card)
            rejected.append({"code": str(card.get("code")), "reason": reason})
    totals = _totals(state, priced)
    applied = [e.source_id for e in priced.quote.applied if e.source_kind != "points"]
    if not state.has_cart:
        # Nothing to price: what was let in is all that can be said.
        applied = list(priced.admitted)
    return {
        **_lines(state, priced),
        **_promotions(state, priced),
        **{name: write(minor) for name, minor in totals.items()},
        **_stored_value(state, totals["total"]),
        "applied": applied,
        "rejected": rejected + _wallet_refused(state),
        **_allowed(state, priced, applied, rejected),
        "gift_lines": [
            {"sku": gift.sku, "qty": gift.quantity, "promotion": each.source_id}
            for each, gift in priced.quote.gifts
        ],
        "usage": _usage(state),
        "approximate": priced.quote.is_approximate,
        "trace": [_traced(state, entry) for entry in priced.quote.trace],
    }


def _lines(state: State, priced: Priced) -> dict[str, Any]:
    write, ids = state.money.write, priced.cart.ids
    lines = {ids[each.line.position]: each for each in priced.quote.lines}
    prices = {name: each.unit_nets for name, each in lines.items()}
    discounts = {name: _unit_discounts(each) for name, each in lines.items()}

    def units(amounts: tuple[int, ...]) -> Any:
        texts = [write(each) for each in amounts]
        return texts[0] if len(set(texts)) == 1 else texts

    everyone = sorted(minor for each in prices.values() for minor in each)
    return {
        "lines": {
            name: {
                "sku": each.line.sku,
                "qty": each.line.quantity,
                "gross": write(each.line.gross_minor),
                "discount": write(each.discount_minor),
                "total": write(each.net_minor),
            }
            for name, each in lines.items()
        },
        "line_discounts": {n: write(e.discount_minor) for n, e in lines.items()},
        "line_totals": {n: write(e.net_minor) for n, e in lines.items()},
        "line_discounts_unordered": [
            write(minor) for minor in sorted(e.discount_minor for e in lines.values())
        ],
        "line_discounts_approx": {n: write(e.discount_minor) for n, e in lines.items()},
        "unit_prices": {name: units(each) for name, each in prices.items()},
        "unit_discounts": {name: units(each) for name, each in discounts.items()},
        "unit_prices_multiset": [write(minor) for minor in everyone],
    }


def _unit_discounts(each: QuoteLine) -> tuple[int, ...]:
    """Return what each unit got off; parts that nobody dictated are split evenly."""
    if not each.units:
        return split_evenly(each.discount_minor, each.line.quantity)
    return tuple(each.line.unit_price_minor - left for left in each.units)


def _promotions(state: State, priced: Priced) -> dict[str, Any]:
    write, ids = state.money.write, priced.cart.ids
    applied = priced.quote.applied
    steps = {e["id"]: e for e in priced.quote.trace if e.get("result") == "applied"}
    whole = [e for e in applied if _is_whole(priced, e)]
    return {
        "promotion_discounts": {e.source_id: write(e.amount_minor) for e in applied},
        "line_discounts_by_promotion": {
            e.source_id: {ids[at]: write(minor) for at, minor in e.shares}
            for e in applied
        },
        "allocations": [
            {"promotion": e.source_id, "line": ids[at], "amount": write(minor)}
            for e in applied
            for at, minor in e.shares
        ],
        "order_discount": write(sum(minor for e in whole for _at, minor in e.shares)),
        "shipping_discounts": _by_charge(state, priced),
        "applications": {
            e.source_id: priced.applications(e.source_id) for e in applied
        },
        "discounted_units": sum(
            steps[e.source_id].get("units", 0) for e in applied if e.shares
        ),
        "budget_used": {e.source_id: write(e.amount_minor) for e in applied},
    }


def _is_whole(priced: Priced, applied: Applied) -> bool:
    if applied.source_kind == "points":
        return True
    promotion = priced.promotions.get(applied.source_id)
    return promotion is not None and promotion.is_whole


def _by_charge(state: State, priced: Priced) -> dict[str, str]:
    taken: dict[int, int] = {each.position: 0 for each in priced.cart.charges}
    for applied in priced.quote.applied:
        for position, minor in applied.charge_shares:
            taken[position] += minor
    return {priced.cart.ids[at]: state.money.write(m) for at, m in taken.items()}


def _totals(state: State, priced: Priced) -> dict[str, int]:
    """Return the sums of the order, net and gross where there is tax."""
    quote, taxes = priced.quote, priced.cart.taxes
    goods, delivery = goods_taxed(state, priced), delivery_taxed(priced)
    net = goods.net_minor + delivery.net_minor
    gross = goods.gross_minor + delivery.gross_minor
    for plain, with_tax in priced.cart.surcharges:
        net, gross = net + plain, gross + with_tax
    return {
        "discount_total": quote.discount_minor,
        "subtotal_after_discounts": quote.goods_minor - quote.discount_minor,
        "subtotal_net": goods.net_minor,
        "subtotal_gross": goods.gross_minor,
        "shipping_total": quote.freight_minor,
        "shipping_discount": quote.freight_discount_minor,
        "total_net": net,
        "total_gross": gross,
        "tax_total": gross - net if taxes.rates or priced.cart.surcharges else 0,
        "total": max(0, gross),
    }


def goods_taxed(state: State, priced: Priced) -> Taxed:
    """Return what goods cost after all offers, rounded where the policy says."""
    taxes, level = priced.cart.taxes, state.policies.rounding_level
    lines = priced.quote.lines
    if level == "per_discount_line":
        full = taxed(_amounts(lines, "gross_minor"), taxes)
        off = taxed(
            ((at, m, 0) for at, m, _q in _amounts(lines, "discount_minor")), taxes
        )
        return Taxed(full.net_minor - off.net_minor, full.gross_minor - off.gross_minor)
    if level == "unit":
        units = (
            (each.line.position, minor, 1) for each in lines for minor in each.unit_nets
        )
        return taxed(units, taxes)
    return taxed(
        ((e.line.position, e.net_minor, e.line.quantity) for e in lines),
        taxes,
        by_rate=level in {"per_tax_group", "order"},
    )


def _amounts(lines: Iterable[QuoteLine], of: str) -> list[tuple[int, int, int]]:
    return [
        (
            each.line.position,
            each.line.gross_minor if of == "gross_minor" else each.discount_minor,
            each.line.quantity,
        )
        for each in lines
    ]


def delivery_taxed(priced: Priced) -> Taxed:
    """Return what delivery costs after all offers."""
    taken: dict[int, int] = {}
    for applied in priced.quote.applied:
        for position, minor in applied.charge_shares:
            taken[position] = taken.get(position, 0) + minor
    return taxed(
        (
            (line.position, line.gross_minor - taken.get(line.position, 0), 0)
            for line in priced.cart.charges
        ),
        priced.cart.taxes,
    )


def _stored_value(state: State, total: int) -> dict[str, Any]:
    """Pay with gift cards, then with the wallet; what is left is due in money."""
    due, cards, write = total, 0, state.money.write
    for card in _cards(state):
        if not card_refusal(state, card):
            pays = min(due, state.money.read(card["balance"]))
            due, cards = due - pays, cards + pays
    wallet = 0 if _wallet_refused(state) else min(due, state.wallet_minor)
    return {
        "gift_card_paid": write(cards),
        "wallet_paid": write(wallet),
        "amount_due": write(due - wallet),
    }


def _wallet_refused(state: State) -> list[dict[str, str]]:
    """Return why a wallet that holds something pays nothing, if so."""
    reason = card_refusal(state, state.given["wallet"]) if state.wallet_minor else ""
    return [{"id": "wallet", "reason": reason}] if reason else []


def _cards(state: State) -> Iterable[Mapping[str, Any]]:
    """Yield the gift cards that are to pay: those entered, or all where none was."""
    given = state.given.get("gift_cards") or ()
    entered = set(map(state.folded, state.codes)) & gift_codes(
        state.given, state.policies
    )
    for card in given:
        known_keys("gift card", card, CARD)
        if not entered or state.folded(str(card.get("code"))) in entered:
            yield card


def card_refusal(state: State, card: Mapping[str, Any]) -> str:
    """Return why a gift card pays nothing; empty where it does."""
    currency, now = state.given.get("currency"), state.given.get("now")
    if card.get("active") is False or card.get("currency", currency) != currency:
        return "not_active"
    ends = card.get("expires_at")
    if ends and now and moment(now) > moment(ends, ends=True):
        return "not_active"
    holder = card.get("reserved_by")
    if holder is not None and str(holder) not in state.names:
        # What another order has reserved is not there for this one.
        return "no_balance"
    return "" if state.money.read(card["balance"]) > 0 else "no_balance"


def _rejected(state: State, priced: Priced) -> list[dict[str, str]]:
    found = [each.told() for each in priced.rejected]
    if not state.has_cart:
        return found
    for entry in (*priced.quote.refused, *priced.quote.skipped):
        told = {"id": entry.source_id, "reason": _reason(entry)}
        code = priced.codes.get(entry.source_id)
        found.append(told | ({"code": code} if code else {}))
    return found


def _reason(entry: NotApplied) -> str:
    return _REASONS.get(entry.why.code, _OTHERWISE)


def _allowed(
    state: State, priced: Priced, applied: list[str], rejected: list[dict[str, str]]
) -> dict[str, Any]:
    """Say of the codes entered, or of a promotion alone, whether they were let in.

    A code of several promotions is let in where one of them applies.
    """
    brought = {priced.codes[name] for name in applied if name in priced.codes}
    by_code = [
        each
        for each in rejected
        if "code" in each and not ("id" in each and each["code"] in brought)
    ]
    alone = len(state.given.get("promotions") or ()) == 1
    against = by_code if state.codes else rejected if alone else []
    reason = {"reason": against[0]["reason"]} if against else {}
    return {"allowed": not against, "eligible": not against, **reason}


def _usage(state: State) -> dict[str, int]:
    """Return how often each was used, counted as its limits count."""
    by_application = {
        str(each["id"])
        for each in state.given.get("promotions") or ()
        if (each.get("limits") or {}).keys() & _OF_APPLICATIONS
    }
    counts: dict[str, int] = {}
    for each in state.uses:
        name = each.promotion
        more = each.applications if name in by_application else each.count
        counts[name] = counts.get(name, 0) + more
    return counts


_OF_APPLICATIONS = {"applications_total", "applications_per_customer"}


def _traced(state: State, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return a step with amounts as texts and lines by their names."""
    told: dict[str, Any] = {}
    for key, value in entry.items():
        if key.endswith("_minor") and value is not None:
            told[key.removesuffix("_minor")] = state.money.write(value)
        elif isinstance(value, Mapping):
            told[key] = _traced(state, value)
        else:
            told[key] = value
    return told
