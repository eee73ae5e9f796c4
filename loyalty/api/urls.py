"""Paths of the loyalty API."""

from django.urls import path

from loyalty.api import benefits, rewards, views

urlpatterns = [
    path("me/loyalty", views.MyLoyalty.as_view(), name="my-loyalty"),
    path("me/points", views.MyPoints.as_view(), name="my-points"),
    path(
        "me/points/entries", views.MyPointsEntries.as_view(), name="my-points-entries"
    ),
    path("me/benefits", benefits.MyBenefits.as_view(), name="my-benefits"),
    path("me/savings", benefits.MySavings.as_view(), name="my-savings"),
    path("me/redemptions", rewards.MyRedemptions.as_view(), name="my-redemptions"),
    path(
        "me/redemptions/<str:redemption>/cancellation",
        rewards.CancelRedemption.as_view(),
        name="my-redemption-cancel",
    ),
    path("rewards", rewards.Rewards.as_view(), name="rewards"),
    path("rewards/<str:reward>", rewards.OneReward.as_view(), name="reward"),
    path(
        "rewards/<str:reward>/redemptions",
        rewards.RedeemReward.as_view(),
        name="reward-redemptions",
    ),
    path(
        "reward-pictures/<str:reward_picture>",
        rewards.RewardPicture.as_view(),
        name="reward-picture",
    ),
]
