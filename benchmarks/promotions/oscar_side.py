"""The peer: django-oscar prices stored baskets when it is asked to, line by line.

Runs in an environment of its own (``oscar_requirements.txt``) with settings of its own.
Reads one JSON object a line: ``{"deals": 10, "kinds": ["code"], "is_wide": false,
"code": "V00000"}`` puts deals on, ``{"lines": 5}`` prices the cart of so many lines and
answers ``{"seconds": ..., "statements": ..., "total_minor": ...}``. What is measured is
what one page costs: basket, strategy, ``Applicator``, total.
"""

# isort: off
import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.promotions.oscar_settings")
import django

django.setup()
# isort: on

import itertools
import json
import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from oscar.core.loading import get_class, get_model

from benchmarks.promotions.deals import (
    DEPARTMENTS,
    LEAVES,
    Deal,
    Kind,
    cart,
    catalogue,
    deals,
)

Applicator = get_class("offer.applicator", "Applicator")
Selector = get_class("partner.strategy", "Selector")
M = SimpleNamespace(
    **{
        name.split(".")[1]: get_model(*name.split("."))
        for name in (
            *("catalogue.Product", "catalogue.ProductClass", "catalogue.Category"),
            *("catalogue.ProductCategory", "partner.Partner", "partner.StockRecord"),
            *("basket.Basket", "basket.Line", "offer.Range", "offer.Condition"),
            *("offer.Benefit", "offer.ConditionalOffer", "voucher.Voucher"),
        )
    }
)


def money(minor: int) -> Decimal:
    """Return an amount as oscar keeps it."""
    return Decimal(minor) / 100


class Shop:
    """A catalogue, and the deals that are on."""

    def __init__(self) -> None:
        call_command("migrate", verbosity=0)
        kind = M.ProductClass.objects.create(
            name="thing", track_stock=False, requires_shipping=False
        )
        self.departments = [
            M.Category.add_root(name=f"department {n}") for n in range(DEPARTMENTS)
        ]
        self.leaves = [
            M.Category.objects.get(pk=self.departments[n % DEPARTMENTS].pk).add_child(
                name=f"leaf {n}"
            )
            for n in range(LEAVES)
        ]
        self.catalogue = catalogue()
        self.products = M.Product.objects.bulk_create(
            M.Product(
                upc=str(each.number),
                title=f"product {each.number}",
                slug=f"p{each.number}",
                product_class=kind,
            )
            for each in self.catalogue
        )
        M.ProductCategory.objects.bulk_create(
            M.ProductCategory(product=product, category=self.leaves[each.leaf])
            for each, product in zip(self.catalogue, self.products, strict=True)
        )
        partner = M.Partner.objects.create(name="partner")
        self.stock = M.StockRecord.objects.bulk_create(
            M.StockRecord(
                product=product,
                partner=partner,
                partner_sku=product.upc,
                price=money(each.price_minor),
                num_in_stock=1_000_000,
            )
            for each, product in zip(self.catalogue, self.products, strict=True)
        )
        self.buyer = get_user_model().objects.create_user("buyer", "b@example.com")
        self.everything = M.Range.objects.create(name="all", includes_all_products=True)
        self.voucher = None

    def put_on(
        self, count: int, kinds: Sequence[Kind], *, is_wide: bool, code: str
    ) -> None:
        """Have the first ``count`` deals live; the cart will carry one voucher."""
        M.Basket.objects.all().delete()
        M.Voucher.objects.all().delete()
        M.ConditionalOffer.objects.all().delete()
        M.Condition.objects.all().delete()
        M.Benefit.objects.all().delete()
        M.Range.objects.exclude(pk=self.everything.pk).delete()
        self.voucher = None
        for deal in deals(count, kinds, is_wide=is_wide):
            offer = self._offer(deal)
            if deal.kind == "code":
                voucher = M.Voucher.objects.create(
                    name=offer.name,
                    code=deal.code,
                    usage=M.Voucher.MULTI_USE,
                    start_datetime=timezone.now() - timedelta(days=1),
                    end_datetime=timezone.now() + timedelta(days=9),
                )
                voucher.offers.add(offer)
                if deal.code == code:
                    self.voucher = voucher
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")

    def _offer(self, deal: Deal) -> object:
        among = self._range(deal)
        wants, gives = ("Count", 1), ("Percentage", deal.value)
        if deal.kind == "threshold":
            wants = ("Value", money(deal.threshold_minor))
            gives = ("Absolute", money(deal.value))
        if deal.kind == "multibuy":
            wants, gives = ("Count", 3), ("Multibuy", None)
        is_code = deal.kind == "code"
        return M.ConditionalOffer.objects.create(
            name=f"deal {deal.number}",
            priority=deal.priority,
            condition=M.Condition.objects.create(
                range=among, type=wants[0], value=wants[1]
            ),
            benefit=M.Benefit.objects.create(
                range=among, type=gives[0], value=gives[1]
            ),
            offer_type=M.ConditionalOffer.VOUCHER
            if is_code
            else M.ConditionalOffer.SITE,
        )

    def _range(self, deal: Deal) -> object:
        if deal.kind == "code":
            return self.everything
        made = M.Range.objects.create(name=f"range {deal.number}")
        if deal.kind == "products":
            for number in sorted(deal.products):
                made.add_product(self.products[number])
        else:
            among = self.departments if deal.is_wide else self.leaves
            made.included_categories.add(among[deal.category])
        return made

    def basket_of(self, lines: int) -> int:
        """Store a basket and return its key."""
        basket = M.Basket.objects.create(owner=self.buyer, status="Frozen")
        M.Line.objects.bulk_create(
            M.Line(
                basket=basket,
                product=self.products[number],
                stockrecord=self.stock[number],
                quantity=quantity,
                line_reference=f"{number}",
                price_currency="GBP",
                price_excl_tax=money(self.catalogue[number].price_minor),
                price_incl_tax=money(self.catalogue[number].price_minor),
            )
            for number, quantity in cart(lines)
        )
        if self.voucher is not None:
            basket.vouchers.add(self.voucher)
        return basket.pk

    def priced(self, key: int) -> Decimal:
        """Return the total of a stored basket."""
        basket = M.Basket.objects.get(pk=key)
        basket.strategy = Selector().strategy()
        Applicator().apply(basket, self.buyer, None)
        return basket.total_incl_tax


def main() -> None:
    """Do what is asked for until nobody asks."""
    shop = Shop()
    baskets: dict[int, int] = {}
    answer: dict[str, object] = {"ready": True}
    print(json.dumps(answer), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        if "deals" in asked:
            shop.put_on(
                asked["deals"],
                asked["kinds"],
                is_wide=asked["is_wide"],
                code=asked["code"],
            )
            baskets.clear()
            answer = {"ready": True}
        else:
            count = asked["lines"]
            if count not in baskets:
                baskets[count] = shop.basket_of(count)
            said = itertools.count()

            def counted(execute, *statement, said=said):
                next(said)
                return execute(*statement)

            with connection.execute_wrapper(counted):
                started = time.perf_counter()
                total = shop.priced(baskets[count])
                seconds = time.perf_counter() - started
            answer = {
                "seconds": seconds,
                "statements": next(said),
                "total_minor": int(total * 100),
            }
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
