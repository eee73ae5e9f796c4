"""The stages a cart goes through, one after another, and what they leave. Plain Python.

What comes before the codes of a cart does not depend on them. ``Beginnings`` keep it,
so that a cart that is priced again with other codes is priced from there on.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

from crm.shared.money import share
from orders.rules.baskets import Basket
from orders.rules.combining import Stacking, choose, winner_over
from orders.rules.floors import ZERO
from orders.rules.freight import FreightRule
from orders.rules.gifts import listed_worth
from orders.rules.lines import FREIGHT_KIND, PriceLine, StageLines
from orders.rules.offers import (
    Applied,
    Offer,
    PriceRequest,
    Reduction,
    Refused,
    Stage,
    offer_order,
)
from orders.rules.quotes import FarOffers, NotApplied, Step, Unreached
from orders.rules.searching import Company, ask
from orders.rules.takings import Taking

_GOODS = frozenset({"goods"})
_WORDS = {stage: stage.name.lower() for stage in Stage}
_BEFORE_CODES = [stage for stage in sorted(Stage) if stage < Stage.COUPON]
_FROM_CODES_ON = [stage for stage in sorted(Stage) if stage >= Stage.COUPON]
_MOST_BEGINNINGS = 8


@dataclass(slots=True)
class Pipeline:
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
    trace: list[Step] = field(default_factory=list)

    def copy(self) -> "Pipeline":
        """Return a pipeline to go on with."""
        return replace(
            self,
            basket=self.basket.copy(),
            company=self.company.copy(),
            applied=list(self.applied),
            refused=list(self.refused),
            skipped=list(self.skipped),
            unreached=list(self.unreached),
            trace=list(self.trace),
        )


@dataclass(slots=True)
class Beginnings:
    """What the stages before codes left of requests that were priced of late.

    A request begins with one where lines, audiences and the offers up to there are the
    very same ones: they are many, and handed on as they are.
    """

    _kept: dict[Any, tuple[Any, Pipeline]] = field(default_factory=dict)

    def work_of(
        self, made_of: tuple[Any, ...], key: Any, make: Callable[[], Pipeline]
    ) -> Pipeline:
        """Return a pipeline to go on with, made if nobody made it before.

        Args:
            made_of: everything known in the key by its ``id()``; kept, so that nothing
                else comes to have that.
        """
        key = (key, tuple(map(id, made_of)))
        if key not in self._kept:
            if len(self._kept) >= _MOST_BEGINNINGS:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = (made_of, make())
        return self._kept[key][1].copy()


def run(
    request: PriceRequest,
    offers: Iterable[Offer],
    *,
    freight: FreightRule | None,
    stacking: Stacking,
    far: Sequence[FarOffers] = (),
    beginnings: Beginnings | None = None,
) -> Pipeline:
    """Send a request through all stages.

    Args:
        beginnings: of requests like this one; that of this one joins them.
    """
    by_stage: dict[Stage, list[Any]] = {stage: [] for stage in Stage}
    for beyond in far:
        by_stage[beyond.stage].append(beyond)
    for each in offers:
        by_stage[each.stage].append(each)
    early = {stage: by_stage[stage] for stage in _BEFORE_CODES}
    if beginnings is None:
        work = _begun(request, stacking, early)
    else:
        work = beginnings.work_of(
            (request.lines, stacking, *chain(*early.values())),
            (request.audiences, request.charges),
            lambda: _begun(request, stacking, early),
        )
    for stage in _FROM_CODES_ON:
        if stage is Stage.FREIGHT:
            work.basket.open_units()
            if not request.charges:
                _freight(work, freight or FreightRule())
        if stage is Stage.POINTS:
            gifts = (gift for each in work.applied for gift in each.gifts)
            left = sum(work.basket.left.values())
            work.payable_minor = left - listed_worth(gifts)
        _run_stage(work, stage, by_stage[stage])
    return work


def _begun(
    request: PriceRequest, stacking: Stacking, early: Mapping[Stage, Sequence[Any]]
) -> Pipeline:
    """Send a request through the stages that no code changes."""
    basket = Basket.of(request)
    made = [_price_entry(line) for line in basket.goods if line.price_kind != "list"]
    work = Pipeline(basket, stacking, trace=list(made))
    for stage, found in early.items():
        _run_stage(work, stage, found)
        if stage is Stage.PRICE:
            basket.open_prices()
    return work


def _run_stage(
    work: Pipeline, stage: Stage, found: Iterable[Offer | FarOffers]
) -> None:
    lanes: dict[int, list[Offer]] = {}
    entering = dict(work.basket.left)
    for each in found:
        if isinstance(each, FarOffers):
            lines = work.basket.at(stage, entering)
            work.unreached.append(Unreached((), lines, each))
        else:
            lanes.setdefault(each.lane, []).append(each)
    for lane in sorted(lanes):
        _run_lane(work, stage, lanes[lane], entering)
        entering = dict(work.basket.left)


def _price_entry(line: PriceLine) -> dict[str, Any]:
    return {
        "stage": "unit_price",
        "position": line.position,
        "kind": line.price_kind,
        "list_minor": line.list_price_minor,
        "unit_minor": line.unit_price_minor,
    }


def _run_lane(
    work: Pipeline, stage: Stage, found: Sequence[Offer], entering: dict[int, int]
) -> None:
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
            note(work, work.refused, offer, why_not)
        elif gives_way is not None:
            note(work, work.skipped, offer, gives_way)
        elif id(offer) in outdone:
            note(work, work.skipped, offer, winner_over(offer, winners))
        elif _apply(work, offer, lines, choice.won):
            lines = work.basket.at(stage, entering)


def _within_reach(
    work: Pipeline, lines: StageLines, found: Sequence[Offer]
) -> list[Offer]:
    """Return the offers that may take something, in order (S3); note the others.

    Of a thousand live offers a cart reaches a few. The others are not asked, not
    sorted and not explained before somebody wants to read it.
    """
    goods_minor = lines.of_kinds(_GOODS).amount_minor
    near: list[Offer] = []
    far: list[Offer] = []
    for offer in found:
        (far if offer.least_minor > goods_minor else near).append(offer)
    if far:
        work.unreached.append(Unreached(tuple(far), lines))
    return sorted(near, key=offer_order)


def _apply(
    work: Pipeline,
    offer: Offer,
    lines: StageLines,
    won: Mapping[int, frozenset[int]],
) -> bool:
    """Ask one offer and take its reduction; whether it took anything."""
    asked = ask(work.basket, offer, lines, won)
    if isinstance(asked, Refused):
        note(work, work.refused, offer, asked)
        return False
    answer, taking = asked
    if not taking.amount_minor and not answer.gifts:
        # Without effect: neither applied nor counted (S20).
        outdone = won.get(id(offer)) is not None and answer.amount_minor
        floors = _floors_met(work.basket, answer) if answer.amount_minor else {}
        if outdone:
            note(work, work.skipped, offer, Refused("exclusive_group"))
            return False
        why = Refused("floor_reached" if floors else "no_effect")
        note(work, work.refused, offer, why)
        work.refused[-1].floors = floors
        return False
    units = work.basket.units_in(taking)
    work.basket.take(taking, closes=answer.closes)
    work.company.admit(offer)
    applied = _applied(work.basket, offer, answer, taking, units)
    work.applied.append(applied)
    work.trace.append(applied)
    is_short = applied.amount_minor < answer.amount_minor
    if is_short or work.basket.floors:
        applied.floors = _floors_met(work.basket, answer, with_zero=is_short)
    return True


def _floors_met(
    basket: Basket, answer: Reduction, *, with_zero: bool = False
) -> dict[str, list[int]]:
    """Return which lines of a reduction stand at their floor (S12), by which floor.

    Args:
        with_zero: also those without a floor of their own that cost nothing now.
    """
    met: dict[str, list[int]] = {}
    for at in sorted(answer.touched):
        is_own = at in basket.floors
        if (is_own or with_zero) and not basket.room(at):
            kind = basket.line_at(at).floor_kind if is_own else ZERO
            met.setdefault(kind, []).append(at)
    return met


def _applied(
    basket: Basket, offer: Offer, answer: Reduction, taking: Taking, units: int
) -> Applied:
    charges = basket.charged_at
    shares = taking.shares
    charge_shares: tuple[tuple[int, int], ...] = ()
    if charges:
        shares = tuple(each for each in taking.shares if each[0] not in charges)
        charge_shares = tuple(each for each in taking.shares if each[0] in charges)
    amount = taking.amount_minor
    applied = Applied(
        stage=offer.stage,
        source_kind=offer.source_kind,
        source_id=offer.source_id,
        name=offer.name,
        amount_minor=amount,
        shares=shares,
        terms=offer.terms(),
        on_return=offer.on_return,
        charge_shares=charge_shares,
        gifts=answer.gifts,
        trigger_positions=answer.trigger_positions,
        units=units,
        units_left=answer.units_left,
        asked_minor=answer.amount_minor,
        told=answer.trace,
    )
    if answer.points:
        _spend(applied, answer.points * amount // answer.amount_minor, taking)
    return applied


def _spend(applied: Applied, points: int, taking: Taking) -> None:
    """Share the points that pay for it over the lines they pay for (P23)."""
    parts = share(points, [part for _at, part in taking.shares])
    charges = {at for at, _part in applied.charge_shares}
    spent = [(at, n) for (at, _part), n in zip(taking.shares, parts, strict=True) if n]
    applied.points = points
    applied.point_shares = tuple(each for each in spent if each[0] not in charges)
    applied.charge_points = sum(n for at, n in spent if at in charges)


def note(work: Pipeline, where: list[NotApplied], offer: Offer, why: Refused) -> None:
    """Write down that an offer took nothing: skipped or refused, and why."""
    entry = NotApplied(
        offer.source_kind,
        offer.source_id,
        offer.name,
        why,
        _WORDS[offer.stage],
        "skipped" if where is work.skipped else "refused",
    )
    where.append(entry)
    work.trace.append(entry)


def _freight(work: Pipeline, rule: FreightRule) -> None:
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
