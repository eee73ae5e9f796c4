"""The pricing pipeline: one pure function for preview, cart, checkout and simulation.

Stages run in a fixed order (S1): unit price, item promotions, order promotions,
coupons, freight, points; inside a stage its lanes, one after another. Thresholds
compare with the amounts on entering the lane (S7); an offer's total is shared over
its lines by largest remainder (S9) unless it says which line or unit it takes from,
and never takes a line below its floor (S10, S12, X7). Which offers apply together is
decided in ``combining``. Nothing here reads a clock or a database, so the same request
and offers give the same quote (X6).
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from orders.rules.combining import Choose, Stacking
from orders.rules.freight import FreightRule
from orders.rules.offers import (
    Offer,
    PriceRequest,
    Refused,
    Stage,
    offer_order,
)
from orders.rules.pipeline import Beginnings, Pipeline, note, run
from orders.rules.quotes import (
    FarOffers,
    NotApplied,
    Quote,
    QuoteLine,
    Unreached,
    quote_hash,
)

_SHOP = Stacking()
#: An offer that another one's being alone leaves out: skipped or refused, and why.
_LeftOut = tuple[Offer, str, Refused]


def price_cart(
    request: PriceRequest,
    offers: Iterable[Offer | FarOffers],
    refused: Iterable[NotApplied] = (),
    freight: FreightRule | None = None,
    stacking: Stacking = _SHOP,
    *,
    beginnings: Beginnings | None = None,
) -> Quote:
    """Price the lines of a request.

    Args:
        offers: what may lower the price, in any order; and what cannot, as its
            source found out, for the trace.
        refused: offers their sources turned down at once, for the trace (S25).
        freight: what delivery costs; None is free.
        stacking: how offers meet.
        beginnings: what is kept of requests that differ by their codes, or by nothing.

    Returns:
        A quote in which every offer appears once: applied, refused or skipped.
    """
    admitted: list[Offer] = []
    far: list[FarOffers] = []
    for each in offers:
        if isinstance(each, FarOffers):
            far.append(each)
        else:
            admitted.append(each)
    send = partial(
        run, request, freight=freight, stacking=stacking, beginnings=beginnings
    )
    left_out: list[_LeftOut] = []
    for stages in stacking.alone_over:
        if any(each.stage in stages and each.is_alone for each in admitted):
            admitted, out = _alone(send, admitted, stacking, stages)
            left_out += out
    work = send(admitted, far=far)
    for offer, where, why in left_out:
        note(work, work.skipped if where == "skipped" else work.refused, offer, why)
    return _quote(request, work, sorted(refused, key=_not_applied_order))


def _alone(
    send: Callable[[Iterable[Offer]], Pipeline],
    offers: Sequence[Offer],
    stacking: Stacking,
    stages: frozenset[Stage],
) -> tuple[list[Offer], list[_LeftOut]]:
    """Decide between the offers that want to be alone and all others (S4, S6).

    Args:
        send: sends offers through all stages.

    Returns:
        The offers that stay, and those that do not with the reason.
    """
    within = [each for each in offers if each.stage in stages]
    outside = [each for each in offers if each.stage not in stages]
    lonely = [each for each in within if each.is_alone]
    lonely.sort(key=lambda each: (-each.priority, each.stage, offer_order(each)))
    sociable = [each for each in within if not each.is_alone]
    together = send([*sociable, *outside])
    winner: Offer | None = None
    least = together.payable_minor
    reasons: dict[int, Refused] = {}
    for offer in lonely:
        tried = send([offer, *outside])
        why_not = _why_not(tried, offer)
        if why_not is not None:
            reasons[id(offer)] = why_not
        elif stacking.alone is Choose.FIRST:
            winner = offer
            break
        elif tried.payable_minor < least:
            winner, least = offer, tried.payable_minor
    stay = sociable if winner is None else [winner]
    # Without a winner the others together save more than any of them alone.
    by = Refused("alone_saves_less")
    if winner is not None:
        by = Refused("alone", {"with": winner.source_id})
    out: list[_LeftOut] = []
    for offer in within:
        if offer is winner or (winner is None and not offer.is_alone):
            continue
        why = reasons.get(id(offer)) or _why_not(together, offer)
        out.append((offer, "refused", why) if why else (offer, "skipped", by))
    return [*stay, *outside], out


def _why_not(work: Pipeline, offer: Offer) -> Refused | None:
    """Return why an offer took nothing by itself; None where it did or gave way."""
    name = (offer.source_kind, offer.source_id)
    for entry in work.refused:
        if (entry.source_kind, entry.source_id) == name:
            return entry.why
    for far in work.unreached:
        if any(each is offer for each in far.offers):
            return next(Unreached((offer,), far.lines).answers()).why
    return None


def _not_applied_order(entry: NotApplied) -> tuple[str, str]:
    return (entry.source_kind, entry.source_id)


def _quote(
    request: PriceRequest, work: Pipeline, turned_down: list[NotApplied]
) -> Quote:
    basket = work.basket
    left = basket.left
    lines = tuple(
        [
            QuoteLine(
                line,
                discount_minor=line.gross_minor - left[line.position],
                net_minor=left[line.position],
                units=basket.units_at(line.position),
            )
            for line in basket.goods
        ]
    )
    applied = tuple(work.applied)
    freight = sum(left[line.position] for line in basket.charges)
    charged = sum(line.gross_minor for line in basket.charges)
    return Quote(
        currency=request.currency,
        lines=lines,
        freight_minor=freight,
        applied=applied,
        turned_down=(*turned_down, *work.refused),
        skipped=tuple(work.skipped),
        steps=(*turned_down, *work.trace),
        unreached=tuple(work.unreached),
        hash=quote_hash(request, lines, freight, applied),
        free_missing_minor=work.free_missing_minor if freight else None,
        freight_discount_minor=charged - freight,
        is_approximate=work.is_approximate,
    )
