"""Doors to other houses' identities: WeChat and Alipay, in the words of django-allauth.

``outbound`` asks, ``wechat`` and ``alipay`` know whom and how, ``base`` is what allauth
sees of both, ``adapter`` brings what they prove to ``members.services.recognising``.
"""
