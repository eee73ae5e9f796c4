"""Writes carts and orders as ``serializers.py`` describes them."""

from typing import Any

from crm.shared.money import as_api
from orders.models import Payment, Refund
from orders.queries.carts import CartItem
from orders.queries.orders import ShownLine, ShownOrder, ShownReduction, ShownRefund
from orders.reasons import change_text, reason_params, reason_text
from orders.rules.gifts import GIFT_OUT_OF_STOCK, Gift, known_article
from orders.rules.offers import Applied
from orders.rules.quotes import NotApplied, Quote, QuoteLine
from orders.rules.seen_prices import Change
from orders.services.quoting import PricedCart


def cart_shape(priced: PricedCart) -> dict[str, Any]:
    """Return a cart with its price."""
    cart, quote = priced.cart, priced.quote
    return {
        "id": cart.public_id,
        "channel": priced.contents.channel_code or None,
        "items": [
            _item(item, line, quote)
            for item, line in zip(priced.contents.items, quote.lines, strict=True)
        ],
        "gifts": [_gift(applied, gift, quote) for applied, gift in quote.gifts],
        "gifts_missed": [
            refused_shape(each, quote.currency)
            for each in quote.turned_down
            if each.why.code == GIFT_OUT_OF_STOCK
        ],
        "coupons": cart.coupon_codes,
        "points_to_spend": cart.points_to_spend,
        "points_spent": quote.points_spent,
        "address": priced.contents.address,
        "province": priced.contents.province,
        "discounts": [
            _reduction(each, each.amount_minor, each.points, quote.currency)
            | {
                "units": each.units,
                "left": each.units_left,
                "limited": bool(each.floors),
            }
            for each in quote.applied
        ],
        "nearest": _nearest(quote),
        "free_freight_missing": None
        if quote.free_missing_minor is None
        else as_api(quote.free_missing_minor, quote.currency),
        "totals": {
            "goods": as_api(quote.goods_minor, quote.currency),
            "discount": as_api(quote.discount_minor, quote.currency),
            "freight": as_api(quote.freight_minor, quote.currency),
            "total": as_api(quote.total_minor, quote.currency),
        },
        "quote_hash": quote.hash,
        "changes": [_change(each, quote.currency) for each in priced.changes],
    }


def _change(change: Change, currency: str) -> dict[str, Any]:
    def money(minor: int | None) -> dict[str, str] | None:
        return None if minor is None else as_api(minor, currency)

    source = change.source
    return {
        "code": change.code,
        "message": change_text(change, currency),
        "offer": _offer(*source, change.name) if source else None,
        "sku": change.sku or None,
        "from": money(change.was_minor),
        "to": money(change.is_minor),
    }


def _nearest(quote: Quote) -> dict[str, Any] | None:
    nearest = quote.nearest
    return None if nearest is None else refused_shape(nearest, quote.currency)


def _item(item: CartItem, priced: QuoteLine, quote: Quote) -> dict[str, Any]:
    line, currency = priced.line, quote.currency
    return {
        "id": item.public_id,
        "product": {"id": item.product_public_id, "name": item.label},
        "sku": item.sku,
        "option": item.option,
        "quantity": item.quantity,
        "available": item.is_available,
        "list_price": as_api(line.list_price_minor, currency),
        "unit_price": as_api(line.unit_price_minor, currency),
        "price_kind": line.price_kind,
        "subtotal": as_api(line.gross_minor, currency),
        "discounts": [
            _reduction(applied, amount, points, currency)
            for applied, amount, points in quote.shares_of(line.position)
        ],
        "total": as_api(priced.net_minor, currency),
    }


def _gift(applied: Applied, gift: Gift, quote: Quote) -> dict[str, Any]:
    article = known_article(gift)
    return {
        "product": {"id": article.product_public_id, "name": article.name},
        "sku": gift.sku,
        "option": article.option,
        "quantity": gift.quantity,
        "list_price": as_api(gift.listed_minor, quote.currency),
        "total": as_api(0, quote.currency),
        "gift_of": _offer(applied.source_kind, applied.source_id, applied.name),
        "instead_of": gift.instead_of or None,
    }


def _offer(kind: str, source_id: str, name: str) -> dict[str, str]:
    return {"type": kind, "id": source_id, "name": name}


def _reduction(
    applied: Applied, amount_minor: int, points: int, currency: str
) -> dict[str, Any]:
    return {
        "type": applied.source_kind,
        "id": applied.source_id,
        "name": applied.name,
        "amount": as_api(amount_minor, currency),
        "points": points,
    }


def refused_shape(entry: NotApplied, currency: str) -> dict[str, Any]:
    """Return an offer that took nothing, and why."""
    return {
        "type": entry.source_kind,
        "id": entry.source_id,
        "name": entry.name,
        "reason": {
            "code": entry.why.code,
            "message": reason_text(entry.why, currency),
            "params": reason_params(entry.why, currency),
        },
    }


def order_shape(order: ShownOrder) -> dict[str, Any]:
    """Return an order with its lines and refunds."""
    currency = order.currency
    return {
        "id": order.public_id,
        "number": order.number,
        "status": order.state,
        "waits_for": order.waits_for,
        "channel": order.channel_code,
        "campaign": order.campaign,
        "device": order.device,
        "items": [_order_line(line, currency) for line in order.lines],
        "totals": {
            "goods": as_api(order.goods_minor, currency),
            "discount": as_api(order.discount_minor, currency),
            "freight": as_api(order.freight_minor, currency),
            "total": as_api(order.total_minor, currency),
        },
        "paid": as_api(order.paid_minor, currency),
        "refunded": as_api(order.refunded_minor, currency),
        "points_spent": order.points_spent,
        "refunds": [refund_shape(refund, currency) for refund in order.refunds],
        "placed_at": order.placed_at,
        "payment_due_at": order.payment_due_at,
        "paid_at": order.paid_at,
        "shipped_at": order.shipped_at,
        "delivered_at": order.delivered_at,
        "closed_at": order.closed_at,
    }


def _order_line(line: ShownLine, currency: str) -> dict[str, Any]:
    return {
        "position": line.position,
        "product": {"id": line.product_public_id, "name": line.name},
        "sku": line.sku,
        "quantity": line.quantity,
        "list_price": as_api(
            line.unit_price_minor
            if line.list_price_minor is None
            else line.list_price_minor,
            currency,
        ),
        "unit_price": as_api(line.unit_price_minor, currency),
        "subtotal": as_api(line.gross_minor, currency),
        "discounts": [reduction_shape(each, currency) for each in line.allocations],
        "total": as_api(line.net_minor, currency),
        "gift_of": None
        if line.gift_of is None
        else _offer(
            line.gift_of.source_kind, line.gift_of.source_id, line.gift_of.source_name
        ),
        "shipped_quantity": line.shipped_quantity,
        "refunded_quantity": line.refunded_quantity,
    }


def reduction_shape(each: ShownReduction, currency: str) -> dict[str, Any]:
    """Return what an offer took off an order or a line of it."""
    return {
        "type": each.source_kind,
        "id": each.source_id,
        "name": each.source_name,
        "amount": as_api(each.amount_minor, currency),
        "points": each.points,
    }


def refund_shape(refund: Refund | ShownRefund, currency: str) -> dict[str, Any]:
    """Return money and points that went, or are on their way, back."""
    return {
        "id": refund.public_id,
        "status": refund.state,
        "amount": as_api(refund.amount_minor, currency),
        "freight": as_api(refund.freight_minor, currency),
        "points_returned": refund.points_returned,
        "requested_at": refund.requested_at,
        "completed_at": refund.completed_at,
    }


def payment_shape(payment: Payment) -> dict[str, Any]:
    """Return a payment that was just started."""
    return {
        "id": payment.public_id,
        "provider": payment.provider,
        "status": payment.state,
        "amount": as_api(payment.amount_minor, payment.order.currency),
        "pay_url": payment.pay_url,
    }
