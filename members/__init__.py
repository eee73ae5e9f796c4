"""Who they are, how they sign in, what they allow.

Owns: User, Member, Consent, Tag, Note. Imports only ``crm.shared``.
Publishes: ``MemberJoined``. Answers: nothing.
"""
