"""What must be noticed: upstream templates that move, lists that scan, weight."""

import hashlib
import json
import re
from pathlib import Path

import pytest
import unfold
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.urls import reverse

from crm.console.admin.members import MemberAdmin
from crm.console.queries.members import find_members
from crm.console.templatetags.console import money
from members.models import Member

UPSTREAM = Path(unfold.__file__).parent / "templates"
#: The originals our overrides were made from. When one moves, compare and renew.
ORIGINALS = {
    "admin/base.html": "2ce9250b3c649e3a1d3c7ea52308a2858c60374b76089c29a838c7cc870dbcf0",
    "admin/change_list.html": "5885c39760f6085d55b2db8e740d4fdc340c402fc7cd43c0b5ef6ae7fb76f421",
    "unfold/helpers/app_list.html": "6ab83ac498b2f50ff045b7abcf2254391ccea9ded1f653c9f860f516d0be65b6",
    "unfold/helpers/change_list_filter.html": "9606a6123fb48b059187bd10dae1e7c95f1678afefa0d82a86206ca955bf5ef7",
    "unfold/helpers/command.html": "ae6ce324d85366131fc82945b3c35c1b980829229508343993e6adcbee4c975d",
    "unfold/helpers/empty_results.html": "5f4727a37a99da76e245048c8c7d7307ded9fe749533b33410e38657a9b1ef7e",
    "unfold/helpers/header_title.html": "b126ed2ab9ca16802d6763f49a74ba37b5bab125e5ff1af52a1ed586982dd0f3",
    "unfold/helpers/modal.html": "fa0832c6ded6a26b06ecc44499141e9e0c44cfea42a8665c6b786db175c4b416",
    "unfold/layouts/skeleton.html": "66af9f0bb45f98ba4e16ba5e5a11f36d87b8e07430d19066d088b29548491c2e",
    "unfold/layouts/unauthenticated.html": "768501529f1a8dae820558f90c1ab782f0703a8504070678b390bc16c9c48cf3",
    "unfold/widgets/select.html": "33286510ee2c7fb0148ce807f38acbefaae160cd16127e2a46aceeccf9a0bb93",
}
MANY = 20_000


@pytest.mark.parametrize("name", ORIGINALS)
def test_the_original_of_each_override_has_not_moved(name):
    content = (UPSTREAM / name).read_bytes()
    assert hashlib.sha256(content).hexdigest() == ORIGINALS[name]


def test_every_override_is_listed():
    ours = settings.BASE_DIR / "templates"
    overrides = {
        str(path.relative_to(ours))
        for path in ours.rglob("*.html")
        if (UPSTREAM / path.relative_to(ours)).exists()
    }
    assert overrides == set(ORIGINALS)


def test_the_style_sheet_stays_small():
    assert (settings.BASE_DIR / "static" / "console.css").stat().st_size <= 6 * 1024


def test_script_and_style_load_nothing_from_outside():
    for name in ("console.css", "console.js"):
        text = (settings.BASE_DIR / "static" / name).read_text(encoding="utf-8")
        assert not re.search(r"https?://|@import|url\(", text)


def test_money_is_shown_alike_in_both_languages():
    assert money(123_450, "CNY") == "¥1,234.50"
    assert money(None) == "–"


def plan_of(rows) -> str:
    sql, params = rows.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", params)
        plan = cursor.fetchone()[0]
    return plan if isinstance(plan, str) else json.dumps(plan)


@pytest.fixture
def many(shop):
    """Fill the member table by copying the first row; only keys differ.

    The copies are the oldest, so no page that is shown opens their sealed name.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO members_member (public_id, number, state, name, name_tokens,
                phone, phone_tail_index, gender, region, language, source, is_demo,
                joined_at, version, city, occupation, education, interests)
            SELECT public_id || n, 'M9' || n, state, name,
                ARRAY[decode(md5(n::text), 'hex')]::bytea[], phone,
                decode(md5('t' || n), 'hex'), '', '', 'en', 'bulk', true,
                joined_at - interval '9 years' - n * interval '1 minute', 0,
                '', '', '', '{}'
            FROM members_member, generate_series(1, %s) n
            WHERE id = (SELECT min(id) FROM members_member)""",
            [MANY],
        )
        cursor.execute("ANALYZE members_member")


@pytest.mark.slow
@pytest.mark.parametrize(
    "text", ["王静", "wj", "13800000000", "0000", "person0@example.com", "M01000001"]
)
def test_no_search_reads_the_whole_table(text, many):
    plan = plan_of(find_members(text)[:25])
    assert "Seq Scan" not in plan, plan


@pytest.mark.slow
def test_the_list_of_many_members_says_about_and_stays_light(
    many, shop, signed_in, monkeypatch
):
    assert Member.objects.count() > MANY
    monkeypatch.setattr(MemberAdmin, "list_per_page", 12)
    answer = signed_in("support").get(reverse("admin:members_member_changelist"))
    assert b"about " in answer.content
    assert len(answer.content) <= 260 * 1024
    assert answer.context["cl"].paginator.is_estimate


def test_sync_roles_says_what_it_did(db, capsys):
    call_command("sync_roles")
    assert "analyst: " in capsys.readouterr().out
