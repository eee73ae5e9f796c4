"""Invented people: names, regions, telephone numbers."""

from crm.console.demo.shop import DemoShop

SURNAMES = tuple("王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾")
GIVEN = tuple(
    "静 敏 丽 强 磊 洋 艳 勇 杰 娟 涛 明 超 霞 平 刚 桂英 子涵 雨桐 欣怡 浩然 梓萱 "
    "思远 佳琪 晨曦 文博 雅婷 嘉懿 宇轩 诗涵 俊熙 若溪 一诺 沐宸".split()
)
FIRST = tuple(
    "Grace Liam Mia Noah Emma Lucas Olivia Ethan Ava Leo Ella Jack Ruby Owen Zoe Max "
    "Ivy Adam Nora Hugo Alice Theo Lily Finn Rose Oscar".split()
)
LAST = tuple(
    "Smith Jones Brown Taylor Wilson Davies Evans Thomas Johnson Roberts Walker Wright "
    "Robinson Thompson White Hughes Edwards Green Lewis Wood Harris Martin".split()
)
REGIONS = (
    ("上海", "Shanghai"),
    ("北京", "Beijing"),
    ("杭州", "Hangzhou"),
    ("广州", "Guangzhou"),
    ("深圳", "Shenzhen"),
    ("成都", "Chengdu"),
    ("武汉", "Wuhan"),
    ("西安", "Xi'an"),
)

#: Names every list must survive (story 15).
AWKWARD_NAMES = (
    "O'Neil",
    "<b>测试</b>",
    "🌿小满🌿",
    "阿不都克里木·买买提江·伊斯拉木·艾则孜·吐尔逊·阿卜杜热合曼·库尔班江·阿迪力",
    "=1+1",
)


def name_of(shop: DemoShop) -> str:
    """Draw a name of the data language."""
    if shop.language == "en":
        return f"{shop.chance.choice(FIRST)} {shop.chance.choice(LAST)}"
    return shop.chance.choice(SURNAMES) + shop.chance.choice(GIVEN)


def region_of(shop: DemoShop) -> str:
    """Draw a region."""
    return shop.text(*shop.chance.choice(REGIONS))


def phone_of(serial: int) -> str:
    """Return the mobile number of a serial; none is used twice.

    China keeps no numbers for fiction: members carry ``is_demo`` and no channel
    sends to them.
    """
    return f"+86150{serial:08d}"
