import pytest

from orders.providers.configuration import AlipayAccount
from tests.members.providers.servers import make_key, private_pem, public_pem
from tests.orders.providers.servers import APP, SELLER, AlipayPayServer


@pytest.fixture(scope="session")
def shop_key():
    return make_key()


@pytest.fixture
def alipay(settings, shop_key):
    with AlipayPayServer(shop_key.public_key()) as server:
        settings.ALIPAY_PAYMENTS = AlipayAccount(
            app_id=APP,
            seller_id=SELLER,
            private_key=private_pem(shop_key),
            public_key=public_pem(server.key),
            api=server.url,
        )
        yield server
