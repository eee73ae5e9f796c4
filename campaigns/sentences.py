"""Coupons in plain words: what a template promises, and what revoking does."""

from django.conf import settings
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.models import CouponTemplate
from campaigns.rules.coupons import Terms
from campaigns.services.revoking import Revocation
from crm.shared.money import display_amount

_PERIODS = {
    "day": lambda count: ngettext("%(count)s use a day", "%(count)s uses a day", count),
    "week": lambda count: ngettext(
        "%(count)s use a week", "%(count)s uses a week", count
    ),
    "month": lambda count: ngettext(
        "%(count)s use a month", "%(count)s uses a month", count
    ),
}


def template_sentence(template: CouponTemplate) -> str:
    """Return what a template promises, as one would tell a customer."""
    parts = [terms_sentence(template), _validity(template), *_limits(template)]
    return " ".join(part for part in parts if part)


def terms_sentence(terms: CouponTemplate | Terms) -> str:
    """Return what a template takes off and for whom, or a coupon by its terms."""
    parts = [_reduction(terms)]
    if terms.skips_discounted:
        parts.append(_("Not on what is reduced already."))
    if terms.for_first_order:
        parts.append(_("For a first order only."))
    return " ".join(parts)


def _reduction(terms: CouponTemplate | Terms) -> str:
    words = {
        "amount": _money(terms.amount_minor),
        "percent": f"{terms.percent_bp / 100:g} %",
        "cap": _money(terms.cap_minor or 0),
        "spend": _money(terms.min_spend_minor),
    }
    if terms.kind == CouponTemplate.Kind.AMOUNT:
        off = _("%(amount)s off") % words
    elif terms.cap_minor is None:
        off = _("%(percent)s off") % words
    else:
        off = _("%(percent)s off, at most %(cap)s") % words
    if terms.min_spend_minor:
        return _("%(off)s from a spend of %(spend)s.") % {**words, "off": off}
    return _("%(off)s whatever is bought.") % {"off": off}


def _validity(template: CouponTemplate) -> str:
    parts = []
    if template.valid_from:
        parts.append(_("Usable from %(time)s.") % {"time": _time(template.valid_from)})
    if template.valid_until:
        parts.append(
            _("Usable until %(time)s.") % {"time": _time(template.valid_until)}
        )
    else:
        parts.append(
            ngettext(
                "Usable until the end of the day after it is got.",
                "Usable until the end of day %(days)s after it is got.",
                template.valid_days,
            )
            % {"days": template.valid_days}
        )
    if template.ends_with_campaign and template.ends_at:
        end = _time(template.ends_at)
        parts.append(_("Never beyond %(time)s.") % {"time": end})
    return " ".join(parts)


def _limits(template: CouponTemplate) -> list[str]:
    parts = []
    if template.points_price:
        parts.append(_("Costs %(points)s points.") % {"points": template.points_price})
    if template.limit_total:
        parts.append(_("%(count)s uses in all.") % {"count": template.limit_total})
    if template.limit_member:
        text = _("%(count)s uses for each person.")
        parts.append(text % {"count": template.limit_member})
    if template.limit_period:
        parts.append(f"{_per(template, template.limit_period)}.")
    if template.limit_member_period:
        per = _per(template, template.limit_member_period)
        parts.append(_("%(uses)s for each person.") % {"uses": per})
    if template.is_transferable:
        parts.append(_("May be given away."))
    return parts


def _per(template: CouponTemplate, count: int) -> str:
    return _PERIODS[template.period](count) % {"count": count}


def revocation_sentence(effect: Revocation) -> str:
    """Return what revoking does, before it is done."""
    return _(
        "%(codes)s codes nobody used yet and %(coupons)s coupons in wallets can be "
        "used no more. %(skipped)s coupons stay as they are: an order holds or used "
        "them."
    ) % {
        "codes": f"{effect.codes:,d}",
        "coupons": f"{effect.coupons:,d}",
        "skipped": f"{effect.skipped:,d}",
    }


def revoked_sentence(effect: Revocation) -> str:
    """Return what revoking did."""
    return _(
        "Revoked: %(codes)s codes and %(coupons)s coupons. Skipped: %(skipped)s."
    ) % {
        "codes": f"{effect.codes:,d}",
        "coupons": f"{effect.coupons:,d}",
        "skipped": f"{effect.skipped:,d}",
    }


def _money(minor: int) -> str:
    return display_amount(minor, settings.SHOP_CURRENCY)


def _time(moment) -> str:
    return formats.date_format(timezone.localtime(moment), "DATETIME_FORMAT")
