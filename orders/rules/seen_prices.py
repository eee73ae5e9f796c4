"""What a buyer saw of a price, and what is different from it now (S23). Plain Python.

What was seen is plain JSON, kept with the cart: by SKU what a unit cost and whether it
could be bought, what each offer took off, and what the buyer had asked for.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orders.rules.quotes import Quote


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is different from the price the buyer saw last.

    The amounts are what an offer takes off, or what a unit or delivery costs; None
    where there is no such thing any more, or was none.
    """

    code: str
    #: Of the offer or the article.
    name: str = ""
    sku: str = ""
    #: Kind and id of an offer.
    source: tuple[str, str] | None = None
    was_minor: int | None = None
    is_minor: int | None = None


def seen_price(
    quote: Quote,
    *,
    available: Mapping[str, bool],
    codes: Sequence[str],
    points: int,
    province: str,
) -> dict[str, Any]:
    """Return what a buyer sees of a price, as JSON.

    Args:
        available: SKU -> whether so many units of it can be bought.
        codes: those in the cart.
        points: as many as the buyer wants to spend.
        province: where it goes, as far as known.
    """
    return {
        "lines": {
            each.line.sku: [
                each.line.name,
                each.line.quantity,
                each.line.unit_price_minor,
                available[each.line.sku],
            ]
            for each in quote.lines
        },
        "offers": [
            [each.source_kind, each.source_id, each.name, each.amount_minor]
            for each in quote.applied
        ],
        # By the kind of offers that come and go with it.
        "asked": {"coupon": [*codes], "points": points},
        "to": province,
        "freight": quote.freight_minor,
    }


def changes_since(seen: Mapping[str, Any], now: Mapping[str, Any]) -> list[Change]:
    """Return what is different now: articles, then offers, then delivery.

    What follows from what the buyer did is no news: other units, codes, points or
    another destination move amounts, and an offer that was asked for comes by itself.

    Args:
        seen: see ``seen_price``; empty where nobody was shown a price.
    """
    if not seen or seen == now:
        return []
    return [*_of_lines(seen["lines"], now["lines"]), *_of_offers(seen, now)]


def _of_lines(
    seen: Mapping[str, Sequence[Any]], now: Mapping[str, Sequence[Any]]
) -> Iterator[Change]:
    for sku, (name, units, price, is_available) in now.items():
        if sku not in seen:
            continue
        _name, units_seen, price_seen, was_available = seen[sku]
        if price != price_seen:
            yield Change("price_changed", name, sku, None, price_seen, price)
        if was_available and not is_available and units <= units_seen:
            yield Change("unavailable", name, sku)


def _of_offers(seen: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Change]:
    before = {(kind, pk): (name, off) for kind, pk, name, off in seen["offers"]}
    after = {(kind, pk): (name, off) for kind, pk, name, off in now["offers"]}
    asked_anew = {
        kind for kind, told in now["asked"].items() if told != seen["asked"][kind]
    }
    is_same_cart = _cart_of(seen) == _cart_of(now)
    for source, (name, off) in before.items():
        if source[0] in asked_anew:
            continue
        if source not in after:
            yield Change("offer_gone", name, source=source, was_minor=off)
        elif is_same_cart and after[source][1] != off:
            more = after[source][1]
            yield Change("offer_changed", after[source][0], "", source, off, more)
    for source, (name, off) in after.items():
        if source not in before and source[0] not in asked_anew:
            yield Change("offer_came", name, source=source, is_minor=off)
    if is_same_cart and seen["freight"] != now["freight"]:
        costs = (seen["freight"], now["freight"])
        yield Change("freight_changed", "", "", None, *costs)


def _cart_of(price: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what the buyer decides: units, what is asked for, and where it goes."""
    units = {sku: told[1] for sku, told in price["lines"].items()}
    return units, price["asked"], price["to"]
