"""Coupon codes by the million: made, used and read out, beside peers and the limit.

``python -m benchmarks.coupon_codes [--codes 200000] [--turns 3]`` makes the codes in a
throw-away shop as the console's job does, in turn with ``bulk_create`` and with the
bare COPY, checks that there are as many as were wanted, and prints one table. A loop of
``get_or_create`` is measured on 2,000 codes a turn. Nothing is asserted about time.
"""

from benchmarks.measuring import measure_in_shop

if __name__ == "__main__":
    measure_in_shop("benchmarks.coupons.comparing", __doc__, codes=200_000, turns=3)
