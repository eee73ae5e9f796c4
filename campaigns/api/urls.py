"""Paths of the campaigns API."""

from django.urls import path

from campaigns.api import coupon_views, group_views, views

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
    path("group-buys", group_views.GroupDeals.as_view(), name="group-buys"),
    path(
        "group-buys/<str:deal>",
        group_views.GroupDealDetail.as_view(),
        name="group-buy",
    ),
    path(
        "group-buys/<str:deal>/groups",
        group_views.OpenGroup.as_view(),
        name="group-buy-groups",
    ),
    path("groups/<str:group>", group_views.GroupDetail.as_view(), name="group"),
    path(
        "groups/<str:group>/seats",
        group_views.JoinGroup.as_view(),
        name="group-seats",
    ),
    path(
        "groups/<str:group>/seats/mine",
        group_views.MySeat.as_view(),
        name="my-seat",
    ),
    path("me/groups", group_views.MyGroups.as_view(), name="my-groups"),
]
