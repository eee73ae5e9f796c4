"""Lines, delivery, surcharges and taxes of a wire case. Plain Python."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from campaigns.rules.policies import Policies
from campaigns.rules.rounding import rounded
from campaigns.rules.scopes import ADDON, UNDISCOUNTABLE
from campaigns.rules.wire.reading import (
    Money,
    NotExpressible,
    known_keys,
    rate,
    texts,
    whole,
)
from orders.rules.baskets import delivery_charge
from orders.rules.lines import ON_SALE, PriceLine
from orders.rules.taxes import Rate, Taxes

#: Units of a line; what takes them one by one takes its time.
_MOST_UNITS = 10_000
_LINE_KEYS = {
    *("id", "sku", "name", "unit_price", "qty", "product", "attributes", "categories"),
    *("list_price", "min_price", "tax_rate", "discountable", "parent"),
    *("parent_discountable", "event", "addon", "bundled", "on_sale", "is_delivery"),
    "line_taxes",
}
_TAX_KEYS = {
    *("prices_include_tax", "rate", "fixed_per_unit", "per_line", "line_taxes"),
}
#: What conditions may compare lines by; each becomes a mark.
_ATTRIBUTES = ("product", "event", "parent")


@dataclass(frozen=True, slots=True)
class WireCart:
    """A cart of the wire with the names its lines have there."""

    lines: tuple[PriceLine, ...]
    charges: tuple[PriceLine, ...]
    taxes: Taxes
    #: Position -> id, of lines and of charges.
    ids: Mapping[int, str]
    #: Extra amounts on the order: with and without tax.
    surcharges: tuple[tuple[int, int], ...] = ()


def cart_of(
    given: Mapping[str, Any],
    lines: Sequence[Mapping[str, Any]],
    money: Money,
    policies: Policies,
) -> WireCart:
    """Read the cart; ``lines`` are those of ``given`` as steps have changed them."""
    parents = _parents(given.get("category_tree") or {})
    made = tuple(_line(at, each, money, parents) for at, each in enumerate(lines, 1))
    charges, charge_ids = [], {}
    for number, each in enumerate(given.get("shipping") or ()):
        known_keys("shipping", each, {"id", "method", "amount", "tax_rate"})
        name = str(each.get("id", each.get("method", number)))
        charge_ids[-number] = name
        charges.append(
            delivery_charge(
                money.price(each["amount"]),
                position=-number,
                name=name,
                method=str(each.get("method", name)),
            )
        )
    ids = {at: str(each["id"]) for at, each in enumerate(lines, 1)}
    return WireCart(
        lines=made,
        charges=tuple(charges),
        taxes=_taxes(given, lines, money, policies),
        ids=ids | charge_ids,
        surcharges=tuple(
            _surcharge(each, money, policies) for each in given.get("surcharges") or ()
        ),
    )


def _line(
    position: int,
    given: Mapping[str, Any],
    money: Money,
    parents: Mapping[str, Sequence[str]],
) -> PriceLine:
    known_keys("line", given, _LINE_KEYS)
    sku = str(given.get("sku", given["id"]))
    price = money.read(given["unit_price"])
    quantity = whole(given.get("qty", 1))
    if quantity < 1 or price < 0:
        raise ValueError(f"line {given['id']}: {quantity} units at {price}")
    if quantity > _MOST_UNITS:
        raise NotExpressible(f"line {given['id']}: more than {_MOST_UNITS} units")
    kind = "delivery" if given.get("is_delivery") else "goods"
    if given.get("bundled"):
        # A part of another line's price: it counts for nothing and stays as it is.
        kind = "bundled"
    return PriceLine(
        position=position,
        variant_id=position,
        product_id=position,
        category_id=None,
        sku=sku,
        name=str(given.get("name", sku)),
        kind=kind,
        quantity=quantity,
        unit_price_minor=price,
        list_price_minor=money.price(given.get("list_price", given["unit_price"])),
        floor_minor=money.price(given.get("min_price") or 0),
        marks=_marks(given, sku, parents),
    )


def _marks(
    given: Mapping[str, Any], sku: str, parents: Mapping[str, Sequence[str]]
) -> frozenset[str]:
    marks = {f"model:{given.get('product', sku)}"}
    above = [*texts(given.get("categories"))]
    while above:
        category = above.pop()
        if f"category:{category}" not in marks:
            marks.add(f"category:{category}")
            above += parents.get(category, ())
    values = {key: given[key] for key in _ATTRIBUTES if given.get(key) is not None}
    for key, value in (values | (given.get("attributes") or {})).items():
        marks.add(f"{key}:{value}")
    flags = {
        ADDON: given.get("addon"),
        ON_SALE: given.get("on_sale"),
        UNDISCOUNTABLE: given.get("discountable") is False
        or given.get("parent_discountable") is False,
    }
    return frozenset(marks | {mark for mark, is_set in flags.items() if is_set})


def _parents(tree: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return child -> parent categories."""
    parents: dict[str, list[str]] = {}
    for parent in tree:
        for child in texts(tree[parent]):
            parents.setdefault(child, []).append(parent)
    return parents


def _taxes(
    given: Mapping[str, Any],
    lines: Sequence[Mapping[str, Any]],
    money: Money,
    policies: Policies,
) -> Taxes:
    tax = given.get("tax") or {}
    known_keys("tax", tax, _TAX_KEYS)
    includes = bool(tax.get("prices_include_tax", True))
    fixed = money.price(tax.get("fixed_per_unit") or 0)
    rates: dict[int, Rate] = {}
    for position, line in enumerate(lines, 1):
        several = _several(tax, line, position)
        if several is not None:
            rates[position] = _sum_of(several, fixed)
        elif tax or line.get("tax_rate") is not None:
            one = rate(line.get("tax_rate", tax.get("rate", 0)))
            rates[position] = _one(one, includes, fixed)
    for number, charge in enumerate(given.get("shipping") or ()):
        if charge.get("tax_rate") is not None:
            rates[-number] = _one(rate(charge["tax_rate"]), includes, 0)
    return Taxes(
        rates,
        prices="gross" if includes else "net",
        rounding=lambda amount: rounded(amount, policies),
    )


def _several(tax: Mapping[str, Any], line: Mapping[str, Any], position: int) -> Any:
    """Return the taxes of a line that has its own list of them."""
    if "line_taxes" in line:
        return line["line_taxes"]
    table = tax.get("line_taxes")
    if isinstance(table, list):
        return table[position - 1]
    return table.get(str(line["id"])) if table else None


def _one(percentage: Fraction, includes: bool, fixed: int) -> Rate:
    if includes:
        return Rate(included=percentage, fixed_minor=fixed)
    return Rate(on_top=percentage, fixed_minor=fixed)


def _sum_of(several: Sequence[Mapping[str, Any]], fixed: int) -> Rate:
    for each in several:
        known_keys("line tax", each, {"rate", "included"})
    parts = [(rate(each["rate"]), bool(each.get("included"))) for each in several]
    return Rate(
        on_top=sum((part for part, is_in in parts if not is_in), Fraction(0)),
        included=sum((part for part, is_in in parts if is_in), Fraction(0)),
        fixed_minor=fixed,
    )


def _surcharge(
    given: Mapping[str, Any], money: Money, policies: Policies
) -> tuple[int, int]:
    known_keys("surcharge", given, {"id", "name", "amount", "tax_rate", "includes_tax"})
    amount = money.read(given["amount"])
    tax = _one(rate(given.get("tax_rate") or 0), bool(given.get("includes_tax")), 0)
    sign, size = (-1 if amount < 0 else 1), Fraction(abs(amount))
    return (
        sign * rounded(tax.net(size), policies),
        sign * rounded(tax.gross(size), policies),
    )
