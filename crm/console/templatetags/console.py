"""What templates of the console need to say."""

from collections.abc import Iterable, Mapping
from typing import Any

from django import template
from django.conf import settings
from django.contrib.admin.views.main import PAGE_VAR, ChangeList
from django.utils.formats import date_format
from django.utils.html import conditional_escape, escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from unfold.templatetags.unfold_list import result_headers

from crm.console.queries.job_words import KINDS, RESULTS
from crm.console.rows import written_rows
from crm.reports.rules.charts import (
    Chart,
    Point,
    bar_chart,
    step_chart,
    table,
    ticks,
)
from crm.shared.actor_words import actor_words
from crm.shared.money import display_amount

register = template.Library()


@register.filter
def money(minor: int | None, currency: str = "") -> str:
    """Return minor units as money, the same in every language."""
    if minor is None:
        return "–"
    return display_amount(minor, currency or settings.SHOP_CURRENCY)


@register.filter
def taken_off(minor: int, currency: str = "") -> str:
    """Return what something takes off an amount; what gives it back has a plus.

    >>> taken_off(500, "CNY"), taken_off(-500, "CNY")
    ('−¥5.00', '+¥5.00')
    """
    sign = "+" if minor < 0 else "−"
    return f"{sign}{money(abs(minor), currency)}"


@register.filter
def grouped(number: int | None) -> str:
    """Return a whole number with thousands separated."""
    return "–" if number is None else f"{number:,d}"


register.filter(actor_words)


@register.filter
def job_kind(kind: str) -> str:
    """Return what a kind of job is called."""
    return str(KINDS.get(kind, kind))


@register.filter
def job_result(key: str) -> str:
    """Return what a result or a file of a job is called."""
    return str(RESULTS.get(key, key))


@register.simple_tag
def money_bars(chart: Chart) -> SafeString:
    """Draw amounts in minor units as bars."""
    values = [point.value or 0 for point in chart.points]
    marks = ticks(min(values), max(values))
    # The scale is round; cents would only push it off the paper.
    texts = {mark: money(mark).removesuffix(".00") for mark in marks}
    drawn = bar_chart(chart, tick_texts=texts)
    return mark_safe(drawn)  # noqa: S308  bar_chart escapes every text it is given


@register.simple_tag
def money_days(
    days, *, uid: str, title: str, description: str, mark=None, mark_words: str = ""
) -> SafeString:
    """Draw amounts of days, as ``(date, minor units)``, as bars.

    Args:
        mark: a day to be marked, with words beside it.
    """
    points = [
        Point(date_format(day, "MONTH_DAY_FORMAT"), minor, money(minor))
        for day, minor in days
    ]
    places = [place for place, (day, _minor) in enumerate(days) if day == mark]
    chart = Chart(
        *(uid, title, description, points),
        height=160,
        mark=places[0] if places else None,
        mark_words=mark_words,
    )
    return money_bars(chart)


@register.simple_tag
def count_bars(steps, *, uid: str, title: str, description: str) -> SafeString:
    """Draw how many there are of each step, the last number of it, as bars."""
    points = [Point(str(step[0]), step[-1], f"{step[-1]:,d}") for step in steps]
    chart = Chart(uid, title, description, points, height=160)
    drawn = bar_chart(chart)
    return mark_safe(drawn)  # noqa: S308  bar_chart escapes every text it is given


@register.simple_tag
def price_steps(steps, *, uid: str, name: str) -> SafeString:
    """Draw what something cost (``orders.rules.prices.Step``) as steps in time."""
    points = [
        Point(
            date_format(localtime(step.starts_at), "SHORT_DATE_FORMAT"),
            step.amount_minor,
            money(step.amount_minor),
        )
        for step in steps
    ]
    chart = Chart(
        uid=uid,
        title=_("Price of %(name)s") % {"name": name},
        description=_("What everybody paid, from step to step."),
        points=points,
        height=160,
    )
    spans = [max(int((s.ends_at - s.starts_at).total_seconds()), 1) for s in steps]
    marks = ticks(0, max((step.amount_minor for step in steps), default=0))
    texts = {mark: money(mark).removesuffix(".00") for mark in marks}
    drawn = step_chart(chart, spans, tick_texts=texts)
    return mark_safe(drawn)  # noqa: S308  step_chart escapes every text it is given


@register.simple_tag
def balance_chart(steps, *, uid: str) -> Chart:
    """Return points in time (``loyalty.rules.balances.Step``) as what is drawn."""
    ahead = [place for place, step in enumerate(steps) if step.is_ahead]
    return Chart(
        uid=uid,
        title=_("Balance over time"),
        description=_("Points after each day that moved some, and as they will end."),
        points=[
            Point(
                date_format(localtime(step.starts_at), "SHORT_DATE_FORMAT"),
                step.points,
                f"{step.points:,d}",
            )
            for step in steps
        ],
        height=160,
        mark=ahead[0] if ahead else None,
        mark_words=_("today"),
    )


@register.simple_tag
def balance_steps(chart: Chart, steps) -> SafeString:
    """Draw a chart of ``balance_chart`` as steps in time."""
    spans = [max(int((s.ends_at - s.starts_at).total_seconds()), 1) for s in steps]
    drawn = step_chart(chart, spans)
    return mark_safe(drawn)  # noqa: S308  step_chart escapes every text it is given


@register.filter
def rows_of(chart: Chart) -> list[tuple[str, str]]:
    """Return the numbers of a chart for the table beside it."""
    return table(chart)


@register.inclusion_tag("console/list_table.html", takes_context=True)
def list_table(context: template.Context, changelist: ChangeList) -> dict[str, Any]:
    """Show the rows of a list below their headings, or why there are none."""
    headings = list(result_headers(changelist))
    return {
        "cl": changelist,
        "has_add_permission": context["has_add_permission"],
        "result_headers": headings,
        "num_sorted_fields": sum(bool(each.get("sorted")) for each in headings),
        "rows": written_rows(changelist, headings),
    }


@register.simple_tag
def page_address(changelist: ChangeList, number: int) -> str:
    """Return the query of a page of a list by its number."""
    return changelist.get_query_string({PAGE_VAR: number})


@register.simple_tag
def attributes(attrs: Mapping[str, Any]) -> SafeString:
    """Write the attributes of a widget as Django's ``attrs.html`` does in a loop.

    >>> attributes({"id": "a", "required": True, "disabled": False, "title": "<"})
    ' id="a" required title="&lt;"'
    """
    return mark_safe(  # noqa: S308  names and values are escaped
        "".join(
            f" {escape(name)}"
            if value is True
            else f' {escape(name)}="{conditional_escape(value)}"'
            for name, value in attrs.items()
            if value is not False
        )
    )


@register.simple_tag
def options(groups: Iterable[tuple[str | None, list[dict], int]]) -> SafeString:
    """Write the choices of a select widget, whose templates are two for each."""
    written = []
    for title, choices, _place in groups:
        inside = "".join(
            f'<option value="{conditional_escape(choice["value"])}"'
            f"{attributes(choice['attrs'])}>{conditional_escape(choice['label'])}"
            "</option>\n"
            for choice in choices
        )
        if title:
            label = conditional_escape(title)
            inside = f'<optgroup label="{label}">{inside}</optgroup>'
        written.append(inside)
    return mark_safe("".join(written))  # noqa: S308  escaped above


@register.simple_tag
def active_filters(changelist) -> list[dict]:
    """Return the filters that narrow a list: what, which value, how to drop it."""
    chips = []
    for spec in changelist.filter_specs:
        mine = {*spec.used_parameters, *spec.expected_parameters()}
        mine &= changelist.params.keys()
        if not mine or "view" in mine:
            continue
        shown = ""
        for choice in spec.choices(changelist):
            if choice.get("selected") and choice.get("display"):
                shown = choice["display"]
        given = [str(_first(changelist.params[name])) for name in sorted(mine)]
        chips.append(
            {
                "title": spec.title,
                "value": shown or " – ".join(given),
                "drop": changelist.get_query_string(remove=sorted(mine)),
            }
        )
    return chips


def _first(value):
    return value[0] if isinstance(value, list) and value else value
