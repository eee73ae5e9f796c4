"""Carts, for members and for visitors who know a cart's id."""

from django.http import Http404
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

from crm.shared import clock
from crm.shared.idempotency import idempotent
from crm.shared.strict import StrictQueryMixin
from members.authentication import IsMember
from orders.api import requests
from orders.api.offer_shapes import CartOffersShape, OffersQuery, explanation_shape
from orders.api.order_serializers import OrderDetailShape
from orders.api.serializers import CartShape
from orders.api.shapes import cart_shape
from orders.guessers import guesser_of
from orders.models import Cart
from orders.queries.carts import cart_being_filled, find_cart, found_cart
from orders.queries.orders import order_of
from orders.services import carts
from orders.services.checkout import CartTotalChanged, place_order
from orders.services.explaining import explain_cart, explain_code
from orders.services.merging_carts import merge_cart
from orders.services.quoting import PricedCart, price_contents, priced_cart


class CartView(StrictQueryMixin, APIView):
    """What all doors to a cart share."""

    permission_classes = [AllowAny]
    pagination_class = None

    def member_id(self) -> int | None:
        """Return who asks, if it is a member."""
        member = getattr(self.request.user, "member", None)
        return member.pk if member else None

    def find(self, public_id: str) -> Cart:
        """Return the caller's cart; a foreign one is not there."""
        cart = find_cart(public_id=public_id, member_id=self.member_id())
        if cart is None:
            raise Http404
        return cart

    def read(self, shape: type, data=None):
        """Return the validated body."""
        wanted = shape(data=self.request.data if data is None else data)
        wanted.is_valid(raise_exception=True)
        return wanted.validated_data

    def priced(self, public_id: str) -> PricedCart:
        """Return the caller's cart as it is now, with its price."""
        now = clock.now()
        found = found_cart(public_id=public_id, member_id=self.member_id(), at=now)
        if found is None:
            raise Http404
        cart, contents = found
        return price_contents(cart=cart, contents=contents, now=now)

    def changed(self, public_id: str, status: int = 200) -> Response:
        """Return a cart that the caller changed, and keep what they see of it (S23)."""
        return self.show_changed(self.priced(public_id), status)

    def show_changed(self, priced: PricedCart, status: int = 200) -> Response:
        """Return a cart that was changed, with its price, and keep what is seen."""
        response = self.show(priced, status)
        carts.keep_seen(priced=priced)
        return response

    def show(self, priced: PricedCart, status: int = 200) -> Response:
        """Return a cart the caller may see, with its price."""
        return Response(cart_shape(priced), status=status)


class Carts(CartView):
    """POST opens an empty cart."""

    @extend_schema(
        operation_id="carts_create",
        request=requests.NewCart,
        responses={201: CartShape},
    )
    @idempotent
    def post(self, request):
        """Open a cart of the signed-in member, or a visitor's."""
        wanted = self.read(requests.NewCart)
        cart = carts.create_cart(
            member_id=self.member_id(),
            channel_code=wanted["channel"],
            campaign=wanted["campaign"],
            device=wanted["device"],
            now=clock.now(),
        )
        response = self.show(priced_cart(cart=cart, now=clock.now()), status=201)
        response["Location"] = reverse("cart", kwargs={"cart": cart.public_id})
        return response


class CartDetail(CartView):
    """One cart: GET its price, PATCH its owner or where it goes, DELETE it."""

    @extend_schema(operation_id="carts_retrieve", responses=CartShape)
    def get(self, request, cart: str):
        """Return the cart, priced now."""
        return self.show(self.priced(cart))

    @extend_schema(
        operation_id="carts_partial_update",
        request=requests.CartPatch,
        responses=CartShape,
    )
    def patch(self, request, cart: str):
        """Take over a visitor's cart, or say where the cart goes."""
        wanted = self.read(requests.CartPatch)
        found, now = self.find(cart), clock.now()
        if "province" in wanted:
            carts.set_province(cart_id=found.pk, now=now, **wanted)
            return self.changed(cart)
        member_id = self.member_id()
        if member_id is None:
            self.permission_denied(request)
        if "address" in wanted:
            carts.set_address(cart_id=found.pk, member_id=member_id, now=now, **wanted)
        else:
            carts.attach_cart(cart_id=found.pk, member_id=member_id, now=now)
        return self.changed(cart)

    @extend_schema(operation_id="carts_destroy", responses={204: None})
    def delete(self, request, cart: str):
        """Throw the cart away."""
        carts.delete_cart(cart_id=self.find(cart).pk, now=clock.now())
        return Response(status=204)


class MyCart(CartView):
    """GET the cart I am filling; POST joins with it what I had before signing in."""

    permission_classes = [IsMember]

    @extend_schema(operation_id="me_cart_retrieve", responses=CartShape)
    def get(self, request):
        """Return the cart changed last; 404 where there is none."""
        now = clock.now()
        found = cart_being_filled(member_id=self.member_id(), at=now)
        if found is None:
            raise Http404
        cart, contents = found
        return self.show(price_contents(cart=cart, contents=contents, now=now))

    @extend_schema(
        operation_id="me_cart_create",
        request=requests.CartToMerge,
        responses=CartShape,
    )
    @idempotent
    def post(self, request):
        """Join a visitor's cart with mine and return mine; again changes nothing."""
        wanted = self.read(requests.CartToMerge)
        cart = merge_cart(
            visitor_cart=wanted["from"], member_id=self.member_id(), now=clock.now()
        )
        return self.show_changed(priced_cart(cart=cart, now=clock.now()))


class CartItems(CartView):
    """POST puts units of a SKU into the cart."""

    @extend_schema(
        operation_id="carts_items_create",
        request=requests.NewItem,
        responses={201: CartShape},
    )
    @idempotent
    def post(self, request, cart: str):
        """Add units; 422 ``item_unavailable`` or ``cart_full``."""
        wanted = self.read(requests.NewItem)
        carts.add_item(cart_id=self.find(cart).pk, now=clock.now(), **wanted)
        return self.changed(cart, status=201)


class CartItem(CartView):
    """One line: PATCH its units, DELETE it."""

    @extend_schema(
        operation_id="carts_items_partial_update",
        request=requests.ItemPatch,
        responses=CartShape,
    )
    def patch(self, request, cart: str, item: str):
        """Set the units; 0 takes the line out."""
        wanted = self.read(requests.ItemPatch)
        carts.change_item(
            cart_id=self.find(cart).pk, item=item, now=clock.now(), **wanted
        )
        return self.changed(cart)

    @extend_schema(operation_id="carts_items_destroy", responses=CartShape)
    def delete(self, request, cart: str, item: str):
        """Take the line out and return the cart."""
        carts.change_item(
            cart_id=self.find(cart).pk, item=item, quantity=0, now=clock.now()
        )
        return self.changed(cart)


class CartCoupons(CartView):
    """POST a coupon code; 422 says why it takes nothing off."""

    @extend_schema(
        operation_id="carts_coupons_create",
        request=requests.CouponCode,
        responses={201: CartShape},
    )
    def post(self, request, cart: str):
        """Add a code that lowers the price; 429 ``too_often`` after ten wrong ones."""
        wanted = self.read(requests.CouponCode)
        carts.try_coupon(
            cart_id=self.find(cart).pk,
            guesser=guesser_of(request),
            now=clock.now(),
            **wanted,
        )
        return self.changed(cart, status=201)


class CartCoupon(CartView):
    """DELETE a coupon code from the cart."""

    @extend_schema(operation_id="carts_coupons_destroy", responses=CartShape)
    def delete(self, request, cart: str, code: str):
        """Take the code out and return the cart."""
        carts.remove_coupon(cart_id=self.find(cart).pk, code=code, now=clock.now())
        return self.changed(cart)


class CartPoints(CartView):
    """PUT how many points the member would like to spend."""

    permission_classes = [IsMember]

    @extend_schema(
        operation_id="carts_points_update",
        request=requests.PointsToSpend,
        responses=CartShape,
    )
    def put(self, request, cart: str):
        """Set the wish; ``points_spent`` of the answer is what really goes."""
        wanted = self.read(requests.PointsToSpend)
        carts.set_points(cart_id=self.find(cart).pk, now=clock.now(), **wanted)
        return self.changed(cart)


class CartOffers(CartView):
    """GET every offer considered for the cart: applicable, inapplicable, skipped."""

    query_parameters = ["code"]

    @extend_schema(
        operation_id="carts_offers_retrieve",
        parameters=[OffersQuery],
        responses=CartOffersShape,
    )
    def get(self, request, cart: str):
        """Explain the price, or with ``code`` what that code alone adds to it.

        Every wrong code counts; 429 ``too_often`` after ten of them.
        """
        wanted = self.read(OffersQuery, request.query_params.dict())
        found, now = self.find(cart), clock.now()
        if not wanted["code"]:
            return Response(explanation_shape(explain_cart(cart=found, now=now)))
        told = explain_code(
            cart=found, code=wanted["code"], guesser=guesser_of(request), now=now
        )
        return Response(explanation_shape(told))


class Checkout(CartView):
    """POST turns the cart into an order at the price the member saw."""

    permission_classes = [IsMember]

    @extend_schema(
        operation_id="carts_checkout_create",
        request=requests.CheckoutRequest,
        responses={201: OrderDetailShape},
    )
    @idempotent(required=True)
    def post(self, request, cart: str):
        """Place the order; 409 ``cart_total_changed`` carries the new price."""
        wanted = self.read(requests.CheckoutRequest)
        total = wanted.get("expected_total")
        try:
            order = place_order(
                cart_id=self.find(cart).pk,
                member_id=self.member_id(),
                quote_hash=wanted.get("quote_hash", ""),
                expected_total_minor=total["amount"] if total else None,
                address=wanted.get("address"),
                now=clock.now(),
            )
        except CartTotalChanged as changed:
            changed.params = {"cart": cart_shape(changed.priced)}
            raise
        shown = order_of(member_id=self.member_id(), public_id=order.public_id)
        shape = OrderDetailShape(shown, context={"now": clock.now()})
        response = Response(shape.data, status=201)
        response["Location"] = reverse("my-order", kwargs={"order": order.public_id})
        return response
