"""Who did something is read in words; the audit keeps the names themselves."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib import admin
from django.utils.translation import override

from crm.shared.actor_words import ACTORS, actor_words
from crm.shared.models import AuditEntry
from orders.models import Refund
from tests.staff import only_read

_NAMED = re.compile(r'(?:ACTOR = |actor=|waived_by": |waived_by: str = )"([^"]+)"')
#: Deeds of which nothing but the audit keeps who did them, or that write nothing.
_AUDITED = {
    *("manage.reset_second_factor", "console"),
}


@pytest.mark.parametrize(
    ("actor", "english", "chinese"),
    [
        ("lin@demo.local", "lin@demo.local", "lin@demo.local"),
        ("system", "the shop", "店铺"),
        ("payment:wallet", "stored value", "储值"),
        ("payment:gone", "gone", "gone"),
        ("key:till", "server key till", "服务端密钥 till"),
        ("", "", ""),
    ],
)
def test_a_login_is_shown_as_it_is_and_a_program_in_words(actor, english, chinese):
    assert actor_words(actor) == english
    with override("zh-hans"):
        assert actor_words(actor) == chinese


def test_every_program_that_acts_has_words():
    root = Path(settings.BASE_DIR)
    found = {
        name
        for app in ("crm", "members", "orders", "loyalty", "campaigns")
        for path in (root / app).rglob("*.py")
        if not {"demo", "migrations"} & set(path.parts)
        for name in _NAMED.findall(path.read_text(encoding="utf-8"))
    }
    assert "orders.refunds" in found
    assert found - set(ACTORS) - _AUDITED == set()


def test_no_template_shows_the_bare_name():
    root = Path(settings.BASE_DIR) / "templates"
    bare = {
        str(path.relative_to(root))
        for path in root.rglob("*.html")
        if re.search(r"(\{\{ |=)\S+\.actor (\}|%)", path.read_text(encoding="utf-8"))
    }
    # What happened to an order comes in words from ``order_timeline``.
    assert bare == {"console/order_timeline.html"}


def test_no_page_but_the_audit_shows_the_bare_name(db):
    bare = {
        page.model
        for page, shown in only_read().items()
        if "actor" in {*shown, *page.list_display}
    }
    assert bare == {AuditEntry}


def test_the_column_sorts_by_the_name():
    refunds = admin.site._registry[Refund]
    assert "who_did_it" in refunds.list_display
    assert refunds.who_did_it.admin_order_field == "actor"
    assert refunds.who_did_it(Refund(actor="orders.refunds")) == "the shop"
