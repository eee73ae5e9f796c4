"""A member's orders and their payments."""

from django.http import Http404
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics
from rest_framework.response import Response
from rest_framework.views import APIView

from crm.shared import clock
from crm.shared.paging import CursorPage
from crm.shared.strict import StrictQueryMixin
from members.authentication import IsMember
from orders.api import requests
from orders.api.order_serializers import ConfirmRequest, OrderDetailShape, OrderQuery
from orders.api.serializers import OrderShape, PaymentShape
from orders.api.shapes import payment_shape
from orders.models import Order
from orders.queries.orders import order_of, orders_of
from orders.services.cancelling import cancel_order
from orders.services.completing import confirm_order
from orders.services.payment import start_payment


class NewestOrder(CursorPage):
    """Orders, newest first."""

    ordering = ("-placed_at", "-id")


@extend_schema_view(
    get=extend_schema(operation_id="me_orders_list", parameters=[OrderQuery])
)
class MyOrders(StrictQueryMixin, generics.ListAPIView):
    """GET the member's orders, newest first."""

    permission_classes = [IsMember]
    serializer_class = OrderShape
    pagination_class = NewestOrder
    filter_backends: list = []
    query_parameters = ["status", "group", "placed_from", "placed_until"]

    def get_queryset(self):
        """Return the caller's own orders of the wanted states and days."""
        wanted = OrderQuery(data=self.request.query_params)
        wanted.is_valid(raise_exception=True)
        return orders_of(member_id=self.request.user.member.pk, **wanted.request())


class OrderView(StrictQueryMixin, APIView):
    """What all doors to one order share."""

    permission_classes = [IsMember]
    pagination_class = None

    def find(self, public_id: str) -> Order:
        """Return the caller's order; a foreign one is not there."""
        mine = Order.objects.filter(member_id=self.request.user.member.pk)
        order = mine.filter(public_id=public_id).first()
        if order is None:
            raise Http404
        return order

    def answer(self, public_id: str) -> Response:
        """Return the order as it is now, with all that belongs to it."""
        order = order_of(member_id=self.request.user.member.pk, public_id=public_id)
        if order is None:
            raise Http404
        shape = OrderDetailShape(order, context={"now": clock.now()})
        return Response(shape.data)


class MyOrder(OrderView):
    """GET one order."""

    @extend_schema(operation_id="me_orders_retrieve", responses=OrderDetailShape)
    def get(self, request, order: str):
        """Return the order with its lines, offers, tenders, parcels and refunds."""
        return self.answer(order)


class CancelOrder(OrderView):
    """POST cancels an unpaid order."""

    @extend_schema(
        operation_id="me_orders_cancel",
        request=requests.CancelRequest,
        responses=OrderDetailShape,
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
        return self.answer(order)


class ConfirmOrder(OrderView):
    """POST says that everything arrived."""

    @extend_schema(
        operation_id="me_orders_confirm",
        request=ConfirmRequest,
        responses=OrderDetailShape,
    )
    def post(self, request, order: str):
        """Complete the order; again is harmless; 409 ``order_not_confirmable``."""
        ConfirmRequest(data=request.data).is_valid(raise_exception=True)
        confirm_order(order_id=self.find(order).pk, now=clock.now())
        return self.answer(order)


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
