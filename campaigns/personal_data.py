"""What is kept about members by this app: coupons, and what was written to them."""

from datetime import datetime
from functools import partial

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from campaigns.models import Message
from crm.shared.personal_data import PersonalData, Table, clear_columns, holding
from crm.shared.retention import Rule

ERASED = gettext_noop("the member was erased")
_TEXT = ["subject", "body"]
_UNSENT = Q(state__in=[Message.State.QUEUED, Message.State.SENDING])


def _old_texts(kept_from: datetime) -> QuerySet:
    """Return messages that are over and still say something."""
    over = Message.objects.exclude(_UNSENT).filter(created_at__lt=kept_from)
    return holding(over, _TEXT)


class CampaignsData(PersonalData):
    """Coupons stay for the books; of messages the fact that they were sent."""

    tables = (
        Table(
            "campaigns.Coupon",
            "member",
            kept="code state issued_at expires_at used_at",
            plain="public_id template member issued_to terms source order "
            "template_version grace_days is_transferable is_offered public_code batch "
            "discount_minor budget tallies usable_from",
            beside="template__name",
        ),
        Table(
            "campaigns.Seat",
            "member",
            kept="state is_leader price_minor taken_at paid_at ended_at",
            plain="public_id group member order",
            beside="group__deal__name",
        ),
        Table(
            "campaigns.SegmentMember",
            "member",
            kept="since",
            plain="segment member",
            beside="segment__name",
            goes=True,
        ),
        Table(
            "campaigns.Message",
            "member",
            cleared="subject body",
            kept="channel state created_at sent_at",
            plain="public_id member template note dedupe_key attempts send_after "
            "claimed_until",
        ),
    )

    reviewed = {
        "campaigns.GroupDeal": "public_id name name_en",
        "campaigns.Group": "public_id rungs reward",
        "campaigns.CouponTemplate": "public_id code name name_en for_tier",
        "campaigns.Budget": "public_id name",
        "campaigns.Segment": "public_id code name name_en condition",
        "campaigns.CouponBatch": "public_id prefix",
        "campaigns.PublicCode": "public_id code",
        # Keyed fingerprints, which stay so that nobody leaves in order to come again.
        "campaigns.UseTally": "whose period",
        "campaigns.BuyerMark": "whose",
        "campaigns.FirstOrder": "whose",
        "campaigns.Promotion": "public_id name name_en kind recipe exclusive_group",
        # Whoever published, not a member.
        "campaigns.PromotionRevision": "kind recipe terms author",
        "campaigns.PromotionUse": "",
        # Orders stand in it by their ids.
        "campaigns.Backtest": "public_id kind recipe terms digest found carts",
    }

    retention = (
        Rule(
            "campaigns.messages",
            _("texts of messages"),
            365,
            _old_texts,
            _("emptied"),
            partial(clear_columns, names=_TEXT),
        ),
    )

    def erase(self, *, member_id: int, now: datetime) -> dict[str, int]:
        """Also stop what waits to be sent; it has no text any more."""
        Message.objects.filter(_UNSENT, member_id=member_id).update(
            state=Message.State.SUPPRESSED, note=ERASED, claimed_until=None
        )
        return super().erase(member_id=member_id, now=now)
