"""Paths of the orders API."""

from django.urls import path

from orders.api import (
    cart_views,
    catalogue_views,
    order_views,
    return_views,
    review_views,
    wallet_views,
)

urlpatterns = [
    path("products", catalogue_views.Products.as_view(), name="products"),
    path(
        "products/<str:product>",
        catalogue_views.ProductDetail.as_view(),
        name="product",
    ),
    path(
        "products/<str:product>/reviews",
        review_views.ProductReviews.as_view(),
        name="product-reviews",
    ),
    path(
        "products/<str:product>/rating",
        review_views.ProductRating.as_view(),
        name="product-rating",
    ),
    path(
        "reviews/<str:review>/pictures/<str:picture>",
        review_views.ReviewPictureFile.as_view(),
        name="review-picture",
    ),
    path(
        "reviews/<str:review>/helpful",
        review_views.HelpfulVote.as_view(),
        name="review-helpful",
    ),
    path(
        "products/<str:product>/images/<str:image>",
        catalogue_views.ProductPicture.as_view(),
        name="product-image",
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
    path("me/cart", cart_views.MyCart.as_view(), name="my-cart"),
    path("me/orders", order_views.MyOrders.as_view(), name="my-orders"),
    path("me/orders/<str:order>", order_views.MyOrder.as_view(), name="my-order"),
    path(
        "me/orders/<str:order>/cancel",
        order_views.CancelOrder.as_view(),
        name="my-order-cancel",
    ),
    path(
        "me/orders/<str:order>/confirm",
        order_views.ConfirmOrder.as_view(),
        name="my-order-confirm",
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
    path(
        "me/orders/<str:order>/lines/<int:position>/review",
        review_views.WriteReview.as_view(),
        name="my-order-line-review",
    ),
    path("me/reviews", review_views.MyReviews.as_view(), name="my-reviews"),
    path(
        "me/reviews/waiting",
        review_views.LinesToReview.as_view(),
        name="my-lines-to-review",
    ),
    path("me/reviews/<str:review>", review_views.MyReview.as_view(), name="my-review"),
    path(
        "me/reviews/<str:review>/follow-up",
        review_views.MyFollowUp.as_view(),
        name="my-review-follow-up",
    ),
    path(
        "me/reviews/<str:review>/pictures",
        review_views.MyReviewPictures.as_view(),
        name="my-review-pictures",
    ),
    path(
        "me/reviews/<str:review>/pictures/<str:picture>",
        review_views.MyReviewPicture.as_view(),
        name="my-review-picture",
    ),
    path(
        "me/orders/<str:order>/gift-cards",
        wallet_views.OrderGiftCards.as_view(),
        name="my-order-gift-cards",
    ),
    path("me/gift-cards", wallet_views.MyGiftCards.as_view(), name="my-gift-cards"),
    path("me/wallet", wallet_views.MyWallet.as_view(), name="my-wallet"),
    path(
        "me/wallet/entries",
        wallet_views.MyWalletEntries.as_view(),
        name="my-wallet-entries",
    ),
]
