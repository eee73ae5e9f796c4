"""What is kept about members by this app: the ledgers, which stay as they are."""

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
            "loyalty.RewardRedemption",
            "member",
            cleared="reason",
            kept="public_id kind state points carrier tracking requested_at due_at "
            "refundable_until shipped_at delivered_at ended_at",
            plain="reward member terms result source address",
            beside="reward__name",
        ),
        Table(
            "loyalty.BenefitUse",
            "member",
            cleared="reason",
            kept="public_id state period_start points saved_minor used_at returned_at",
            plain="benefit member source actor",
            beside="benefit__name",
        ),
        Table(
            "loyalty.BenefitTally",
            "member",
            kept="period_start used bought",
            plain="benefit member",
            beside="benefit__name",
        ),
        Table(
            "loyalty.BenefitSanction",
            "member",
            kept="public_id reason starts_at ends_at",
            plain="benefit member actor",
            beside="benefit__name",
        ),
    )

    reviewed = {
        "loyalty.Benefit": "public_id code name name_en text text_en template",
        "loyalty.BenefitGrant": "audience condition",
        "loyalty.Reward": "public_id name name_en text text_en template condition "
        "picture picture_id kind",
        "loyalty.RewardPrice": "audience condition",
        "loyalty.Ladder": "code name",
        "loyalty.Program": "name",
        "loyalty.Tier": "code name name_en color",
    }
