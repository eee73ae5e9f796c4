"""Plants promotions, coupon templates, and the coupons members hold."""

from dataclasses import asdict
from datetime import timedelta

from django.db.models import F

from campaigns.models import Coupon, CouponTemplate, Promotion, PromotionRevision
from campaigns.rules.coupons import new_code
from campaigns.services.issuing import terms_of
from campaigns.services.publishing import terms_of as terms_of_promotion
from crm.console.demo.shop import HISTORY, DemoShop
from crm.shared.copying import copy_rows

#: code, Chinese, English, and the terms that differ from the defaults.
TEMPLATES = (
    (
        "welcome",
        "新人券",
        "Welcome coupon",
        {"amount_minor": 2000, "is_claimable": True},
    ),
    (
        "spring",
        "满200减30",
        "30 off from 200",
        {"amount_minor": 3000, "min_spend_minor": 20000, "is_claimable": True},
    ),
    (
        "tea-20",
        "八折券(最多减50)",
        "20% off, at most 50",
        {
            "kind": "percent",
            "percent_bp": 2000,
            "cap_minor": 5000,
            "stock": 500,
            "is_claimable": True,
        },
    ),
    (
        "tier-silver",
        "白银升级礼",
        "Silver welcome gift",
        {"amount_minor": 1500, "for_tier": "silver"},
    ),
    (
        "tier-gold",
        "黄金升级礼",
        "Gold welcome gift",
        {"amount_minor": 5000, "min_spend_minor": 30000, "for_tier": "gold"},
    ),
    (
        "tier-platinum",
        "铂金升级礼",
        "Platinum welcome gift",
        {"amount_minor": 12000, "min_spend_minor": 60000, "for_tier": "platinum"},
    ),
)


def plant_terms(shop: DemoShop) -> Promotion:
    """Write the live promotion and every coupon template; return the promotion."""
    promotion = Promotion.objects.create(
        public_id=shop.public_id("prm"),
        name=shop.text("满300减50，满600减120", "50 off from 300, 120 off from 600"),
        name_en="50 off from 300, 120 off from 600",
        state=Promotion.State.LIVE,
        kind=Promotion.Kind.SPEND_LADDER,
        recipe={"gives": {"rungs": [[30000, 5000], [60000, 12000]]}},
        starts_at=shop.now - HISTORY,
        revision=1,
    )
    PromotionRevision.objects.create(
        promotion=promotion,
        number=1,
        kind=promotion.kind,
        recipe=promotion.recipe,
        terms=terms_of_promotion(promotion),
        author="zhou@demo.local",
        published_at=promotion.starts_at,
    )
    for code, chinese, english, terms in TEMPLATES:
        CouponTemplate.objects.create(
            public_id=shop.public_id("cpt"),
            code=code,
            name=shop.text(chinese, english),
            name_en=english,
            state=CouponTemplate.State.LIVE,
            starts_at=shop.now - HISTORY,
            **{"kind": "amount", **terms},
        )
    return promotion


def plant_coupons(shop: DemoShop) -> None:
    """Give a third of the members a claimed coupon, some of them expired."""
    templates = list(CouponTemplate.objects.filter(is_claimable=True).order_by("id"))
    coupons = []
    for member_id, joined_at in shop.members:
        if shop.chance.random() > 0.34:
            continue
        template = shop.chance.choice(templates[:2])
        issued_at = max(
            joined_at, shop.now - timedelta(days=shop.chance.randint(0, 60))
        )
        expires_at = issued_at + timedelta(days=template.valid_days)
        is_over = expires_at <= shop.now
        coupons.append(
            Coupon(
                public_id=shop.public_id("cpn"),
                template=template,
                member_id=member_id,
                issued_to_id=member_id,
                code=new_code(shop.chance.choice),
                state=Coupon.State.EXPIRED if is_over else Coupon.State.AVAILABLE,
                terms=asdict(terms_of(template)),
                source="claim:1",
                issued_at=issued_at,
                expires_at=expires_at,
            )
        )
    copy_rows(coupons)
    for template in templates:
        given = sum(1 for coupon in coupons if coupon.template_id == template.pk)
        CouponTemplate.objects.filter(pk=template.pk).update(issued=F("issued") + given)
