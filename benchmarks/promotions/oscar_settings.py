"""Settings of the peer, which runs in an environment and a database of its own."""

import os

from oscar.defaults import *  # noqa: F403
from psycopg.conninfo import conninfo_to_dict

_WHERE = conninfo_to_dict(os.environ["OSCAR_DATABASE"])
SECRET_KEY = "for a benchmark"
USE_TZ = True
SITE_ID = 1
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": _WHERE.get("host", ""),
        "PORT": _WHERE.get("port", ""),
        "USER": _WHERE.get("user", ""),
        "PASSWORD": _WHERE.get("password", ""),
        "NAME": _WHERE["dbname"],
        "ATOMIC_REQUESTS": True,
        "CONN_MAX_AGE": 600,
    }
}
_SHOP = (
    *("analytics", "checkout", "address", "shipping", "catalogue", "communication"),
    *("partner", "basket", "payment", "offer", "order", "customer", "search"),
    *("voucher", "wishlists", "dashboard"),
)
_DASHBOARDS = (
    *("reports", "users", "orders", "catalogue", "offers", "partners", "pages"),
    *("ranges", "reviews", "vouchers", "communications", "shipping"),
)
INSTALLED_APPS = [
    *(
        f"django.contrib.{app}"
        for app in (
            *("admin", "auth", "contenttypes", "sessions", "messages"),
            *("staticfiles", "sites", "flatpages"),
        )
    ),
    "oscar.config.Shop",
    *(f"oscar.apps.{app}.apps.{app.title()}Config" for app in _SHOP),
    "oscar.apps.catalogue.reviews.apps.CatalogueReviewsConfig",
    *(
        f"oscar.apps.dashboard.{app}.apps.{app.title()}DashboardConfig"
        for app in _DASHBOARDS
    ),
    *("widget_tweaks", "haystack", "treebeard", "django_tables2", "phonenumber_field"),
]
MIDDLEWARE = []
TEMPLATES = [
    {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}
]
HAYSTACK_CONNECTIONS = {
    "default": {"ENGINE": "haystack.backends.simple_backend.SimpleEngine"}
}
ROOT_URLCONF = "benchmarks.promotions.oscar_settings"
urlpatterns = []
STATIC_URL = "/static/"
MEDIA_ROOT = "/nonexistent"
