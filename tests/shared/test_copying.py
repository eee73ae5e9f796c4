"""COPY of model rows: the same rows ``bulk_create`` would have written."""

import pytest
from django.db import IntegrityError, transaction

from crm.shared.copying import copy_rows, insert_rows
from members.models import Member
from orders.models import Channel, Product, Variant
from tests.cast import NOON

pytestmark = pytest.mark.django_db


def test_rows_come_back_as_they_were_given():
    products = [Product(name=f'茶\t{n} "\\N"', created_at=NOON) for n in range(3)]
    variants = [
        Variant(product=product, sku=f"SKU-{n}", price_minor=100)
        for n, product in enumerate(products)
    ]
    copy_rows(products)
    copy_rows(variants)
    assert [Product.objects.get(pk=p.pk).name for p in products] == [
        p.name for p in products
    ]
    found = Variant.objects.get(sku="SKU-1")
    assert (found.pk, found.product_id) == (variants[1].pk, products[1].pk)
    variants[1].price_minor = 200
    variants[1].save()  # it knows that it is there
    assert Variant.objects.get(sku="SKU-1").price_minor == 200


def test_encrypted_fields_are_sealed_and_found():
    copy_rows(
        [Member(name="王芳", number="M010009995", source="tests", joined_at=NOON)]
    )
    member = Member.objects.get(number="M010009995")
    assert member.name == "王芳"


def test_nothing_is_no_statement(django_assert_num_queries):
    with django_assert_num_queries(0):
        copy_rows([])


def test_all_or_none():
    with pytest.raises(IntegrityError), transaction.atomic():
        copy_rows([Channel(code="a", name="A"), Channel(code="a", name="B")])
    assert not Channel.objects.filter(code="a").exists()


def test_keys_that_are_given_are_kept():
    copy_rows([Channel(pk=7_001, code="a", name="A"), Channel(pk=7_002, code="b")])
    codes = Channel.objects.filter(pk__gte=7_001).order_by("pk")
    assert list(codes.values_list("code", flat=True)) == ["a", "b"]


@pytest.mark.parametrize("count", [0, 1, 99, 100])
def test_few_rows_and_many_are_the_same(count, django_assert_max_num_queries):
    rows = [Channel(code=f"c{n}", name=f"'{n}\\t") for n in range(count)]
    with django_assert_max_num_queries(3):
        insert_rows(rows)
    found = dict(Channel.objects.values_list("pk", "name"))
    assert [found[row.pk] for row in rows] == [row.name for row in rows]
