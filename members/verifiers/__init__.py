"""Who checks that a payment instrument is good: one file per provider."""
