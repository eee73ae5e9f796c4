"""What the scheduler starts by itself, and every how many seconds.

Times are real ones; what a task does goes by the clock of the shop. Every task may run
twice, at once and out of order.
"""

HOUR, DAY = 3600.0, 86_400.0

#: Name -> (task, seconds).
_EVERY = {
    "resume-jobs": ("crm.shared.tasks.resume_jobs", 5.0),
    "seal-audit": ("crm.shared.tasks.seal_audit", 60.0),
    "forget-idempotency-keys": ("crm.shared.tasks.forget_idempotency_keys", HOUR),
    "forget-allowances": ("crm.shared.tasks.forget_allowances", HOUR),
    "expire-approvals": ("crm.shared.tasks.expire_approvals", HOUR),
    "send-sign-in-codes": ("members.tasks.send_sign_in_codes", 5.0),
    "forget-sign-ins": ("members.tasks.forget_sign_ins", HOUR),
    "release-unpaid-orders": ("orders.tasks.release_unpaid_orders", 30.0),
    "apply-list-prices": ("orders.tasks.apply_due_list_prices", 30.0),
    "index-products": ("orders.tasks.index_changed_products", 10.0),
    "deliver-silent-shipments": ("orders.tasks.deliver_silent_shipments", HOUR),
    "complete-delivered-orders": ("orders.tasks.complete_delivered_orders", HOUR),
    "send-refunds": ("orders.tasks.send_refunds", 30.0),
    "ask-about-payments": ("orders.tasks.ask_about_payments", 60.0),
    "renew-plans": ("loyalty.tasks.renew_plans", 600.0),
    "loyalty-night": ("loyalty.tasks.nightly", HOUR),
    "reward-birthdays": ("loyalty.tasks.reward_birthdays", HOUR),
    "unfreeze-points": ("loyalty.tasks.unfreeze_points", 600.0),
    "give-benefits": ("loyalty.tasks.give_benefits", HOUR),
    "reward-kept-referrals": ("loyalty.tasks.reward_kept_referrals", HOUR),
    "score-members": ("loyalty.tasks.score_members", DAY),
    "drop-expired-tags": ("members.tasks.drop_expired_tags", DAY),
    "mark-dormant": ("members.tasks.mark_dormant", DAY),
    "find-duplicates": ("members.tasks.find_duplicates", DAY),
    "learn-suggestions": ("recommendations.tasks.learn", DAY),
    "send-messages": ("campaigns.tasks.send_messages", 10.0),
    "expire-coupons": ("campaigns.tasks.expire_coupons", 600.0),
    "refresh-segments": ("campaigns.tasks.refresh_segments", HOUR),
    "settle-groups": ("campaigns.tasks.settle_groups", 60.0),
    "reward-leaders": ("campaigns.tasks.reward_leaders", HOUR),
    "start-erasures": ("members.tasks.start_erasures", 600.0),
    "expire-data-exports": ("members.tasks.expire_data_exports", 600.0),
    "apply-retention": ("members.tasks.apply_retention", DAY),
    "refresh-rollups": ("crm.reports.tasks.refresh_rollups", 600.0),
}

#: As Celery wants it.
SCHEDULE = {
    name: {"task": task, "schedule": seconds}
    for name, (task, seconds) in _EVERY.items()
}
