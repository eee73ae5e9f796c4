"""Paths of the campaigns API."""

from django.urls import path

from campaigns.api import views

urlpatterns = [
    path("me/coupons", views.MyCoupons.as_view(), name="my-coupons"),
    path("me/notifications", views.MyNotifications.as_view(), name="my-notifications"),
    path("coupon-offers", views.CouponOffers.as_view(), name="coupon-offers"),
    path(
        "coupon-offers/<str:offer>/claims",
        views.ClaimCoupon.as_view(),
        name="coupon-claims",
    ),
]
