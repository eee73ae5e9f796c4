"""Addresses that providers send browsers back to; allauth finds them by this name."""

from django.urls import re_path

from members.providers.callbacks import identity_callback

urlpatterns = [
    re_path(
        r"^(?P<provider_id>wechat|alipay)/(?P<app_id>\w{1,40})/callback/$",
        identity_callback,
        name="identity_callback",
    )
]
