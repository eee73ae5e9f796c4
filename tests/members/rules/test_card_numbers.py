import pytest
from hypothesis import given
from hypothesis import strategies as st

from members.rules.card_numbers import looks_like_card_number

#: Numbers that networks publish for tests.
CARDS = [
    "4242424242424242",  # Visa
    "4222222222222",  # Visa, 13 digits
    "5555555555554444",  # Mastercard
    "2223003122003222",  # Mastercard, newer range
    "378282246310005",  # American Express
    "3530111333300000",  # JCB
    "30569309025904",  # Diners
    "6011111111111117",  # Discover
    "6240008631401148",  # UnionPay
    "6205500000000000004",  # UnionPay, 19 digits
]


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize(
    "written",
    ["{}", "tok_{}", "pan={};", "visa {} exp 12/30", "0_{}", "1-{}", "{}-123"],
)
def test_card_numbers_are_seen_wherever_they_stand(card, written):
    assert looks_like_card_number(written.format(card))


@pytest.mark.parametrize(
    "text",
    [
        "4242 4242 4242 4242",
        "4242-4242-4242-4242",
        "4242.4242/4242_4242",
        "4242 4242 4242 4242",
        "4242424242424242",
        "٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢",
    ],
)
def test_card_numbers_are_seen_however_they_are_written(text):
    assert looks_like_card_number(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4242",
        "4242424242424241",  # wrong check digit
        "0000000000000000",
        "2088102150477652",  # a user of Alipay
        "1234567812345670",  # good check digit, no network
        "13800001234",
        "tok_1NirD82eZvKYlo2CIvbtLWuY",
        "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
        "4200001234202611211234567890",  # WeChat Pay, 28 digits
    ],
)
def test_other_texts_are_none(text):
    assert not looks_like_card_number(text)


@given(st.sampled_from(CARDS), st.integers(0, 18), st.integers(1, 9))
def test_one_wrong_digit_makes_it_none(card, place, shift):
    place %= len(card)
    if place == 0:
        return  # Another first digit is another network, or none.
    wrong = str((int(card[place]) + shift) % 10)
    assert not looks_like_card_number(card[:place] + wrong + card[place + 1 :])


@given(st.text(max_size=300))
def test_any_text_has_an_answer(text):
    assert looks_like_card_number(text) in {True, False}
