"""Plants reviews: most of them kind, a few not, some still to be moderated."""

from datetime import timedelta

from django.db import connection

from crm.console.demo.shop import DemoShop
from crm.shared.copying import copy_rows
from orders.models import OrderLine, Product, Review

#: Stars -> share of reviews, and what people say with so many.
SAID = {
    5: (0.58, "非常满意，会再来的。", "Lovely, I will come again."),
    4: (0.24, "不错，包装可以再仔细些。", "Good, the wrapping could be better."),
    3: (0.10, "一般，和图片有点不一样。", "So so, a little unlike the picture."),
    2: (0.05, "有点失望，味道偏淡。", "A little weak, I expected more."),
    1: (0.03, "收到时碎了一个。", "One piece was broken when it came."),
}
#: One line of so many is reviewed; the newest few wait for a moderator.
ONE_IN = 25
WAITING = 6

_COUNT = """
UPDATE orders_product AS p SET rating_count = r.count, rating_sum = r.sum
FROM (SELECT product_id, count(*) AS count, sum(rating) AS sum
      FROM orders_review WHERE state = 'published' GROUP BY product_id) AS r
WHERE p.id = r.product_id
"""


def plant(shop: DemoShop) -> None:
    """Write reviews of finished orders, oldest purchase first."""
    lines = OrderLine.objects.filter(
        order__state="completed",
        order__member__isnull=False,
        kind=Product.Kind.GOODS,
    )
    # Keys differ from one planting to the next; what was drawn does not.
    rows = lines.order_by("order__placed_at", "order__public_id", "position")
    chosen = rows.values_list(
        "pk", "order__member_id", "variant__product_id", "order__placed_at"
    )[::ONE_IN]
    reviews = [
        _review(shop, line, member, product, placed_at)
        for line, member, product, placed_at in chosen
    ]
    for review in reviews[-WAITING:]:
        review.state = Review.State.PENDING
    copy_rows(reviews)
    with connection.cursor() as cursor:
        cursor.execute(_COUNT)


def _review(shop: DemoShop, line: int, member: int, product: int, at) -> Review:
    stars = shop.chance.choices(list(SAID), [share for share, *_ in SAID.values()])[0]
    _share, chinese, english = SAID[stars]
    is_answered = stars < 3
    written = min(at + timedelta(days=shop.chance.randint(4, 20)), shop.now)
    return Review(
        public_id=shop.public_id("rev"),
        order_line_id=line,
        member_id=member,
        product_id=product,
        rating=stars,
        text=shop.text(chinese, english),
        state=Review.State.PUBLISHED,
        created_at=written,
        reply=shop.text("抱歉，我们会补发。", "Sorry, we will send another one.")
        if is_answered
        else None,
        replied_at=written if is_answered else None,
    )
