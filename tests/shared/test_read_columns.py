import pytest
from django.urls import reverse

from crm.shared.money_field import MONEY_ENDINGS
from crm.shared.ratio_fields import RATIO_ENDING
from crm.shared.read_columns import read_column
from loyalty.models import Tier, VersionRung
from orders.models import GiftCard, Wallet
from tests.cast import make_member, make_user
from tests.staff import only_read

RAW = (*MONEY_ENDINGS, RATIO_ENDING)


@pytest.mark.parametrize(
    ("row", "name", "shown"),
    [
        (Wallet(balance_minor=123_450), "balance_minor", "¥1,234.50"),
        (GiftCard(amount_minor=0), "amount_minor", "¥0.00"),
        (Tier(multiplier_bp=15_000), "multiplier_bp", "1.5 ×"),
        (VersionRung(keep_minor=None), "keep_minor", None),
    ],
)
def test_what_is_read_is_written_as_people_read_it(row, name, shown):
    column = read_column(type(row), name)
    assert column(row) == shown
    assert column is read_column(type(row), name), "pages compare them"


def test_no_page_shows_minor_units_or_basis_points(db):
    raw = {
        f"{page.model._meta.label}.{name}"
        for page, shown in only_read().items()
        for name in shown
        if isinstance(name, str) and name.endswith(RAW)
    }
    assert raw == set()


def test_the_page_of_a_wallet_speaks_of_money(client, db):
    boss = make_user("boss", is_staff=True, is_superuser=True)
    client.force_login(boss, backend="django.contrib.auth.backends.ModelBackend")
    wallet = Wallet.objects.create(member=make_member(1), balance_minor=20_000)
    url = reverse("admin:orders_wallet_change", args=[wallet.pk])
    page = client.get(url).content.decode()
    assert "¥200.00" in page
    assert "20000" not in page
