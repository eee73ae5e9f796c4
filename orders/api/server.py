"""Orders in the server API: for the shop's other programs, by their own numbers."""

from typing import Any

from django.db import transaction
from django.http import Http404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response

from crm.shared.clock import now
from crm.shared.errors import Refusal
from crm.shared.idempotency import idempotent
from crm.shared.problems import pointed_errors
from crm.shared.server_api import ServerView
from orders.api.server_serializers import (
    OrderBatch,
    OrderBatchResponse,
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
        return Response(
            server_refund_shape(done.refund), status=201 if done.created else 200
        )


class OrdersBatch(ServerView):
    """POST up to 100 orders at once."""

    scopes = {"POST": WRITE}

    @extend_schema(
        operation_id="server_order_batch",
        request=OrderBatchSchema,
        responses=OrderBatchResponse,
    )
    @idempotent
    def post(self, request):
        """Bring in each; one that fails leaves the others alone.

        The answer is 200 whatever became of the items: look at each ``status``.
        """
        body = OrderBatch(data=request.data)
        body.is_valid(raise_exception=True)
        at, actor = now(), str(request.user)
        results = [
            {"index": index, **_ingested(item, actor=actor, at=at)}
            for index, item in enumerate(body.validated_data["items"])
        ]
        return Response({"data": results})


def _ingested(item: dict, *, actor: str, at: Any) -> dict:
    """Return what became of one item; its writes are all there or none."""
    try:
        body = OrderItem(data=item)
        body.is_valid(raise_exception=True)
        source = body.validated_data["source"]
        with transaction.atomic():
            done = ingest_order(
                source=source,
                external_ref=body.validated_data["external_ref"],
                **body.request(source=source),
                actor=actor,
                now=at,
            )
    except ValidationError as error:
        return {
            "status": 400,
            "code": "validation_error",
            "errors": pointed_errors(error.detail),
        }
    except Refusal as refusal:
        return {
            "status": refusal.status,
            "code": refusal.code,
            "title": str(refusal),
            **({"params": refusal.params} if refusal.params else {}),
        }
    return {"status": 201 if done.created else 200, "id": done.order.public_id}
