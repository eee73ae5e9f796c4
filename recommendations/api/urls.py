"""Paths of the recommendations API."""

from django.urls import path

from recommendations.api import views

urlpatterns = [
    path(
        "me/recommendations",
        views.MyRecommendations.as_view(),
        name="my-recommendations",
    ),
    path(
        "products/<str:product>/related",
        views.RelatedProducts.as_view(),
        name="related-products",
    ),
]
