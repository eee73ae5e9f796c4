import pytest

from orders.rules.codes import code_of


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("小满", "xiaoman"),
        ("Levi's", "levi-s"),
        ("小满 Home", "xiaoman-home"),
        ("Ünique", "unique"),
        ("!!!", ""),
        ("Ω", ""),
        ("x" * 99, "x" * 40),
    ],
)
def test_a_code_can_be_read(name, code):
    assert code_of(name) == code
