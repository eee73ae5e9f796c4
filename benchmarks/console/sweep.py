"""Every list of the console, opened in every way it offers.

``python -m benchmarks.console.sweep LOGIN`` asks each list itself which filters,
orders and searches it has, so none can be forgotten, opens each, and prints one JSON
object a line: list, way, milliseconds in SQL, statements, rows of the table.
"""

# isort: off
import django

django.setup()
# isort: on

import json  # noqa: E402
import sys  # noqa: E402
from collections.abc import Iterator  # noqa: E402
from datetime import UTC, datetime, timedelta  # noqa: E402

from django.contrib import admin  # noqa: E402
from django.contrib.auth import get_user_model  # noqa: E402
from django.db import models  # noqa: E402
from django.test import Client, RequestFactory  # noqa: E402
from django.urls import reverse  # noqa: E402

from benchmarks.console.opening import BACKEND, open_page  # noqa: E402
from crm.shared.paging import planner_rows  # noqa: E402
from members.models import Member  # noqa: E402

#: Runs of each way; the median counts, after one that does not.
TURNS = 3


def main(login: str) -> None:
    """Open everything and print what it cost."""
    client = Client()
    user = get_user_model().objects.get(username=login)
    client.force_login(user, backend=BACKEND)
    for model, model_admin in admin.site._registry.items():
        address = reverse(
            f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
        )
        rows = planner_rows(model._default_manager.all())
        for way, query in ways(user, model_admin):
            # No row matters here, only that the page opens.
            turns = [open_page(client, address + query, "^$") for _ in range(TURNS + 1)]
            cost = sorted(turns[1:], key=lambda page: page["sql_ms"])[TURNS // 2]
            said = {"list": model._meta.label, "way": way, "rows": rows, "path": query}
            print(json.dumps({**said, "page": {**cost, "rows": []}}), flush=True)


def ways(user, model_admin) -> Iterator[tuple[str, str]]:
    """Return (name, query) of every way to open one list."""
    request = RequestFactory().get("/")
    request.user = user
    changelist = model_admin.get_changelist_instance(request)
    yield "first page", ""
    if changelist.result_count > changelist.list_per_page:
        yield "last page", f"?p={-(-changelist.result_count // changelist.list_per_page)}"
    for place, name in enumerate(changelist.list_display):
        if sorted_by(changelist, name) is not None:
            yield f"by {name}", f"?o={place}"
            yield f"by {name}, descending", f"?o=-{place}"
    for spec in changelist.filter_specs:
        for query in choices(spec, changelist):
            yield f"filter {query}", f"?{query}"
    if model_admin.search_fields:
        for text in ("nothing-like-this", sample(model_admin)):
            yield "search", f"?q={text}"


def sorted_by(changelist, name: str) -> str | None:
    """Return the column a heading sorts by, None where it does not."""
    if name not in changelist.sortable_by:
        return None
    return changelist.get_ordering_field(name)


def choices(spec, changelist) -> list[str]:
    """Return the query of each choice of a filter."""
    field = getattr(spec, "field", None)
    if isinstance(field, models.DateField):
        day = datetime.now(UTC).date() - timedelta(days=100)
        if isinstance(field, models.DateTimeField) and "time" in type(spec).__name__.lower():
            return [f"{spec.field_path}_from_0={day}&{spec.field_path}_from_1=00:00"]
        return [f"{spec.field_path}_from={day}", f"{spec.field_path}_to={day}"]
    if isinstance(field, models.ForeignKey | models.ManyToManyField | models.OneToOneField):
        pks = field.related_model._default_manager.values_list("pk", flat=True)[:5]
        return [f"{spec.lookup_kwarg}={pk}" for pk in pks]
    if isinstance(field, models.BooleanField):
        return [f"{spec.lookup_kwarg}={value}" for value in (0, 1)]
    if field is not None and field.choices:
        return [f"{spec.lookup_kwarg}={value}" for value, _label in field.flatchoices]
    if hasattr(spec, "lookup_choices"):
        return [f"{spec.parameter_name}={value}" for value, _label in spec.lookup_choices]
    raise NotImplementedError(f"{type(spec)} of {changelist.model}")


def sample(model_admin) -> str:
    """Return a text that finds something."""
    if any(path.endswith("number") for path in model_admin.search_fields):
        middle = Member.objects.order_by("-pk").values_list("pk", flat=True)[:1].get() // 2
        return Member.objects.get(pk=middle).number
    return "members.MemberErased"


if __name__ == "__main__":
    main(sys.argv[1])
