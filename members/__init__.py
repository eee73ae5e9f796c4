"""Who they are, how they sign in, what they allow.

Owns: User, Member, Consent, Tag, Note, DuplicatePair, Merge. Imports only
``crm.shared``. Publishes: ``MemberJoined``, ``MembersMerged``, ``MergeUndone``.
Opens the socket ``MERGERS``. Answers: nothing.
"""
