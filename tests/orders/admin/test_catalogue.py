"""The console's pages of products, prices, stock and the tree."""

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from campaigns.models import Promotion
from crm import wiring
from crm.shared import clock
from crm.shared.models import AuditEntry
from orders.models import (
    Category,
    Price,
    Product,
    ProductImage,
    StockMove,
    Variant,
)
from orders.queries.catalogue import found_products
from orders.services.indexing import index_due
from orders.services.pricing_entries import set_price
from orders.services.verifying_stock import verify_stock
from tests.campaigns.recipes import of_kind
from tests.cast import make_variant
from tests.members.pictures import picture
from tests.staff import client_in_role

LIST = reverse("admin:orders_product_changelist")


def page(name: str, product_id: int) -> str:
    return reverse(f"admin:{name}", args=[product_id])


def shown(answer) -> str:
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


@pytest.fixture
def pan(db):
    return make_variant("PAN-1", 10_000, on_hand=5)


# --- Prices -------------------------------------------------------------------


def plan(sku: Variant, **fields) -> dict:
    return {
        "variant": sku.pk,
        "kind": "sale",
        "audience": "",
        "amount": "80.00",
        "first_day": "",
        "last_day": "",
        **fields,
    }


@pytest.mark.parametrize("role", ["marketer", "owner"])
def test_staff_plan_a_sale_in_days_of_the_shop(pan, role):
    client, url = client_in_role(role), page("product_prices", pan.product_id)
    first = clock.today() + timedelta(days=3)
    days = {"first_day": first.isoformat(), "last_day": first.isoformat()}
    answer = client.post(url, plan(pan, **days))
    assert (answer.status_code, answer.url) == (302, url)
    price = Price.objects.get(kind="sale")
    # X3: from 00:00 to 24:00 in Shanghai.
    midnight = datetime(first.year, first.month, first.day, tzinfo=UTC)
    assert price.starts_at == midnight - timedelta(hours=8)
    assert price.ends_at == midnight + timedelta(hours=16)
    assert price.amount_minor == 8_000
    entry = AuditEntry.objects.get(action="orders.price.set")
    assert (entry.actor, entry.object_id) == (price.actor, str(pan.pk))
    text = shown(client.get(url))
    assert "Asia/Shanghai" in text
    assert "planned" in text


def test_a_price_of_today_holds_from_now(pan):
    client = client_in_role("owner")
    before = clock.now()
    today = clock.today().isoformat()
    url = page("product_prices", pan.product_id)
    client.post(url, plan(pan, kind="list", amount="90", first_day=today))
    price = Price.objects.latest("id")
    assert before <= price.starts_at <= clock.now()
    pan.refresh_from_db()
    assert pan.price_minor == 9_000


def test_prices_for_a_tier_come_from_the_socket(pan, monkeypatch):
    monkeypatch.setattr(wiring, "PRICE_AUDIENCES", [f"{__name__}.metals"])
    client, url = client_in_role("owner"), page("product_prices", pan.product_id)
    assert "Gold metal" in shown(client.get(url))
    client.post(url, plan(pan, kind="member", audience="tier:gold"))
    assert Price.objects.get(kind="member").audience == "tier:gold"
    unknown = client.post(url, plan(pan, kind="member", audience="tier:tin"))
    assert unknown.status_code == 200
    assert Price.objects.filter(kind="member").count() == 1


def metals():
    return [("tier:gold", "Gold metal")]


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": "8.001"},
        {"amount": "-1"},
        {"amount": "dear"},
        {"kind": "gift"},
        {"first_day": "2020-01-01"},
        {"kind": "member"},
        {"variant": 0},
        {"first_day": "2099-01-02", "last_day": "2099-01-01"},
    ],
)
def test_refused_forms_say_why_and_write_nothing(pan, wrong):
    url = page("product_prices", pan.product_id)
    answer = client_in_role("owner").post(url, plan(pan, **wrong))
    assert answer.status_code == 200
    form = answer.context["form"]
    assert form.errors
    assert not Price.objects.exists()


def test_s24_what_everybody_pays_is_what_the_storefront_tells(pan, monkeypatch):
    sources = ["campaigns.offers.PromotionOffers", "loyalty.offers.PointsOffers"]
    monkeypatch.setattr(wiring, "OFFER_SOURCES", sources)
    for kind, gives, audience in (
        ("flash_price", {"price_minor": 7_000}, []),
        ("member_price", {"percent_bp": 9_000}, ["member"]),
    ):
        Promotion.objects.create(
            name=kind,
            state="live",
            starts_at=clock.now() - timedelta(days=1),
            **of_kind(kind, gives, when={"audience": audience}),
        )
    answer = client_in_role("marketer").get(page("product_prices", pan.product_id))
    (sku,) = answer.context["skus"]
    assert (sku["shown"].amount_minor, sku["shown"].was_minor) == (7_000, 10_000)
    assert sku["promotions"] == ["flash_price"]
    assert "¥70.00" in shown(answer)


def test_staff_end_a_sale_and_the_history_is_drawn(pan):
    at = clock.now()
    for kind, amount in (("list", 9_000), ("sale", 8_000)):
        set_price(
            variant_id=pan.pk,
            kind=kind,
            amount_minor=amount,
            actor="test",
            now=at - timedelta(days=2),
        )
    sale = Price.objects.get(kind="sale")
    client, url = client_in_role("marketer"), page("product_prices", pan.product_id)
    text = shown(client.get(url))
    assert "<b data-value>¥80.00</b>" in text
    assert "<s class" in text
    svg = text[text.index("<svg viewBox") : text.index("</svg>") + 6]
    drawn = ElementTree.fromstring(svg)
    titles = [each.text for each in drawn.iter() if each.tag == "title"]
    assert titles[0] == "Price of PAN-1"
    assert any("¥80.00" in title for title in titles)
    assert client.post(url, {"end": sale.pk}).status_code == 302
    sale.refresh_from_db()
    assert sale.ends_at is not None
    assert AuditEntry.objects.filter(action="orders.price.end").count() == 1


def test_prices_of_another_product_cannot_be_ended_here(pan):
    other = make_variant("LID-1", 100)
    sale = set_price(
        variant_id=other.pk, kind="sale", amount_minor=1, actor="t", now=clock.now()
    )
    client = client_in_role("owner")
    for text in (sale.pk, "x", "9" * 30, "-1"):
        answer = client.post(page("product_prices", pan.product_id), {"end": text})
        assert answer.status_code == 404
    sale.refresh_from_db()
    assert sale.ends_at is None


# --- Stock --------------------------------------------------------------------


def change(variant, deed: str, units, reason: str = "delivery 7") -> dict:
    return {"variant": variant.pk, "deed": deed, "units": units, "reason": reason}


@pytest.mark.parametrize(
    ("deed", "units", "on_hand"),
    [
        ("receive", 3, 8),
        ("count", 9, 9),
        ("count", 0, 0),
        ("adjust", -2, 3),
        ("stop", "", None),
    ],
)
def test_staff_keep_the_stock(pan, deed, units, on_hand):
    client, url = client_in_role("owner"), page("product_stock", pan.product_id)
    assert client.post(url, change(pan, deed, units)).status_code == 302
    pan.refresh_from_db()
    assert pan.on_hand == on_hand
    assert verify_stock().findings == ()
    assert "delivery 7" in shown(client.get(url))
    entry = AuditEntry.objects.get()
    assert (entry.reason, entry.detail) == ("delivery 7", {"from": 5, "to": on_hand})


@pytest.mark.parametrize(
    ("deed", "units", "reason"),
    [
        ("receive", 0, "why not"),
        ("receive", "", "why not"),
        ("count", -1, "why not"),
        ("adjust", 0, "why not"),
        ("adjust", -4, "why not"),
        ("receive", 10**9 + 1, "why not"),
        ("receive", 1, "x"),
        ("burn", 1, "why not"),
    ],
)
def test_refused_changes_say_why_and_write_nothing(pan, deed, units, reason):
    Variant.objects.filter(pk=pan.pk).update(reserved=2)
    before = StockMove.objects.count()
    url = page("product_stock", pan.product_id)
    answer = client_in_role("owner").post(url, change(pan, deed, units, reason))
    assert answer.status_code == 200
    assert answer.context["form"].errors
    assert StockMove.objects.count() == before


# --- Who may ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "sees", "prices", "stocks"),
    [
        ("owner", True, True, True),
        ("marketer", True, True, False),
        ("support", True, False, False),
        ("analyst", True, False, False),
        ("auditor", True, False, False),
        ("loyalty manager", False, False, False),
        ("finance", False, False, False),
    ],
)
def test_each_role_may_what_it_needs(pan, role, sees, prices, stocks):
    client = client_in_role(role)
    sale = set_price(
        variant_id=pan.pk, kind="sale", amount_minor=1, actor="t", now=clock.now()
    )
    end = sale.ends_at
    forms = {
        "product_prices": (plan(pan, kind="member", audience="member"), prices),
        "product_stock": (change(pan, "receive", 1), stocks),
    }
    for name, (body, may) in forms.items():
        url = page(name, pan.product_id)
        seen = client.get(url)
        assert seen.status_code == (200 if sees else 403)
        if sees:
            assert ("cs-btn is-main" in shown(seen)) == may
        assert client.post(url, body).status_code == (302 if may else 403)
    answer = client.post(page("product_prices", pan.product_id), {"end": sale.pk})
    assert answer.status_code == (302 if prices else 403)
    sale.refresh_from_db()
    assert (sale.ends_at != end) == prices
    assert Price.objects.filter(kind="member").exists() == prices
    assert StockMove.objects.filter(kind="received").exists() == stocks


def test_strangers_are_sent_to_the_sign_in(client, pan):
    for name in ("product_prices", "product_stock"):
        answer = client.get(page(name, pan.product_id))
        assert answer.status_code == 302
        assert reverse("admin:login") in answer.url


# --- The product form ---------------------------------------------------------


def form_of(client: Client, product: Product) -> dict:
    """Return what the browser would send back unchanged."""
    answer = client.get(page("orders_product_change", product.pk))
    shown(answer)
    data = {}
    forms = [answer.context["adminform"].form]
    for formset in answer.context["inline_admin_formsets"]:
        forms += [formset.formset.management_form, *formset.formset.initial_forms]
    for form in forms:
        for field in form:
            if field.field.disabled:
                continue
            value = field.value()
            if value is True:
                data[field.html_name] = "on"
            elif value is not None and value is not False:
                data[field.html_name] = value
    data["tags"] = ",".join(product.tags)
    return data


def add_row(data: dict, prefix: str, **fields) -> dict:
    number = int(data[f"{prefix}-TOTAL_FORMS"])
    data[f"{prefix}-TOTAL_FORMS"] = number + 1
    data |= {f"{prefix}-{number}-{name}": value for name, value in fields.items()}
    return data


def test_the_form_writes_by_services(pan):
    client, product = client_in_role("owner"), pan.product
    data = form_of(client, product)
    assert 'href="/admin/orders/product/' in shown(
        client.get(page("orders_product_change", product.pk))
    )
    data |= {"name": "铸铁锅", "tags": "gift, new", "variants-0-price_minor": "90"}
    add_row(data, "variants", sku="PAN-2", price_minor="5.00", is_active="on")
    add_row(
        data,
        "images",
        upload=SimpleUploadedFile("pan.png", picture(), "image/png"),
        alt="锅",
        position="0",
    )
    answer = client.post(page("orders_product_change", product.pk), data)
    assert answer.status_code == 302, answer.context and answer.context["errors"]
    product.refresh_from_db()
    assert product.tags == ["gift", "new"]
    prices = Price.objects.filter(kind="list", applied_at__isnull=False)
    found = prices.filter(ends_at=None).values_list("variant__sku", "amount_minor")
    assert dict(found) == {"PAN-1": 9_000, "PAN-2": 500}
    assert set(prices.values_list("actor", flat=True)) == {"staff-owner"}
    image = ProductImage.objects.get()
    assert bytes(image.picture)[8:12] == b"WEBP"
    for text in ("铸铁", "zhutieguo", "pan-2", "new"):
        assert list(found_products(Product.objects.all(), text)) == [product]


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        *(("price_minor", typed) for typed in ("", "-1", "1.005", "dear")),
        *(("cost_minor", typed) for typed in ("-1", "1.005", "9" * 14)),
        *(("minimum_price_minor", typed) for typed in ("-1", "1.005")),
    ],
)
def test_prices_and_costs_of_skus_are_typed_as_money(pan, name, typed):
    client, product = client_in_role("owner"), pan.product
    where, data = page("orders_product_change", product.pk), form_of(client, product)
    assert data["variants-0-price_minor"] == "100.00"
    bad = client.post(where, data | {f"variants-0-{name}": typed})
    assert bad.status_code == 200
    assert f'name="variants-0-{name}" value="{typed}"' in shown(bad) or not typed
    good = client.post(where, data | {"variants-0-cost_minor": "40.50"})
    assert good.status_code == 302
    pan.refresh_from_db()
    assert (pan.price_minor, pan.cost_minor) == (10_000, 4_050)
    client.post(where, form_of(client, product) | {"variants-0-cost_minor": ""})
    pan.refresh_from_db()
    assert pan.cost_minor is None


def test_a_refused_sku_takes_the_whole_form_back(pan):
    client, product = client_in_role("owner"), pan.product
    other = make_variant("LID-1", 100)
    Variant.objects.filter(pk=other.pk).update(barcode="4006")
    data = form_of(client, product) | {"name": "New name"}
    add_row(
        data,
        "images",
        upload=SimpleUploadedFile("pan.png", b"no picture", "image/png"),
        position="0",
    )
    answer = client.post(page("orders_product_change", product.pk), data, follow=True)
    assert "Use a PNG, JPEG or WebP picture" in shown(answer)
    product.refresh_from_db()
    assert product.name == "Thing PAN-1"
    assert not ProductImage.objects.exists()


# --- Lists --------------------------------------------------------------------


def listed(client, query: str) -> set[str]:
    products = client.get(f"{LIST}?{query}").context["cl"].result_list
    skus = Variant.objects.filter(product__in=[p.pk for p in products])
    return set(skus.values_list("sku", flat=True))


def test_the_list_is_searched_and_filtered_by_branch_and_stock(pan):
    home = Category.objects.create(code="home", name="家居")
    kitchen = Category.objects.create(code="kitchen", name="厨房", parent=home)
    Product.objects.filter(pk=pan.product_id).update(category=kitchen, is_listed=False)
    make_variant("LID-1", 100, on_hand=500)
    make_variant("CUP-1", 100)
    make_variant("POT-1", 100, on_hand=0)
    index_due()
    client = client_in_role("support")
    assert listed(client, "q=chufang") == {"PAN-1"}
    assert listed(client, "q=lid-1") == {"LID-1"}
    assert listed(client, f"category__id__exact={home.pk}") == {"PAN-1"}
    assert listed(client, "category__id__exact=" + "9" * 30) == set()
    refused = client.get(f"{LIST}?category__id__exact=x")
    assert refused["Location"].endswith("?e=1")  # The list again, saying so.
    assert listed(client, "stock=low") == {"PAN-1", "POT-1"}
    assert listed(client, "stock=out") == {"POT-1"}


def test_the_tree_is_listed_in_its_order_and_refuses_a_circle(db):
    home = Category.objects.create(code="home", name="家居")
    make = Category.objects.create
    kitchen = make(code="kitchen", name="厨房", parent=home)
    make(code="garden", name="花园")
    client = client_in_role("owner")
    rows = client.get(reverse("admin:orders_category_changelist")).context["cl"]
    assert [each.code for each in rows.result_list] == ["home", "kitchen", "garden"]
    form = {"code": "home", "name": "家居", "position": 0, "parent": kitchen.pk}
    url = page("orders_category_change", home.pk)
    answer = client.post(url, form)
    assert "cannot stand below itself" in shown(answer)
    home.refresh_from_db()
    assert home.parent_id is None
    assert client.post(url, {**form, "parent": ""}).status_code == 302
