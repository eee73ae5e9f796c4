"""Money in forms: typed as 12.30, kept as minor units of the shop's currency."""

from typing import Any

from django import forms
from django.conf import settings
from django.db import models
from django.utils.translation import gettext as _
from unfold.widgets import UnfoldAdminTextInputWidget

from crm.shared.money import InvalidAmount, format_amount, parse_amount


class AmountField(forms.CharField):
    """A decimal with as many digits as the currency has; never negative."""

    def __init__(self, **kwargs: Any):
        kwargs.setdefault(
            "widget", UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"})
        )
        super().__init__(max_length=20, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        """Show minor units as a decimal; what was typed stays as it is."""
        if isinstance(value, int):
            return format_amount(value, settings.SHOP_CURRENCY)
        return value

    def to_python(self, value: Any) -> int | None:
        """Return minor units, None for an empty field."""
        text = super().to_python(value)
        if not text:
            return None
        try:
            minor = parse_amount(text, settings.SHOP_CURRENCY)
        except InvalidAmount as error:
            raise forms.ValidationError(_("Enter an amount such as 12.30.")) from error
        if minor < 0:
            raise forms.ValidationError(_("Enter an amount such as 12.30."))
        return minor

    def run_validators(self, value: Any) -> None:
        """Leave limits to the model: the validators of text want text."""

    def validate(self, value: Any) -> None:
        """Accept nothing where it may be empty; 0 is an amount."""
        if value is None and self.required:
            raise forms.ValidationError(self.error_messages["required"], "required")


class AmountsAdmin:
    """Mixin: fields of minor units are typed as money. Goes before the admin."""

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        """Return the field of a form; a label names what is paid, not its unit."""
        is_amount = isinstance(db_field, models.BigIntegerField)
        if not (is_amount and db_field.name.endswith("_minor")):
            return super().formfield_for_dbfield(db_field, request, **kwargs)
        return AmountField(
            label=db_field.verbose_name[:1].upper() + db_field.verbose_name[1:],
            required=not db_field.blank,
            initial=db_field.get_default(),
            help_text=db_field.help_text,
        )
