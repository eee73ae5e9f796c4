"""What the page of a back-test says: words first, then numbers."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.admin.backtest_carts import cart_section, labels_of_steps
from campaigns.models import Backtest, Promotion
from campaigns.promotion_words import promotion_sentence
from campaigns.queries.backtests import keys_of_orders
from campaigns.queries.promotions import names_of_goods
from campaigns.rules.backtest_totals import OTHERS, Totals, every_day
from campaigns.rules.recipes_reading import read
from campaigns.services.drafting import digest_of
from crm.shared.jobs import job_view
from crm.shared.money import display_amount

_VIEW_ORDER = "orders.view_order"


def page_of(user: Any, backtest: Backtest) -> dict[str, Any]:
    """Return everything the page of a back-test shows."""
    totals = backtest.totals
    recipe = read(backtest.kind, backtest.recipe)
    zone = ZoneInfo(settings.SHOP_TIME_ZONE)
    first, last = (
        at.astimezone(zone).date() for at in (backtest.since, backtest.until)
    )
    ran_out = totals.ran_out and date.fromisoformat(totals.ran_out)
    return {
        **progress_of(user, backtest),
        "totals": totals,
        "first": first,
        "last": last,
        "sentence": promotion_sentence(
            recipe, backtest.terms, names_of_goods(recipe.goods)
        ),
        "is_stale": _is_stale(backtest),
        "said": list(_said(backtest, totals)) if totals.orders else [],
        "days": every_day(totals, first=first, last=last),
        "ran_out": ran_out,
        "steps": _steps(totals),
        **cart_section(backtest.cart_totals),
        "offers": [_offer(key, row) for key, row in _by_loss(totals.displaced)],
        **_examples(user, totals),
    }


def progress_of(user: Any, backtest: Backtest) -> dict[str, Any]:
    """Return what changes while a back-test is under way."""
    return {
        "backtest": backtest,
        "state": backtest.state,
        "state_label": Backtest.State(backtest.state).label,
        "view": None if backtest.job is None else job_view(backtest.job),
        "may_add": user.has_perm("campaigns.add_backtest"),
    }


# --- Words ------------------------------------------------------------------------


def _said(backtest: Backtest, totals: Totals) -> Iterator[str]:
    """Say the numbers, the most important one first."""
    yield _touched(totals)
    if totals.replaced_minor:
        yield _(
            "What is published took %(amount)s off the same orders; that is left out."
        ) % {"amount": _money(totals.replaced_minor)}
    yield _(
        "All orders together would have brought %(after)s instead of %(before)s."
    ) % {"after": _money(totals.after_minor), "before": _money(totals.before_minor)}
    yield _margin(totals)
    yield _(
        "Orders that would have paid less: %(winners)s, by %(won)s. Orders that would "
        "have paid more: %(losers)s, by %(lost)s."
    ) % {
        "winners": f"{totals.winners:,d}",
        "won": _money(totals.won_minor),
        "losers": f"{totals.losers:,d}",
        "lost": _money(totals.lost_minor),
    }
    yield from _limits(backtest, totals)


def _touched(totals: Totals) -> str:
    numbers = {
        "orders": f"{totals.orders:,d}",
        "touched": f"{totals.touched:,d}",
        "cost": _money(totals.cost_minor),
    }
    if not totals.touched:
        return _("Of %(orders)s orders none would have been touched.") % numbers
    return (
        ngettext(
            "Of %(orders)s orders %(touched)s would have been touched; it would have "
            "cost %(cost)s.",
            "Of %(orders)s orders %(touched)s would have been touched; they would have "
            "cost %(cost)s.",
            totals.touched,
        )
        % numbers
    )


def _margin(totals: Totals) -> str:
    if not totals.costed:
        return _("What the goods cost is known of no order, so there is no margin.")
    return _(
        "After the cost of goods %(after)s would have been left instead of %(before)s; "
        "counted are the %(orders)s orders of which it is known."
    ) % {
        "after": _money(totals.margin_after_minor),
        "before": _money(totals.margin_before_minor),
        "orders": f"{totals.costed:,d}",
    }


def _limits(backtest: Backtest, totals: Totals) -> Iterator[str]:
    if totals.ran_out is not None:
        day = date_format(date.fromisoformat(totals.ran_out), "DATE_FORMAT")
        yield _(
            "On %(day)s its budget, its uses or its pieces would have been gone; from "
            "then on it gives nothing more."
        ) % {"day": day}
        return
    if totals.left_minor is not None:
        yield _("Its budget would have lasted; %(left)s of %(budget)s is left.") % {
            "left": _money(totals.left_minor),
            "budget": _money(backtest.budget_minor or 0),
        }
    if totals.left_uses is not None:
        yield _("Its uses would have lasted; %(left)s are left.") % {
            "left": f"{totals.left_uses:,d}"
        }
    if totals.left_units is not None:
        yield _("Its pieces would have lasted; %(left)s are left.") % {
            "left": f"{totals.left_units:,d}"
        }


def _is_stale(backtest: Backtest) -> bool:
    """Tell whether what was tried is neither a change of it now nor what it became."""
    now = [backtest.promotion]
    if backtest.is_change:
        changes = Promotion.objects.filter(changes_id=backtest.promotion_id)
        # A change that is published is gone, and the promotion is what it was.
        now = list(changes.select_related("budget")) or now
    return backtest.digest not in {digest_of(each) for each in now}


def _money(minor: int) -> str:
    return display_amount(minor, settings.SHOP_CURRENCY)


# --- Tables -----------------------------------------------------------------------


def _steps(totals: Totals) -> list[tuple[str, int, int]]:
    """Return the histogram: share of the price that is off, orders before and after."""
    counts = (totals.shares_before, totals.shares_after)
    return list(zip(labels_of_steps(), *counts, strict=True))


def _by_loss(displaced: Mapping[str, list[Any]]) -> list[tuple[str, list[Any]]]:
    return sorted(displaced.items(), key=lambda each: (-each[1][4], each[0]))


def _offer(key: str, row: list[Any]) -> dict[str, Any]:
    _kind, name, gone, less, less_minor = row
    return {
        "name": _("other offers") if key == OTHERS else name,
        "gone": gone,
        "less": less,
        "less_minor": less_minor,
    }


def _examples(user: Any, totals: Totals) -> dict[str, list[dict[str, Any]]]:
    """Return the orders that change the most; with a way to them for who may go it."""
    sorts = {"losing": totals.losing, "gaining": totals.gaining}
    known: dict[str, tuple[int, str]] = {}
    if user.has_perm(_VIEW_ORDER):
        known = keys_of_orders([each[0] for rows in sorts.values() for each in rows])
    return {
        name: [_example(each, known) for each in rows] for name, rows in sorts.items()
    }


def _example(
    example: Sequence[Any], known: Mapping[str, tuple[int, str]]
) -> dict[str, Any]:
    public_id, day, before, after, cost = example
    pk, number = known.get(public_id, (None, public_id))
    return {
        "pk": pk,
        "number": number,
        "day": date.fromisoformat(day),
        "before": before,
        "after": after,
        "cost": cost,
    }
