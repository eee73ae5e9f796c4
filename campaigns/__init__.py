"""What we tell them and what we promise.

Owns: promotions, coupons, messages. Stands on loyalty and recommendations.
Publishes: ``CouponIssued``. Answers: order, refund and tier facts.
"""
