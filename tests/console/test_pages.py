"""Every page of the console: who may open it, what it costs, what it shows."""

import json
import os
from pathlib import Path

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from crm.console.rules.roles import ROLES

BUDGETS = Path(__file__).resolve().parent.parent / "budgets.json"
#: Models with a list in the console.
LISTS = sorted(model._meta.label_lower for model in admin.site._registry)
#: What "view" must not be enough for.
VERBS = ("add", "delete")
MOST_LIST_BYTES = 210 * 1024
#: A third of it is the sidebar, which names every list there is.
MOST_PAGE_BYTES = 64 * 1024
#: Session, login and its permissions are four of them.
MOST_PAGE_QUERIES = 16


def list_url(label: str) -> str:
    return reverse(f"admin:{label.replace('.', '_')}_changelist")


def may_view(role: str, label: str) -> bool:
    app, name = label.split(".")
    return bool({f"{app}.view_{name}", f"{app}.change_{name}"} & set(ROLES[role]))


def admin_patterns() -> list[str]:
    """Return the name of every URL below /admin/."""

    def walk(patterns):
        for pattern in patterns:
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns)
            elif isinstance(pattern, URLPattern) and pattern.name:
                yield pattern.name

    ours = [
        resolver
        for resolver in get_resolver().url_patterns
        if getattr(resolver, "app_name", "") == "admin"
    ]
    return sorted(set(walk(ours)))


# --- Who may open what --------------------------------------------------------


@pytest.mark.parametrize("role", [*ROLES, "nobody"])
def test_each_role_opens_its_lists_and_no_other(role, signed_in):
    client = signed_in(role)
    wrong = {}
    for label in LISTS:
        expected = 200 if role in ROLES and may_view(role, label) else 403
        status = client.get(list_url(label)).status_code
        if status != expected:
            wrong[label] = (status, expected)
    assert not wrong


@pytest.mark.parametrize("role", [*ROLES, "nobody"])
def test_no_role_adds_without_the_permission_to_add(role, signed_in):
    client = signed_in(role)
    wrong = {}
    for label in LISTS:
        app, name = label.split(".")
        url = reverse(f"admin:{app}_{name}_add")
        held = role in ROLES and f"{app}.add_{name}" in ROLES[role]
        status = client.get(url).status_code
        if status == 200 and not held:
            wrong[label] = status
    assert not wrong


def test_ledgers_refuse_even_those_above_all_rules(shop, signed_in):
    client = signed_in("admin")
    entry = shop["entry"]
    for verb in ("change", "delete"):
        url = reverse(f"admin:loyalty_pointsentry_{verb}", args=[entry.pk])
        assert client.post(url, {"points": 1, "post": "yes"}).status_code == 403
    assert client.get(reverse("admin:loyalty_pointsentry_add")).status_code == 403
    before = entry.points
    entry.refresh_from_db()
    assert entry.points == before


def test_strangers_and_members_are_sent_to_the_sign_in(client, shop):
    for name in ("index", "members_member_changelist", "search"):
        answer = client.get(reverse(f"admin:{name}"))
        assert (answer.status_code, answer.url.split("?")[0]) == (
            302,
            reverse("admin:login"),
        )


def test_every_page_name_is_known_to_the_permission_matrix():
    """A new page must be thought about: is it covered by a list, or named here?"""
    own = {
        *("index", "login", "logout", "password_change", "password_change_done"),
        *("jsi18n", "autocomplete", "view_on_site", "app_list", "search", "language"),
        *("clock", "second_factor", "work", "work_queue", "why_not", "staff_discount"),
        *("duplicate_search", "duplicate_dismiss"),
        *("member_merge_with", "member_merge", "merge_undo"),
        *("member_page", "member_timeline", "member_note", "member_reveal"),
        *("member_reveal_address", "order_reveal_address", "member_tier"),
        *("ladder_draft", "ladder_version_effect", "ladder_version_step"),
        "ladder_version_try",
        *("member_untag", "member_picture", "member_attributes"),
        *("member_action", "job_progress", "job_cancel", "job_retry"),
        *("job_file", "order_refund", "order_import", "gift_card_reveal"),
        *("product_prices", "product_stock", "earning_simulator"),
        *("coupon_codes", "coupon_template_revoke"),
        *("promotion_try", "promotion_edit", "promotion_step", "promotion_compare"),
        *("coupon_batch_revoke", "coupon_batch_download"),
        *("promotion_backtest", "backtest_progress", "backtest_step"),
        *("backtest_days", "backtest_carts", "segment_refresh", "segment_coupons"),
        *("points_statement", "points_close_file", "points_entry_undo"),
        *("points_signed_statement", "points_statement_check"),
        *("return_step", "refund_mend", "order_deed", "group_step", "plan_deed"),
        *("orders_order_save_view", "orders_order_delete_view"),
        *("order_ship", "shipment_lose", "shipment_packing_list"),
        *("members_member_import", "members_member_process_import"),
        *("members_member_export", "orders_order_export", "orders_product_export"),
        *("orders_product_import", "orders_product_process_import"),
        *("members_member_save_view", "members_member_delete_view"),
        *("auth_user_password_change",),
        *("approval_approve", "approval_reject", "approval_withdraw"),
        *("data_export_fetch", "erasure_approve", "erasure_cancel"),
        *("redemption_send", "redemption_end", "redemption_door"),
    }
    standard = {
        f"{label.replace('.', '_')}_{page}"
        for label in LISTS
        for page in ("changelist", "add", "change", "delete", "history")
    }
    assert not set(admin_patterns()) - own - standard


# --- What each page costs -----------------------------------------------------


@pytest.fixture
def budgets() -> dict[str, int]:
    return json.loads(BUDGETS.read_text(encoding="utf-8"))


def test_query_budgets_of_every_list(signed_in, django_assert_max_num_queries, budgets):
    """REGULARS_WRITE_BUDGETS=1 writes what it finds; the difference is reviewed."""
    client = signed_in("admin")
    found = {}
    for label in LISTS:
        url = list_url(label)
        client.get(url)
        with django_assert_max_num_queries(60) as counted:
            answer = client.get(url)
        assert answer.status_code == 200, label
        assert len(answer.content) <= MOST_LIST_BYTES, label
        found[f"admin:{label}"] = len(counted)
    if os.environ.get("REGULARS_WRITE_BUDGETS"):
        BUDGETS.write_text(
            json.dumps({**budgets, **found}, indent=2, sort_keys=True) + "\n",
            encoding="utf-8",
        )
        return
    assert found == {k: v for k, v in budgets.items() if k.startswith("admin:")}


def test_lists_cost_the_same_with_more_rows(shop, signed_in, django_assert_num_queries):
    """No query per row: half a page and a full page cost the same."""
    client = signed_in("admin")
    url = list_url("members.member")
    client.get(url)
    with django_assert_num_queries(count_queries(client, f"{url}?view=new")):
        client.get(url)


def count_queries(client, url: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        client.get(url)
    return len(captured)


def test_the_member_page_is_small_and_cheap(shop, signed_in):
    client = signed_in("support")
    url = reverse("admin:member_page", args=[shop["busy"].public_id])
    client.get(url)
    assert count_queries(client, url) <= MOST_PAGE_QUERIES
    assert len(client.get(url).content) <= MOST_PAGE_BYTES


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_change_page_opens(language, shop, signed_in):
    client = signed_in("admin")
    client.cookies["django_language"] = language
    for model in admin.site._registry:
        row = model._default_manager.first()
        if row is None:
            continue
        name = model._meta.label_lower.replace(".", "_")
        answer = client.get(reverse(f"admin:{name}_change", args=[row.pk]))
        assert answer.status_code == 200, name
