"""What coupon templates promise: changed alone or by two people (C22, 1.8).

Whoever gives out coupons that may cost more than one person may publish, or lets those
that are out cost more, asks a second one; the same mechanism as for promotions.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from campaigns.models import Budget, CouponTemplate, PublicCode
from campaigns.rules.coupon_costs import Cost, uses_in_all
from campaigns.services.budgeting import lock_budget
from campaigns.services.publishing import ChangedSinceAsked, ReasonMissing
from crm.shared.approvals import ask_for_approval
from crm.shared.audit import record_audit
from crm.shared.errors import Refusal
from crm.shared.models import Approval

#: Kind of approval; see ``crm.wiring.APPROVALS``.
KIND = "campaigns.coupons"
#: The fields that say what coupons may cost, and whether they are given out.
COSTLY = (
    *("state", "kind", "amount_minor", "percent_bp", "cap_minor"),
    *("stock", "limit_total", "budget_id"),
)
#: Fields that orders and members count; what was agreed to does not hang on them.
_COUNTED = {"issued"}
_State = CouponTemplate.State


class DraftNoMore(Refusal):
    """What people can have coupons of is no draft again; end it."""

    code = "coupon_template_was_out"
    message = _("What people can have coupons of is no draft again; end it.")


def lock_template(template_id: int) -> CouponTemplate:
    """Return a template, locked to the end of the transaction."""
    return CouponTemplate.objects.select_for_update(no_key=True).get(pk=template_id)


@transaction.atomic
def write_template(
    *,
    template: CouponTemplate,
    changed: Collection[str],
    reason: str,
    actor: Any,
    now: datetime,
) -> Approval | None:
    """Save a template, new or changed; what needs two people waits, the rest is saved.

    Of a draft only that it goes out waits, of what is out whatever may cost more.

    Args:
        template: as it shall be.
        changed: names of the fields that are other ones; of a new one it is all.
        reason: why, where somebody else must agree.

    Returns:
        The approval that is waited for; None where one person may do it.

    Raises:
        DraftNoMore: it was out, and shall be a draft.
        ReasonMissing: it waits, and no word why.
    """
    before = None
    if template.pk:
        before = lock_template(template.pk)
        _keep_the_rest(template, before, changed)
    if template.state == _State.DRAFT and _is_out(before):
        raise DraftNoMore
    if not wants_two(template, before=before):
        template.save(update_fields=changed if before else None)
        return None
    if not reason.strip():
        raise ReasonMissing
    changes = _waiting_changes(template, before)
    cost = cost_of(template)
    for name, (was, _asked) in changes.items():
        setattr(template, name, was)
    kept = [name for name in changed if not {name, f"{name}_id"} & changes.keys()]
    template.save(update_fields=kept if before else None)
    template.refresh_from_db()
    return ask_for_approval(
        kind=KIND,
        params={
            "template": template.pk,
            "name": template.name,
            "changes": changes,
            "budgets": _names_of_budgets(changes.get("budget_id", ())),
            "most_minor": cost.most_minor,
            "digest": _digest(_seen(template), cost),
        },
        subject=template.public_id,
        reason=reason,
        author=actor,
        source=f"{template.public_id}:{now:%Y%m%dT%H%M%S%f}",
        now=now,
    )


def _waiting_changes(
    template: CouponTemplate, before: CouponTemplate | None
) -> dict[str, list[Any]]:
    """Return field -> what it is, and what it shall be once somebody agreed."""
    if before is None or not _is_out(before):
        return {"state": [_State.DRAFT, template.state]}
    pairs = {name: [getattr(before, name), getattr(template, name)] for name in COSTLY}
    return {name: [was, asked] for name, (was, asked) in pairs.items() if was != asked}


@transaction.atomic
def write_approved(
    *,
    template_id: int,
    changes: Mapping[str, Any],
    digest: str,
    reason: str,
    author: Any,
    now: datetime,
) -> CouponTemplate:
    """Give a template what a second person agreed to.

    Args:
        changes: field -> what it was, and what it shall be.

    Raises:
        ChangedSinceAsked: it is not what it was when that was asked for.
    """
    template = lock_template(template_id)
    seen = _seen(template)
    for name, (_before, after) in changes.items():
        setattr(template, name, after)
    _lock_budget_of(template)
    if _digest(seen, cost_of(template)) != digest:
        raise ChangedSinceAsked
    template.save(update_fields=list(changes))
    record_audit(
        actor=author,
        action="campaigns.coupontemplate.change",
        obj=template,
        reason=reason,
        detail={"changed": sorted(changes)},
        now=now,
    )
    return template


def wants_two(after: CouponTemplate, *, before: CouponTemplate | None) -> bool:
    """Whether a template, as it shall be, may cost more than one person may give away.

    What has ended counts, since coupons of it are still used. Less is never too much.
    """
    _lock_budget_of(after)
    cost = cost_of(after)
    if after.state == _State.DRAFT or cost.is_within(settings.PROMOTION_LIMIT_MINOR):
        return False
    if after.state == _State.LIVE and (before is None or before.state != _State.LIVE):
        return True
    return _is_out(before) and cost.is_more_than(cost_of(before))


def wants_two_for_code(code: PublicCode) -> bool:
    """Whether a public code, as it shall be, makes its template cost too much for one.

    Its template is locked: nobody lets it go out meanwhile.
    """
    template = lock_template(code.template_id)
    _lock_budget_of(template)
    others = template.public_codes.filter(is_active=True).exclude(pk=code.pk)
    known = list(others.values_list("limit_total", flat=True))
    after = cost_of(template, public=[*known, code.limit_total])
    if template.state == _State.DRAFT or not code.is_active:
        return False
    if after.is_within(settings.PROMOTION_LIMIT_MINOR):
        return False
    return after.is_more_than(cost_of(template))


def cost_of(
    template: CouponTemplate, *, public: list[int | None] | None = None
) -> Cost:
    """Return what bounds the cost of a template's coupons.

    Args:
        public: uses of its public codes; None looks them up.
    """
    if public is None:
        codes = PublicCode.objects.filter(template_id=template.pk, is_active=True)
        public = list(codes.values_list("limit_total", flat=True))
    is_percent = template.kind == CouponTemplate.Kind.PERCENT
    return Cost(
        kind=template.kind,
        each_minor=template.cap_minor if is_percent else template.amount_minor,
        percent_bp=template.percent_bp if is_percent else 0,
        uses=uses_in_all(
            limit=template.limit_total, stock=template.stock, public=public
        ),
        budget_minor=_budget_minor(template.budget_id),
    )


def _budget_minor(budget_id: int | None) -> int | None:
    rows = Budget.objects.filter(pk=budget_id)
    return rows.values_list("amount_minor", flat=True).first()


def _lock_budget_of(template: CouponTemplate) -> None:
    """Lock its budget: nobody raises it while this is saved."""
    if template.budget_id is not None:
        lock_budget(template.budget_id)


def _keep_the_rest(
    template: CouponTemplate, before: CouponTemplate, changed: Collection[str]
) -> None:
    """Have a template say what the locked row says, but for what is changed."""
    for each in template._meta.concrete_fields:
        if each.name not in changed:
            setattr(template, each.attname, getattr(before, each.attname))


def _names_of_budgets(keys: Collection[int | None]) -> dict[str, str]:
    rows = Budget.objects.filter(pk__in=[pk for pk in keys if pk is not None])
    return {str(pk): name for pk, name in rows.values_list("pk", "name")}


def _is_out(template: CouponTemplate | None) -> bool:
    return template is not None and template.state != _State.DRAFT


def _seen(template: CouponTemplate) -> dict[str, Any]:
    """Return what somebody sees of a template who is asked to agree."""
    return {
        each.attname: getattr(template, each.attname)
        for each in template._meta.concrete_fields
        if each.name not in _COUNTED
    }


def _digest(seen: Mapping[str, Any], cost: Cost) -> str:
    """Return what tells whether that, and what it may cost, is still the same."""
    text = json.dumps([seen, asdict(cost)], sort_keys=True, default=str)
    return sha256(text.encode()).hexdigest()
