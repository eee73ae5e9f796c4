"""What the API says about returns and refunds, and how it is written."""

from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

from crm.shared.money import as_api
from crm.shared.serializers import MoneyShape, WrittenShape
from orders.api.exchange_shapes import (
    ExchangeQuoteShape,
    ReplacementShape,
    exchange_quote_shape,
    replacement_shape,
)
from orders.models import RefundDeduction, RefundTender, ReturnRequest
from orders.reasons import effect_params, effect_text
from orders.rules.exchanges import ExchangeQuote
from orders.rules.refund_effects import Effect
from orders.rules.refunds import RefundQuote
from orders.rules.statements import Statement


class EffectShape(serializers.Serializer):
    """One thing a refund does: branch on ``code``."""

    code = serializers.CharField()
    message = serializers.CharField()
    params = serializers.DictField()


class RefundPartShape(serializers.Serializer):
    """Units of one line with the money and points they give back."""

    position = serializers.IntegerField()
    quantity = serializers.IntegerField()
    amount = MoneyShape()
    points = serializers.IntegerField()


class NamedAmountShape(serializers.Serializer):
    """An amount with its code and its name; negative gives a deduction back."""

    code = serializers.CharField()
    name = serializers.CharField()
    amount = MoneyShape()


class RefundQuoteShape(serializers.Serializer):
    """What a return would give back: items + freight - deductions = amount."""

    items = RefundPartShape(many=True)
    freight = MoneyShape()
    deductions = NamedAmountShape(many=True)
    amount = MoneyShape()
    points_returned = serializers.IntegerField()
    effects = EffectShape(many=True)
    quote_hash = serializers.CharField()
    exchange = ExchangeQuoteShape(
        allow_null=True, help_text="What the exchange that is asked for costs."
    )


class ReturnItemShape(serializers.Serializer):
    """Units that are asked back; ``accepted`` is null until they were inspected."""

    position = serializers.IntegerField()
    sku = serializers.CharField()
    name = serializers.CharField()
    quantity = serializers.IntegerField()
    wanted = serializers.CharField(allow_null=True)
    accepted = serializers.IntegerField(allow_null=True)


class ReturnEventShape(serializers.Serializer):
    """One step of a return, with the shop's note."""

    status = serializers.CharField()
    note = serializers.CharField()
    at = serializers.DateTimeField()


class StatementLineShape(serializers.Serializer):
    """Units that came back."""

    sku = serializers.CharField()
    name = serializers.CharField()
    quantity = serializers.IntegerField()
    amount = MoneyShape()
    points = serializers.IntegerField()


class StatementTenderShape(serializers.Serializer):
    """Where money went, and whether it is there."""

    provider = serializers.CharField()
    amount = MoneyShape()
    status = serializers.CharField()
    done_at = serializers.DateTimeField(allow_null=True)


class StatementShape(serializers.Serializer):
    """items + freight - deductions = amount = tenders + elsewhere (R22)."""

    id = serializers.CharField()
    order = serializers.CharField()
    kind = serializers.CharField()
    status = serializers.CharField()
    items = StatementLineShape(many=True)
    freight = MoneyShape()
    deductions = NamedAmountShape(many=True)
    amount = MoneyShape()
    tenders = StatementTenderShape(many=True)
    elsewhere = MoneyShape()
    points_returned = serializers.IntegerField()
    freight_points = serializers.IntegerField(
        help_text="Of those points, what had paid for the freight."
    )
    points_kept = serializers.IntegerField(
        help_text="Points of the items that stay, for what they paid was used."
    )
    effects = EffectShape(many=True)
    requested_at = serializers.DateTimeField()
    completed_at = serializers.DateTimeField(allow_null=True)


def effect_shape(effect: Effect, currency: str) -> dict[str, Any]:
    """Return one effect in words."""
    return {
        "code": effect.code,
        "message": effect_text(effect, currency),
        "params": effect_params(effect, currency),
    }


def refund_quote_shape(
    quote: RefundQuote, currency: str, *, exchange: ExchangeQuote | None
) -> dict[str, Any]:
    """Return what a refund would give back, or the exchange that is wanted cost."""
    return {
        "items": [
            {
                "position": line.position,
                "quantity": line.quantity,
                "amount": as_api(line.amount_minor, currency),
                "points": line.points,
            }
            for line in quote.lines
        ],
        "freight": as_api(quote.freight_minor, currency),
        "deductions": [
            _deduction(part.kind, part.amount_minor, currency)
            for part in quote.deductions
        ],
        "amount": as_api(quote.amount_minor, currency),
        "points_returned": quote.points,
        "effects": [effect_shape(effect, currency) for effect in quote.effects],
        "quote_hash": quote.hash,
        "exchange": exchange and exchange_quote_shape(exchange, currency),
    }


def _deduction(kind: str, amount_minor: int, currency: str) -> dict[str, Any]:
    return {
        "code": str(kind),
        "name": str(RefundDeduction.Kind(kind).label),
        "amount": as_api(amount_minor, currency),
    }


def return_shape(request: ReturnRequest) -> dict[str, Any]:
    """Return a return; it comes with its lines, events, order and refund."""
    return {
        "id": request.public_id,
        "order": request.order.public_id,
        "kind": request.kind,
        "status": request.state,
        "reason": request.reason_code,
        "words": request.words,
        "items": [
            {
                "position": line.order_line.position,
                "sku": line.order_line.sku,
                "name": line.order_line.name,
                "quantity": line.quantity,
                "wanted": line.wanted.sku if line.wanted is not None else None,
                "accepted": line.inspected_quantity,
            }
            for line in sorted(request.lines.all(), key=lambda line: line.pk)
        ],
        "carrier": request.carrier,
        "tracking_number": request.tracking_number,
        "refund": request.refund.public_id if request.refund is not None else None,
        "replacement": replacement_shape(request),
        "events": [
            {"status": event.to_state, "note": event.note, "at": event.occurred_at}
            for event in sorted(request.events.all(), key=lambda event: event.pk)
        ],
        "requested_at": request.requested_at,
        "closed_at": request.closed_at,
    }


class ReturnShape(WrittenShape):
    """A return as its member sees it."""

    write = staticmethod(return_shape)

    id = serializers.CharField()
    order = serializers.CharField()
    kind = serializers.ChoiceField(choices=ReturnRequest.Kind.choices)
    status = serializers.CharField()
    reason = serializers.CharField()
    words = serializers.CharField()
    items = ReturnItemShape(many=True)
    carrier = serializers.CharField()
    tracking_number = serializers.CharField()
    refund = serializers.CharField(allow_null=True)
    replacement = ReplacementShape(allow_null=True)
    events = ReturnEventShape(many=True)
    requested_at = serializers.DateTimeField()
    closed_at = serializers.DateTimeField(allow_null=True)


def statement_shape(paper: Statement) -> dict[str, Any]:
    """Return the statement of a refund."""
    currency = paper.currency
    return {
        "id": paper.refund,
        "order": paper.order,
        "kind": paper.kind,
        "status": paper.state,
        "items": [
            {
                "sku": line.sku,
                "name": line.name,
                "quantity": line.quantity,
                "amount": as_api(line.amount_minor, currency),
                "points": line.points,
            }
            for line in paper.lines
        ],
        "freight": as_api(paper.freight_minor, currency),
        "deductions": [
            _deduction(part.code, part.amount_minor, currency)
            for part in paper.deductions
        ],
        "amount": as_api(paper.amount_minor, currency),
        "tenders": [
            {
                "provider": part.code,
                "amount": as_api(part.amount_minor, currency),
                "status": part.state,
                "done_at": part.done_at,
            }
            for part in paper.tenders
        ],
        "elsewhere": as_api(paper.elsewhere_minor, currency),
        "points_returned": paper.points_returned,
        "freight_points": paper.freight_points,
        "points_kept": paper.points_kept,
        "effects": [effect_shape(effect, currency) for effect in paper.effects],
        "requested_at": paper.requested_at,
        "completed_at": paper.completed_at,
    }


def tender_label(state: str) -> str:
    """Return where the money of a tender is, in words."""
    return str(RefundTender.State(state).label) if state else _("outside this shop")
