"""Plants what Xiaoman Living sells: 240 things for the home, and five channels."""

from django.db.models import Max

from crm.console.demo import showroom
from crm.console.demo.shop import HISTORY, DemoShop
from orders.models import Brand, Category, Channel, Product, Variant
from orders.services.opening_skus import open_skus

CHANNELS = (
    ("mini-program", "小程序", "Mini program"),
    ("web", "官网", "Web site"),
    ("tmall", "天猫", "Tmall"),
    ("jd", "京东", "JD"),
    ("store", "门店", "Store"),
)

#: Category, and its things with a price in whole units of money.
THINGS = {
    ("tea", "茶与咖啡", "Tea and coffee"): [
        ("白茶", "White tea", 128),
        ("桂花乌龙", "Osmanthus oolong", 98),
        ("滇红", "Yunnan black tea", 76),
        ("挂耳咖啡", "Drip coffee bags", 59),
    ],
    ("kitchen", "厨房", "Kitchen"): [
        ("竹砧板", "Bamboo chopping board", 69),
        ("铸铁锅", "Cast-iron pan", 329),
        ("陶瓷碗", "Ceramic bowl", 39),
        ("玻璃密封罐", "Glass storage jar", 29),
    ],
    ("bedding", "床品", "Bedding"): [
        ("全棉四件套", "Cotton bedding set", 459),
        ("蚕丝被", "Silk quilt", 899),
        ("荞麦枕", "Buckwheat pillow", 119),
        ("亚麻毯", "Linen blanket", 239),
    ],
    ("bath", "洗浴", "Bath"): [
        ("长绒棉毛巾", "Long-staple towel", 49),
        ("手工皂", "Handmade soap", 32),
        ("浴袍", "Bathrobe", 199),
        ("香薰浴盐", "Bath salt", 58),
    ],
    ("baby", "母婴", "Mother and baby"): [
        ("有机奶粉 900g", "Organic milk powder 900 g", 299),
        ("湿巾 80抽", "Wipes, 80 sheets", 25),
        ("婴儿睡袋", "Baby sleeping bag", 169),
        ("硅胶餐具", "Silicone tableware", 79),
    ],
    ("stationery", "文具", "Stationery"): [
        ("方格笔记本", "Grid notebook", 28),
        ("黄铜钢笔", "Brass fountain pen", 219),
        ("帆布笔袋", "Canvas pencil case", 45),
        ("桌面日历", "Desk calendar", 36),
    ],
}
STYLES = (
    ("原色", "natural"),
    ("雾蓝", "mist blue"),
    ("苔绿", "moss green"),
    ("陶土", "terracotta"),
    ("墨灰", "ink grey"),
    ("杏白", "almond"),
    ("樱粉", "blossom"),
    ("秋栗", "chestnut"),
    ("海盐", "sea salt"),
    ("麦色", "wheat"),
)
#: Categories that hold others, and which.
BRANCHES = {("home", "家居", "Home"): ["kitchen", "bedding", "bath"]}
#: Who makes what, by category; the house itself makes the rest.
BRANDS = {
    "xiaoman": ("小满", "Xiaoman"),
    "shanyu": ("山雨", "Shanyu"),
    "norden": ("北纬", "Norden"),
}
BRAND_OF = {"tea": "shanyu", "kitchen": "norden", "stationery": "norden"}
#: Story 14: this SKU was sold at several prices; demand answers with about -1.4.
PRICE_TEST_SKU = "XM-0001"
STOCK = 5_000


def plant(shop: DemoShop) -> None:
    """Write channels, brands, categories, products and SKUs."""
    shop.channels = Channel.objects.bulk_create(
        Channel(code=code, name=shop.text(chinese, english), name_en=english)
        for code, chinese, english in CHANNELS
    )
    brands = {
        code: Brand.objects.create(code=code, name=shop.text(*names), name_en=names[1])
        for code, names in BRANDS.items()
    }
    categories = _categories(shop)
    products, variants = [], []
    for (code, _chinese, _english), things in THINGS.items():
        brand = brands[BRAND_OF.get(code, "xiaoman")]
        for thing in things:
            for style in STYLES:
                product = _product(shop, categories[code], brand, thing, style)
                products.append(product)
                variants.append(_variant(shop, product, thing[2], len(variants) + 1))
    Product.objects.bulk_create(products)
    shop.variants = Variant.objects.bulk_create(variants)
    assert Variant.objects.aggregate(last=Max("id"))["last"] == shop.variants[-1].pk
    open_skus(variants=shop.variants, actor="demo", now=shop.now - HISTORY)
    showroom.plant(shop)


def _categories(shop) -> dict[str, Category]:
    parents = {}
    for branch, below in BRANCHES.items():
        above = _category(shop, branch, None, len(THINGS))
        parents |= dict.fromkeys(below, above)
    return {
        names[0]: _category(shop, names, parents.get(names[0]), position)
        for position, names in enumerate(THINGS)
    }


def _category(shop, names, parent, position) -> Category:
    code, chinese, english = names
    return Category.objects.create(
        code=code,
        name=shop.text(chinese, english),
        name_en=english,
        parent=parent,
        position=position,
    )


def _product(shop, category, brand, thing, style) -> Product:
    chinese, english, _price = thing
    style_chinese, style_english = style
    name_en = f"{english}, {style_english}"
    return Product(
        public_id=shop.public_id("prd"),
        category=category,
        name=shop.text(f"{chinese} · {style_chinese}", name_en),
        name_en=name_en,
        brand=brand,
        created_at=shop.now - HISTORY,
    )


def _variant(shop, product, price, serial) -> Variant:
    price_minor = price * 100 + shop.chance.choice((0, 90, 50))
    return Variant(
        product=product,
        sku=f"XM-{serial:04d}",
        price_minor=price_minor,
        cost_minor=price_minor * shop.chance.randint(35, 60) // 100,
        on_hand=STOCK,
    )
