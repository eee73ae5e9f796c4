"""The pricing pipeline: one pure function for preview, cart, checkout and simulation.

Stages run in a fixed order (S1): unit price, item promotions, order promotions,
coupons, freight, points; inside a stage its lanes, one after another. Thresholds
compare with the amounts on entering the lane (S7); an offer's total is shared over
its lines by largest remainder (S9) unless it says which line or unit it takes from,
and never takes a line below its floor (S10, S12, X7). Which offers apply together is
decided in ``combining``. Nothing here reads a clock or a database, so the same request
and offers give the same quote (X6).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from crm.shared.money import share
from orders.rules.baskets import Basket, Taking
from orders.rules.combining import Choose, Stacking, choose, winner_over
from orders.rules.freight import FreightRule
from orders.rules.gifts import listed_worth
from orders.rules.offers import (
    FREIGHT_KIND,
    Applied,
    Offer,
    PriceLine,
    PriceRequest,
    Reduction,
    Refused,
    Stage,
    StageLines,
    least_minor,
    offer_order,
    trait,
)
from orders.rules.quotes import (
    FarOffers,
    NotApplied,
    Quote,
    QuoteLine,
    Unreached,
    quote_hash,
)
from orders.rules.searching import Company, ask

_GOODS = frozenset({"goods"})
_WORDS = {stage: stage.name.lower() for stage in Stage}
_SHOP = Stacking()
#: An offer that another one's being alone leaves out: skipped or refused, and why.
_LeftOut = tuple[Offer, str, Refused]


def price_cart(
    request: PriceRequest,
    offers: Iterable[Offer | FarOffers],
    refused: Iterable[NotApplied] = (),
    freight: FreightRule | None = None,
    stacking: Stacking = _SHOP,
) -> Quote:
    """Price the lines of a request.

    Args:
        offers: what may lower the price, in any order; and what cannot, as its
            source found out, for the trace.
        refused: offers their sources turned down at once, for the trace (S25).
        freight: what delivery costs; None is free.
        stacking: how offers meet.

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
    left_out: list[_LeftOut] = []
    for stages in stacking.alone_over:
        if any(each.stage in stages and trait(each, "is_alone") for each in admitted):
            admitted, out = _alone(request, admitted, freight, stacking, stages)
            left_out += out
    work = _run(request, admitted, freight, stacking, far)
    for offer, where, why in left_out:
        _note(work, work.skipped if where == "skipped" else work.refused, offer, why)
    return _quote(request, work, sorted(refused, key=_not_applied_order))


@dataclass(slots=True)
class _Pipeline:
    """What the stages work on: what is left of each line, and the outcome so far."""

    basket: Basket
    stacking: Stacking
    company: Company = field(default_factory=Company)
    #: What is missing to get freight waived; None where nothing would waive it.
    free_missing_minor: int | None = None
    #: What is to be paid in money before points, less what gifts are worth.
    payable_minor: int = 0
    is_approximate: bool = False
    applied: list[Applied] = field(default_factory=list)
    refused: list[NotApplied] = field(default_factory=list)
    skipped: list[NotApplied] = field(default_factory=list)
    unreached: list[Unreached] = field(default_factory=list)
    trace: list[dict[str, Any]] = field(default_factory=list)


def _run(
    request: PriceRequest,
    offers: Iterable[Offer],
    freight: FreightRule | None,
    stacking: Stacking,
    far: Sequence[FarOffers] = (),
) -> _Pipeline:
    """Send a request through all stages."""
    basket = Basket.of(request)
    made = [_price_entry(line) for line in basket.goods if line.price_kind != "list"]
    work = _Pipeline(basket, stacking, trace=made)
    lanes: dict[Stage, dict[int, list[Offer]]] = {stage: {} for stage in Stage}
    for offer in offers:
        lanes[offer.stage].setdefault(trait(offer, "lane"), []).append(offer)
    for stage in sorted(Stage):
        if stage is Stage.FREIGHT and not request.charges:
            _freight(work, freight or FreightRule())
        if stage is Stage.POINTS:
            gifts = (gift for each in work.applied for gift in each.gifts)
            work.payable_minor = sum(basket.left.values()) - listed_worth(gifts)
        for each in (one for one in far if one.stage is stage):
            lines = basket.at(stage, dict(basket.left))
            work.unreached.append(Unreached((), lines, each))
        for lane in sorted(lanes[stage]):
            _run_lane(work, stage, lanes[stage][lane])
        if stage is Stage.PRICE:
            basket.open_prices()
    return work


def _alone(
    request: PriceRequest,
    offers: Sequence[Offer],
    freight: FreightRule | None,
    stacking: Stacking,
    stages: frozenset[Stage],
) -> tuple[list[Offer], list[_LeftOut]]:
    """Decide between the offers that want to be alone and all others (S4, S6).

    Returns:
        The offers that stay, and those that do not with the reason.
    """
    within = [each for each in offers if each.stage in stages]
    outside = [each for each in offers if each.stage not in stages]
    lonely = [each for each in within if trait(each, "is_alone")]
    lonely.sort(key=lambda each: (-each.priority, each.stage, offer_order(each)))
    sociable = [each for each in within if not trait(each, "is_alone")]
    together = _run(request, [*sociable, *outside], freight, stacking)
    winner: Offer | None = None
    least = together.payable_minor
    reasons: dict[int, Refused] = {}
    for offer in lonely:
        tried = _run(request, [offer, *outside], freight, stacking)
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
        if offer is winner or (winner is None and not trait(offer, "is_alone")):
            continue
        why = reasons.get(id(offer)) or _why_not(together, offer)
        out.append((offer, "refused", why) if why else (offer, "skipped", by))
    return [*stay, *outside], out


def _why_not(work: _Pipeline, offer: Offer) -> Refused | None:
    """Return why an offer took nothing by itself; None where it did or gave way."""
    name = (offer.source_kind, offer.source_id)
    for entry in work.refused:
        if (entry.source_kind, entry.source_id) == name:
            return entry.why
    for far in work.unreached:
        if any(each is offer for each in far.offers):
            return next(Unreached((offer,), far.lines).answers()).why
    return None


def _price_entry(line: PriceLine) -> dict[str, Any]:
    return {
        "stage": "unit_price",
        "position": line.position,
        "kind": line.price_kind,
        "list_minor": line.list_price_minor,
        "unit_minor": line.unit_price_minor,
    }


def _not_applied_order(entry: NotApplied) -> tuple[str, str]:
    return (entry.source_kind, entry.source_id)


def _run_lane(work: _Pipeline, stage: Stage, found: Sequence[Offer]) -> None:
    entering = dict(work.basket.left)
    lines = work.basket.at(stage, entering)
    offers = _within_reach(work, lines, found)
    choice = choose(
        work.basket,
        work.company,
        stage,
        offers,
        stacking=work.stacking,
        entering=entering,
    )
    if choice.is_approximate:
        work.is_approximate = True
        work.trace.append(
            {
                "stage": _WORDS[stage],
                "result": "approximate",
                "rivals": len(choice.rivals),
            }
        )
    outdone = choice.rivals - choice.chosen
    winners = [each for each in offers if id(each) in choice.chosen]
    for offer in offers:
        why_not = choice.refused.get(id(offer))
        gives_way = work.company.objects_to(offer)
        if why_not is not None:
            _note(work, work.refused, offer, why_not)
        elif gives_way is not None:
            _note(work, work.skipped, offer, gives_way)
        elif id(offer) in outdone:
            _note(work, work.skipped, offer, winner_over(offer, winners))
        elif _apply(work, offer, lines, choice.won):
            lines = work.basket.at(stage, entering)


def _within_reach(
    work: _Pipeline, lines: StageLines, found: Sequence[Offer]
) -> list[Offer]:
    """Return the offers that may take something, in order (S3); note the others.

    Of a thousand live offers a cart reaches a few. The others are not asked, not
    sorted and not explained before somebody wants to read it.
    """
    goods_minor = lines.of_kinds(_GOODS).amount_minor
    near: list[Offer] = []
    far: list[Offer] = []
    for offer in found:
        (far if least_minor(offer) > goods_minor else near).append(offer)
    if far:
        work.unreached.append(Unreached(tuple(far), lines))
    return sorted(near, key=offer_order)


def _apply(
    work: _Pipeline,
    offer: Offer,
    lines: StageLines,
    won: Mapping[int, frozenset[int]],
) -> bool:
    """Ask one offer and take its reduction; whether it took anything."""
    asked = ask(work.basket, offer, lines, won)
    if isinstance(asked, Refused):
        _note(work, work.refused, offer, asked)
        return False
    answer, taking = asked
    if not taking.amount_minor and not answer.gifts:
        # Without effect: neither applied nor counted (S20).
        outdone = won.get(id(offer)) is not None and answer.amount_minor
        why = Refused("exclusive_group" if outdone else "no_effect")
        _note(work, work.skipped if outdone else work.refused, offer, why)
        return False
    work.basket.take(taking, closes=answer.closes)
    work.company.admit(offer)
    applied = _applied(work.basket, offer, answer, taking)
    work.applied.append(applied)
    amount = applied.amount_minor
    entry = _trace_entry(offer, "applied") | {"amount_minor": amount} | answer.trace
    if amount < answer.amount_minor:
        entry["asked_minor"] = answer.amount_minor
    if work.basket.floors:
        touched = {*answer.positions, *(at for at, _amount in answer.shares)}
        met = work.basket.floors_met(touched)
        entry |= {"floors": met} if met else {}
    work.trace.append(entry)
    return True


def _applied(
    basket: Basket, offer: Offer, answer: Reduction, taking: Taking
) -> Applied:
    charges = basket.charged_at
    shares = taking.shares
    charge_shares: tuple[tuple[int, int], ...] = ()
    if charges:
        shares = tuple(each for each in taking.shares if each[0] not in charges)
        charge_shares = tuple(each for each in taking.shares if each[0] in charges)
    amount = taking.amount_minor
    points = answer.points * amount // answer.amount_minor if answer.points else 0
    parts = share(points, [part for _at, part in shares]) if points else []
    spent = zip(shares, parts, strict=True) if points else ()
    return Applied(
        stage=offer.stage,
        source_kind=offer.source_kind,
        source_id=offer.source_id,
        name=offer.name,
        amount_minor=amount,
        shares=shares,
        points=points,
        point_shares=tuple((at, part) for (at, _amount), part in spent if part),
        terms=getattr(offer, "terms", dict)(),
        on_return=trait(offer, "on_return"),
        charge_shares=charge_shares,
        gifts=answer.gifts,
        trigger_positions=answer.trigger_positions,
    )


def _note(work: _Pipeline, where: list[NotApplied], offer: Offer, why: Refused) -> None:
    entry = NotApplied(offer.source_kind, offer.source_id, offer.name, why)
    where.append(entry)
    result = "skipped" if where is work.skipped else "refused"
    work.trace.append(entry.traced(_WORDS[offer.stage], result))


def _trace_entry(offer: Offer, result: str) -> dict[str, Any]:
    return {
        "stage": _WORDS[offer.stage],
        "kind": offer.source_kind,
        "id": offer.source_id,
        "name": offer.name,
        "result": result,
    }


def _freight(work: _Pipeline, rule: FreightRule) -> None:
    delivery = work.basket.charge_by(rule)
    fee = delivery.fee_minor
    if fee and rule.free_from_minor is not None:
        work.free_missing_minor = rule.free_from_minor - delivery.spend_minor
    if rule.fee_minor and delivery.has_goods:
        work.trace.append(
            {
                "stage": FREIGHT_KIND,
                "rule": rule.name,
                "basis_minor": delivery.spend_minor,
                "grams": delivery.grams,
                "fee_minor": fee,
                "missing_minor": work.free_missing_minor,
            }
        )


def _quote(
    request: PriceRequest, work: _Pipeline, turned_down: list[NotApplied]
) -> Quote:
    basket = work.basket
    left = basket.left
    lines = tuple(
        QuoteLine(
            line=line,
            discount_minor=line.gross_minor - left[line.position],
            net_minor=left[line.position],
            units=basket.units_at(line.position),
        )
        for line in basket.goods
    )
    early = [entry.traced("lookup", "refused") for entry in turned_down]
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
        steps=(*early, *work.trace),
        unreached=tuple(work.unreached),
        hash=quote_hash(request, lines, freight, applied),
        free_missing_minor=work.free_missing_minor if freight else None,
        freight_discount_minor=charged - freight,
        is_approximate=work.is_approximate,
    )
