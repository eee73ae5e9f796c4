"""Storefront API of coupons and messages."""
