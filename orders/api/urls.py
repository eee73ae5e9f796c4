"""Paths of the orders API."""

from django.urls import path

from orders.api import cart_views, catalogue_views, order_views, return_views

urlpatterns = [
    path("products", catalogue_views.Products.as_view(), name="products"),
    path(
        "products/<str:product>",
        catalogue_views.ProductDetail.as_view(),
        name="product",
    ),
    path("categories", catalogue_views.Categories.as_view(), name="categories"),
    path("carts", cart_views.Carts.as_view(), name="carts"),
    path("carts/<str:cart>", cart_views.CartDetail.as_view(), name="cart"),
    path("carts/<str:cart>/items", cart_views.CartItems.as_view(), name="cart-items"),
    path(
        "carts/<str:cart>/items/<str:item>",
        cart_views.CartItem.as_view(),
        name="cart-item",
    ),
    path(
        "carts/<str:cart>/coupons",
        cart_views.CartCoupons.as_view(),
        name="cart-coupons",
    ),
    path(
        "carts/<str:cart>/coupons/<str:code>",
        cart_views.CartCoupon.as_view(),
        name="cart-coupon",
    ),
    path(
        "carts/<str:cart>/points", cart_views.CartPoints.as_view(), name="cart-points"
    ),
    path(
        "carts/<str:cart>/offers", cart_views.CartOffers.as_view(), name="cart-offers"
    ),
    path(
        "carts/<str:cart>/checkout", cart_views.Checkout.as_view(), name="cart-checkout"
    ),
    path("me/orders", order_views.MyOrders.as_view(), name="my-orders"),
    path("me/orders/<str:order>", order_views.MyOrder.as_view(), name="my-order"),
    path(
        "me/orders/<str:order>/cancel",
        order_views.CancelOrder.as_view(),
        name="my-order-cancel",
    ),
    path(
        "me/orders/<str:order>/returns",
        return_views.OrderReturns.as_view(),
        name="my-order-returns",
    ),
    path(
        "me/orders/<str:order>/returns/quote",
        return_views.ReturnQuotes.as_view(),
        name="my-order-return-quote",
    ),
    path("me/returns", return_views.MyReturns.as_view(), name="my-returns"),
    path(
        "me/returns/<str:return_id>",
        return_views.MyReturn.as_view(),
        name="my-return",
    ),
    path(
        "me/returns/<str:return_id>/cancel",
        return_views.CancelReturn.as_view(),
        name="my-return-cancel",
    ),
    path(
        "me/returns/<str:return_id>/shipment",
        return_views.ReturnShipment.as_view(),
        name="my-return-shipment",
    ),
    path(
        "me/refunds/<str:refund_id>/statement",
        return_views.RefundStatement.as_view(),
        name="my-refund-statement",
    ),
    path(
        "orders/<str:order>/payments",
        order_views.OrderPayments.as_view(),
        name="order-payments",
    ),
]
