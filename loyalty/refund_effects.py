"""What a refund does to points, currencies, tier: asked, then told (P16–P20, T9)."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from loyalty.models import (
    VALUE,
    Currency,
    PointsAccount,
    PointsEntry,
    Program,
    QualifyingEntry,
)
from loyalty.queries.earned_lines import first_units
from loyalty.queries.program import program
from loyalty.queries.purchases import kinds_that_earn
from loyalty.queries.tier_measures import counted
from loyalty.queries.tier_returns import came_back, less_money
from loyalty.queries.tier_terms import main_ladder
from loyalty.rules.clawback import points_worth, shortage_of
from loyalty.rules.ledger import Movement
from loyalty.rules.terms import Occasion
from loyalty.rules.windows import counts_from, moment_counted
from loyalty.services.points_due import Settlement
from loyalty.services.refund_points import counts_of_refund, move_for_refund
from loyalty.services.tiering import Deed, outcome
from orders.models import Order, Refund
from orders.queries.refunds import line_of
from orders.rules.refund_effects import Effect, PlannedRefund, Shortfall

#: What happens -> the sentence that says so.
SENTENCES = {
    "points_back": _("%(points)s points spent come back with their old end."),
    "points_back_late": _(
        "%(points)s points spent come back; %(late)s of them get a new end, 30 days on."
    ),
    "points_taken": _("%(points)s points earned are taken back."),
    "points_deducted": _(
        "%(points)s points are already spent: %(worth)s goes off the refund."
    ),
    "points_owed": _("%(points)s points are already spent and become debt."),
    "points_waived": _("%(points)s points are already spent and are waived."),
    "points_later": _("The order has not earned its points yet; they follow."),
    "value_taken": _("%(currency)s: %(value)s taken back."),
    "currency_taken": _("%(currency)s: %(count)s taken back."),
    "tier_falls": _("The tier falls from %(from)s to %(to)s."),
    "tier_stays": _("The tier %(tier)s stays."),
}


def _effect(code: str, **params) -> Effect:
    return Effect(code, SENTENCES[code], params)


class LoyaltyEffects:
    """Points spent come back, what was earned and counted goes, the tier may fall."""

    def preview(self, planned: PlannedRefund, *, now: datetime) -> Sequence[Effect]:
        """Move the points in a book that nobody writes, and say what moved."""
        account = (
            PointsAccount.objects.select_related("tier")
            .filter(member_id=planned.member_id)
            .first()
        )
        if account is None:
            return []
        order = Order.objects.select_related("exchange_of").get(pk=planned.order_id)
        orders = line_of(order)
        terms = program()
        goods_minor = planned.value_minor(kinds_that_earn(terms))
        units = {at: back.quantity for at, back in planned.units.items()}
        settlement = Settlement(
            source="preview",
            points_back=planned.points,
            goods_minor=goods_minor,
            units=first_units(order, units),
            shortage=shortage_of(planned.shortfall, policy=terms.claw_back),
            points_deducted=0,
            occurred_at=now,
            grace=terms.return_grace,
        )
        try:
            _book, moved = move_for_refund(
                settlement, account=account, orders=orders, now=now
            )
        except PointsEntry.DoesNotExist:
            return [_effect("points_later")]
        taken = [(move.points, move.trace) for _order, move in moved.taken]
        found = [*_of_return(moved.back), *_of_claws(taken)]
        if _deducts(planned, terms):
            found = [
                part
                for each in found
                for part in _deducted(
                    each, terms.redeem_minor_per_100, planned.amount_minor
                )
            ]
        return [
            *found,
            *_of_currencies(counts_of_refund(moved, account=account)),
            *_of_tier(account, orders, goods_minor, now),
        ]

    def booked(self, refund_id: int) -> Sequence[Effect]:
        """Say what the ledger holds of a refund."""
        refund = Refund.objects.only("public_id", "points_deducted").get(pk=refund_id)
        source = f"refund:{refund.public_id}"
        entries = PointsEntry.objects.filter(
            Q(source=source) | Q(source__startswith=f"{source}:"),
            kind__in=[PointsEntry.Kind.RETURN, PointsEntry.Kind.CLAW_BACK],
        ).order_by("seq")
        claws, backs = [], []
        for entry in entries:
            is_claw = entry.kind == PointsEntry.Kind.CLAW_BACK
            (claws if is_claw else backs).append(entry)
        return [
            *(_effect("points_back", points=e.points) for e in backs if e.points),
            *_of_claws([(entry.points, entry.trace) for entry in claws]),
            *_of_currencies(
                QualifyingEntry.objects.filter(
                    member_id__in={entry.account_id for entry in claws},
                    source__in=[entry.source for entry in claws],
                )
            ),
        ]


def _of_return(back: Movement | None) -> list[Effect]:
    if back is None or not back.points:
        return []
    if back.opens is None:
        return [_effect("points_back", points=back.points)]
    late = back.opens.granted
    return [_effect("points_back_late", points=back.points, late=late)]


def _of_claws(claws: Sequence[tuple[int, dict]]) -> list[Effect]:
    """Say what claw-backs took together, and what of it was not there (P17)."""
    owed = sum(trace.get("owed", 0) for _points, trace in claws)
    waived = sum(trace.get("waived", 0) for _points, trace in claws)
    taken = -sum(points for points, _trace in claws) - owed
    numbers = {"points_taken": taken, "points_owed": owed, "points_waived": waived}
    return [_effect(code, points=count) for code, count in numbers.items() if count]


def _of_currencies(entries: Iterable[QualifyingEntry]) -> list[Effect]:
    """Say what of each counted currency goes, of those that members see (P19)."""
    taken: Counter[str] = Counter()
    for entry in entries:
        taken[entry.currency_id] -= entry.value_minor
    seen = Currency.objects.filter(is_active=True, code__in=+taken)
    return [_taken(currency, taken[currency.code]) for currency in seen]


def _taken(currency: Currency, count: int) -> Effect:
    if currency.code == VALUE:
        return _effect("value_taken", currency=currency.label, value_minor=count)
    return _effect("currency_taken", currency=currency.label, count=count)


def _deducts(planned: PlannedRefund, terms: Program) -> bool:
    """Whether missing points become money: by staff, or by the program (P16)."""
    return planned.shortfall == Shortfall.DEDUCT or (
        planned.shortfall == Shortfall.PROGRAM
        and planned.may_deduct
        and terms.claw_back == Program.ClawBack.DEDUCT
    )


def _deducted(effect: Effect, minor_per_100: int, room_minor: int) -> list[Effect]:
    """Turn missing points into money, as far as the refund goes (P17)."""
    if effect.code not in {"points_owed", "points_waived"} or minor_per_100 <= 0:
        return [effect]
    missing = effect.params["points"]
    points = min(missing, room_minor * 100 // minor_per_100)
    worth = points_worth(points, minor_per_100=minor_per_100)
    if not worth:
        return [effect]
    deduction = Effect(
        "points_deducted",
        SENTENCES["points_deducted"],
        {"points": points, "worth_minor": worth},
        deduct_points=points,
        deduct_minor=worth,
    )
    if points == missing:
        return [deduction]
    return [deduction, _effect(effect.code, points=missing - points)]


def _of_tier(
    account: PointsAccount, orders: Sequence[Order], goods_minor: int, now: datetime
) -> list[Effect]:
    """Say whether the tier survives without what is given back (T9).

    Looked at as the refund itself will be; only what is counted in money falls here.
    """
    ladder = main_ladder()
    if ladder is None or account.tier is None:
        return []
    found = counted(ladder, at=now, member_ids=[account.pk])[account.pk]
    terms = ladder.terms

    def less(numbers: dict[str, int], at: datetime) -> dict[str, int]:
        after = counts_from(
            at,
            window=terms.window,
            window_days=terms.window_days,
            joined_at=found.joined_at,
            zone=terms.zone,
        )
        counts = after is None or orders[-1].paid_at > after
        return less_money(numbers, goods_minor if counts else 0)

    each = replace(
        found,
        numbers=less(found.numbers, now),
        to_keep=less(found.to_keep, moment_counted(now, found.held.valid_until)),
    )
    returned = came_back(
        ladder,
        each,
        planned={f"order:{order.public_id}": now for order in orders},
        less_minor=goods_minor,
    )
    deed = Deed(now=now, reason="preview", occasion=Occasion.RETURN)
    then = outcome(ladder=ladder, each=each, deed=deed, returned=returned)
    held, new = account.tier, ladder.tiers[then.tier or account.tier.code]
    if terms.rank(new.code) >= terms.rank(held.code):
        return [_effect("tier_stays", tier=held.label)]
    return [_effect("tier_falls", **{"from": held.label, "to": new.label})]
