"""Who they are, how they sign in, what they allow.

Owns: User, Member, Consent, ConsentText, ConsentRequest, Invitation, Tag, Note.
Imports only ``crm.shared``.
Publishes: ``MemberJoined``, ``ConsentRequested``, ``InvitationAccepted``.
Answers: nothing.
"""
