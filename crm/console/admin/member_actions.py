"""What staff can do for a member: a form, a sentence, one service call each."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.services.issuing import issue_coupon
from crm.console.admin import member_action_effects as effects
from crm.console.admin.member_action_forms import (
    CodedReasonForm,
    ConsentForm,
    CouponForm,
    FreezeForm,
    FreezePointsForm,
    PinForm,
    PointsForm,
    ReasonForm,
    TagForm,
    UnfreezePointsForm,
    UnpinForm,
    WalletForm,
)
from crm.console.admin.member_freezes import (
    freeze,
    freeze_some,
    has_frozen,
    is_frozen,
    unfreeze,
    unfreeze_some,
)
from crm.console.admin.member_tier_deeds import is_pinned, pin, unpin
from crm.shared.audit import record_audit
from crm.shared.clock import day_bounds
from crm.shared.models import Approval
from crm.shared.money import display_amount
from loyalty.services import adjusting_by_hand
from loyalty.services.adjusting_by_hand import adjust_by_hand
from members.models import Member
from members.queries import consent_text
from members.rules.lifecycle import ACTIVE, CLOSED, FROZEN, staff_moves
from members.services.consenting import Statement, record_consents
from members.services.erasing import ask_for_erasure
from members.services.exporting import ask_for_export
from members.services.freezing import move_member
from members.services.tagging import tag_member
from orders.services import paying_by_hand
from orders.services.paying_by_hand import pay_by_hand


@dataclass(frozen=True, slots=True)
class MemberAction:
    """One thing that can be done, by whom, and what it would change in words."""

    code: str
    label: Any
    icon: str
    permission: str
    form: type[forms.Form]
    effect: Callable[[Member, dict, int], str]
    run: Callable[..., str]
    fits: Callable[[Member], bool] = lambda member: True
    #: Whether it would wait for somebody else, for what a form says.
    waits: Callable[..., bool] = lambda **said: False


def _points(sign: int) -> Callable[..., str]:
    """Return what granting (1) or deducting (-1) points means."""

    def run(*, member: Member, data: dict, actor: Any, now: datetime) -> str:
        done = adjust_by_hand(
            member_id=member.pk,
            points=sign * data["points"],
            reason_code=data["reason_code"],
            reason=data["reason"],
            author=actor,
            source=f"staff:{data['request_key']}",
            now=now,
        )
        if isinstance(done, Approval):
            return _waits(done)
        words = {"points": f"{data['points']:,d}"}
        if sign > 0:
            return _("%(points)s points were granted.") % words
        return _("%(points)s points were deducted.") % words

    return run


def _wallet(sign: int) -> Callable[..., str]:
    """Return what paying into (1) or out of (-1) a wallet means."""

    def run(*, member: Member, data: dict, actor: Any, now: datetime) -> str:
        done = pay_by_hand(
            member_id=member.pk,
            amount_minor=sign * data["amount_minor"],
            reason=data["reason"],
            author=actor,
            source=f"staff:{data['request_key']}",
            now=now,
        )
        if isinstance(done, Approval):
            return _waits(done)
        return _("The wallet holds %(balance)s now.") % {
            "balance": display_amount(done.balance_after_minor, settings.SHOP_CURRENCY)
        }

    return run


def _many(sign: int) -> Callable[..., bool]:
    """Return whether so many points, granted (1) or deducted (-1), are too many."""

    def waits(*, member: Member, data: dict, actor: Any, now: datetime) -> bool:
        points = data.get("points") or 0
        return points > 0 and adjusting_by_hand.needs_approval(
            member_id=member.pk, points=sign * points, author=actor, now=now
        )

    return waits


def _much(sign: int) -> Callable[..., bool]:
    """Return whether so much, paid in (1) or out (-1), is too much."""

    def waits(*, member: Member, data: dict, actor: Any, now: datetime) -> bool:
        amount = data.get("amount_minor")
        return isinstance(amount, int) and paying_by_hand.needs_approval(
            member_id=member.pk, amount_minor=sign * amount, author=actor, now=now
        )

    return waits


def _waits(approval: Approval) -> str:
    return _("%(number)s waits for the approval of somebody else.") % {
        "number": approval.public_id
    }


def _issue(*, member: Member, data: dict, actor: Any, now: datetime) -> str:
    coupon = issue_coupon(
        template_id=data["template"].pk,
        member_id=member.pk,
        source=f"staff:{data['request_key']}",
        now=now,
    )
    record_audit(
        actor=actor,
        action="coupons.issue",
        obj=coupon,
        reason=data["reason"],
        now=now,
    )
    return _("The coupon %(code)s was issued.") % {"code": coupon.code}


def _consent(*, member: Member, data: dict, actor: Any, now: datetime) -> str:
    text = consent_text(purpose=data["purpose"], language=member.language)
    record_consents(
        member_id=member.pk,
        statements=[
            Statement(data["purpose"], data["channel"], data["granted"] == "yes")
        ],
        text_version=text.version if text else "",
        source="staff",
        actor=actor,
        reason=data["reason"],
        now=now,
    )
    return _("It is written down.")


def _export(*, member: Member, data: dict, actor: Any, now: datetime) -> str:
    ask_for_export(member_id=member.pk, actor=actor, reason=data["reason"], now=now)
    return _("The copy is being prepared; find it under Data exports.")


def _erase(*, member: Member, data: dict, actor: Any, now: datetime) -> str:
    ask_for_erasure(member_id=member.pk, author=actor, reason=data["reason"], now=now)
    return _("The erasure waits for the approval of somebody else.")


def _is_somebody(member: Member) -> bool:
    return member.state != Member.State.ERASED


def _move(to: str) -> dict[str, Callable]:
    """Return what moving a membership to ``to`` means: words, deed, for whom."""

    def effect(member: Member, data: dict, available: int) -> str:
        return effects.move(member, to)

    def run(*, member: Member, data: dict, actor: Any, now: datetime) -> str:
        move_member(
            member_id=member.pk, to=to, reason=data["reason"], actor=actor, now=now
        )
        return _("The membership is now: %(state)s.") % {
            "state": Member.State(to).label
        }

    def fits(member: Member) -> bool:
        return to in staff_moves(member.state)

    return {"effect": effect, "run": run, "fits": fits}


def _tag(*, member: Member, data: dict, actor: Any, now: datetime) -> str:
    until = data["until"]
    tag_member(
        member_id=member.pk,
        name=data["tag"].name,
        author=actor,
        expires_at=day_bounds(until)[1] if until else None,
        now=now,
    )
    return _("The tag “%(tag)s” was put on.") % {"tag": data["tag"].name}


#: Code -> action, in the order of the buttons.
ACTIONS: dict[str, MemberAction] = {
    action.code: action
    for action in [
        MemberAction(
            "grant",
            gettext_lazy("Grant points"),
            "add_circle",
            "loyalty.add_pointsentry",
            PointsForm,
            effects.grant,
            _points(1),
            waits=_many(1),
        ),
        MemberAction(
            "deduct",
            gettext_lazy("Deduct points"),
            "do_not_disturb_on",
            "loyalty.add_pointsentry",
            PointsForm,
            effects.deduct,
            _points(-1),
            waits=_many(-1),
        ),
        MemberAction(
            "pay_in",
            gettext_lazy("Pay into wallet"),
            "account_balance_wallet",
            "orders.add_walletentry",
            WalletForm,
            effects.pay_in,
            _wallet(1),
            waits=_much(1),
        ),
        MemberAction(
            "pay_out",
            gettext_lazy("Pay out of wallet"),
            "money_off",
            "orders.add_walletentry",
            WalletForm,
            effects.pay_out,
            _wallet(-1),
            waits=_much(-1),
        ),
        MemberAction(
            "coupon",
            gettext_lazy("Issue coupon"),
            "redeem",
            "campaigns.add_coupon",
            CouponForm,
            effects.coupon,
            _issue,
        ),
        MemberAction(
            "freeze",
            gettext_lazy("Freeze points"),
            "ac_unit",
            "loyalty.change_pointsaccount",
            FreezeForm,
            effects.freeze,
            freeze,
            lambda member: not is_frozen(member),
        ),
        MemberAction(
            "freeze_points",
            gettext_lazy("Freeze some points"),
            "ac_unit",
            "loyalty.change_pointsaccount",
            FreezePointsForm,
            effects.freeze_points,
            freeze_some,
        ),
        MemberAction(
            "unfreeze_points",
            gettext_lazy("Unfreeze some points"),
            "sunny",
            "loyalty.change_pointsaccount",
            UnfreezePointsForm,
            effects.unfreeze_points,
            unfreeze_some,
            has_frozen,
        ),
        MemberAction(
            "unfreeze",
            gettext_lazy("Unfreeze points"),
            "sunny",
            "loyalty.change_pointsaccount",
            CodedReasonForm,
            effects.unfreeze,
            unfreeze,
            is_frozen,
        ),
        MemberAction(
            "consent",
            gettext_lazy("Record consent"),
            "verified_user",
            "members.add_consent",
            ConsentForm,
            effects.consent,
            _consent,
        ),
        MemberAction(
            "export_data",
            gettext_lazy("Export personal data"),
            "folder_zip",
            "members.export_pii",
            ReasonForm,
            effects.export,
            _export,
            _is_somebody,
        ),
        MemberAction(
            "erase",
            gettext_lazy("Erase person"),
            "person_off",
            "members.add_erasure",
            ReasonForm,
            effects.erase,
            _erase,
            _is_somebody,
        ),
        MemberAction(
            "tag",
            gettext_lazy("Put on a tag"),
            "sell",
            "members.add_membertag",
            TagForm,
            effects.tag,
            _tag,
        ),
        MemberAction(
            "pin_tier",
            gettext_lazy("Hold on a tier"),
            "keep",
            "loyalty.change_tierstanding",
            PinForm,
            effects.pin,
            pin,
        ),
        MemberAction(
            "unpin_tier",
            gettext_lazy("Let go of a tier"),
            "keep_off",
            "loyalty.change_tierstanding",
            UnpinForm,
            effects.unpin,
            unpin,
            is_pinned,
        ),
        *(
            MemberAction(
                code,
                label,
                icon,
                "members.add_lifecyclechange",
                ReasonForm,
                **_move(to),
            )
            for code, label, icon, to in [
                ("suspend", gettext_lazy("Freeze membership"), "block", FROZEN),
                ("open", gettext_lazy("Open membership"), "lock_open", ACTIVE),
                ("close", gettext_lazy("Close membership"), "door_front", CLOSED),
            ]
        ),
    ]
}


def allowed_actions(user: Any, member: Member) -> list[MemberAction]:
    """Return what this login may do for this member now."""
    return [
        action
        for action in ACTIONS.values()
        if user.has_perm(action.permission) and action.fits(member)
    ]
