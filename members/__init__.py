"""Who they are, how they sign in, what they allow.

Owns: User, Member, Address, Avatar, Attribute…, Consent, LifecycleChange, Tag, Note.
Imports only ``crm.shared``. Publishes: ``MemberJoined``, ``MemberStateChanged``,
``ProfileCompleted``. Answers: nothing.
"""
