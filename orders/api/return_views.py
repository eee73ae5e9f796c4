"""Returns of a member, and the statements of their refunds."""

from django.http import Http404
from django.urls import reverse
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics
from rest_framework.response import Response
from rest_framework.views import APIView

from crm.shared import clock
from crm.shared.idempotency import idempotent
from crm.shared.paging import CursorPage
from crm.shared.strict import StrictQueryMixin
from members.authentication import IsMember
from orders.api import return_requests
from orders.api.order_views import OrderView
from orders.api.return_shapes import (
    RefundQuoteShape,
    ReturnShape,
    StatementShape,
    refund_quote_shape,
    return_shape,
    statement_shape,
)
from orders.models import ReturnRequest
from orders.queries.refunds import refunds_of
from orders.queries.returns import returns_of
from orders.services.return_requests import cancel_return, request_return, send_back
from orders.services.settling_exchanges import quote_wished_exchange
from orders.services.settling_returns import quote_wish
from orders.services.stating import refund_statement

#: Who the history names when a member acts; never the person.
_ACTOR = "member"


class NewestReturn(CursorPage):
    """Returns, newest first."""

    ordering = ("-requested_at", "-id")


class ReturnQuotes(OrderView):
    """POST asks what a return would give back."""

    @extend_schema(
        operation_id="me_orders_returns_quote",
        request=return_requests.NewReturn,
        responses=RefundQuoteShape,
    )
    def post(self, request, order: str):
        """Quote; 409 ``return_too_late``, ``nothing_to_refund``. Writes nothing.

        Of an exchange also what it costs, or gives back.
        """
        wanted = return_requests.NewReturn(data=request.data)
        wanted.is_valid(raise_exception=True)
        mine = self.find(order)
        asked = {"order_id": mine.pk, "wish": wanted.wish(), "now": clock.now()}
        exchange = quote_wished_exchange(**asked)
        quote = quote_wish(**asked)
        return Response(refund_quote_shape(quote, mine.currency, exchange=exchange))


class OrderReturns(OrderView):
    """POST asks for a return."""

    @extend_schema(
        operation_id="me_orders_returns_create",
        request=return_requests.NewReturn,
        responses={201: ReturnShape},
    )
    @idempotent(required=True)
    def post(self, request, order: str):
        """Ask; 409 ``return_too_late``, ``nothing_to_refund``."""
        wanted = return_requests.NewReturn(data=request.data)
        wanted.is_valid(raise_exception=True)
        made = request_return(
            order_id=self.find(order).pk,
            wish=wanted.wish(),
            actor=_ACTOR,
            now=clock.now(),
        )
        mine = returns_of(member_id=request.user.member.pk).get(pk=made.pk)
        response = Response(return_shape(mine), status=201)
        response["Location"] = reverse(
            "my-return", kwargs={"return_id": mine.public_id}
        )
        return response


@extend_schema_view(get=extend_schema(operation_id="me_returns_list"))
class MyReturns(StrictQueryMixin, generics.ListAPIView):
    """GET the member's returns, newest first."""

    permission_classes = [IsMember]
    serializer_class = ReturnShape
    pagination_class = NewestReturn
    filter_backends: list = []

    def get_queryset(self):
        """Return the caller's own returns."""
        return returns_of(member_id=self.request.user.member.pk)


class ReturnView(StrictQueryMixin, APIView):
    """What all doors to one return share."""

    permission_classes = [IsMember]
    pagination_class = None

    def find(self, public_id: str) -> ReturnRequest:
        """Return the caller's return; a foreign one is not there."""
        mine = returns_of(member_id=self.request.user.member.pk)
        found = mine.filter(public_id=public_id).first()
        if found is None:
            raise Http404
        return found


class MyReturn(ReturnView):
    """GET one return."""

    @extend_schema(operation_id="me_returns_retrieve", responses=ReturnShape)
    def get(self, request, return_id: str):
        """Return it with its lines and steps."""
        return Response(return_shape(self.find(return_id)))


class CancelReturn(ReturnView):
    """POST takes a return back before anything was sent."""

    @extend_schema(
        operation_id="me_returns_cancel", request=None, responses=ReturnShape
    )
    def post(self, request, return_id: str):
        """Cancel; again is harmless; 409 ``return_state_refused`` once it is sent."""
        cancel_return(return_id=self.find(return_id).pk, actor=_ACTOR, now=clock.now())
        return Response(return_shape(self.find(return_id)))


class ReturnShipment(ReturnView):
    """POST says that the goods were sent back."""

    @extend_schema(
        operation_id="me_returns_shipment_create",
        request=return_requests.ShipmentOfReturn,
        responses=ReturnShape,
    )
    def post(self, request, return_id: str):
        """Say so; the same again is harmless; 409 ``return_state_refused``."""
        sent = return_requests.ShipmentOfReturn(data=request.data)
        sent.is_valid(raise_exception=True)
        send_back(
            return_id=self.find(return_id).pk,
            actor=_ACTOR,
            now=clock.now(),
            **sent.validated_data,
        )
        return Response(return_shape(self.find(return_id)))


class RefundStatement(StrictQueryMixin, APIView):
    """GET one refund with the parts that add up to it."""

    permission_classes = [IsMember]
    pagination_class = None

    @extend_schema(operation_id="me_refunds_statement", responses=StatementShape)
    def get(self, request, refund_id: str):
        """Return the statement."""
        mine = refunds_of(member_id=request.user.member.pk)
        refund = mine.filter(public_id=refund_id).first()
        if refund is None:
            raise Http404
        return Response(statement_shape(refund_statement(refund_id=refund.pk)))
