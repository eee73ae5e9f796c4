"""What the API tells of offers beside a cart: what they do, why not, and the way."""

from typing import Any

from rest_framework import serializers

from crm.shared.money import as_api
from crm.shared.serializers import MoneyShape
from crm.shared.strict import StrictSerializer
from orders.api.serializers import OfferReasonShape, RefusedOfferShape
from orders.api.shapes import refused_shape
from orders.reasons import path_text, reason_params, reason_text
from orders.rules.nearest import Path
from orders.rules.offers import Applied, Refused
from orders.rules.quotes import Quote
from orders.services.explaining import Explanation, Told, ToldHolding


class OffersQuery(StrictSerializer):
    """What may be asked: about everything, or about one code as typed."""

    code = serializers.CharField(max_length=40, required=False, default="")


class OfferLineShape(serializers.Serializer):
    """What an offer takes off one line of the cart."""

    id = serializers.CharField()
    saves = MoneyShape()


class AppliedOfferShape(serializers.Serializer):
    """An offer that lowers the price; ``lines`` leave out what it takes off freight.

    ``units``, ``left`` and ``limited`` as in the discounts of a cart.
    """

    type = serializers.CharField()
    id = serializers.CharField()
    name = serializers.CharField()
    saves = MoneyShape()
    units = serializers.IntegerField()
    left = serializers.IntegerField(allow_null=True)
    limited = serializers.BooleanField()
    lines = OfferLineShape(many=True)


class OfferPathShape(serializers.Serializer):
    """The least change that brings an offer: what it saves then, and the total then.

    Tried by pricing the changed cart; ``null`` where no change is known that does.
    """

    code = serializers.ChoiceField(
        choices=[
            *("spend_more", "add_units", "add_goods", "sign_in", "reach_tier"),
            *("come_later", "remove_code", "spend_points"),
        ]
    )
    message = serializers.CharField()
    params = serializers.DictField()
    saves = MoneyShape()
    total = MoneyShape()


class ToldOfferShape(RefusedOfferShape):
    """An offer that does not lower the price, why, and the nearest way to it."""

    path = OfferPathShape(allow_null=True)


class HoldingShape(serializers.Serializer):
    """A coupon of mine beside the cart, by its code (C20)."""

    type = serializers.CharField()
    id = serializers.CharField()
    name = serializers.CharField()
    code = serializers.CharField()
    expires_at = serializers.DateTimeField()
    usable = serializers.BooleanField()
    saves = MoneyShape()
    reason = OfferReasonShape(allow_null=True)
    path = OfferPathShape(allow_null=True)


class CartOffersShape(serializers.Serializer):
    """Every offer that was considered, once (S25), and the coupons I hold.

    Of very many inapplicable offers the nearest are told; ``left_out`` counts the rest.
    """

    applicable = AppliedOfferShape(many=True)
    inapplicable = ToldOfferShape(many=True)
    skipped = ToldOfferShape(many=True)
    coupons = HoldingShape(many=True)
    nearest = RefusedOfferShape(allow_null=True)
    left_out = serializers.IntegerField()


def explanation_shape(told: Explanation) -> dict[str, Any]:
    """Return every offer that concerns a cart."""
    quote = told.priced.quote
    nearest = quote.nearest
    return {
        "applicable": [_applied(each, told) for each in told.applied],
        "inapplicable": [_told(each, quote) for each in told.refused],
        "skipped": [_told(each, quote) for each in told.skipped],
        "coupons": [_holding(each, quote.currency) for each in told.holdings],
        "nearest": None if nearest is None else refused_shape(nearest, quote.currency),
        "left_out": told.left_out,
    }


def _applied(applied: Applied, told: Explanation) -> dict[str, Any]:
    currency, items = told.priced.quote.currency, told.priced.contents.items
    return {
        "type": applied.source_kind,
        "id": applied.source_id,
        "name": applied.name,
        "saves": as_api(applied.amount_minor, currency),
        "units": applied.units,
        "left": applied.units_left,
        "limited": bool(applied.floors),
        "lines": [
            {
                "id": items[position - 1].public_id,
                "saves": as_api(amount_minor, currency),
            }
            for position, amount_minor in applied.shares
        ],
    }


def _told(told: Told, quote: Quote) -> dict[str, Any]:
    path = _path(told.path, quote.currency)
    return refused_shape(told.entry, quote.currency) | {"path": path}


def _path(path: Path | None, currency: str) -> dict[str, Any] | None:
    if path is None:
        return None
    change = Refused(path.code, path.params)
    return {
        "code": path.code,
        "message": path_text(path, currency),
        "params": reason_params(change, currency),
        "saves": as_api(path.saves_minor, currency),
        "total": as_api(path.total_minor, currency),
    }


def _holding(told: ToldHolding, currency: str) -> dict[str, Any]:
    holding, why = told.holding, told.holding.why
    return {
        "type": holding.source_kind,
        "id": holding.source_id,
        "name": holding.name,
        "code": holding.code,
        "expires_at": holding.expires_at,
        "usable": why is None,
        "saves": as_api(holding.saves_minor, currency),
        "reason": None
        if why is None
        else {
            "code": why.code,
            "message": reason_text(why, currency),
            "params": reason_params(why, currency),
        },
        "path": _path(told.path, currency),
    }
