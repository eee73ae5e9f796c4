"""What the parts of promotions are called: on forms, in differences, in errors."""

from django.utils.translation import gettext_lazy as _

from orders.models import AppliedOffer

#: Path of a field -> what it is called.
LABELS = {
    "kind": _("kind"),
    "gives.rungs": _("steps"),
    "gives.spend_minor": _("for every"),
    "gives.off_minor": _("amount off"),
    "gives.per": _("taken off"),
    "gives.most_times": _("at most times an order"),
    "gives.percent_bp": _("percentage off"),
    "gives.price_minor": _("price"),
    "gives.buy": _("pieces to buy"),
    "gives.get": _("pieces to get"),
    "gives.nth": _("of every so many pieces"),
    "gives.pays_bp": _("the cheapest costs, in percent of its price"),
    "gives.of": _("of every so many pieces"),
    "gives.units": _("pieces"),
    "gives.skus": _("SKU of the gift, and of substitutes"),
    "goods.categories": _("categories"),
    "goods.products": _("products"),
    "goods.brands": _("brands"),
    "goods.skus": _("SKUs"),
    "goods.not_categories": _("not these categories"),
    "goods.not_products": _("not these products"),
    "goods.not_brands": _("not these brands"),
    "goods.not_skus": _("not these SKUs"),
    "when.least_spend_minor": _("from a spend of"),
    "when.least_units": _("from so many pieces"),
    "when.audience": _("for whom"),
    "when.nth_order": _("for the order number"),
    "when.channels": _("channels"),
    "when.weekdays": _("days of the week"),
    "when.since": _("from, in the shop's time"),
    "when.until": _("to, in the shop's time"),
    "beside.cap_minor": _("at most, an order"),
    "beside.is_alone": _("alone: instead of all other offers"),
    "beside.forbids": _("not together with"),
    "beside.skips_discounted": _("not on what is reduced already"),
    "name": _("name"),
    "name_en": _("English name"),
    "priority": _("priority"),
    "on_return": _("on partial return"),
    "exclusive_group": _("exclusive group"),
    "starts_at": _("starts at"),
    "ends_at": _("ends at"),
    "limit_total": _("uses in all"),
    "limit_units": _("pieces at this price"),
    "limit_member_units": _("pieces for each member"),
    "budget_id": _("budget"),
}

#: What is wrong with a field -> how the form says so.
PROBLEMS = {
    "missing": _("This is needed."),
    "empty": _("Name at least one."),
    "not_rising": _("Each step must ask for more than the one before, and give more."),
    "out_of_range": _("This number is too small or too large here."),
    "not_whole": _("Enter a whole number."),
    "not_a_choice": _("Choose one of the choices."),
    "never_ends": _("These are too many."),
}

#: Values that have a name.
NAMES = {
    "order": _("from the order, once"),
    "unit": _("from each piece"),
    **dict(AppliedOffer.OnReturn.choices),
}

WEEKDAYS = {
    1: _("Monday"),
    2: _("Tuesday"),
    3: _("Wednesday"),
    4: _("Thursday"),
    5: _("Friday"),
    6: _("Saturday"),
    7: _("Sunday"),
}

#: Kind -> what it looks like, and what it is good for.
GALLERY = {
    "spend_ladder": ("300 → 250", _("Lifts orders over the next step.")),
    "spend_every": ("100 −10 ×3", _("Rewards larger carts again and again.")),
    "percent": ("−20 %", _("The plain sale.")),
    "amount": ("−15", _("A fixed sum off, of the order or of each piece.")),
    "one_price": ("99 · 99 · 99", _("A whole shelf at one price.")),
    "buy_get": ("2 + 1", _("Sells more pieces; the cheapest are free.")),
    "nth_item": ("1 + ½", _("The second one at half price.")),
    "cheapest_free": ("3 → 2", _("Take three, pay two.")),
    "bundle": ("3 = 99", _("Any three for one sum.")),
    "gift": ("+ ♡", _("Something on top from a spend on.")),
    "free_freight": ("↦ 0", _("Takes the last doubt away.")),
    "member_price": ("★ −5 %", _("Members and tiers pay less.")),
    "flash_price": ("⚡ 9.9", _("One low price for a short time; nothing follows it.")),
}
