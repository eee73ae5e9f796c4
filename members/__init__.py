"""Who they are, how they sign in, what they allow.

Owns: User, Member, ExternalIdentity, Consent, Tag, Note, PaymentInstrument and its
verifications. Imports only ``crm.shared``.
Publishes: ``MemberJoined``, ``InstrumentVerified``. Answers: nothing.
"""
