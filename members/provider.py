"""Where allauth looks for our providers. They live in ``members.providers``."""

from members.providers.alipay import AlipayProvider
from members.providers.wechat import WeChatProvider

provider_classes = [WeChatProvider, AlipayProvider]
