"""Find brands by name, and make those that are new."""

import secrets

from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet, Value
from django.db.models.functions import Lower

from orders.models import Brand
from orders.rules.codes import code_of


def brand_named(*, name: str) -> Brand:
    """Return the brand of this name, made if nobody knew it.

    Case does not count. Two who bring the same new name at once get the same brand.
    """
    return _named(name).first() or _make(name)


def _named(name: str) -> QuerySet[Brand]:
    lower = Brand.objects.alias(lower=Lower("name"))
    return lower.filter(lower=Lower(Value(name))).order_by(F("id"))


def _make(name: str) -> Brand:
    code = code_of(name) or "brand"
    if Brand.objects.filter(code=code).exists():
        code = f"{code}-{secrets.token_hex(3)}"
    try:
        with transaction.atomic():
            return Brand.objects.create(code=code, name=name)
    except IntegrityError:
        # Somebody made it meanwhile; or, if not, another one with this code.
        found = _named(name).first()
        return found or Brand.objects.create(
            code=f"{code}-{secrets.token_hex(3)}", name=name
        )
