"""What is kept about members by this app: what they bought, and stays in the books."""

from django.utils.translation import gettext_lazy as _

from crm.shared.personal_data import PersonalData, Table
from crm.shared.retention import Rule
from orders.models import Cart, ImportIssue


class OrdersData(PersonalData):
    """Orders and money stay as they are; only baskets go.

    The region of an order stays: freight and tax were reckoned with it.
    """

    tables = (
        Table(
            "orders.CartLine",
            "cart__member",
            kept="quantity",
            plain="public_id cart variant",
            beside="variant__sku",
            goes=True,
        ),
        Table(
            "orders.Cart",
            "member",
            kept="province campaign device coupon_codes points_to_spend created_at "
            "updated_at",
            plain="public_id member channel address merged_into",
            goes=True,
        ),
        Table(
            "orders.Order",
            "member",
            kept="public_id number source external_ref region state currency "
            "goods_minor discount_minor freight_minor total_minor paid_minor "
            "refunded_minor points_spent placed_at paid_at closed_at campaign device "
            "shipped_at delivered_at",
            plain="member cart channel quote_hash payment_due_at exchange_of",
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
            kept="sku name quantity list_price_minor unit_price_minor gross_minor "
            "discount_minor net_minor shipped_quantity refunded_quantity "
            "refunded_minor",
            plain="order position variant kind price_kind cost_minor gift_of replaces "
            "source_row",
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
            plain="order stage source_id terms on_return",
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
            plain="order provider_ref return_due_at return_attempts",
            beside="order__number",
        ),
        Table(
            "orders.PaymentCallback",
            "payment__order__member",
            plain="provider event_id payment kind received_at",
        ),
        Table(
            "orders.Refund",
            "order__member",
            kept="public_id kind state amount_minor freight_minor points_returned "
            "requested_at completed_at",
            plain="order source external_ref payment request_key reason actor due_at "
            "attempts",
            beside="order__number",
        ),
        Table(
            "orders.RefundLine",
            "refund__order__member",
            kept="quantity amount_minor points",
            plain="refund order_line source_row",
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
        "orders.Category": "name name_en code lineage",
        "orders.Channel": "name name_en code",
        "orders.FreightRule": "name provinces",
        "orders.ImportBatch": "public_id profile sha256 file_name cursor",
        # Cells of a file, before anybody knows whose: they end by retention.
        "orders.ImportIssue": "column code value invoice",
        "orders.Price": "kind audience",
        "orders.Product": "name name_en public_id brand description",
        "orders.Variant": "sku option",
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
