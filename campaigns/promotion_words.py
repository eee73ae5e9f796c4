"""Promotions in plain words: what they give, when, and what a revision changed."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from datetime import datetime, time
from typing import Any

from django.conf import settings
from django.utils import formats, timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.models import Budget, Promotion
from campaigns.promotion_labels import LABELS, NAMES, WEEKDAYS
from campaigns.rules.recipes import (
    WHOLE_BP,
    AmountOff,
    BundlePrice,
    BuyGetFree,
    CheapestFree,
    FlashPrice,
    FreeFreight,
    GiftWithOrder,
    Goods,
    MemberPrice,
    NthItem,
    OnePrice,
    PercentOff,
    Recipe,
    SpendEvery,
    SpendLadder,
    When,
)
from crm.shared.money import display_amount


def promotion_sentence(
    recipe: Recipe, terms: Mapping[str, Any], names: Mapping[str, Mapping[int, str]]
) -> str:
    """Return what a promotion promises, as one would tell a customer.

    Args:
        terms: the other fields of a promotion or a revision.
        names: of the goods it is about: see ``queries.promotions.names_of_goods``.
    """
    parts = [
        _GIVES[type(recipe.gives)](recipe.gives),
        *_goods(recipe.goods, names),
        *_when(recipe.when),
        *_bounds(recipe, terms),
        *_times(terms),
    ]
    return " ".join(parts)


# --- What it gives -------------------------------------------------------------------


def _ladder(gives: SpendLadder) -> str:
    steps = [
        _("%(off)s off from %(spend)s") % {"off": money(off), "spend": money(spend)}
        for spend, off in gives.rungs
    ]
    return _("Spend and save: %(steps)s.") % {"steps": listed(steps)}


def _every(gives: SpendEvery) -> str:
    words = {
        "off": money(gives.off_minor),
        "spend": money(gives.spend_minor),
        "times": gives.most_times,
    }
    if gives.most_times == 1:
        return _("%(off)s off once %(spend)s are spent.") % words
    return _("%(off)s off for every %(spend)s, at most %(times)s times.") % words


def _percent(gives: PercentOff) -> str:
    return _("%(share)s off.") % {"share": percent(gives.percent_bp)}


def _amount(gives: AmountOff) -> str:
    words = {"off": money(gives.off_minor)}
    if gives.per == "unit":
        return _("%(off)s off each piece.") % words
    return _("%(off)s off the order.") % words


def _one_price(gives: OnePrice) -> str:
    return _("Each piece for %(price)s.") % {"price": money(gives.price_minor)}


def _buy_get(gives: BuyGetFree) -> str:
    words = {
        "buy": gives.buy,
        "get": gives.get,
        "share": percent(gives.percent_bp),
    }
    if gives.percent_bp == WHOLE_BP:
        text = _("Buy %(buy)s, get %(get)s free, the cheapest ones.") % words
    else:
        text = _("Buy %(buy)s, get %(get)s at %(share)s off, the cheapest ones.")
        text %= words
    return _times_of(text, gives.most_times)


def _nth(gives: NthItem) -> str:
    words = {"nth": gives.nth, "share": percent(WHOLE_BP - gives.pays_bp)}
    text = _("Of every %(nth)s pieces one at %(share)s off, the cheapest ones.") % words
    return _times_of(text, gives.most_times)


def _cheapest(gives: CheapestFree) -> str:
    text = _("Of every %(count)s pieces one is free, the cheapest ones.")
    text %= {"count": gives.of}
    return _times_of(text, gives.most_times)


def _bundle(gives: BundlePrice) -> str:
    words = {"count": gives.units, "price": money(gives.price_minor)}
    text = _("Any %(count)s pieces together for %(price)s.") % words
    return _times_of(text, gives.most_times)


def _gift(gives: GiftWithOrder) -> str:
    words = {"count": gives.units, "sku": gives.skus[0]}
    text = _("%(count)s × %(sku)s as a gift.") % words
    if len(gives.skus) > 1:
        others = listed(gives.skus[1:])
        text += " " + _("If that is out of stock: %(skus)s.") % {"skus": others}
    return _times_of(text, gives.most_times) if gives.most_times > 1 else text


def _freight(gives: FreeFreight) -> str:
    if gives.percent_bp == WHOLE_BP:
        return _("Free delivery.")
    return _("%(share)s off delivery.") % {"share": percent(gives.percent_bp)}


def _member_price(gives: MemberPrice) -> str:
    return _("A price %(share)s lower.") % {"share": percent(gives.percent_bp)}


def _flash(gives: FlashPrice) -> str:
    words = {"price": money(gives.price_minor)}
    return _("Each piece for %(price)s; nothing else lowers it further.") % words


def _times_of(text: str, most_times: int) -> str:
    if not most_times:
        return text
    often = ngettext(
        "At most %(times)s time an order.",
        "At most %(times)s times an order.",
        most_times,
    )
    return f"{text} {often % {'times': most_times}}"


_GIVES: dict[type, Callable[[Any], str]] = {
    SpendLadder: _ladder,
    SpendEvery: _every,
    PercentOff: _percent,
    AmountOff: _amount,
    OnePrice: _one_price,
    BuyGetFree: _buy_get,
    NthItem: _nth,
    CheapestFree: _cheapest,
    BundlePrice: _bundle,
    GiftWithOrder: _gift,
    FreeFreight: _freight,
    MemberPrice: _member_price,
    FlashPrice: _flash,
}


# --- On what, for whom, and when -----------------------------------------------------


def _goods(goods: Goods, names: Mapping[str, Mapping[int, str]]) -> list[str]:
    wanted, avoided = [], []
    for each in fields(goods):
        is_out = each.name.startswith("not_")
        values = _named(each.name, getattr(goods, each.name), names)
        (avoided if is_out else wanted).extend(values)
    parts = []
    if wanted:
        parts.append(_("On: %(goods)s.") % {"goods": listed(wanted)})
    if avoided:
        parts.append(_("Not on: %(goods)s.") % {"goods": listed(avoided)})
    return parts


def _named(
    field: str, keys: Iterable[Any], names: Mapping[str, Mapping[int, str]]
) -> list[str]:
    """Return what the goods of a field are called."""
    known = names.get(field.removeprefix("not_"), {})
    return [known.get(one, str(one)) for one in keys]


def _when(when: When) -> list[str]:
    parts = []
    if when.least_spend_minor:
        least = {"spend": money(when.least_spend_minor)}
        parts.append(_("From a spend of %(spend)s.") % least)
    if when.least_units:
        parts.append(_("From %(count)s pieces on.") % {"count": when.least_units})
    if when.audience:
        whom = [audience_name(each) for each in when.audience]
        parts.append(_("For %(audience)s.") % {"audience": listed(whom)})
    if when.nth_order == 1:
        parts.append(_("For a first order only."))
    elif when.nth_order:
        parts.append(_("For order number %(n)s only.") % {"n": when.nth_order})
    if when.channels:
        parts.append(_("In: %(channels)s.") % {"channels": listed(when.channels)})
    if when.weekdays:
        days = [str(WEEKDAYS[day]) for day in sorted(when.weekdays)]
        parts.append(_("On %(days)s.") % {"days": listed(days)})
    if when.since is not None or when.until is not None:
        words = {
            "since": f"{when.since or time.min:%H:%M}",
            # Midnight ends a day.
            "until": f"{when.until or time.min:%H:%M}".replace("00:00", "24:00"),
        }
        parts.append(_("From %(since)s to %(until)s.") % words)
    return parts


def _bounds(recipe: Recipe, terms: Mapping[str, Any]) -> list[str]:
    parts = []
    beside = recipe.beside
    if beside.cap_minor is not None:
        parts.append(_("At most %(cap)s an order.") % {"cap": money(beside.cap_minor)})
    if beside.skips_discounted:
        parts.append(_("Not on what is reduced already."))
    if beside.is_alone:
        parts.append(_("Not together with any other offer."))
    elif beside.forbids:
        parts.append(_("Not together with some other offers."))
    if terms.get("limit_total"):
        parts.append(_("%(count)s uses in all.") % {"count": terms["limit_total"]})
    if terms.get("budget_id"):
        parts.append(_("While its budget lasts."))
    if terms.get("limit_units"):
        text = _("Pieces at this price: %(count)s; any further one costs as usual.")
        parts.append(text % {"count": terms["limit_units"]})
    if terms.get("limit_member_units"):
        text = _("Pieces for each member: %(count)s.")
        parts.append(text % {"count": terms["limit_member_units"]})
    return parts


def _times(terms: Mapping[str, Any]) -> list[str]:
    starts, ends = (shown_time(terms.get(name)) for name in ("starts_at", "ends_at"))
    if ends:
        # "1:19 a.m." brings the full stop with it.
        until = ends.rstrip(".")
        return [_("From %(start)s to %(end)s.") % {"start": starts, "end": until}]
    return [_("From %(start)s on.") % {"start": starts}] if starts else []


# --- Small words ---------------------------------------------------------------------


def listed(words: Iterable[str]) -> str:
    """Return words as a list in a sentence."""
    return " · ".join(words)


def money(minor: int) -> str:
    """Return an amount of the shop's currency."""
    return display_amount(minor, settings.SHOP_CURRENCY)


def percent(share_bp: int) -> str:
    """Return basis points as a percentage."""
    return f"{share_bp / 100:g} %"


def audience_name(audience: str) -> str:
    """Return whom ``member``, ``tier:gold`` or ``segment:silent`` means."""
    if audience == "member":
        return _("members")
    if audience.startswith("segment:"):
        return _("segment %(code)s") % {"code": audience.removeprefix("segment:")}
    if audience.startswith("plan:"):
        return _("plan %(code)s") % {"code": audience.removeprefix("plan:")}
    return _("tier %(code)s") % {"code": audience.removeprefix("tier:")}


def shown_time(moment: datetime | str | None) -> str:
    """Return a moment in the zone of the page; nothing for none."""
    if isinstance(moment, str):
        moment = parse_datetime(moment)
    if moment is None:
        return ""
    return formats.date_format(timezone.localtime(moment), "DATETIME_FORMAT")


# --- What changed ------------------------------------------------------------------


def differences(
    before: tuple[Recipe, Mapping[str, Any]],
    after: tuple[Recipe, Mapping[str, Any]],
    names: Mapping[str, Mapping[int, str]],
) -> list[tuple[str, str, str]]:
    """Return what differs between two revisions: label, what it was, what it is.

    Args:
        before: recipe and the other fields, of the older one.
        after: those of the newer one.
        names: of the goods of both; see ``promotion_sentence``.
    """
    old, new = (_flat(*each) for each in (before, after))
    paths = [*old, *(path for path in new if path not in old)]
    return [
        (
            str(LABELS.get(path, path)),
            shown(path, old.get(path), names),
            shown(path, new.get(path), names),
        )
        for path in paths
        if old.get(path) != new.get(path)
    ]


def _flat(recipe: Recipe, terms: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"kind": recipe.kind}
    for part in ("gives", "goods", "when", "beside"):
        values = getattr(recipe, part)
        for each in fields(values):
            found[f"{part}.{each.name}"] = getattr(values, each.name)
    for name, value in terms.items():
        moment = isinstance(value, str) and name in {"starts_at", "ends_at"}
        found[name] = parse_datetime(value) if moment else value
    return found


def shown(
    path: str, value: Any, names: Mapping[str, Mapping[int, str]] | None = None
) -> str:
    """Return a value as people write it; of goods by the names that are known."""
    if value is None or value in ((), ""):
        return "–"
    for end, say in _SHOWN.items():
        if path.endswith(end):
            return say(value)
    if isinstance(value, tuple):
        return listed(_named(path.rpartition(".")[2], value, names or {}))
    return str(value)


def _yes_or_no(value: bool) -> str:
    return _("yes") if value else _("no")


def _clock(value: time) -> str:
    return f"{value:%H:%M}"


def _name_of(value: str) -> str:
    return str(NAMES[value])


def _budget(key: int) -> str:
    names = Budget.objects.filter(pk=key).values_list("name", flat=True)
    return names.first() or str(key)


#: End of a path -> how its values are written.
_SHOWN: dict[str, Callable[[Any], str]] = {
    "kind": lambda kind: str(Promotion.Kind(kind).label),
    ".rungs": lambda rungs: listed(f"{money(s)} → {money(off)}" for s, off in rungs),
    "_minor": money,
    "_bp": percent,
    "s_at": shown_time,
    ".weekdays": lambda days: listed(str(WEEKDAYS[day]) for day in days),
    ".audience": lambda whom: listed(audience_name(each) for each in whom),
    ".since": _clock,
    ".until": _clock,
    ".per": _name_of,
    "on_return": _name_of,
    "budget_id": _budget,
    ".is_alone": _yes_or_no,
    ".skips_discounted": _yes_or_no,
}
