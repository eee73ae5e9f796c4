"""A price at 1 to 10,000 live offers beside django-oscar and the least that does it.

``python -m benchmarks.pricing [--turns 5] [--offers 10000] [--oscar 2000]`` prices
carts of 5, 20 and 100 lines in turn by the shop's pricing function, by code written by
hand for the same offers and, where ``OSCAR_PYTHON`` names an interpreter that has
``benchmarks/promotions/oscar_requirements.txt``, by django-oscar for as long as offers
times lines are at most ``--oscar``. See ``benchmarks/README.md``. Nothing is asserted
about time; totals that must agree and do not end the script with an error.
"""

from benchmarks.measuring import measure_in_shop

if __name__ == "__main__":
    measure_in_shop(
        "benchmarks.promotions.comparing", __doc__, turns=5, offers=10_000, oscar=2_000
    )
