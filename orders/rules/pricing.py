"""The pricing pipeline: one pure function for preview, cart, checkout and simulation.

Stages run in a fixed order (S1): unit price, item promotions, order promotions,
coupons, freight, points. Thresholds compare with the amounts on entering the stage
(S7); each offer's total is shared over its lines by largest remainder (S9) and never
takes a line below its floor (S10, S12, X7). Nothing here reads a clock or a database,
so the same request and offers give the same quote (X6).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from crm.shared.money import share
from orders.rules.freight import FreightRule, freight_minor
from orders.rules.offers import (
    GOODS_STAGES,
    Applied,
    Offer,
    PriceLine,
    PriceRequest,
    Reduction,
    Refused,
    Stage,
    StageLine,
    StageLines,
    least_minor,
    offer_order,
)
from orders.rules.quotes import NotApplied, Quote, QuoteLine, Unreached, quote_hash

#: Only what is delivered is charged freight.
_DELIVERED = "goods"
_GOODS = frozenset({"goods"})


def price_cart(
    request: PriceRequest,
    offers: Iterable[Offer],
    refused: Iterable[NotApplied] = (),
    freight: FreightRule | None = None,
) -> Quote:
    """Price the lines of a request.

    Args:
        offers: what may lower the price, in any order.
        refused: offers their sources turned down at once, for the trace (S25).
        freight: what delivery costs; None is free.

    Returns:
        A quote in which every offer appears once: applied, refused or skipped.
    """
    work = _Pipeline.of(request)
    by_stage: dict[Stage, list[Offer]] = {stage: [] for stage in Stage}
    for offer in offers:
        by_stage[offer.stage].append(offer)
    for stage in sorted(Stage):
        if stage is Stage.POINTS:
            _freight(work, freight or FreightRule())
        _run_stage(work, stage, by_stage[stage])
    return _quote(request, work, sorted(refused, key=_not_applied_order))


@dataclass(slots=True)
class _Pipeline:
    """What the stages work on: what is left of each line, and the outcome so far."""

    lines: tuple[PriceLine, ...]
    left: dict[int, int]
    #: What may not be taken off a line, where it has a floor (S12).
    floors: dict[int, int]
    fee_minor: int = 0
    #: What is missing to get freight waived; None where nothing would waive it.
    free_missing_minor: int | None = None
    applied: list[Applied] = field(default_factory=list)
    refused: list[NotApplied] = field(default_factory=list)
    skipped: list[NotApplied] = field(default_factory=list)
    unreached: list[Unreached] = field(default_factory=list)
    #: Exclusivity group -> id of the offer that took it (S4).
    groups: dict[str, str] = field(default_factory=dict)
    trace: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of(cls, request: PriceRequest) -> "_Pipeline":
        """Begin with the first stage: every line at its best unit price (S1)."""
        in_order = sorted(request.lines, key=lambda line: line.position)
        lines = tuple(line.at_best_price(request.audiences) for line in in_order)
        if len({line.position for line in lines}) != len(lines):
            raise ValueError("Two lines stand at one position.")
        if any(line.quantity < 1 or line.unit_price_minor < 0 for line in lines):
            raise ValueError("A line needs a quantity and no negative price.")
        return cls(
            lines=lines,
            left={line.position: line.gross_minor for line in lines},
            floors={
                line.position: line.floor_minor * line.quantity
                for line in lines
                if line.floor_minor
            },
            trace=[_price_entry(line) for line in lines if line.price_kind != "list"],
        )

    def stage_lines(self, stage: Stage, entering: dict[int, int]) -> StageLines:
        """Return the lines as an offer of a stage sees them now."""
        return StageLines(
            StageLine(line, entering[line.position], self.left[line.position])
            for line in self.lines
            if not (line.is_closed and stage in GOODS_STAGES)
        )

    def room(self, position: int) -> int:
        """Return what may still be taken off a line (S12)."""
        return max(0, self.left[position] - self.floors.get(position, 0))

    def rooms(self, positions: Iterable[int]) -> list[int]:
        """Return what may still be taken off some lines."""
        if self.floors:
            return [self.room(position) for position in positions]
        return [self.left[position] for position in positions]


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


def _run_stage(work: _Pipeline, stage: Stage, found: Sequence[Offer]) -> None:
    entering = dict(work.left)
    lines = work.stage_lines(stage, entering)
    offers = _within_reach(work, lines, found)
    winners, hopeless = _group_winners(work, lines, offers)
    for offer in offers:
        group = offer.exclusive_group
        why_not = hopeless.get(id(offer))
        if why_not is not None:
            _note(work, work.refused, offer, why_not)
            continue
        taken_by = work.groups.get(group) if group else None
        if taken_by is None and winners.get(group, offer) is not offer:
            # A better one of the group follows in this stage.
            taken_by = winners[group].source_id
        if taken_by is not None:
            why = Refused("exclusive_group", {"with": taken_by})
            _note(work, work.skipped, offer, why)
        elif _apply(work, offer, lines):
            lines = work.stage_lines(stage, entering)


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


def _group_winners(
    work: _Pipeline, lines: StageLines, offers: Sequence[Offer]
) -> tuple[dict[str, Offer], dict[int, Refused]]:
    """Return for each exclusivity group the offer that saves most (S6).

    Savings are compared on entering the stage; ties go to the first by S3. Beside
    them what refuses by itself, whoever wins: it did not give way to anybody.
    """
    best: dict[str, tuple[int, Offer]] = {}
    hopeless: dict[int, Refused] = {}
    for offer in offers:
        group = offer.exclusive_group
        if not group or group in work.groups:
            continue
        answer = offer.reduce(lines)
        if isinstance(answer, Refused):
            hopeless[id(offer)] = answer
            continue
        saving = _takeable(work, answer)
        if saving > 0 and (group not in best or saving > best[group][0]):
            best[group] = (saving, offer)
    return {group: offer for group, (_saving, offer) in best.items()}, hopeless


def _takeable(work: _Pipeline, reduction: Reduction) -> int:
    room = sum(work.rooms(set(reduction.positions)))
    return max(0, min(reduction.amount_minor, room))


def _apply(work: _Pipeline, offer: Offer, lines: StageLines) -> bool:
    """Ask one offer and take its reduction; whether it took anything."""
    answer = offer.reduce(lines)
    if isinstance(answer, Refused):
        _note(work, work.refused, offer, answer)
        return False
    amount = _takeable(work, answer)
    if amount == 0:
        # Without effect: neither applied nor counted (S20).
        _note(work, work.refused, offer, Refused("no_effect"))
        return False
    positions = sorted(set(answer.positions))
    left = [work.left[position] for position in positions]
    # In proportion to what is left; a line at its floor takes no more (S10).
    parts = share(amount, left, work.rooms(positions) if work.floors else None)
    points = answer.points * amount // answer.amount_minor
    applied = Applied(
        stage=offer.stage,
        source_kind=offer.source_kind,
        source_id=offer.source_id,
        name=offer.name,
        amount_minor=amount,
        shares=_pairs(positions, parts),
        points=points,
        point_shares=_pairs(positions, share(points, parts)) if points else (),
        terms=getattr(offer, "terms", dict)(),
        on_return=getattr(offer, "on_return", "keep"),
    )
    for position, part in zip(positions, parts, strict=True):
        work.left[position] -= part
    if offer.exclusive_group:
        work.groups[offer.exclusive_group] = offer.source_id
    work.applied.append(applied)
    entry = _trace_entry(offer, "applied") | {"amount_minor": amount} | answer.trace
    if amount < answer.amount_minor:
        entry["asked_minor"] = answer.amount_minor
    floors = [at for at in positions if at in work.floors and not work.room(at)]
    if floors:
        entry["floors"] = floors
    work.trace.append(entry)
    return True


def _pairs(
    positions: Sequence[int], parts: Sequence[int]
) -> tuple[tuple[int, int], ...]:
    pairs = zip(positions, parts, strict=True)
    return tuple((position, part) for position, part in pairs if part)


def _note(work: _Pipeline, where: list[NotApplied], offer: Offer, why: Refused) -> None:
    entry = NotApplied(offer.source_kind, offer.source_id, offer.name, why)
    where.append(entry)
    result = "skipped" if where is work.skipped else "refused"
    work.trace.append(entry.traced(offer.stage.name.lower(), result))


def _trace_entry(offer: Offer, result: str) -> dict[str, Any]:
    return {
        "stage": offer.stage.name.lower(),
        "kind": offer.source_kind,
        "id": offer.source_id,
        "name": offer.name,
        "result": result,
    }


def _freight(work: _Pipeline, rule: FreightRule) -> None:
    delivered = [line for line in work.lines if line.kind == _DELIVERED]
    spend = sum(work.left[line.position] for line in delivered)
    grams = sum(line.weight_grams * line.quantity for line in delivered)
    fee = freight_minor(rule, goods_minor=spend, has_goods=bool(delivered), grams=grams)
    work.fee_minor = fee
    if fee and rule.free_from_minor is not None:
        work.free_missing_minor = rule.free_from_minor - spend
    if rule.fee_minor and delivered:
        work.trace.append(
            {
                "stage": "freight",
                "rule": rule.name,
                "basis_minor": spend,
                "grams": grams,
                "fee_minor": fee,
                "missing_minor": work.free_missing_minor,
            }
        )


def _quote(
    request: PriceRequest, work: _Pipeline, turned_down: list[NotApplied]
) -> Quote:
    lines = tuple(
        QuoteLine(
            line=line,
            discount_minor=line.gross_minor - work.left[line.position],
            net_minor=work.left[line.position],
        )
        for line in work.lines
    )
    early = [entry.traced("lookup", "refused") for entry in turned_down]
    applied = tuple(work.applied)
    return Quote(
        currency=request.currency,
        lines=lines,
        freight_minor=work.fee_minor,
        applied=applied,
        turned_down=(*turned_down, *work.refused),
        skipped=tuple(work.skipped),
        steps=(*early, *work.trace),
        unreached=tuple(work.unreached),
        hash=quote_hash(request, lines, work.fee_minor, applied),
        free_missing_minor=work.free_missing_minor,
    )
