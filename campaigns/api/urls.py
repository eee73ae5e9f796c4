"""Paths of the campaigns API."""

from django.urls import path

from campaigns.api import coupon_views, views

urlpatterns = [
    path("me/coupons", views.MyCoupons.as_view(), name="my-coupons"),
    path(
        "me/coupons/<str:coupon>/hold",
        coupon_views.CouponHold.as_view(),
        name="my-coupon-hold",
    ),
    path(
        "me/coupons/<str:coupon>/gift",
        coupon_views.CouponGift.as_view(),
        name="my-coupon-gift",
    ),
    path(
        "me/coupon-codes",
        coupon_views.MyCouponCodes.as_view(),
        name="my-coupon-codes",
    ),
    path(
        "carts/<str:cart>/my-coupons",
        coupon_views.CartCouponChoices.as_view(),
        name="cart-my-coupons",
    ),
    path("me/notifications", views.MyNotifications.as_view(), name="my-notifications"),
    path("coupon-offers", views.CouponOffers.as_view(), name="coupon-offers"),
    path(
        "coupon-offers/<str:offer>/claims",
        views.ClaimCoupon.as_view(),
        name="coupon-claims",
    ),
]
