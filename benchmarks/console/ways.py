"""Every way to open every list of the console: filters, orders, searches, pages.

The lists are asked themselves what they offer, so none can be forgotten. Run as
``python -m benchmarks.console.ways LOGIN`` it prints one JSON object a way: the list,
the way, its address, and how many rows the table has.
"""

# isort: off
import django

django.setup()
# isort: on

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db import models
from django.test import RequestFactory
from django.urls import reverse
from unfold.contrib.filters.admin import (
    RangeDateTimeFilter,
    RangeNumericFilter,
    TextFilter,
)

from crm.shared.counting import counted
from members.models import Member

#: Choices of a filter by another table that are opened.
MOST_CHOICES = 5
#: A day by which the rows of a list part.
DAYS_AGO = 100
#: What is typed into filters by an amount and by a text.
AMOUNT, TEXT = 100, "spring"


def main(login: str) -> None:
    """Print every way to open every list."""
    request = RequestFactory().get("/")
    request.user = get_user_model().objects.get(username=login)
    for model, model_admin in admin.site._registry.items():
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        address = reverse(f"admin:{name}_changelist")
        rows = counted(model._default_manager.all(), exact_up_to=0).rows
        for way, query in ways(request, model_admin):
            told = {"list": model._meta.label, "way": way, "rows": rows}
            print(json.dumps({**told, "path": address + query}))


def ways(request, model_admin) -> Iterator[tuple[str, str]]:
    """Return (name, query) of every way to open one list."""
    changelist = model_admin.get_changelist_instance(request)
    yield "first page", ""
    yield "page 3", "?p=3"
    yield "last page", f"?p={changelist.paginator.num_pages}"
    for place, name in enumerate(changelist.list_display):
        if sorted_by(changelist, name) is not None:
            yield f"by {name}", f"?o={place}"
            yield f"by {name}, descending", f"?o=-{place}"
    for spec in changelist.filter_specs:
        for query in choices(spec, changelist):
            yield f"filter {query}", f"?{query}"
    if model_admin.search_fields:
        yield "search, nothing", "?q=nothing-like-this"
        yield "search", f"?q={sample(model_admin)}"


def sorted_by(changelist, name: str) -> str | None:
    """Return the column a heading sorts by, None where it does not."""
    if name not in changelist.sortable_by:
        return None
    return changelist.get_ordering_field(name)


def choices(spec, changelist) -> list[str]:
    """Return the query of each choice of a filter.

    Raises:
        NotImplementedError: a new kind of filter, which belongs here.
    """
    field = getattr(spec, "field", None)
    if isinstance(field, models.DateTimeField | models.DateField):
        return [f"{name}={value}" for name, value in _range(spec)]
    if field is not None and field.is_relation:
        rows = field.related_model._default_manager.values_list("pk", flat=True)
        return [f"{spec.lookup_kwarg}={pk}" for pk in rows[:MOST_CHOICES]]
    if isinstance(field, models.BooleanField):
        return [f"{spec.lookup_kwarg}={value}" for value in (0, 1)]
    if field is not None and field.choices:
        return [f"{spec.lookup_kwarg}={value}" for value, _label in field.flatchoices]
    if isinstance(spec, RangeNumericFilter):
        return [f"{spec.parameter_name}_{end}={AMOUNT}" for end in ("from", "to")]
    if isinstance(spec, TextFilter):
        return [f"{spec.parameter_name}={TEXT}"]
    if hasattr(spec, "lookup_choices"):
        return [f"{spec.parameter_name}={value}" for value, _ in spec.lookup_choices]
    raise NotImplementedError(f"{type(spec)} of {changelist.model}")


def _range(spec) -> Iterator[tuple[str, str]]:
    """Return the two halves of a filter by time."""
    day = datetime.now(UTC).date() - timedelta(days=DAYS_AGO)
    with_time = isinstance(spec, RangeDateTimeFilter)
    for end in ("from", "to"):
        if with_time:
            yield f"{spec.field_path}_{end}_0", f"{day}&{spec.field_path}_{end}_1=00:00"
        else:
            yield f"{spec.field_path}_{end}", str(day)


def sample(model_admin) -> str:
    """Return a text that finds somebody in the middle, or a rare fact."""
    if any(path.endswith("number") for path in model_admin.search_fields):
        newest = Member.objects.order_by("-pk").values_list("pk", flat=True)[0]
        # A hundredth member has a trace in every list.
        middle = Member.objects.filter(pk__gte=newest // 200 * 100)
        return middle.order_by("pk").values_list("number", flat=True)[0]
    return "members.MemberErased"


if __name__ == "__main__":
    main(sys.argv[1])
