"""What is kept about members by this app: the ledgers, which stay as they are."""

from django.db.models import Q

from crm.shared.personal_data import PersonalData, Table


class LoyaltyData(PersonalData):
    """Points, qualifying value and tiers, under the number of somebody unknown."""

    tables = (
        Table(
            "loyalty.PointsAccount",
            "pk",
            kept="balance held debt lifetime_earned tier_since is_frozen",
            plain="seq tier merged_with",
        ),
        Table(
            "loyalty.PointsEntry",
            "account",
            kept="public_id seq kind points balance_after reason occurred_at",
            plain="account source actor trace reverses",
        ),
        Table(
            "loyalty.PointsLot",
            "account",
            kept="granted remaining held active_at expires_at",
            plain="account entry",
        ),
        Table(
            "loyalty.LotTake",
            "lot__account",
            plain="entry lot points returned restored",
        ),
        Table(
            "loyalty.PointsHold",
            "account",
            kept="points state created_at resolved_at",
            plain="account source",
        ),
        Table("loyalty.HoldTake", "hold__account", plain="hold lot points"),
        Table(
            "loyalty.QualifyingEntry",
            "member",
            kept="value_minor occurred_at",
            plain="member source",
        ),
        Table(
            "loyalty.TierChange",
            "member",
            kept="value_minor reason occurred_at",
            plain="member from_tier to_tier",
            beside="to_tier__name",
        ),
        Table(
            "loyalty.MemberValue",
            "pk",
            kept="orders net_minor first_order_at last_order_at",
        ),
        Table(
            "loyalty.Referral",
            lambda member_id: Q(inviter=member_id) | Q(friend=member_id),
            kept="public_id state joined_at converted_at settled_at inviter_given "
            "friend_given milestone_points",
            plain="inviter friend order conversion least_order_minor inviter_points "
            "friend_points reasons counted_in milestone_at",
        ),
        Table("loyalty.ReferralTally", "inviter", plain="inviter period friends"),
    )

    reviewed = {
        "loyalty.Ladder": "code name",
        "loyalty.Program": "name",
        "loyalty.Tier": "code name name_en color",
    }
