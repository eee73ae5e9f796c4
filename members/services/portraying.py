"""Write everything known about one person, for programs and for the person."""

import io
import zipfile
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.template.loader import render_to_string
from django.utils import formats
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import override

from crm.shared.bounded_json import dumps
from crm.shared.money import display_amount
from crm.shared.personal_data import Table, personal_data
from members.models import Member

#: File name of the page in each language.
PAGE = "page.{language}.html"
DATA = "data.json"


def archive(*, member_id: int, now: datetime) -> bytes:
    """Return a ZIP file: the data as JSON, and as one page per language.

    What each app contributes stands in its ``personal_data.py``; nothing is masked.
    """
    member = Member.objects.get(pk=member_id)
    found: dict[str, list[dict[str, Any]]] = {}
    for source in personal_data():
        found |= source.export(member_id=member_id)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as files:
        whole = {
            "shop": settings.SHOP_NAME,
            "member": member.number,
            "written_at": now,
            # Amounts (``…_minor``) are whole numbers of its smallest unit.
            "currency": settings.SHOP_CURRENCY,
            "data": found,
        }
        files.writestr(DATA, dumps(whole))
        for language, _name in settings.LANGUAGES:
            files.writestr(
                PAGE.format(language=language),
                _page(member, found, language=language, now=now),
            )
    return packed.getvalue()


def _page(
    member: Member, found: dict[str, list], *, language: str, now: datetime
) -> str:
    tables = {
        table.label: table for source in personal_data() for table in source.tables
    }
    with override(language):
        sections = [
            _section(tables[label], rows)
            for label, rows in sorted(
                found.items(), key=lambda item: item[0] != Member._meta.label
            )
        ]
        return render_to_string(
            "members/data_export.html",
            {
                "language": language,
                "member": member,
                "shop": settings.SHOP_NAME,
                "written_at": _words(now),
                "sections": sections,
            },
        )


def _section(table: Table, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return heading, column names and cells in words; columns without any go."""
    columns = {
        name: column
        for name, column in table.exported().items()
        if any(row[name] not in (None, "") for row in rows)
    }
    return {
        "title": table.model._meta.verbose_name_plural,
        "heads": [column.verbose_name for column in columns.values()],
        "rows": [
            [_words(row[name], column) for name, column in columns.items()]
            for row in rows
        ],
    }


def _words(value: Any, column: models.Field | None = None) -> str:
    if column is not None and column.choices:
        value = dict(column.flatchoices).get(value, value)
    if column is not None and column.name.endswith("_minor") and value is not None:
        value = display_amount(value, settings.SHOP_CURRENCY)
    if isinstance(value, bool):
        value = _("Yes") if value else _("No")
    if isinstance(value, datetime):
        value = formats.date_format(localtime(value), "DATETIME_FORMAT")
    if isinstance(value, list):
        value = ", ".join(str(part) for part in value)
    return "–" if value is None or value == "" else str(value)
