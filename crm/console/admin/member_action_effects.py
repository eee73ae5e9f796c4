"""What a deed would change, said before it is done: one sentence each.

Each takes the member, what the form holds so far and the points available now; the
sentence is empty while the form does not say enough.
"""

from django.conf import settings
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from crm.shared.money import display_amount
from members.models import Consent, Member
from members.rules.lifecycle import TABLE
from orders.queries.wallets import wallet_of


def grant(member: Member, data: dict, available: int) -> str:
    """Say how many points come."""
    points = data.get("points")
    if not points:
        return ""
    return _(
        "Grants %(points)s points to %(member)s: available %(before)s → %(after)s."
    ) % {
        "points": f"{points:,d}",
        "member": member.number,
        "before": f"{available:,d}",
        "after": f"{available + points:,d}",
    }


def deduct(member: Member, data: dict, available: int) -> str:
    """Say how many points go, or that there are too few."""
    points = data.get("points")
    if not points:
        return ""
    if points > available:
        return _("%(member)s has only %(before)s points available.") % {
            "member": member.number,
            "before": f"{available:,d}",
        }
    return _(
        "Deducts %(points)s points from %(member)s: available %(before)s → %(after)s."
    ) % {
        "points": f"{points:,d}",
        "member": member.number,
        "before": f"{available:,d}",
        "after": f"{available - points:,d}",
    }


def pay_in(member: Member, data: dict, available: int) -> str:
    """Say how much money comes into the wallet."""
    return _wallet(member, data.get("amount_minor"))


def pay_out(member: Member, data: dict, available: int) -> str:
    """Say how much money leaves the wallet."""
    amount = data.get("amount_minor")
    return _wallet(member, -amount if isinstance(amount, int) else None)


def _wallet(member: Member, amount_minor: int | None) -> str:
    if not isinstance(amount_minor, int):
        return ""
    before = wallet_of(member_id=member.pk).available_minor
    return _("The wallet of %(member)s: available %(before)s → %(after)s.") % {
        "member": member.number,
        "before": display_amount(before, settings.SHOP_CURRENCY),
        "after": display_amount(before + amount_minor, settings.SHOP_CURRENCY),
    }


def freeze(member: Member, data: dict, available: int) -> str:
    """Say that points can be earned and not spent."""
    return _(
        "Freezes the points of %(member)s: available %(before)s → 0. Points are still "
        "earned, but none can be spent."
    ) % {"member": member.number, "before": f"{available:,d}"}


def freeze_points(member: Member, data: dict, available: int) -> str:
    """Say how many points are set aside, or that there are too few."""
    points = data.get("points") or available
    if points > available or not points:
        return _("%(member)s has only %(before)s points available.") % {
            "member": member.number,
            "before": f"{available:,d}",
        }
    return _(
        "Freezes %(points)s points of %(member)s: available %(before)s → %(after)s. "
        "They keep their ends, and neither are spent nor expire meanwhile."
    ) % {
        "points": f"{points:,d}",
        "member": member.number,
        "before": f"{available:,d}",
        "after": f"{available - points:,d}",
    }


def unfreeze_points(member: Member, data: dict, available: int) -> str:
    """Say how many points are free again."""
    freeze = data.get("freeze")
    if not freeze:
        return ""
    return _("Unfreezes %(points)s points of %(member)s.") % {
        "points": f"{freeze.hold.points:,d}",
        "member": member.number,
    }


def unfreeze(member: Member, data: dict, available: int) -> str:
    """Say how many points can be spent again."""
    account = member.points_account
    return _("Unfreezes the points of %(member)s: available 0 → %(after)s.") % {
        "member": member.number,
        "after": f"{account.balance - account.held:,d}",
    }


def coupon(member: Member, data: dict, available: int) -> str:
    """Say which coupon and for how long."""
    template = data.get("template")
    if not template:
        return ""
    return _("Issues “%(coupon)s” to %(member)s, valid for %(days)s days.") % {
        "coupon": template.label,
        "member": member.number,
        "days": template.valid_days,
    }


def consent(member: Member, data: dict, available: int) -> str:
    """Say what is written down, or what stops."""
    if not {"purpose", "channel", "granted"} <= set(data):
        return ""
    words = {
        "member": member.number,
        "purpose": Consent.Purpose(data["purpose"]).label,
        "channel": Consent.Channel(data["channel"]).label,
    }
    if data["granted"] == "yes":
        return (
            _(
                "Writes down that %(member)s allows %(purpose)s by %(channel)s, with "
                "your name and reason as proof."
            )
            % words
        )
    return _("%(member)s gets no more %(purpose)s by %(channel)s, from now on.") % words


def export(member: Member, data: dict, available: int) -> str:
    """Say what is prepared and how long it lasts."""
    return _(
        "Prepares a sealed copy of everything known about %(member)s. It can be "
        "fetched once, within 24 hours."
    ) % {"member": member.number}


def erase(member: Member, data: dict, available: int) -> str:
    """Say what goes and what stays."""
    return _(
        "Asks for the erasure of %(member)s: name, contacts, login, notes and texts go "
        "for good, orders and points stay under the number. Somebody else must approve."
    ) % {"member": member.number}


def tag(member: Member, data: dict, available: int) -> str:
    """Say which tag and until when."""
    tag, until = data.get("tag"), data.get("until")
    if not tag:
        return ""
    if not until:
        return _("Puts “%(tag)s” on %(member)s until it is taken off.") % {
            "tag": tag.name,
            "member": member.number,
        }
    return _("Puts “%(tag)s” on %(member)s until the end of %(date)s.") % {
        "tag": tag.name,
        "member": member.number,
        "date": date_format(until, "DATE_FORMAT"),
    }


def move(member: Member, to: str) -> str:
    """Say what a membership in state ``to`` may do."""
    standing = TABLE[to]
    rights = [
        (standing.earn, _("earn points")),
        (standing.spend, _("order and use points and coupons")),
        (standing.receive, _("be written to")),
        (standing.sign_in, _("sign in")),
    ]
    may = ", ".join(what for is_right, what in rights if is_right)
    return _("%(member)s becomes %(state)s and may then: %(rights)s.") % {
        "member": member.number,
        "state": Member.State(to).label,
        "rights": may or _("nothing"),
    }


def pin(member: Member, data: dict, available: int) -> str:
    """Say which tier a member is held on, and how long."""
    tier, until = data.get("tier"), data.get("until")
    if not hasattr(tier, "label"):
        return ""
    words = {"member": member.number, "tier": tier.label}
    if not until:
        return (
            _(
                "Holds %(member)s on %(tier)s until somebody lets go, whatever is "
                "counted."
            )
            % words
        )
    words["day"] = date_format(until, "DATE_FORMAT")
    return (
        _(
            "Holds %(member)s on %(tier)s to the end of %(day)s, whatever is counted; "
            "then the tier that is reached counts."
        )
        % words
    )


def unpin(member: Member, data: dict, available: int) -> str:
    """Say that the numbers decide again."""
    return _("From now on the tier of %(member)s is the one that is reached.") % {
        "member": member.number
    }
