"""Who they are, how they sign in, what they allow.

Owns: User, Member and what describes one, Consent, Invitation, DuplicatePair, Merge,
DataExport, Erasure. Imports only ``crm.shared``. Publishes: ``MemberJoined``,
``MemberStateChanged``, ``ProfileCompleted``, ``ConsentRequested``, ``MembersMerged``,
``MemberErased`` and others of ``members.events``. Opens the sockets ``MERGERS``,
``PERSONAL_DATA`` and ``INSTRUMENT_VERIFIERS``. Answers: nothing.
"""
