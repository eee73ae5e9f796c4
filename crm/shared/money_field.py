"""Money in forms: typed as 12.30, kept as minor units of the shop's currency."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection, models
from django.utils.translation import gettext as _
from unfold.widgets import UnfoldAdminTextInputWidget

from crm.shared.money import LARGEST_MINOR, InvalidAmount, format_amount, parse_amount

#: How the names of columns end that hold money.
MONEY_ENDINGS = ("_minor", "_minor_per_100")


class MoneyField(forms.Field):
    """A decimal with as many digits as the currency has; empty is ``None``.

    ``min_value`` and ``max_value`` are minor units, as what it returns.
    """

    def __init__(
        self, *, min_value: int = 0, max_value: int = LARGEST_MINOR, **kwargs: Any
    ):
        attrs = {"inputmode": "decimal", "maxlength": 20}
        kwargs.setdefault("widget", UnfoldAdminTextInputWidget(attrs=attrs))
        super().__init__(**kwargs)
        self.min_value, self.max_value = min_value, max_value

    def prepare_value(self, value: Any) -> Any:
        """Write minor units as people do; what was typed stays as it is."""
        if isinstance(value, int):
            return format_amount(value, settings.SHOP_CURRENCY)
        return value

    def to_python(self, value: Any) -> int | None:
        """Return minor units."""
        # A field that nobody may change is asked about what it shows.
        if value is None or isinstance(value, int):
            return value
        text = str(value).strip()
        if not text:
            return None
        try:
            minor = parse_amount(text, settings.SHOP_CURRENCY)
        except InvalidAmount as error:
            raise ValidationError(_("Enter an amount such as 12.30.")) from error
        if minor < self.min_value:
            raise ValidationError(_("Enter an amount such as 12.30."))
        if minor > self.max_value:
            raise ValidationError(_("This amount is too large."))
        return minor


class AmountsMixin:
    """Admin mixin, of inlines, too: columns of minor units are typed as money."""

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        """Return the field of a form; it takes no more than the column holds."""
        is_number = isinstance(db_field, models.IntegerField)
        if not (is_number and db_field.name.endswith(MONEY_ENDINGS)):
            return super().formfield_for_dbfield(db_field, request, **kwargs)
        _least, most = connection.ops.integer_field_range(db_field.get_internal_type())
        limits = {"min_value": 0, "max_value": min(most, LARGEST_MINOR)}
        return db_field.formfield(form_class=MoneyField, **limits)
