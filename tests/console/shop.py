"""A small shop with one of everything, for tests of pages."""

from datetime import datetime, timedelta

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.utils.timezone import localdate

from campaigns.models import (
    Budget,
    CouponBatch,
    CouponTemplate,
    GroupDeal,
    Message,
    Promotion,
    PublicCode,
    Segment,
)
from campaigns.services.backtesting import order_backtest
from campaigns.services.drafting import begin_change, write_draft
from campaigns.services.issuing import issue_coupon
from campaigns.services.publishing import publish_promotion
from campaigns.services.segmenting import refresh_segment
from crm.care.models import Ticket, TicketMessage
from crm.console.rules.roles import ROLES
from crm.console.services.roles import sync_roles
from crm.reports.models import DailySales
from crm.shared.approvals import ask_for_approval
from crm.shared.jobs import run_job
from crm.shared.models import Delivery, Fact, Job, JobLine
from loyalty.models import MemberValue, PointsEntry, Referral, TierChange
from loyalty.services.adjusting import grant_points
from loyalty.services.closing import close_month
from loyalty.services.scoring import score_buyers
from loyalty.services.subscribing import start_trial
from loyalty.services.versioning import begin_draft
from members.models import (
    AttributeDefinition,
    Consent,
    DataExport,
    DuplicatePair,
    Erasure,
    Interest,
    Member,
    Merge,
    RetentionRun,
    Tag,
    User,
)
from members.services.addressing import add_address
from members.services.attributing import Author, set_attributes
from members.services.correcting import correct_member
from members.services.freezing import move_member
from members.services.joining import join
from members.services.noting import add_note
from orders.models import (
    Adjustment,
    ImportBatch,
    Order,
    UnmatchedReturn,
    Variant,
)
from orders.services.carts import create_cart
from tests.campaigns.recipes import ladder, of_kind
from tests.console.rewards import rewards_and_benefits
from tests.console.sales import after_sale, catalogue, order, stored_value
from tests.loyalty.plans import make_plan

PASSWORD = "correct-horse-9"
#: Hashed once: argon2 is slow on purpose.
HASHED = make_password(PASSWORD)
NAMES = ["王静", "李伟", "Ada Lovelace", "O'Neil <b>测试</b>", "陈杰", "张敏"]


def _segment(at: datetime) -> None:
    """Write a segment that has members."""
    tree = {"all": [{"field": "member.days", "is": "gte", "value": 0}]}
    segment = Segment.objects.create(
        code="everybody", name="全体会员", name_en="All members", condition=tree
    )
    refresh_segment(segment_id=segment.pk, now=at)


def logins() -> dict[str, User]:
    """Return one login per role, ``admin`` above all rules, and one without a role."""
    sync_roles()
    users = {}
    for role in ["admin", *ROLES, "nobody"]:
        user = User.objects.create(
            username=role.replace(" ", "_"),
            password=HASHED,
            is_staff=True,
            is_superuser=role == "admin",
        )
        if role in ROLES:
            user.groups.add(Group.objects.get(name=role))
        users[role] = user
    return users


def published_twice(author: User, budget: Budget, *, at: datetime) -> Promotion:
    """Return a live promotion with two revisions, for tiers on some days."""
    tenth = of_kind(
        "percent",
        {"percent_bp": 1_000},
        when={"audience": ["tier:gold"], "weekdays": [6, 7]},
    )
    content = {"name": "周末金卡九折", "starts_at": at, "budget_id": budget.pk, **tenth}
    how = {"actor": author, "now": at}
    live = write_draft(promotion_id=None, content=content, **how)
    publish_promotion(promotion_id=live.pk, reason="spring", **how)
    change = begin_change(promotion_id=live.pk, **how)
    write_draft(promotion_id=change.pk, content={"limit_total": 500}, **how)
    publish_promotion(promotion_id=change.pk, reason="less of it", **how)
    begin_change(promotion_id=live.pk, **how)
    return live


def people(*, count: int, at: datetime, variant: Variant, prefix: str = "") -> list:
    """Return members, the n-th with n % 4 orders and n * 100 points."""
    found = []
    for n in range(count):
        member = join(
            name=NAMES[n % len(NAMES)],
            phone=f"1380000{n:04d}",
            email=f"person{n}@example.com",
            birthday="1990-02-28",
            source="app",
            is_demo=True,
            now=at - timedelta(days=n),
        )
        if n:
            grant_points(
                member_id=member.pk,
                points=n * 100,
                reason="welcome",
                actor="tests",
                source=f"test:{n}",
                now=at - timedelta(days=n),
            )
        for k in range(n % 4):
            order(
                member=member,
                variant=variant,
                number=f"SO{prefix}{n:03d}{k}",
                quantity=k + 2,
                at=at - timedelta(days=40 * k + n),
            )
        MemberValue.objects.update_or_create(
            member=member,
            defaults={
                "orders": n % 4,
                "net_minor": n * 10_000,
                "last_order_at": at - timedelta(days=n) if n % 4 else None,
            },
        )
        found.append(member)
    return found


def known_well(member: Member, *, at: datetime, actor: User) -> None:
    """Let a member have interests, attributes, and a life before today."""
    Interest.objects.create(code="tea", name="绿茶", name_en="Tea")
    size = AttributeDefinition.objects.create(
        code="size",
        name="尺码",
        name_en="Size",
        kind="choice",
        by_member=True,
        is_personal=False,
    )
    for code in ("s", "m"):
        size.options.create(code=code, name=f"{code}号", name_en=code.upper())
    AttributeDefinition.objects.create(
        code="allergy", name="过敏", name_en="Allergy", kind="text"
    )
    correct_member(
        member_id=member.pk,
        changes={"nickname": "小尼尔", "bio": "爱吃花生", "interests": ["tea"]},
        now=at,
    )
    set_attributes(
        member_id=member.pk,
        values={"size": "m", "allergy": "花生酱"},
        author=Author.STAFF,
        source="console",
        now=at,
    )
    home = {"recipient": "尼尔", "country": "CN", "street": "文三路 1 号"}
    add_address(member_id=member.pk, lines=home, is_default=True, now=at)
    for to in ("frozen", "active"):
        move_member(
            member_id=member.pk, to=to, reason="too many returns", actor=actor, now=at
        )
    member.refresh_from_db()


def lived_in(*, at: datetime, count: int = 12) -> dict:
    """Return a shop with at least one row behind every page."""
    users = logins()
    variant = catalogue()
    members = people(count=count, at=at, variant=variant)
    busy = members[3]
    sale = Order.objects.filter(member=busy).first()
    parcel = after_sale(sale, at=at)
    template = CouponTemplate.objects.create(
        code="welcome",
        name="新人券",
        name_en="Welcome coupon",
        state="live",
        kind="amount",
        amount_minor=2_000,
        starts_at=at - timedelta(days=1),
    )
    coupon = issue_coupon(
        template_id=template.pk, member_id=busy.pk, source="test", now=at
    )
    CouponBatch.objects.create(
        template=template, prefix="VP", wanted=2, asked_by=users["admin"], asked_at=at
    )
    PublicCode.objects.create(template=template, code="SPRING26")
    _segment(at)
    budget = Budget.objects.create(name="Spring", amount_minor=100_000)
    changed = published_twice(users["marketer"], budget, at=at)
    promotion = Promotion.objects.create(
        name="满300减50",
        name_en="50 off 300",
        **ladder((30_000, 5_000)),
        starts_at=at,
    )
    deal = GroupDeal.objects.create(
        name="三人团", state="live", variant=variant, starts_at=at - timedelta(days=1)
    )
    deal.rungs.create(size=3, price_minor=15_000)
    deal.groups.create(
        variant=deal.variant,
        hours=deal.hours,
        state="open",
        rungs=[[3, 15_000]],
        size=3,
        created_at=at,
        opened_at=at,
        deadline_at=at + timedelta(days=1),
    )
    message = Message.objects.create(
        member=busy,
        channel="sms",
        template="welcome",
        subject="Welcome",
        body="王静，欢迎",
        state="failed",
        dedupe_key="test",
        send_after=at,
        created_at=at,
    )
    ticket = Ticket.objects.create(
        member=busy,
        kind="complaint",
        subject="包装破损",
        created_at=at,
        due_at=at - timedelta(hours=2),
    )
    TicketMessage.objects.create(
        ticket=ticket, is_from_member=True, text="盒子破了", created_at=at
    )
    note = add_note(
        member_id=busy.pk, text="喜欢电话联系", author=users["admin"], now=at
    )
    Consent.objects.create(
        member=busy,
        purpose="marketing",
        channel="sms",
        granted=True,
        text_version="1",
        source="form",
        occurred_at=at,
    )
    TierChange.objects.create(
        member=busy,
        to_tier=busy.points_account.tier,
        value_minor=0,
        reason="joined",
        occurred_at=at,
    )
    rung = busy.points_account.tier
    ladder_draft = begin_draft(ladder_id=rung.ladder_id, actor=users["admin"], now=at)
    tag = Tag.objects.create(name="母婴")
    busy.tags.through.objects.create(member=busy, tag=tag, created_at=at)
    known_well(busy, at=at, actor=users["admin"])
    pair = DuplicatePair.objects.create(
        first=members[0],
        second=members[6],
        score=93,
        reasons=["same_birthday", "same_name"],
        found_at=at,
    )
    Merge.objects.create(
        winner=members[4],
        loser=members[5],
        state="undone",
        loser_state="active",
        reason="one person",
        actor="support",
        merged_at=at,
        undone_at=at,
    )
    stored_value(busy, sale, at=at)
    make_plan(trial_days=7)
    start_trial(member_id=busy.pk, plan="tea", period="month", now=at)
    UnmatchedReturn.objects.create(
        source="file",
        external_ref="C1",
        source_row=7,
        member=busy,
        variant=variant,
        kind="goods",
        quantity=1,
        amount_minor=100,
        reason="no purchase",
        occurred_at=at,
    )
    Adjustment.objects.create(
        source="file",
        external_ref="A1",
        source_row=9,
        kind="bad_debt",
        amount_minor=-500,
        occurred_at=at,
    )
    ImportBatch.objects.create(
        profile="online-retail", sha256="0" * 64, file_name="a.csv", started_at=at
    )
    DataExport.objects.create(
        member=busy, asked_by=users["owner"], reason="letter", asked_at=at
    )
    ask_for_approval(
        kind="orders.wallet",
        params={"member": busy.pk, "amount_minor": 200_000},
        subject=busy.number,
        reason="fair",
        author=users["finance"],
        source="staff:large",
        now=at,
    )
    erasure = Erasure.objects.create(
        member=members[4],
        author=users["support"],
        state="waiting",
        reason="letter",
        asked_at=at,
    )
    grant_points(
        member_id=members[9].pk,
        points=70,
        reason="welcome",
        actor="test",
        source="test:old",
        now=at - timedelta(days=45),
    )
    last_month = localdate(at).replace(day=1) - timedelta(days=1)
    close_month(month=last_month.replace(day=1), actor="finance", now=at)
    Referral.objects.create(
        inviter=busy,
        friend=members[2],
        state="held",
        joined_at=at,
        converted_at=at,
        settled_at=at,
        conversion="first_order",
        least_order_minor=5_000,
        inviter_points=200,
        friend_points=100,
        order=sale,
        reasons=["same_address", "velocity"],
    )
    RetentionRun.objects.create(at=at, is_dry_run=True, counts={"members.notes": 3})
    for day in range(60):
        DailySales.objects.create(
            day=(at - timedelta(days=day)).date(),
            channel=sale.channel,
            orders=2,
            buyers=2,
            sales_minor=30_000,
            refunds_minor=1_000,
            refreshed_at=at,
        )
    score_buyers(day=localdate(at), now=at)
    fact = Fact.objects.create(name="orders.OrderPaid", key="ord_1", payload={})
    delivery = Delivery.objects.create(
        fact=fact, subscriber="loyalty.subscribers.x", state="stuck", attempts=10
    )
    job = Job.objects.create(
        kind="orders.import",
        state="running",
        done=10,
        total=40,
        asked_at=at,
        started_at=at,
    )
    JobLine.objects.create(job=job, text="row 10")
    replayed = order_backtest(
        promotion_id=promotion.pk, days=90, actor=users["marketer"], now=at
    )
    run_job(replayed.job_id)
    redemption = rewards_and_benefits(members[1], actor=users["support"], at=at)
    return {
        "users": users,
        "members": members,
        "busy": busy,
        "order": sale,
        "parcel": parcel,
        "coupon": coupon,
        "template": template,
        "promotion": promotion,
        "changed": changed,
        "message": message,
        "ticket": ticket,
        "note": note,
        "pair": pair,
        "ladder_draft": ladder_draft,
        "delivery": delivery,
        "job": job,
        "erasure": erasure,
        "redemption": redemption,
        "cart": create_cart(member_id=None, now=at),
        "entry": PointsEntry.objects.order_by("id").first(),
    }
