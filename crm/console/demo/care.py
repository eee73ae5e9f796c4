"""Plants tickets: an angry one past its time, questions, and solved ones."""

from datetime import timedelta

from crm.care.models import Ticket, TicketMessage
from crm.console.demo.shop import DemoShop

TALK = (
    ("complaint", "包裹破损，要求退款", "The parcel was damaged, I want a refund"),
    ("question", "积分什么时候到账？", "When will my points arrive?"),
    ("suggestion", "希望多一些茶叶小样", "Please offer more tea samples"),
    ("return", "尺寸不合适，想换货", "The size is wrong, I want to exchange it"),
    ("question", "这个碗能进微波炉吗？", "Can this bowl go into the microwave?"),
)


def plant(shop: DemoShop) -> None:
    """Write a ticket for every fortieth member; the first is angry and overdue."""
    for number, (member_id, _joined) in enumerate(shop.members[8::40]):
        kind, chinese, english = TALK[number % len(TALK)]
        is_overdue = number == 0
        age = timedelta(hours=52 if is_overdue else shop.chance.randint(1, 400))
        is_solved = not is_overdue and age > timedelta(hours=60)
        ticket = Ticket.objects.create(
            public_id=shop.public_id("tkt"),
            member_id=member_id,
            kind=kind,
            state=Ticket.State.SOLVED if is_solved else Ticket.State.OPEN,
            subject=shop.text(chinese, english),
            created_at=shop.now - age,
            due_at=shop.now - age + timedelta(hours=24),
            solved_at=shop.now - age + timedelta(hours=8) if is_solved else None,
        )
        TicketMessage.objects.create(
            public_id=shop.public_id("tkm"),
            ticket=ticket,
            is_from_member=True,
            text=shop.text(
                "已经等了两天没有人回复！" if is_overdue else "麻烦帮忙看一下，谢谢。",
                "Two days and no answer!" if is_overdue else "Please have a look.",
            ),
            created_at=ticket.created_at,
        )
