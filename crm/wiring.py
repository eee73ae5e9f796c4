"""Who plugs into what: the tables that join the apps.

Lower apps never import higher ones. They publish facts and open sockets; this
file says who answers. Order is the order of execution. Every entry is a dotted
path; ``tests/test_house.py`` imports each one.
"""

from django.utils.translation import gettext_lazy as _

#: Fact name -> functions ``(payload: dict, *, fact: Fact, now: datetime)`` called
#: once each, in a transaction of their own.
SUBSCRIBERS: dict[str, list[str]] = {
    "orders.OrderPaid": [
        "orders.subscribers.note_purchase",
        "orders.subscribers.issue_gift_cards",
        "orders.subscribers.review_delivery_of_order",
        "orders.subscribers.complete_exchange_of_order",
        "loyalty.subscribers.settle_plans_of_order",
        "loyalty.subscribers.earn_points_for_order",
        "loyalty.subscribers.give_reward_of_order",
        "loyalty.subscribers.review_referral_of_order",
        "campaigns.subscribers.mark_coupons_used",
        "campaigns.subscribers.note_buyer_of_order",
        "crm.reports.subscribers.refresh_after_late_order",
    ],
    "orders.OrderPaidWaiting": ["campaigns.subscribers.pay_seat_of_order"],
    "orders.OrderCancelled": [
        "orders.subscribers.undo_exchange_of_order",
        "loyalty.subscribers.release_points_of_order",
        "loyalty.subscribers.end_reward_of_order",
        "loyalty.subscribers.give_uses_of_order_back",
        "campaigns.subscribers.release_offers_of_order",
        "campaigns.subscribers.free_seat_of_order",
    ],
    "orders.OrderDelivered": [
        "loyalty.subscribers.date_points_of_order",
        "loyalty.subscribers.lift_for_delivery",
    ],
    "orders.OrderCompleted": [
        "loyalty.subscribers.date_points_of_order",
        "loyalty.subscribers.lift_for_delivery",
    ],
    "orders.ShipmentSent": ["campaigns.subscribers.announce_shipment"],
    "orders.ReturnMoved": ["loyalty.subscribers.hold_points_asked_back"],
    "orders.RefundCompleted": [
        "orders.subscribers.review_delivery_of_order",
        "loyalty.subscribers.settle_points_of_refund",
        "loyalty.subscribers.take_back_for_returned_goods",
        "loyalty.subscribers.settle_plans_of_refund",
        "loyalty.subscribers.review_referral_of_order",
        "campaigns.subscribers.tell_of_refund",
        "campaigns.subscribers.note_refund_in_group",
    ],
    "orders.OrderRefunded": [
        "loyalty.subscribers.count_value_of_order",
        "loyalty.subscribers.give_uses_of_order_back",
        "loyalty.subscribers.end_reward_of_order",
        "campaigns.subscribers.return_coupons_of_order",
        "campaigns.subscribers.take_leader_reward_back",
    ],
    "orders.ReviewPublished": ["loyalty.subscribers.reward_published_review"],
    "orders.ReviewRejected": ["loyalty.subscribers.take_back_for_rejected_review"],
    "orders.OrdersImported": [
        "orders.subscribers.note_past_purchases",
        "loyalty.subscribers.post_points_of_import",
        "recommendations.subscribers.learn_from_import",
        "crm.reports.subscribers.refresh_after_import",
    ],
    "members.MemberJoined": [
        "loyalty.subscribers.open_account",
        "loyalty.subscribers.reward_new_member",
        "campaigns.subscribers.issue_welcome_coupons",
    ],
    "members.MemberStateChanged": ["loyalty.subscribers.look_at_reopened"],
    "members.ConsentRequested": ["campaigns.subscribers.send_consent_link"],
    "members.InvitationAccepted": [
        "loyalty.subscribers.reward_inviter",
        "loyalty.subscribers.open_referral_of_friend",
    ],
    "members.ProfileCompleted": ["loyalty.subscribers.reward_complete_profile"],
    "loyalty.TierAtRisk": ["campaigns.subscribers.warn_of_fall"],
    "loyalty.TierChanged": [
        "campaigns.subscribers.issue_tier_coupon",
        "loyalty.subscribers.give_gifts_of_tier",
    ],
    "loyalty.PlanPaymentFailed": ["campaigns.subscribers.tell_of_unpaid_plan"],
    "loyalty.PlanEnded": ["campaigns.subscribers.tell_of_ended_plan"],
    "loyalty.BenefitDue": ["campaigns.subscribers.issue_benefit_coupon"],
    "campaigns.CouponIssued": ["campaigns.subscribers.announce_coupon"],
    "campaigns.SeatReleased": ["campaigns.subscribers.undo_seat"],
    "campaigns.SeatOverpaid": ["campaigns.subscribers.return_overpaid_of_seat"],
    "campaigns.GroupSettled": [
        "campaigns.subscribers.tell_of_group",
        "campaigns.subscribers.reward_leader_of_group",
    ],
}

#: Answer the question "who would lower this price?". Stages set the sequence.
OFFER_SOURCES: list[str] = [
    "campaigns.offers.PromotionOffers",
    "campaigns.offers.CouponOffers",
    "campaigns.offers.StaffOffers",
    "loyalty.offers.PointsOffers",
    "loyalty.freight_offers.FreeDeliveryOffers",
]

#: Answer the question "what does this refund do?": points and tiers, plans, coupons.
REFUND_EFFECTS: list[str] = [
    "loyalty.refund_effects.LoyaltyEffects",
    "loyalty.plan_refund_effects.PlanEffects",
    "campaigns.refund_effects.CouponEffects",
]

#: What a member will be told about a refund: ``orders.admin.refunding`` shows it.
REFUND_MESSAGE = "campaigns.refund_effects.refund_message"

#: Who makes an offer of the past again from its stored terms: kind of offer -> function
#: ``(orders.rules.repricing.StoredOffer)`` that returns an offer, or None to keep it.
STORED_OFFERS: dict[str, str] = {
    "promotion": "campaigns.stored_offers.promotion_of_terms",
    "coupon": "campaigns.stored_offers.coupon_of_terms",
}
#: For whom prices may be besides everybody and all members: functions that return
#: ``(audience, name)`` pairs, such as ``("tier:gold", "Gold")``.
PRICE_AUDIENCES: list[str] = [
    "loyalty.price_audiences.tiers",
    "loyalty.price_audiences.plans",
    "campaigns.price_audiences.segments",
]

#: What conditions may ask about members: functions ``(now)`` that return fields with
#: their columns; see ``members.conditions``.
MEMBER_FIELDS: list[str] = [
    "members.conditions.own_fields",
    "loyalty.member_fields.fields",
    "orders.member_fields.fields",
]
#: To whom members belong: functions ``(member_ids, at)`` that return member -> marks
#: such as ``tier:gold``. Prices of rewards and grants of benefits are for marks.
MEMBER_MARKS: list[str] = [
    "loyalty.queries.marks.tier_marks",
    "loyalty.queries.marks.plan_marks",
    "campaigns.member_marks.segments",
]

#: What members get for points: code -> class after
#: ``loyalty.services.reward_kinds.RewardKind``.
REWARD_KINDS: dict[str, str] = {
    "goods": "loyalty.reward_kinds.GoodsReward",
    "stored_value": "loyalty.reward_kinds.StoredValueReward",
    "coupon": "campaigns.reward_kinds.CouponReward",
    "benefit": "loyalty.reward_kinds.BenefitReward",
    "donation": "loyalty.reward_kinds.DonationReward",
    "seat": "loyalty.reward_kinds.SeatReward",
}

#: How a message leaves: channel code -> class with ``send``.
CHANNELS: dict[str, str] = {
    "email": "campaigns.channels.email.EmailChannel",
    "sms": "campaigns.channels.sms.SmsChannel",
    "in_app": "campaigns.channels.in_app.InAppChannel",
}

#: How a buyer pays: provider code -> class after ``orders.providers.base.Provider``.
PAYMENT_PROVIDERS: dict[str, str] = {
    "test": "orders.providers.test.TestProvider",
    "wallet": "orders.providers.wallet.WalletProvider",
    "alipay": "orders.providers.alipay.AlipayPayments",
    "elsewhere": "orders.providers.elsewhere.ElsewhereProvider",
}

#: Who checks that a card or wallet is good: code -> class with ``verify``.
INSTRUMENT_VERIFIERS: dict[str, str] = {
    "test": "members.verifiers.test.TestVerifier",
}

#: Background job kind -> function ``(progress: JobProgress)`` that works in chunks.
JOBS: dict[str, str] = {
    "orders.import": "orders.jobs.run_order_import",
    "campaigns.backtest": "campaigns.jobs.run_backtest",
    "campaigns.make_codes": "campaigns.jobs.make_codes",
    "campaigns.revoke_coupons": "campaigns.jobs.revoke_coupons",
    "campaigns.refresh_segment": "campaigns.jobs.look_at_segment",
    "campaigns.issue_to_segment": "campaigns.jobs.issue_to_segment",
    "loyalty.settle_version": "loyalty.jobs.run_settling",
    "members.export_data": "members.jobs.export_member_data",
    "members.erase": "members.jobs.erase_one_member",
    "members.find_duplicates": "members.jobs.run_duplicate_search",
    "console.advance_clock": "crm.console.jobs.advance_clock",
    "console.bulk_deed": "crm.console.jobs.run_bulk_deed",
}

#: What one of the staff may not do alone: kind -> class after
#: ``crm.shared.approvals.Deed``.
APPROVALS: dict[str, str] = {
    "orders.wallet": "orders.approvals.WalletPayment",
    "loyalty.points": "loyalty.approvals.PointsAdjustment",
    "loyalty.undo": "loyalty.approvals.PointsUndoing",
    "loyalty.ladder": "loyalty.approvals.LadderPublication",
    "campaigns.promotion": "campaigns.approvals.PromotionPublication",
    "campaigns.budget": "campaigns.approvals.BudgetChange",
    "campaigns.coupons": "campaigns.approvals.CouponsOut",
}

#: Tasks due at least once a day; a demo shop that skips days runs them for each.
DAILY_WORK: list[str] = [
    "orders.tasks.release_unpaid_orders",
    "campaigns.tasks.settle_groups",
    "campaigns.tasks.expire_coupons",
    "campaigns.tasks.refresh_segments",
    "orders.tasks.apply_due_list_prices",
    "orders.tasks.deliver_silent_shipments",
    "orders.tasks.complete_delivered_orders",
    "loyalty.tasks.reward_birthdays",
    "loyalty.tasks.unfreeze_points",
    "loyalty.tasks.nightly",
    "loyalty.tasks.renew_plans",
    "loyalty.tasks.give_benefits",
    "loyalty.tasks.reward_kept_referrals",
    "campaigns.tasks.reward_leaders",
    "loyalty.tasks.score_members",
    "members.tasks.drop_expired_tags",
    "members.tasks.mark_dormant",
    "campaigns.tasks.send_messages",
    "crm.shared.tasks.expire_approvals",
    "members.tasks.start_erasures",
    "members.tasks.expire_data_exports",
    "members.tasks.apply_retention",
    "crm.reports.tasks.refresh_rollups",
]

#: Who exports and erases what of a person, in the order of erasure: the members app,
#: which knows whom it is about, comes last.
PERSONAL_DATA: list[str] = [
    "crm.shared.personal_data.SharedData",
    "crm.console.personal_data.ConsoleData",
    "crm.reports.personal_data.ReportsData",
    "crm.care.personal_data.CareData",
    "campaigns.personal_data.CampaignsData",
    "loyalty.personal_data.LoyaltyData",
    "recommendations.personal_data.RecommendationsData",
    "orders.personal_data.OrdersData",
    "members.personal_data.MembersData",
]
#: What moves when two members become one, app by app: ``members.services.movers``.
MERGERS: list[str] = [
    "members.merging.MembersMerger",
    "orders.merging.OrdersMerger",
    "loyalty.merging.LoyaltyMerger",
    "loyalty.merging_rewards.RewardsMerger",
    "campaigns.merging.CampaignsMerger",
    "crm.care.merging.CareMerger",
]

#: Beginning of an actor's name -> what says the rest of it in words.
ACTOR_WORDS: dict[str, str] = {"payment": "orders.payment_words.provider_words"}

#: What a key of the server API may do -> what staff read when they choose.
SERVER_SCOPES: dict[str, str] = {
    "members:read": _("read members, personal data included"),
    "members:write": _("create and change members"),
    "points:read": _("read points and their movements"),
    "points:write": _("grant, spend, freeze and revoke points, report what earns them"),
    "orders:read": _("read orders"),
    "orders:write": _("bring in orders and refunds of other systems"),
}
