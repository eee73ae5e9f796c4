"""How members sign in, in the words of django-allauth.

The address or phone a person types is replaced by its alias before allauth sees it,
so no table, session or rate limit of allauth ever holds it
(docs/adr/0006-sign-in-identifiers.md, docs/adr/0018-signing-in.md).
"""
