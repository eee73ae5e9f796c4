"""Plants the members of Xiaoman Living, ordinary and awkward ones."""

from datetime import datetime, timedelta

from crm.console.demo.people import AWKWARD_NAMES, name_of, phone_of, region_of
from crm.console.demo.shop import HISTORY, SOURCE, DemoShop, batches
from crm.shared.copying import copy_rows
from members.models import Consent, Member, MemberTag, Tag
from members.queries import consent_text
from members.rules.numbers import member_number
from members.services.numbering import skip_numbers
from members.services.publishing import publish_text

#: Story 1: the seed's own example.
ZHANG_SAN_PHONE = "+8613800000000"
NEWCOMER_PHONE = "+8613900000000"
#: Story 8, two people who joined twice: serial -> names, phone, birthday. The first
#: pair is plain. The second is tricky: the same number under another prefix, the name
#: in Latin letters, no birthday.
TWINS = {
    8: (("周雨桐", "Zoe Whitfield"), "+8615155550001", "1993-05-17"),
    9: (("周雨桐", "Zoe Whitfield"), "+8615177770002", "1993-05-17"),
    10: (("顾思远", "Hugo Ashworth"), "+8615266668888", "1988-11-03"),
    11: (("Gu Siyuan", "Ashworth Hugo"), "+85266668888", None),
}
TAGS = ("母婴", "高净值", "爱喝茶", "价格敏感")
#: Share of members who joined before the history that is planted begins.
LONG_STANDING = 0.6
#: Share of members who allowed marketing.
CONSENTS = ((Consent.Channel.SMS, 0.62), (Consent.Channel.EMAIL, 0.41))


#: What members are asked: (purpose, Chinese, English).
TEXT_VERSION = "2025-01"
TEXTS = (
    (
        Consent.Purpose.MARKETING,
        "我同意小满生活向我发送优惠和新品信息。我可以随时退订。",
        "I agree that Xiaoman Living sends me offers and news. I can stop it any time.",
    ),
    (
        Consent.Purpose.PROFILING,
        "我同意根据我的购买记录为我推荐商品。",
        "I agree that what I bought is used to recommend goods to me.",
    ),
)


def plant_texts(shop: DemoShop) -> bytes:
    """Publish the consent texts; return the fingerprint of the one for offers."""
    begun = shop.now - 2 * HISTORY
    for purpose, chinese, english in TEXTS:
        for language, body in (("zh-hans", chinese), ("en", english)):
            publish_text(
                purpose=purpose,
                version=TEXT_VERSION,
                language=language,
                body=body,
                now=begun,
            )
    text = consent_text(
        purpose=Consent.Purpose.MARKETING,
        language="en" if shop.language == "en" else "zh-hans",
    )
    return bytes(text.digest) if text else b""


def plant(shop: DemoShop) -> None:
    """Write ``shop.size`` members with consents and tags."""
    digest = plant_texts(shop)
    tags = [Tag.objects.create(name=name) for name in TAGS]
    for batch in batches(shop.size):
        people = [_member(shop, serial) for serial in batch]
        copy_rows(people)
        copy_rows(_consents(shop, people, digest))
        tagged = [
            MemberTag(
                member=person,
                tag=shop.chance.choice(tags),
                created_at=person.joined_at,
            )
            for person in people
            if shop.chance.random() < 0.2
        ]
        copy_rows(tagged)
        shop.members += [(person.pk, person.joined_at) for person in people]
    skip_numbers(shop.size)


def _member(shop: DemoShop, serial: int) -> Member:
    name, phone, birthday = name_of(shop), phone_of(serial), _birthday(shop)
    joined_at = shop.now - HISTORY * shop.chance.random()
    if shop.chance.random() < LONG_STANDING:
        joined_at -= HISTORY
    if serial == 0:
        name, phone = shop.text("张三", "Zhang San"), ZHANG_SAN_PHONE
        joined_at = shop.now - timedelta(days=90)
    elif serial == 1:
        name, phone, joined_at = (
            "林小满",
            NEWCOMER_PHONE,
            shop.now - timedelta(minutes=2),
        )
    elif serial < 2 + len(AWKWARD_NAMES):
        name = AWKWARD_NAMES[serial - 2]
        birthday = None if serial % 2 else "1992-02-29"
    elif serial in TWINS:
        names, phone, birthday = TWINS[serial]
        name = shop.text(*names)
    member = Member(
        public_id=shop.public_id("mem"),
        number=member_number(serial + 1),
        name=name,
        phone=phone,
        email=f"member{serial}@example.com" if shop.chance.random() < 0.7 else None,
        birthday=birthday,
        birth_month=int(birthday[5:7]) if birthday else None,
        gender=shop.chance.choice(Member.Gender.values[:2]),
        region=region_of(shop),
        language="en" if shop.language == "en" else "zh-hans",
        source=SOURCE,
        external_id=f"demo-{serial}",
        is_demo=True,
        joined_at=joined_at,
    )
    # Two of three told it in their profile.
    member.city = member.region if serial % 3 else ""
    return member


def _birthday(shop: DemoShop) -> str | None:
    if shop.chance.random() < 0.1:
        return None
    year, day = shop.chance.randint(1955, 2006), shop.chance.randrange(365)
    moment = datetime(year, 1, 1, tzinfo=shop.now.tzinfo) + timedelta(days=day)
    return moment.date().isoformat()


def _consents(shop: DemoShop, people: list[Member], digest: bytes) -> list[Consent]:
    return [
        Consent(
            member=person,
            purpose=Consent.Purpose.MARKETING,
            channel=channel,
            granted=True,
            text_version=TEXT_VERSION,
            text_digest=digest,
            source="sign-up",
            occurred_at=person.joined_at,
        )
        for person in people
        for channel, share in CONSENTS
        if shop.chance.random() < share
    ]
