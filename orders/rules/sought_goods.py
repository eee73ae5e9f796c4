"""Goods an offer is about, as whoever makes it may name them. Plain Python."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SoughtGoods:
    """Goods that are one of what is named, and none of what is left out.

    Nothing named is everything. Categories hold all below them.
    """

    categories: tuple[int, ...] = ()
    products: tuple[int, ...] = ()
    brands: tuple[int, ...] = ()
    skus: tuple[str, ...] = ()
    not_categories: tuple[int, ...] = ()
    not_products: tuple[int, ...] = ()
    not_brands: tuple[int, ...] = ()
    not_skus: tuple[str, ...] = ()
