"""The demo shop 小满生活 / Xiaoman Living: one seed module per app, planted stories.

Reproducible: the same seed, size, language and day give the same shop. Dates are
relative to today, so no page is ever stale. All people are invented.
"""
