"""Scores the planted buyers, as the nights of the last months would have."""

from datetime import timedelta

from django.utils.timezone import localdate

from crm.console.demo.shop import DemoShop
from loyalty.services.scoring import score_buyers

_MONTHS = 2


def plant(shop: DemoShop) -> None:
    """Score the ends of past months, then yesterday."""
    yesterday = localdate(shop.now) - timedelta(days=1)
    days = [yesterday]
    for _month in range(_MONTHS):
        days.append(days[-1].replace(day=1) - timedelta(days=1))
    for day in reversed(days):
        score_buyers(day=day, now=shop.now)
