"""Paths of the loyalty API."""

from django.urls import path

from loyalty.api import benefits, earning, plans, referrals, rewards, views

urlpatterns = [
    path("me/check-ins", earning.MyCheckIns.as_view(), name="my-check-ins"),
    path(
        "carts/<str:cart>/earning", earning.CartEarning.as_view(), name="cart-earning"
    ),
    path("me/loyalty", views.MyLoyalty.as_view(), name="my-loyalty"),
    path("me/points", views.MyPoints.as_view(), name="my-points"),
    path("me/points/balance", views.MyBalance.as_view(), name="my-balance"),
    path("me/points/transfers", views.MyTransfers.as_view(), name="my-transfers"),
    path(
        "me/points/entries", views.MyPointsEntries.as_view(), name="my-points-entries"
    ),
    path("plans", plans.Plans.as_view(), name="plans"),
    path("me/plan", plans.MyPlan.as_view(), name="my-plan"),
    path(
        "me/plan/cancellation",
        plans.MyPlanCancellation.as_view(),
        name="my-plan-cancellation",
    ),
    path("me/plan/pause", plans.MyPlanPause.as_view(), name="my-plan-pause"),
    path("me/plan/resume", plans.MyPlanResume.as_view(), name="my-plan-resume"),
    path("me/plan/payment", plans.MyPlanPayment.as_view(), name="my-plan-payment"),
    path("me/plan/changes", plans.MyPlanChanges.as_view(), name="my-plan-changes"),
    path(
        "me/plan/changes/preview",
        plans.MyPlanChangePreview.as_view(),
        name="my-plan-changes-preview",
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
    path("me/referrals", referrals.MyReferrals.as_view(), name="my-referrals"),
    path(
        "me/referrals/friends",
        referrals.MyReferredFriends.as_view(),
        name="my-referred-friends",
    ),
]
