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
            "loyalty.MemberScore",
            "pk",
            cleared=(
                "recency frequency money segment interval_days due_at alive_bp "
                "purchases_90_milli purchases_365_milli value_365_minor"
            ),
            goes=True,
        ),
        Table(
            "loyalty.PastScore",
            "member",
            cleared="month recency frequency money segment",
            plain="member",
            goes=True,
        ),
    )

    reviewed = {
        "loyalty.Ladder": "code name",
        "loyalty.Program": "name",
        "loyalty.ScoreMonth": (
            "recency_bounds frequency_bounds money_bounds model silence grid amounts"
        ),
        "loyalty.Tier": "code name name_en color",
    }
