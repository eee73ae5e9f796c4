"""Every URL of the building."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView

from crm.shared import health, problems

storefront = [
    path("", include("members.api.urls")),
    path("", include("orders.api.urls")),
    path("", include("loyalty.api.urls")),
    path("", include("campaigns.api.urls")),
    path("", include("recommendations.api.urls")),
    path("", include("crm.care.api.urls")),
    path("schema", SpectacularAPIView.as_view(), name="schema"),
]

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("_allauth/", include("allauth.headless.urls")),
    path("accounts/", include("allauth.urls")),
    path("api/storefront/v1/", include(storefront)),
    path("m/", include("members.pages.urls")),
    path("api/payments/", include("orders.api.callback_urls")),
    path("admin/", admin.site.urls),
]

handler400 = problems.handler400
handler403 = problems.handler403
handler404 = problems.handler404
handler500 = problems.handler500
