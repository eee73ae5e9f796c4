"""The error file of an import: a line per odd cell, why, and what to do about it."""

import csv
import re
from collections.abc import Iterable
from typing import IO, Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from orders.rules.online_retail import Issue

#: Code -> what is wrong, what to do.
_CODES: dict[str, tuple[Any, Any]] = {
    "empty": (_("The cell is empty."), _("Fill it in.")),
    "not_a_number": (_("This is no number."), _("Write it like 12.30.")),
    "not_a_whole_number": (
        _("This is no whole number of units."),
        _("Write it like 6 or -6."),
    ),
    "zero": (_("No unit changed hands."), _("Correct the quantity or drop the row.")),
    "not_a_moment": (
        _("This is no date with a time."),
        _("Write it like 2011-12-09 12:50:00."),
    ),
    "in_the_future": (_("This lies in the future."), _("Correct the date.")),
    "too_long": (_("The text is too long."), _("Shorten it.")),
    "strange_characters": (
        _("The text holds characters that cannot be shown."),
        _("Type it again."),
    ),
    "wrong_number_of_cells": (
        _("The row has another number of cells than the first line."),
        _("Look for a missing or an extra separator."),
    ),
    "amount_too_large": (_("The amount is too large."), _("Correct price or units.")),
    "price_too_fine": (
        _("The price has more digits than the currency, and rounding it would change "
          "what the line came to."),
        _("Give the price of the whole lot with quantity 1."),
    ),
    "price_rounded": (
        _("The price had more digits than the currency and was rounded."),
        _("Nothing, unless the price is wrong."),
    ),
    "negative_price": (
        _("The price is below zero."),
        _("Give returns a number beginning with C and a negative quantity."),
    ),
    "return_not_negative": (
        _("A return needs a quantity below zero."),
        _("Correct the sign, or the number of the invoice."),
    ),
    "negative_without_return": (
        _("The quantity is below zero, but the invoice is no return."),
        _("Begin the number of the invoice with C, or correct the sign."),
    ),
    "write_off": (
        _("Stock was corrected without money; nobody bought or returned anything."),
        _("Nothing: this does not belong into the orders."),
    ),
    "another_customer": (
        _("The invoice already belongs to another customer."),
        _("Correct the customer, or the number of the invoice."),
    ),
    "already_there": (
        _("The shop has this invoice already."),
        _("Nothing: it was left as it is."),
    ),
}  # fmt: skip
_FORMULA = re.compile(r"[=+\-@\t\r\n＝＋－＠]")
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


def write_report(issues: Iterable[Issue], *, file: IO[str]) -> int:
    """Write issues as CSV in the active language; return how many there were.

    No cell can be taken for a formula: what begins like one gets an apostrophe, but
    for plain numbers.
    """
    writer = csv.writer(file)
    writer.writerow(
        [
            gettext("line"),
            gettext("outcome"),
            gettext("invoice"),
            gettext("column"),
            gettext("value"),
            gettext("reason"),
            gettext("what to do"),
        ]
    )
    count = 0
    for issue in issues:
        reason, advice = _CODES[issue.code]
        outcome = gettext("stored") if issue.is_stored else gettext("left out")
        writer.writerow(
            [
                issue.row,
                outcome,
                safe_cell(issue.invoice),
                issue.column,
                safe_cell(issue.value),
                reason,
                advice,
            ]
        )
        count += 1
    return count


def safe_cell(text: str) -> str:
    """Return text that no spreadsheet calculates.

    >>> safe_cell("=1+1"), safe_cell("-10"), safe_cell("POST")
    ("'=1+1", '-10', 'POST')
    """
    if _FORMULA.match(text) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text
