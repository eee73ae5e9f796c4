"""The pricing pipeline: one pure function for preview, cart, checkout and simulation.

Stages run in a fixed order (S1): item promotions, order promotions, coupons, freight,
points. Thresholds compare with the amounts on entering the stage (S7); each offer's
total is shared over its lines by largest remainder (S9) and never takes a line below
zero (S10, X7). Nothing here reads a clock or a database, so the same request and
offers give the same quote (X6).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from crm.shared.money import share
from orders.rules.freight import FreightRule, freight_minor
from orders.rules.offers import (
    Applied,
    Offer,
    PriceLine,
    PriceRequest,
    Reduction,
    Refused,
    Stage,
    StageLine,
)
from orders.rules.quotes import NotApplied, Quote, QuoteLine, quote_hash

_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)
#: Only what is delivered is charged freight.
_DELIVERED = "goods"


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
    fee = 0
    for stage in sorted(Stage):
        if stage is Stage.POINTS:
            fee = _freight(work, freight or FreightRule())
        _run_stage(work, stage, sorted(by_stage[stage], key=_order))
    return _quote(request, work, fee, sorted(refused, key=_not_applied_order))


@dataclass(slots=True)
class _Pipeline:
    """What the stages work on: what is left of each line, and the outcome so far."""

    lines: tuple[PriceLine, ...]
    left: dict[int, int]
    applied: list[Applied] = field(default_factory=list)
    refused: list[NotApplied] = field(default_factory=list)
    skipped: list[NotApplied] = field(default_factory=list)
    #: Exclusivity group -> id of the offer that took it (S4).
    groups: dict[str, str] = field(default_factory=dict)
    trace: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of(cls, request: PriceRequest) -> "_Pipeline":
        lines = tuple(sorted(request.lines, key=lambda line: line.position))
        if len({line.position for line in lines}) != len(lines):
            raise ValueError("Two lines stand at one position.")
        if any(line.quantity < 1 or line.unit_price_minor < 0 for line in lines):
            raise ValueError("A line needs a quantity and no negative price.")
        return cls(lines, {line.position: line.gross_minor for line in lines})

    def stage_lines(self, entering: dict[int, int]) -> list[StageLine]:
        return [
            StageLine(line, entering[line.position], self.left[line.position])
            for line in self.lines
        ]


def _order(offer: Offer) -> tuple[Any, ...]:
    """Return the place of an offer in its stage (S3)."""
    starts_at = getattr(offer, "starts_at", None) or _BEFORE_ALL
    return (-offer.priority, starts_at, offer.source_id, offer.source_kind)


def _not_applied_order(entry: NotApplied) -> tuple[str, str]:
    return (entry.source_kind, entry.source_id)


def _run_stage(work: _Pipeline, stage: Stage, offers: Sequence[Offer]) -> None:
    entering = dict(work.left)
    winners = _group_winners(work, entering, offers)
    for offer in offers:
        group = offer.exclusive_group
        taken_by = work.groups.get(group) if group else None
        if taken_by is None and winners.get(group, offer) is not offer:
            # A better one of the group follows in this stage.
            taken_by = winners[group].source_id
        if taken_by is not None:
            why = Refused("exclusive_group", {"with": taken_by})
            _note(work, work.skipped, offer, why)
            continue
        _apply(work, offer, entering)


def _group_winners(
    work: _Pipeline, entering: dict[int, int], offers: Sequence[Offer]
) -> dict[str, Offer]:
    """Return for each exclusivity group the offer that saves most (S6).

    Savings are compared on entering the stage; ties go to the first by S3.
    """
    best: dict[str, tuple[int, Offer]] = {}
    lines = work.stage_lines(entering)
    for offer in offers:
        group = offer.exclusive_group
        if not group or group in work.groups:
            continue
        answer = offer.reduce(lines)
        saving = _takeable(work, answer) if isinstance(answer, Reduction) else 0
        if saving > 0 and (group not in best or saving > best[group][0]):
            best[group] = (saving, offer)
    return {group: offer for group, (_saving, offer) in best.items()}


def _takeable(work: _Pipeline, reduction: Reduction) -> int:
    room = sum(work.left[position] for position in set(reduction.positions))
    return max(0, min(reduction.amount_minor, room))


def _apply(work: _Pipeline, offer: Offer, entering: dict[int, int]) -> None:
    answer = offer.reduce(work.stage_lines(entering))
    if isinstance(answer, Refused):
        _note(work, work.refused, offer, answer)
        return
    amount = _takeable(work, answer)
    if amount == 0:
        # Without effect: neither applied nor counted (S20).
        _note(work, work.refused, offer, Refused("no_effect"))
        return
    positions = sorted(set(answer.positions))
    left = [work.left[position] for position in positions]
    # At most all that is left, shared in proportion to it: no part exceeds its line.
    parts = share(amount, left)
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
    )
    for position, part in zip(positions, parts, strict=True):
        work.left[position] -= part
    if offer.exclusive_group:
        work.groups[offer.exclusive_group] = offer.source_id
    work.applied.append(applied)
    entry = _trace_entry(offer, "applied") | {"amount_minor": amount} | answer.trace
    if amount < answer.amount_minor:
        entry["asked_minor"] = answer.amount_minor
    work.trace.append(entry)


def _pairs(
    positions: Sequence[int], parts: Sequence[int]
) -> tuple[tuple[int, int], ...]:
    pairs = zip(positions, parts, strict=True)
    return tuple((position, part) for position, part in pairs if part)


def _note(work: _Pipeline, where: list[NotApplied], offer: Offer, why: Refused) -> None:
    where.append(NotApplied(offer.source_kind, offer.source_id, offer.name, why))
    result = "skipped" if where is work.skipped else "refused"
    entry = _trace_entry(offer, result)
    work.trace.append(entry | {"code": why.code, "params": dict(why.params)})


def _trace_entry(offer: Offer, result: str) -> dict[str, Any]:
    return {
        "stage": offer.stage.name.lower(),
        "kind": offer.source_kind,
        "id": offer.source_id,
        "name": offer.name,
        "result": result,
    }


def _freight(work: _Pipeline, rule: FreightRule) -> int:
    delivered = [line for line in work.lines if line.kind == _DELIVERED]
    spend = sum(work.left[line.position] for line in delivered)
    fee = freight_minor(rule, goods_minor=spend, has_goods=bool(delivered))
    if rule.fee_minor and delivered:
        work.trace.append({"stage": "freight", "basis_minor": spend, "fee_minor": fee})
    return fee


def _quote(
    request: PriceRequest, work: _Pipeline, fee: int, turned_down: list[NotApplied]
) -> Quote:
    lines = tuple(
        QuoteLine(
            line=line,
            discount_minor=line.gross_minor - work.left[line.position],
            net_minor=work.left[line.position],
        )
        for line in work.lines
    )
    early = [
        {
            "stage": "lookup",
            "kind": entry.source_kind,
            "id": entry.source_id,
            "name": entry.name,
            "result": "refused",
            "code": entry.why.code,
            "params": dict(entry.why.params),
        }
        for entry in turned_down
    ]
    applied = tuple(work.applied)
    return Quote(
        currency=request.currency,
        lines=lines,
        freight_minor=fee,
        applied=applied,
        refused=(*turned_down, *work.refused),
        skipped=tuple(work.skipped),
        trace=(*early, *work.trace),
        hash=quote_hash(request, lines, fee, applied),
    )
