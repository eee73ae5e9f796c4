"""Who may do what: each built-in role with the least it needs. Plain Python.

A permission is ``app.verb_model``, as Django names them. Verbs that are no rows
of their own stand for the service they open: ``loyalty.add_pointsentry`` is
granting, deducting, revoking and reinstating points,
``loyalty.change_pointsaccount`` freezing, ``loyalty.add_pointsclose`` closing a month,
``loyalty.change_subscription`` pausing, ending and going on with paid plans,
``loyalty.change_tierstanding`` pinning a member to a tier and letting go,
``loyalty.add_ladderversion`` beginning and throwing away drafts of a ladder,
``loyalty.change_referral`` deciding on referrals that are held,
``loyalty.change_rewardredemption`` sending rewards, giving them back and letting in
at the door,
``loyalty.add_benefituse`` writing a use down, ``change_benefituse`` giving it back,
``loyalty.add_benefitsanction`` taking benefits away, ``change_benefitsanction`` lifting
that, ``campaigns.add_coupon`` issuing, ``campaigns.change_coupon`` revoking,
``campaigns.add_couponbatch`` making and downloading codes, ``change_couponbatch``
revoking them, ``campaigns.add_backtest`` starting, stopping and going on with
back-tests, ``campaigns.change_group`` completing a group,
``orders.add_refund`` refunding, also by taking a member out of a group,
``orders.change_refund`` refunding beyond the limit of the settings,
``orders.change_unmatchedreturn`` settling, ``orders.change_returnrequest`` answering
and inspecting returns, ``orders.change_review`` deciding on reviews,
``orders.change_order`` cancelling unpaid ones, ``orders.give_staff_discount`` taking
something off carts by hand, ``orders.add_shipment`` shipping,
``orders.change_shipment`` saying what became of it, ``shared.change_delivery`` sending
facts again, ``shared.change_serverkey`` revoking keys, ``members.add_consent`` writing
down what members say, ``shared.change_job`` cancelling and retrying,
``shared.change_shopclock`` moving the clock of a demo shop,
``orders.add_importbatch`` bringing files in, ``orders.add_price`` setting and planning
prices, ``change_price`` ending them, ``orders.add_stockmove`` receiving, counting and
correcting stock. ``members.view_pii`` shows names, and
phones for a reason; ``members.view_masked`` shows both masked. ``members.export_pii``
takes them out in clear, ``members.add_erasure`` asks for a person's erasure,
``members.change_erasure`` approves what somebody else asked for.
``members.add_duplicatepair`` is searching for duplicates, ``change_duplicatepair``
dismissing one, ``members.add_merge`` merging and ``change_merge`` undoing it,
``members.add_lifecyclechange`` freezing, opening and closing a membership,
``members.add_membertag`` putting tags on and taking them off,
``members.view_address`` seeing masked where a member has things sent,
``shared.change_approval`` decides, beside the right to do the same, on what somebody
else asked for: wallets and points beyond the limits of the settings.
``orders.change_payment`` has providers asked again, ``orders.add_walletentry`` pays
into and out of wallets, ``orders.change_giftcard`` shows a card's code for a reason.
"""

_CATALOGUE: tuple[str, ...] = (
    "orders.view_product",
    "orders.view_variant",
    "orders.view_category",
    "orders.view_brand",
    "orders.view_attribute",
    "orders.view_productattribute",
    "orders.view_productimage",
    "orders.view_price",
    "orders.view_stockmove",
)
_CATALOGUE += ("orders.view_channel", "orders.view_freightrule")
_MEMBERS = (
    "members.view_member",
    "members.view_tag",
    "members.view_consent",
    "members.view_consenttext",
    "members.view_lifecyclechange",
)
_PRIVACY = (
    "members.view_dataexport",
    "members.view_erasure",
    "members.view_retentionrun",
)
_DUPLICATES = ("members.view_duplicatepair", "members.view_merge")
_MERGING = (*_DUPLICATES, "members.change_duplicatepair", "members.add_merge")
_VOCABULARY = ("members.view_attributedefinition", "members.view_interest")
_ORDERS = (
    "orders.view_order",
    "orders.view_refund",
    "orders.view_returnrequest",
    "orders.view_shipment",
)
#: Words of buyers, with the member they are from: not for those who see numbers only.
_REVIEWS = ("orders.view_review", "orders.change_review")
_MONEY = (
    "orders.view_payment",
    "orders.view_wallet",
    "orders.view_walletentry",
    "orders.view_giftcard",
)
_APPROVALS = ("shared.view_approval", "shared.change_approval")
_PLANS = ("loyalty.view_plan", "loyalty.view_planprice", "loyalty.view_subscription")
_POINTS = (
    "loyalty.view_pointsaccount",
    "loyalty.view_pointsentry",
    "loyalty.view_tierchange",
    "loyalty.view_tier",
    "loyalty.view_ladder",
    "loyalty.view_ladderversion",
    "loyalty.view_versionrung",
    "loyalty.view_program",
    "loyalty.view_referral",
    "loyalty.view_referralprogram",
    *_PLANS,
    "loyalty.view_earningrule",
    "loyalty.view_currency",
    "loyalty.view_reward",
    "loyalty.view_rewardprice",
    "loyalty.view_rewardredemption",
    "loyalty.view_benefit",
    "loyalty.view_benefitgrant",
    "loyalty.view_benefituse",
    "loyalty.view_benefitsanction",
)
#: Sending rewards and giving them back, uses of benefits, and taking benefits away.
_REWARDS_WORK = (
    "loyalty.change_rewardredemption",
    "loyalty.add_benefituse",
    "loyalty.change_benefituse",
    "loyalty.add_benefitsanction",
    "loyalty.change_benefitsanction",
)
_OFFERS = (
    "campaigns.view_promotion",
    "campaigns.view_coupontemplate",
    "campaigns.view_coupon",
    "campaigns.view_couponbatch",
    "campaigns.view_publiccode",
    "campaigns.view_budget",
    "campaigns.view_groupdeal",
    "campaigns.view_grouprung",
    "campaigns.view_group",
    "campaigns.view_segment",
)
_INSIGHT = (
    "loyalty.view_scoremonth",
    "reports.view_dailysales",
    "recommendations.view_boughttogether",
    "recommendations.view_popularity",
)


def _all(app: str, *models: str) -> tuple[str, ...]:
    return tuple(
        f"{app}.{verb}_{model}"
        for model in models
        for verb in ("view", "add", "change")
    )


#: What is sold, at what price, and what its delivery costs.
_SELLING = (
    *_all("orders", "product", "variant", "category", "brand", "attribute"),
    *_all("orders", "productattribute", "productimage", "price", "freightrule"),
    "orders.delete_productattribute",
    "orders.delete_productimage",
    "orders.delete_freightrule",
)

SUPPORT = (
    *_MEMBERS,
    *_ORDERS,
    *_POINTS,
    *_OFFERS,
    *_CATALOGUE,
    "members.view_masked",
    "members.view_pii",
    "members.view_erasure",
    "members.add_erasure",
    "members.add_member",
    "members.change_member",
    "members.view_note",
    "members.add_note",
    "members.view_paymentinstrument",
    "members.view_address",
    "members.add_consent",
    *_MERGING,
    "members.add_membertag",
    "members.add_lifecyclechange",
    "orders.change_order",
    "orders.give_staff_discount",
    "orders.add_refund",
    *_REVIEWS,
    *_MONEY,
    "orders.change_giftcard",
    "orders.change_returnrequest",
    "orders.add_shipment",
    "orders.change_shipment",
    "loyalty.add_pointsentry",
    "loyalty.change_subscription",
    *_REWARDS_WORK,
    "campaigns.add_coupon",
    "campaigns.view_message",
    *_all("care", "ticket"),
    "care.view_ticketmessage",
    "shared.view_approval",
)

MARKETER = (
    *_MEMBERS,
    *_ORDERS,
    *_POINTS,
    *_CATALOGUE,
    *_REVIEWS,
    *_INSIGHT,
    *_all("campaigns", "promotion", "coupontemplate", "publiccode", "budget"),
    *_all("campaigns", "couponbatch", "groupdeal", "grouprung", "segment"),
    "campaigns.view_segmentmember",
    "campaigns.change_coupon",
    "campaigns.delete_promotion",
    "campaigns.view_backtest",
    "campaigns.add_backtest",
    "campaigns.publish_promotion",
    "campaigns.delete_grouprung",
    "campaigns.view_group",
    "campaigns.change_group",
    *_SELLING,
    "campaigns.view_coupon",
    "campaigns.add_coupon",
    "campaigns.view_message",
    "members.view_masked",
    "members.add_tag",
    "members.change_tag",
    "members.add_consenttext",
    "members.add_membertag",
    *_all("members", "attributedefinition", "attributechoice", "interest"),
    "members.delete_attributechoice",
)

LOYALTY_MANAGER = (
    *_MEMBERS,
    *_ORDERS,
    *_POINTS,
    *_OFFERS,
    *_INSIGHT,
    "members.view_masked",
    "members.view_pii",
    "members.view_note",
    "members.add_note",
    *_MERGING,
    "members.add_duplicatepair",
    "members.change_merge",
    "members.add_membertag",
    "members.add_lifecyclechange",
    *_VOCABULARY,
    *_APPROVALS,
    "loyalty.add_pointsentry",
    "loyalty.change_pointsaccount",
    "loyalty.change_program",
    "loyalty.change_subscription",
    *_all("loyalty", "ladder", "tier", "ladderversion", "versionrung"),
    *_all("loyalty", "plan", "planprice"),
    "loyalty.delete_versionrung",
    "loyalty.publish_ladderversion",
    "loyalty.change_tierstanding",
    "loyalty.add_earningrule",
    "loyalty.change_earningrule",
    *_all("loyalty", "currency"),
    *_all("loyalty", "reward", "rewardprice", "benefit", "benefitgrant"),
    "loyalty.delete_rewardprice",
    "loyalty.delete_benefitgrant",
    *_REWARDS_WORK,
    "loyalty.change_referral",
    "loyalty.change_referralprogram",
    "campaigns.add_coupon",
)

#: Numbers of everybody, names of nobody, not even masked.
ANALYST = (
    *_MEMBERS,
    *_ORDERS,
    *_POINTS,
    *_OFFERS,
    "campaigns.view_backtest",
    *_CATALOGUE,
    *_INSIGHT,
    "orders.view_unmatchedreturn",
    "orders.view_adjustment",
)

FINANCE = (
    "members.view_member",
    "members.view_paymentinstrument",
    *_ORDERS,
    *_MONEY,
    "orders.add_refund",
    "orders.change_refund",
    "orders.change_payment",
    "orders.add_walletentry",
    *_APPROVALS,
    # The second person for promotions and coupons that give much away.
    "campaigns.view_promotion",
    "campaigns.view_coupontemplate",
    "campaigns.view_budget",
    "campaigns.publish_promotion",
    "orders.view_unmatchedreturn",
    "orders.change_unmatchedreturn",
    "orders.view_adjustment",
    "orders.view_importbatch",
    "orders.add_importbatch",
    "loyalty.view_pointsaccount",
    "loyalty.view_pointsentry",
    "loyalty.view_pointsclose",
    "loyalty.add_pointsclose",
    "loyalty.view_program",
    "loyalty.view_earningrule",
    "reports.view_dailysales",
    "shared.view_job",
    "shared.change_job",
)

#: Sees every deed and every book, changes nothing; knows members by number.
AUDITOR = (
    *_MEMBERS,
    *_PRIVACY,
    *_VOCABULARY,
    *_ORDERS,
    *_POINTS,
    *_OFFERS,
    "campaigns.view_backtest",
    *_CATALOGUE,
    *_INSIGHT,
    *_MONEY,
    "loyalty.view_pointsclose",
    "orders.view_unmatchedreturn",
    "orders.view_adjustment",
    "orders.view_importbatch",
    "campaigns.view_message",
    "shared.view_approval",
    "shared.view_auditentry",
    "shared.view_serverkey",
    "shared.view_fact",
    "shared.view_delivery",
    "shared.view_job",
    "members.view_user",
    "members.view_paymentinstrument",
    *_DUPLICATES,
    "auth.view_group",
)

OWNER = tuple(
    sorted(
        {
            *SUPPORT,
            *MARKETER,
            *LOYALTY_MANAGER,
            *FINANCE,
            *AUDITOR,
            *_all("orders", "channel"),
            "orders.add_stockmove",
            "members.delete_tag",
            "members.export_pii",
            "members.change_erasure",
            "members.add_user",
            "members.change_user",
            "loyalty.add_program",
            "shared.change_delivery",
            "shared.add_serverkey",
            "shared.change_serverkey",
            "shared.change_shopclock",
        }
    )
)

#: Name of the group -> permissions.
ROLES: dict[str, tuple[str, ...]] = {
    "support": SUPPORT,
    "marketer": MARKETER,
    "loyalty manager": LOYALTY_MANAGER,
    "analyst": ANALYST,
    "finance": FINANCE,
    "auditor": AUDITOR,
    "owner": OWNER,
}
