"""Plants a club, a member held on a tier, and a draft of a stricter ladder."""

from datetime import timedelta

from crm.console.demo.shop import DemoShop
from loyalty.models import Ladder, LadderVersion, PointsAccount, Tier, VersionRung
from loyalty.services.pinning import pin_tier
from loyalty.services.versioning import begin_draft
from members.models import User

#: Who looks after tiers: ``crm.console.demo.logins``.
MANAGER = "he@demo.local"
_CLUB, _FRIENDS = "tea", 6


def plant(shop: DemoShop) -> None:
    """Write them through the services; the draft would lower some members."""
    manager = User.objects.get(username=MANAGER)
    main = Ladder.objects.get(code="main")
    _plant_draft(shop, main, manager)
    club = Ladder.objects.create(
        code=_CLUB,
        name=shop.text("茶友会", "Tea circle"),
        metric=Ladder.Metric.NONE,
    )
    Tier.objects.create(
        ladder=club,
        code="friend",
        name=shop.text("茶友", "Friend of tea"),
        name_en="Friend of tea",
        threshold_minor=0,
        color="#0f766e",
    )
    for place, (member_id, _joined) in enumerate(shop.members[:_FRIENDS]):
        account = PointsAccount.objects.select_related("member").get(pk=member_id)
        if account.member.state == "active":
            pin_tier(
                member_id=member_id,
                ladder=_CLUB,
                tier="friend",
                until=shop.now + timedelta(days=180) if place % 2 else None,
                reason=shop.text("自愿加入", "Asked to join"),
                actor=manager,
                now=shop.now,
            )


def _plant_draft(shop: DemoShop, ladder: Ladder, manager: User) -> None:
    """A calendar year with a term, and a higher threshold for the gold tier."""
    draft = begin_draft(ladder_id=ladder.pk, actor=manager, now=shop.now)
    LadderVersion.objects.filter(pk=draft.pk).update(
        note=shop.text(
            "明年：滚动 12 个月，保级期一年", "Next year: twelve months, a year long"
        ),
        window_days=365,
        term=LadderVersion.Term.MONTHS,
        term_months=12,
        grace_days=30,
        notice_days=30,
        falls=LadderVersion.Falls.AT_ONCE,
        starts_at=shop.now + timedelta(days=40),
    )
    gold = VersionRung.objects.get(version=draft, code="gold")
    gold.threshold_minor, gold.keep_minor = 150_000, 100_000
    gold.save(update_fields=["threshold_minor", "keep_minor"])
