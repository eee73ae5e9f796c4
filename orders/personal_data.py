"""What is kept about members by this app: what they bought, and stays in the books."""

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.shared.personal_data import PersonalData, Table
from crm.shared.retention import Rule
from orders.models import Cart, ImportIssue


def _card_of(member_id: int) -> Q:
    """Return the cards somebody bought or redeemed."""
    return Q(line__order__member=member_id) | Q(redeemed_by=member_id)


class OrdersData(PersonalData):
    """Orders and money stay as they are; baskets and the words of reviews go.

    The region of an order stays: freight and tax were reckoned with it.
    """

    tables = (
        Table(
            "orders.CartLine",
            "cart__member",
            kept="quantity agreed_minor",
            plain="public_id cart variant agreed_kind",
            beside="variant__sku",
            goes=True,
        ),
        Table(
            "orders.Cart",
            "member",
            kept="province campaign device coupon_codes points_to_spend "
            "staff_percent_bp staff_off_minor created_at updated_at",
            plain="public_id member channel address merged_into seen",
            goes=True,
        ),
        Table(
            "orders.Order",
            "member",
            kept="public_id number source external_ref region campaign device state "
            "audiences currency goods_minor discount_minor freight_minor total_minor "
            "paid_minor refunded_minor points_spent placed_at paid_at shipped_at "
            "delivered_at closed_at",
            plain="member cart channel exchange_of quote_hash payment_due_at "
            "is_protected waits_for",
        ),
        Table(
            "orders.OrderAddress",
            "order__member",
            cleared="recipient phone province city district street postcode",
            kept="country",
            plain="public_id order",
            beside="order__number",
            goes=True,
        ),
        Table(
            "orders.OrderLine",
            "order__member",
            kept="sku name quantity list_price_minor unit_price_minor price_kind "
            "gross_minor discount_minor net_minor shipped_quantity refunded_quantity "
            "refunded_minor",
            plain="order position variant kind cost_minor gift_of replaces source_row "
            "returning_quantity",
            beside="order__number",
        ),
        Table(
            "orders.Allocation",
            "line__order__member",
            kept="source_kind source_name amount_minor points",
            plain="line source_id",
            beside="line__order__number",
        ),
        Table(
            "orders.AppliedOffer",
            "order__member",
            kept="source_kind source_name amount_minor points",
            plain="order stage source_id terms on_return trigger_positions",
            beside="order__number",
        ),
        Table(
            "orders.OrderEvent",
            "order__member",
            kept="from_state to_state occurred_at",
            plain="order actor reason",
            beside="order__number",
        ),
        Table(
            "orders.Payment",
            "order__member",
            kept="public_id provider amount_minor refunded_minor state created_at "
            "captured_at",
            plain="order provider_ref tender return_due_at return_attempts ask_due_at "
            "ask_attempts",
            beside="order__number",
        ),
        Table(
            "orders.Wallet",
            "pk",
            kept="balance_minor held_minor",
            plain="seq",
        ),
        Table(
            "orders.WalletEntry",
            "wallet",
            kept="public_id seq kind amount_minor balance_after_minor reason "
            "occurred_at",
            plain="wallet source actor",
        ),
        # The code opens value for whoever brings it: not part of a copy of one's data.
        Table(
            "orders.GiftCard",
            _card_of,
            kept="public_id number amount_minor state issued_at expires_at redeemed_at",
            plain="line code redeemed_by refund",
        ),
        Table(
            "orders.PaymentCallback",
            "payment__order__member",
            plain="provider event_id payment kind received_at",
        ),
        Table(
            "orders.Refund",
            "order__member",
            kept="public_id kind state amount_minor freight_minor deducted_minor "
            "points_returned freight_points points_kept points_deducted shortfall "
            "requested_at completed_at exchanged_minor",
            plain="order replaced_by source external_ref request_key reason "
            "reason_code actor restocks quote_hash",
            beside="order__number",
        ),
        Table(
            "orders.RefundDeduction",
            "refund__order__member",
            kept="kind amount_minor",
            plain="refund",
            beside="refund__public_id",
        ),
        Table(
            "orders.RefundTender",
            "refund__order__member",
            kept="amount_minor state to_wallet done_at",
            plain="refund payment key due_at attempts consent",
            beside="refund__public_id payment__provider",
        ),
        Table(
            "orders.ReturnRequest",
            "order__member",
            cleared="words",
            kept="public_id kind state reason_code carrier tracking_number "
            "requested_at closed_at",
            plain="order refund",
            beside="order__number",
        ),
        Table(
            "orders.ReturnLine",
            "request__order__member",
            kept="quantity inspected_quantity restock condition",
            plain="request order_line wanted",
            beside="request__public_id order_line__sku",
        ),
        Table(
            "orders.ReturnEvent",
            "request__order__member",
            kept="from_state to_state note occurred_at",
            plain="request actor",
            beside="request__public_id",
        ),
        Table(
            "orders.RefundLine",
            "refund__order__member",
            kept="quantity amount_minor points",
            plain="refund order_line source_row",
            beside="order_line__sku",
        ),
        Table(
            "orders.ReviewVote",
            "member",
            kept="created_at",
            plain="review member",
            beside="review__public_id",
            goes=True,
        ),
        Table(
            "orders.ReviewPicture",
            "review__member",
            plain="public_id review position webp",
            goes=True,
        ),
        Table(
            "orders.Review",
            "member",
            cleared="text follow_up",
            kept="public_id rating state verdict created_at edited_at followed_up_at "
            "reply replied_at helpful_count is_rewarded",
            plain="order_line member product",
            beside="product__name",
        ),
        Table(
            "orders.Shipment",
            "order__member",
            kept="public_id carrier tracking state sent_at delivered_at lost_at",
            plain="order request_key actor",
            beside="order__number",
        ),
        Table(
            "orders.ShipmentLine",
            "shipment__order__member",
            kept="quantity",
            plain="shipment order_line",
            beside="order_line__sku",
        ),
        Table(
            "orders.UnmatchedReturn",
            "member",
            kept="external_ref kind quantity amount_minor state occurred_at",
            plain="source source_row member variant reason",
        ),
    )

    reviewed = {
        "orders.Adjustment": "source external_ref description",
        "orders.Attribute": "name name_en code",
        "orders.Brand": "name name_en code",
        "orders.Category": "name name_en code lineage",
        "orders.Channel": "name name_en code",
        "orders.FreightRule": "name provinces",
        "orders.ImportBatch": "public_id profile sha256 file_name cursor",
        # Cells of a file, before anybody knows whose: they end by retention.
        "orders.ImportIssue": "column code value invoice",
        # Staff are told to name nobody; ``actor`` is a login or a program.
        "orders.Price": "audience actor",
        "orders.Product": "name name_en public_id tags description",
        "orders.ProductAttribute": "value value_en",
        "orders.ProductImage": "public_id alt alt_en picture",
        "orders.ProductWords": "words",
        "orders.StockMove": "actor reason",
        "orders.Variant": "sku option barcode",
    }

    retention = (
        Rule(
            "orders.visitor_carts",
            _("baskets of visitors"),
            30,
            lambda kept_from: Cart.objects.filter(
                member__isnull=True, updated_at__lt=kept_from
            ),
            _("deleted"),
        ),
        Rule(
            "orders.carts",
            _("baskets of members"),
            365,
            lambda kept_from: Cart.objects.filter(
                member__isnull=False, updated_at__lt=kept_from
            ),
            _("deleted"),
        ),
        Rule(
            "orders.import_issues",
            _("cells of files that were odd"),
            90,
            lambda kept_from: ImportIssue.objects.filter(
                batch__finished_at__lt=kept_from
            ),
            _("deleted"),
        ),
    )
