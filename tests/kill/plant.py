"""Run inside a house under test: writes members with open sessions, and goods.

Prints one JSON line: ``{"tokens": […], "skus": […]}``.
"""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import django  # noqa: E402

django.setup()

from members.models import User  # noqa: E402
from members.services.joining import join  # noqa: E402
from orders.models import Product, Variant  # noqa: E402
from orders.services.opening_skus import open_skus  # noqa: E402
from tests.kill.sessions import open_session  # noqa: E402

MEMBERS = 12
SKUS = 4


def main() -> None:
    """Write, then print what the clients need."""
    now = datetime.now(UTC)
    tokens = []
    for number in range(MEMBERS):
        user = User.objects.create_user(f"kill-{number}")
        join(name=f"K {number}", source="storefront", user=user, now=now)
        tokens.append(open_session(user))
    skus = []
    for number in range(SKUS):
        product = Product.objects.create(name=f"Thing {number}", created_at=now)
        variant = Variant.objects.create(
            product=product, sku=f"K-{number}", price_minor=10_000, on_hand=100_000
        )
        open_skus(variants=[variant], actor="test", now=now)
        skus.append(variant.sku)
    print(json.dumps({"tokens": tokens, "skus": skus}))


main()
