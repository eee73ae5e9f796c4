"""Orders in the server API: for the shop's other programs, by their own numbers."""

from django.http import Http404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.response import Response

from crm.shared.batches import BatchRequest, BatchResponse, answer_each
from crm.shared.clock import now
from crm.shared.idempotency import idempotent
from crm.shared.server_api import ServerView
from orders.api.server_serializers import (
    OrderBatchSchema,
    OrderItem,
    OrderValues,
    RefundValues,
    ServerOrderShape,
    ServerRefundShape,
)
from orders.api.server_shapes import server_order_shape, server_refund_shape
from orders.queries.orders import foreign_order
from orders.services.ingesting import ingest_order
from orders.services.ingesting_refunds import ingest_refund

READ, WRITE = "orders:read", "orders:write"


def order_response(source: str, external_ref: str, *, status: int = 200) -> Response:
    """Return an order as it is now.

    Raises:
        Http404: there is none with this number.
    """
    order = foreign_order(source=source, external_ref=external_ref)
    if order is None:
        raise Http404
    return Response(server_order_shape(order), status=status)


class OrderByExternalRef(ServerView):
    """GET and PUT the order another system knows under this number."""

    scopes = {"GET": READ, "PUT": WRITE}

    @extend_schema(operation_id="server_order_retrieve", responses=ServerOrderShape)
    def get(self, request, source: str, external_ref: str):
        """Return the order with everything that happened to it."""
        return order_response(source, external_ref)

    @extend_schema(
        operation_id="server_order_ingest",
        request=OrderValues,
        responses={
            200: ServerOrderShape,
            201: OpenApiResponse(ServerOrderShape, "A new order"),
        },
    )
    @idempotent
    def put(self, request, source: str, external_ref: str):
        """Bring the order in (201), or move it on (200); the same again is harmless.

        409 ``order_contradicts`` names the field that said something else before; 422
        when sums do not add up, or a SKU, member or channel is unknown.
        """
        body = OrderValues(data=request.data)
        body.is_valid(raise_exception=True)
        done = ingest_order(
            source=source,
            external_ref=external_ref,
            **body.request(source=source),
            actor=str(request.user),
            now=now(),
        )
        return order_response(source, external_ref, status=201 if done.created else 200)


class OrderRefunds(ServerView):
    """POST a refund that the other system gave."""

    scopes = {"POST": WRITE}

    @extend_schema(
        operation_id="server_order_refund",
        request=RefundValues,
        responses={
            200: ServerRefundShape,
            201: OpenApiResponse(ServerRefundShape, "A new refund"),
        },
    )
    @idempotent
    def post(self, request, source: str, external_ref: str):
        """Take note (201); the same number again returns the first (200).

        422 ``refund_sums_differ`` when the amount is not what was paid for the units,
        409 ``refund_contradicts``, ``nothing_to_refund``, ``order_not_refundable``.
        """
        body = RefundValues(data=request.data)
        body.is_valid(raise_exception=True)
        done = ingest_refund(
            source=source,
            external_ref=external_ref,
            **body.request(),
            actor=str(request.user),
            now=now(),
        )
        shape = server_refund_shape(done.refund, done.refund.order.currency)
        return Response(shape, status=201 if done.created else 200)


class OrdersBatch(ServerView):
    """POST up to 100 orders at once."""

    scopes = {"POST": WRITE}

    @extend_schema(
        operation_id="server_order_batch",
        request=OrderBatchSchema,
        responses=BatchResponse,
    )
    @idempotent
    def post(self, request):
        """Bring in each; one that fails leaves the others alone.

        The answer is 200 whatever became of the items: look at each ``status``.
        """
        body = BatchRequest(data=request.data)
        body.is_valid(raise_exception=True)
        at, actor = now(), str(request.user)

        def ingest(item: dict) -> tuple[str, bool]:
            told = OrderItem(data=item)
            told.is_valid(raise_exception=True)
            named = {
                name: told.validated_data[name] for name in ("source", "external_ref")
            }
            values = told.request(source=named["source"])
            done = ingest_order(**named, **values, actor=actor, now=at)
            return done.order.public_id, done.created

        results = answer_each(body.validated_data["items"], ingest)
        return Response({"data": list(results)})
