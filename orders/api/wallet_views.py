"""A member's stored value, and gift cards."""

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics
from rest_framework.response import Response
from rest_framework.views import APIView

from crm.shared import clock
from crm.shared.paging import CursorPage
from crm.shared.strict import StrictQueryMixin
from members.authentication import IsMember
from members.identity.callers import address_of
from members.rules.devices import caller_of
from orders.api.order_views import OrderView
from orders.api.wallet_shapes import (
    GiftCardCode,
    GiftCardShape,
    RedeemedShape,
    WalletEntryShape,
    WalletShape,
    redeemed_shape,
)
from orders.models import WalletEntry
from orders.queries.wallets import cards_of_order, wallet_entries, wallet_of
from orders.services.gift_cards import redeem_gift_card


class NewestEntry(CursorPage):
    """Movements of stored value, the newest number first."""

    ordering = ("-seq",)


class MyWallet(StrictQueryMixin, APIView):
    """GET the member's stored value now."""

    permission_classes = [IsMember]
    pagination_class = None

    @extend_schema(operation_id="me_wallet", responses=WalletShape)
    def get(self, request):
        """Answer for the caller."""
        wallet = wallet_of(member_id=request.user.member.pk)
        return Response(WalletShape(wallet).data)


@extend_schema_view(get=extend_schema(operation_id="wallet_entries_list"))
class MyWalletEntries(StrictQueryMixin, generics.ListAPIView):
    """GET every movement of the member's stored value, newest first."""

    permission_classes = [IsMember]
    serializer_class = WalletEntryShape
    pagination_class = NewestEntry
    filter_backends: list = []
    queryset = WalletEntry.objects.none()

    def get_queryset(self):
        """Return the caller's own entries."""
        return wallet_entries(member_id=self.request.user.member.pk)


class MyGiftCards(StrictQueryMixin, APIView):
    """POST puts the value of a gift card into the member's wallet."""

    permission_classes = [IsMember]
    pagination_class = None

    @extend_schema(
        operation_id="me_gift_cards_redeem",
        request=GiftCardCode,
        responses=RedeemedShape,
    )
    def post(self, request):
        """Redeem; again is harmless; 422 ``gift_card_not_valid``, 429 ``too_often``."""
        wanted = GiftCardCode(data=request.data)
        wanted.is_valid(raise_exception=True)
        member_id = request.user.member.pk
        entry = redeem_gift_card(
            member_id=member_id,
            caller=caller_of(address_of(request._request)),
            now=clock.now(),
            **wanted.validated_data,
        )
        return Response(redeemed_shape(entry, wallet_of(member_id=member_id)))


class OrderGiftCards(OrderView):
    """GET the gift cards an order bought."""

    @extend_schema(
        operation_id="me_orders_gift_cards", responses=GiftCardShape(many=True)
    )
    def get(self, request, order: str):
        """Return the cards with the codes that still open something."""
        cards = cards_of_order(order_id=self.find(order).pk)
        return Response(GiftCardShape(cards, many=True).data)
