"""The form field of an amount: typed as people write it, kept in minor units."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from unfold.widgets import UnfoldAdminTextInputWidget

from crm.shared.money import InvalidAmount, format_amount, parse_amount


class MoneyField(forms.CharField):
    """An amount of the shop's currency, kept in minor units."""

    def __init__(self, **kwargs):
        attrs = {"inputmode": "decimal"}
        kwargs.setdefault("widget", UnfoldAdminTextInputWidget(attrs=attrs))
        super().__init__(max_length=20, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        """Write minor units as people do."""
        if isinstance(value, int):
            return format_amount(value, settings.SHOP_CURRENCY)
        return value

    def clean(self, value: Any) -> int | None:
        """Return minor units."""
        text = super().clean(value).strip()
        if not text:
            return None
        try:
            return parse_amount(text, settings.SHOP_CURRENCY)
        except InvalidAmount as error:
            raise ValidationError(_("Enter an amount.")) from error

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare what is shown: ``1.00`` for 100 is no change."""
        return super().has_changed(self.prepare_value(initial), data)
