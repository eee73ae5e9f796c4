"""Reading rows of the UCI *Online Retail* layout. Plain Python: text in, rows out.

One invoice line per row. The first letter of ``InvoiceNo`` tells what the invoice is:
none an order, ``C`` a return, ``A`` an adjustment of the books. Return rows carry
negative quantities. Stock codes are case-sensitive; a few of them are no goods.
Repeated rows are real: the same article scanned twice.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

#: The profile's name and the ``source`` of everything it brings in.
PROFILE = "online-retail"
COLUMNS = (
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
)
#: Headings of the second edition of the file.
ALIASES = {"invoice": "InvoiceNo", "price": "UnitPrice", "customer id": "CustomerID"}

ORDER, RETURN, ADJUSTMENT = "order", "return", "adjustment"
_FREIGHT = frozenset({"POST", "DOT", "C2"})
_FEES = frozenset(
    {"M", "m", "D", "S", "B", "BANK CHARGES", "AMAZONFEE", "CRUK", "PADS"}
)
_GIFT_CARD = re.compile(r"gift_[0-9]+_[0-9]+")

_WHOLE = re.compile(r"[+-]?[0-9]{1,9}")
_NUMBER = re.compile(r"[+-]?[0-9]{1,13}(\.[0-9]{1,9})?([eE][+-]?[0-9]{1,2})?")
_SPREADSHEET_ID = re.compile(r"([0-9]+)\.0")
_LETTERED = re.compile(r"[CA][0-9]+")
#: Longest texts the books hold: invoice and stock code, customer, country.
_LONGEST = {"InvoiceNo": 36, "StockCode": 60, "CustomerID": 80, "Country": 60}
_LONGEST_DESCRIPTION = 240
#: A line beyond this is a slip of the keyboard (a hundred thousand million units).
_MOST_MINOR = 10**13
_MOST_KEPT = 50_000
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


class Row(NamedTuple):
    """One line of an invoice, in the order of the staging table's columns."""

    row: int
    kind: str
    invoice: str
    sku: str
    description: str
    #: Units, > 0 for orders, returns and adjustments alike.
    quantity: int
    at: datetime
    #: Signed only for adjustments.
    price_minor: int
    customer: str
    country: str


@dataclass(frozen=True, slots=True)
class Issue:
    """One cell that stopped its row, or (``is_stored``) was changed to let it in."""

    row: int
    column: str
    code: str
    value: str = ""
    invoice: str = ""
    is_stored: bool = False


class _Bad(Exception):
    """A cell cannot be read; the message is the issue's code."""


def kind_of_sku(sku: str) -> str:
    """Return ``goods``, ``freight``, ``fee`` or ``gift_card``.

    >>> kind_of_sku("POST"), kind_of_sku("post"), kind_of_sku("gift_0001_20")
    ('freight', 'goods', 'gift_card')
    """
    if sku in _FREIGHT:
        return "freight"
    if sku in _FEES:
        return "fee"
    return "gift_card" if _GIFT_CARD.fullmatch(sku) else "goods"


def kind_of_invoice(invoice: str) -> str:
    """Return ``order``, ``return`` or ``adjustment``.

    >>> kind_of_invoice("536365"), kind_of_invoice("C536379")
    ('order', 'return')
    """
    if _LETTERED.fullmatch(invoice):
        return RETURN if invoice[0] == "C" else ADJUSTMENT
    return ORDER


@dataclass(slots=True)
class RowReader:
    """Turns the cells of one file into rows.

    Args:
        digits: digits after the point of the shop's currency.
        zone: where the file's clock hangs, for moments without an offset.
        latest: a moment after this lies in the future.
    """

    digits: int
    zone: tzinfo
    latest: datetime
    # A file repeats few prices and moments; reading each once doubles the speed.
    _prices: dict[str, Decimal] = field(default_factory=dict)
    _moments: dict[str, datetime] = field(default_factory=dict)

    def read(self, row: int, cells: Sequence[str]) -> tuple[Row | None, list[Issue]]:
        """Return the row, or None with every reason why it cannot be stored.

        Args:
            row: line of the file.
            cells: text of each of ``COLUMNS``, in that order.
        """
        issues: list[Issue] = []

        def cell(column, convert, text):
            try:
                return convert(text)
            except _Bad as bad:
                issues.append(Issue(row, column, str(bad), text[:80], cells[0][:40]))
                return None

        invoice = cell("InvoiceNo", _needed("InvoiceNo"), cells[0])
        sku = cell("StockCode", _needed("StockCode"), cells[1])
        description = cell("Description", _description, cells[2])
        quantity = cell("Quantity", _quantity, cells[3])
        at = cell("InvoiceDate", self._moment, cells[4])
        price = cell("UnitPrice", self._price, cells[5])
        customer = cell("CustomerID", _customer, cells[6])
        country = cell("Country", _optional("Country"), cells[7])
        if issues:
            return None, issues
        kind = kind_of_invoice(invoice)
        bad = _contradiction(kind, quantity, price)
        minor = _whole(price)
        if bad is None:
            bad = _money_trouble(price, minor, quantity)
        if bad is not None:
            column, code = bad
            value = cells[COLUMNS.index(column)][:80]
            return None, [Issue(row, column, code, value, invoice)]
        if minor != price:
            issues.append(
                Issue(row, "UnitPrice", "price_rounded", cells[5][:80], invoice, True)
            )
        return (
            Row(
                row, kind, invoice, sku, description, abs(quantity), at,
                minor, customer, country,
            ),
            issues,
        )  # fmt: skip

    def _price(self, text: str) -> Decimal:
        """Return exact minor units, which may have a fraction."""
        known = self._prices.get(text)
        if known is None:
            known = _decimal(text).scaleb(self.digits)
            _keep(self._prices, text, known)
        return known

    def _moment(self, text: str) -> datetime:
        known = self._moments.get(text)
        if known is not None:
            return known
        try:
            at = datetime.fromisoformat(text.strip())
        except ValueError:
            raise _Bad("not_a_moment") from None
        try:
            at = (at if at.tzinfo else at.replace(tzinfo=self.zone)).astimezone(UTC)
        except OverflowError:
            raise _Bad("not_a_moment") from None
        if at > self.latest:
            raise _Bad("in_the_future")
        if at < _EARLIEST:
            raise _Bad("not_a_moment")
        _keep(self._moments, text, at)
        return at


def _keep(known: dict, text: str, value: object) -> None:
    """Remember a reading, but not more than a file of honest rows needs."""
    if len(known) < _MOST_KEPT:
        known[text] = value


def _contradiction(kind: str, quantity: int, price: Decimal) -> tuple[str, str] | None:
    """Return column and code where the cells of a row do not fit together."""
    if kind == ADJUSTMENT:
        return None
    if kind == RETURN and quantity > 0:
        return "Quantity", "return_not_negative"
    if kind == ORDER and quantity < 0:
        # Breakage, loss and stock corrections: no money, nobody bought or returned.
        return "Quantity", "write_off" if price == 0 else "negative_without_return"
    if price < 0:
        return "UnitPrice", "negative_price"
    return None


def _money_trouble(price: Decimal, minor: int, quantity: int) -> tuple[str, str] | None:
    if abs(minor * quantity) > _MOST_MINOR:
        return "UnitPrice", "amount_too_large"
    # Rounding the price of one unit must not change what the line came to.
    if abs(price - minor) * abs(quantity) * 2 >= 1:
        return "UnitPrice", "price_too_fine"
    return None


def _whole(price: Decimal) -> int:
    """Return the nearest whole minor unit, halves away from zero."""
    return int(price.to_integral_value(rounding="ROUND_HALF_UP"))


def _decimal(text: str) -> Decimal:
    text = text.strip()
    if not _NUMBER.fullmatch(text):
        raise _Bad("not_a_number" if text else "empty")
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise _Bad("not_a_number") from None
    if abs(number) > _MOST_MINOR:
        raise _Bad("amount_too_large")
    return number


def _quantity(text: str) -> int:
    text = text.strip()
    if match := _SPREADSHEET_ID.fullmatch(text.lstrip("-+")):
        text = ("-" if text.startswith("-") else "") + match[1]
    if not _WHOLE.fullmatch(text):
        raise _Bad("not_a_whole_number" if text else "empty")
    quantity = int(text)
    if quantity == 0:
        raise _Bad("zero")
    return quantity


def _needed(column: str):
    limit = _LONGEST[column]

    def convert(text: str) -> str:
        text = text.strip()
        if not text:
            raise _Bad("empty")
        return _plain(text, limit)

    return convert


def _optional(column: str):
    limit = _LONGEST[column]
    return lambda text: _plain(" ".join(text.split()), limit)


def _customer(text: str) -> str:
    text = text.strip()
    # Spreadsheets that once held an empty cell write whole numbers as 17850.0.
    if match := _SPREADSHEET_ID.fullmatch(text):
        text = match[1]
    return _plain(text, _LONGEST["CustomerID"])


def _description(text: str) -> str:
    text = " ".join(text.split())
    return _plain(text[:_LONGEST_DESCRIPTION], _LONGEST_DESCRIPTION)


def _plain(text: str, limit: int) -> str:
    if not text.isprintable():
        raise _Bad("strange_characters")
    if len(text) > limit:
        raise _Bad("too_long")
    return text
