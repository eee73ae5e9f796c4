"""A member's orders and their payments."""

from django.http import Http404
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import (
    OpenApiParameter,
    extend_schema,
    extend_schema_view,
)
from rest_framework import generics
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response
from rest_framework.views import APIView

from crm.shared import clock
from crm.shared.paging import CursorPage
from crm.shared.strict import StrictQueryMixin
from members.authentication import IsMember
from orders.api import requests
from orders.api.serializers import OrderShape, PaymentShape
from orders.api.shapes import order_shape, payment_shape
from orders.models import Order
from orders.queries.orders import orders_of
from orders.services.cancelling import cancel_order
from orders.services.payment import start_payment


class NewestOrder(CursorPage):
    """Orders, newest first."""

    ordering = ("-placed_at", "-id")


@extend_schema_view(
    get=extend_schema(
        operation_id="me_orders_list",
        parameters=[OpenApiParameter("status", enum=sorted(Order.State.values))],
    )
)
class MyOrders(StrictQueryMixin, generics.ListAPIView):
    """GET the member's orders, newest first."""

    permission_classes = [IsMember]
    serializer_class = OrderShape
    pagination_class = NewestOrder
    filter_backends: list = []
    query_parameters = ["status"]

    def get_queryset(self):
        """Return the caller's own orders of the wanted status."""
        state = self.request.query_params.get("status", "")
        if state and state not in Order.State.values:
            raise ValidationError({"status": [_("There is no such status.")]})
        return orders_of(member_id=self.request.user.member.pk, state=state)


class OrderView(StrictQueryMixin, APIView):
    """What all doors to one order share."""

    permission_classes = [IsMember]
    pagination_class = None

    def find(self, public_id: str) -> Order:
        """Return the caller's order; a foreign one is not there."""
        mine = orders_of(member_id=self.request.user.member.pk)
        order = mine.filter(public_id=public_id).first()
        if order is None:
            raise Http404
        return order


class MyOrder(OrderView):
    """GET one order."""

    @extend_schema(operation_id="me_orders_retrieve", responses=OrderShape)
    def get(self, request, order: str):
        """Return the order with its lines and refunds."""
        return Response(order_shape(self.find(order)))


class CancelOrder(OrderView):
    """POST cancels an unpaid order."""

    @extend_schema(
        operation_id="me_orders_cancel",
        request=requests.CancelRequest,
        responses=OrderShape,
    )
    def post(self, request, order: str):
        """Cancel; again is harmless; 409 ``order_not_cancellable`` once it is paid."""
        wanted = requests.CancelRequest(data=request.data)
        wanted.is_valid(raise_exception=True)
        cancel_order(
            order_id=self.find(order).pk,
            actor="member",
            now=clock.now(),
            **wanted.validated_data,
        )
        return Response(order_shape(self.find(order)))


class OrderPayments(OrderView):
    """POST starts to pay an order or a part; again goes on with what is under way."""

    @extend_schema(
        operation_id="orders_payments_create",
        request=requests.PaymentRequest,
        responses={201: PaymentShape},
    )
    def post(self, request, order: str):
        """Start; 409 ``order_not_payable``, 422 ``unknown_payment_provider``.

        422 ``payment_amount_too_high``; of the wallet 409 ``not_enough_in_wallet`` and
        ``wallet_not_usable``.
        """
        wanted = requests.PaymentRequest(data=request.data)
        wanted.is_valid(raise_exception=True)
        payment = start_payment(
            order_id=self.find(order).pk, now=clock.now(), **wanted.validated_data
        )
        return Response(payment_shape(payment), status=201)
