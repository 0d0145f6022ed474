"""One wrong digit is found in every kind of destination, and no sentence about it repeats what was typed."""

from collections.abc import Callable

import pytest

from interfaces.destinations import (
    NETWORKS,
    PIX_KEYS,
    check_bic,
    check_cnpj,
    check_cpf,
    check_iban,
    check_routing_number,
    check_tax_id,
    hint,
)

ETHEREUM = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
SEGWIT = "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4"
TAPROOT = "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"

RIGHT = [
    (check_iban, "GB82 WEST 1234 5698 7654 32", "GB82WEST12345698765432"),
    (check_iban, "de89370400440532013000", "DE89370400440532013000"),
    (check_bic, "DEUTDEFF", "DEUTDEFF"),
    (check_cpf, "390.533.447-05", "39053344705"),
    (check_cnpj, "16.727.230/0001-97", "16727230000197"),
    (check_tax_id, "390.533.447-05", "39053344705"),
    (check_tax_id, "16.727.230/0001-97", "16727230000197"),
    (check_routing_number, "111000025", "111000025"),
    (PIX_KEYS["email"], "Ana@Example.com", "ana@example.com"),
    (PIX_KEYS["phone"], "+55 (11) 98765-4321", "+5511987654321"),
    (PIX_KEYS["random"], "123E4567-E89B-42D3-A456-426614174000", "123e4567-e89b-42d3-a456-426614174000"),
    (NETWORKS["bitcoin"], "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
    (NETWORKS["bitcoin"], "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy", "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy"),
    (NETWORKS["bitcoin"], SEGWIT, SEGWIT.lower()),
    (NETWORKS["ethereum"], ETHEREUM, ETHEREUM),
]

WRONG = [
    (check_iban, "GB82 WEST 1234 5698 7654 33"),
    (check_iban, "GB82 WEST 1234 5698 7654"),
    (check_bic, "DEUTDE"),
    (check_cpf, "390.533.447-06"),
    (check_cnpj, "16.727.230/0001-98"),
    (check_tax_id, "123"),
    (check_routing_number, "111000026"),
    (PIX_KEYS["cpf"], "16727230000197"),
    (PIX_KEYS["email"], "ana@example"),
    (PIX_KEYS["phone"], "+1 212 555 0100"),
    (PIX_KEYS["random"], "not a key at all"),
    (NETWORKS["bitcoin"], "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb"),
    (NETWORKS["bitcoin"], SEGWIT.replace("W508", "W509")),
    (NETWORKS["bitcoin"], TAPROOT),
    (NETWORKS["bitcoin"], ETHEREUM),
    (NETWORKS["ethereum"], ETHEREUM.replace("B", "b")),
    (NETWORKS["ethereum"], ETHEREUM.lower()),
    (NETWORKS["ethereum"], ETHEREUM[:-1]),
]


@pytest.mark.parametrize(("check", "text", "kept"), RIGHT)
def test_what_is_right_is_kept_in_one_form(check: Callable[[str], str], text: str, kept: str) -> None:
    assert check(text) == kept
    assert check(kept) == kept


@pytest.mark.parametrize(("check", "text"), WRONG)
def test_what_is_wrong_is_refused_without_being_repeated(check: Callable[[str], str], text: str) -> None:
    with pytest.raises(ValueError, match="must be") as raised:
        check(text)
    assert text not in str(raised.value)
    assert raised.value.__cause__ is None


def test_an_owner_is_shown_the_last_signs_only() -> None:
    assert hint("iban", {"holder": "Ana", "iban": "GB82WEST12345698765432"}) == "…5432"
    assert hint("iban", None) is None
