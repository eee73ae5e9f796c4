"""What is kept about members by this app: the ledgers, which stay as they are."""

from django.db.models import Q

from crm.shared.personal_data import PersonalData, Table


class LoyaltyData(PersonalData):
    """Points, qualifying value and tiers, under the number of somebody unknown."""

    tables = (
        Table(
            "loyalty.PointsAccount",
            "pk",
            kept="balance held debt lifetime_earned tier_since is_frozen frozen_at",
            plain="seq tier merged_with is_fraud",
        ),
        Table(
            "loyalty.PointsEntry",
            "account",
            kept="public_id seq kind points balance_after reason_code reason "
            "occurred_at",
            plain="account source actor trace reverses",
        ),
        Table(
            "loyalty.PointsLot",
            "account",
            kept="granted remaining held asked_back active_at expires_at is_open",
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
        Table(
            "loyalty.PointsFreeze",
            "hold__account",
            kept="public_id until",
            plain="hold reason_code reason actor ended_by end_reason_code end_reason",
        ),
        Table("loyalty.HoldTake", "hold__account", plain="hold lot points"),
        Table(
            "loyalty.QualifyingEntry",
            "member",
            kept="currency value_minor occurred_at",
            plain="member source trace reverses",
        ),
        Table(
            "loyalty.TierChange",
            "member",
            kept="value_minor reason occurred_at",
            plain="member from_tier to_tier",
            beside="to_tier__name",
        ),
        Table("loyalty.CheckIn", "member", kept="day streak", plain="member"),
        Table(
            "loyalty.EarningTally",
            "member",
            kept="period points",
            plain="member rule",
        ),
        Table(
            "loyalty.Subscription",
            "member",
            kept="public_id state price_minor started_on ends_on paused_on kept_days "
            "cancels ended_at had_trial",
            plain="member plan price anchor_day due_at tried renewal provider "
            "instrument",
            beside="plan__name",
        ),
        Table(
            "loyalty.SubscriptionPeriod",
            "subscription__member",
            kept="starts_on ends_on amount_minor credit_minor occurred_at",
            plain="subscription order_line",
        ),
        Table(
            "loyalty.SubscriptionMove",
            "subscription__member",
            kept="kind from_state to_state days occurred_at",
            plain="subscription period source actor reason",
        ),
        Table(
            "loyalty.TierStanding",
            "member",
            kept="since valid_until grace_until is_pinned pinned_until",
            plain="member ladder tier lifted_by put_aside warned_of",
            beside="tier__name",
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
            kept="public_id kind state points price_minor carrier tracking "
            "requested_at due_at refundable_until shipped_at delivered_at admitted_at "
            "ended_at",
            plain="reward member order terms result source address",
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
        Table(
            "loyalty.Referral",
            lambda member_id: Q(inviter=member_id) | Q(friend=member_id),
            kept="public_id state joined_at converted_at settled_at inviter_given "
            "friend_given inviter_coupon friend_coupon milestone_points",
            plain="inviter friend order conversion least_order_minor inviter_points "
            "friend_points inviter_template friend_template reasons counted_in "
            "milestone_at",
        ),
        Table("loyalty.ReferralTally", "inviter", plain="inviter period friends"),
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
        "loyalty.Currency": "code name name_en unit unit_en",
        "loyalty.EarningRule": "code name name_en condition ladder",
        "loyalty.PointsClose": "moved late by_hand to_date waterfall cohorts actor",
        "loyalty.Benefit": "public_id code name name_en text text_en template",
        "loyalty.BenefitGrant": "audience condition",
        "loyalty.Reward": "public_id name name_en text text_en template condition "
        "picture picture_id kind place place_en",
        "loyalty.RewardPrice": "audience condition",
        "loyalty.Ladder": "code name",
        "loyalty.Plan": "code name name_en",
        "loyalty.PlanPrice": "period",
        "loyalty.ReferralProgram": "inviter_template friend_template",
        "loyalty.LadderVersion": "public_id note",
        "loyalty.Program": "name",
        "loyalty.ScoreMonth": (
            "recency_bounds frequency_bounds money_bounds model silence grid amounts"
        ),
        "loyalty.Tier": "code name name_en color",
        "loyalty.VersionRung": "code name name_en color",
    }
