"""Addresses of the pages behind links in mails. They end in mails: keep them."""

from django.urls import path

from members.pages.views import ConfirmConsent, Preferences, Unsubscribe

app_name = "members"
urlpatterns = [
    path("unsubscribe/<str:token>", Unsubscribe.as_view(), name="unsubscribe"),
    path("preferences/<str:token>", Preferences.as_view(), name="preferences"),
    path("consents/<str:token>", ConfirmConsent.as_view(), name="confirm-consent"),
]
