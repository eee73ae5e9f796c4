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
]

server = [
    path("", include("members.api.server_urls")),
    path("", include("loyalty.api.server_urls")),
    path("", include("orders.api.server_urls")),
    path("", include("loyalty.api.server_urls")),
]

#: What each description of an API shows.
storefront_described = [
    path("api/storefront/v1/", include(storefront)),
    path("api/payments/", include("orders.api.callback_urls")),
    path("api/instruments/", include("members.api.callback_urls")),
]
server_described = [path("api/server/v1/", include(server))]

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("_allauth/", include("members.api.sign_in_urls")),
    path("_allauth/", include("allauth.headless.urls")),
    path("accounts/", include("allauth.urls")),
    *storefront_described,
    *server_described,
    path(
        "api/storefront/v1/schema",
        SpectacularAPIView.as_view(urlconf=storefront_described),
        name="schema",
    ),
    path(
        "api/server/v1/schema",
        SpectacularAPIView.as_view(
            urlconf=server_described, custom_settings={"TITLE": "Regulars server API"}
        ),
        name="server-schema",
    ),
    path("m/", include("members.pages.urls")),
    path("admin/", admin.site.urls),
]

handler400 = problems.handler400
handler403 = problems.handler403
handler404 = problems.handler404
handler500 = problems.handler500
