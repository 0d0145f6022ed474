"""What makes a destination well-formed: check digits and checksums, by the libraries that know them.

Each check takes a text and returns it as it is kept, or raises ValueError with a sentence that never repeats the text.
That an account exists, and whose it is, nobody can tell from its number.
"""

import re
import uuid
from collections.abc import Callable
from types import ModuleType

from stdnum import bic, bitcoin, iban
from stdnum.br import cnpj, cpf
from stdnum.exceptions import ValidationError
from stdnum.us import rtn

SHOWN = 4
"""How many signs of an account number, key or address its owner is shown, so as to tell one from another."""
_MAIN = {"bank": "account", "iban": "iban", "pix": "key", "crypto": "address"}
_EMAIL = re.compile(r"[A-Za-z0-9][^@\s]{0,63}@[^@\s.]+(\.[^@\s.]+)+")
_PHONE = re.compile(r"\+55[1-9][0-9]{9,10}")


def check_iban(text: str) -> str:
    """Check an IBAN's length, form and check digits (ISO 13616)."""
    return _checked(iban, text, "must be an IBAN with right check digits")


def check_bic(text: str) -> str:
    """Check the form of a bank's BIC (ISO 9362)."""
    return _checked(bic, text, "must be a BIC")


def check_cpf(text: str) -> str:
    """Check a Brazilian person's tax number."""
    return _checked(cpf, text, "must be a CPF with right check digits")


def check_cnpj(text: str) -> str:
    """Check a Brazilian company's tax number."""
    return _checked(cnpj, text, "must be a CNPJ with right check digits")


def check_tax_id(text: str) -> str:
    """Check a Brazilian tax number, a person's or a company's."""
    if cpf.is_valid(text) or cnpj.is_valid(text):
        return str((cpf if cpf.is_valid(text) else cnpj).compact(text))
    raise ValueError("must be a CPF or CNPJ with right check digits")


def check_routing_number(text: str) -> str:
    """Check the routing number of a bank in the United States (ABA)."""
    return _checked(rtn, text, "must be a routing number with a right check digit")


def check_bitcoin(text: str) -> str:
    """Check an address of Bitcoin's main network: Base58Check, or Bech32 of witness version 0 (BIP 173).

    Later versions (Taproot) have a checksum of another kind, which the library does not know: they are refused.
    """
    found = _checked(bitcoin, text, "must be an address of Bitcoin with a right checksum")
    if found.startswith("bc1") and not found.startswith("bc1q"):
        raise ValueError("must be an address of Bitcoin of another kind than Taproot")
    return found


def check_ethereum(text: str) -> str:
    """Check an address of Ethereum by the checksum in its capital letters (EIP-55); one without it is refused."""
    from eth_utils.address import is_checksum_address  # noqa: PLC0415 - it brings half of Ethereum's tools with it

    if not is_checksum_address(text):
        raise ValueError("must be an address of Ethereum with the checksum in its capital letters")
    return text


def _check_email(text: str) -> str:
    if _EMAIL.fullmatch(text) is None:
        raise ValueError("must be an e-mail address")
    return text.lower()


def _check_phone(text: str) -> str:
    found = re.sub(r"[\s()-]", "", text)
    if _PHONE.fullmatch(found) is None:
        raise ValueError("must be a Brazilian telephone number that begins with +55")
    return found


def _check_random(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise ValueError("must be a random Pix key, a UUID") from None


PIX_KEYS: dict[str, Callable[[str], str]] = {
    "cpf": check_cpf,
    "cnpj": check_cnpj,
    "email": _check_email,
    "phone": _check_phone,
    "random": _check_random,
}
"""Kinds of Pix keys, and how each is checked."""

NETWORKS: dict[str, Callable[[str], str]] = {"bitcoin": check_bitcoin, "ethereum": check_ethereum}
"""Networks that coins are sent over, and how an address of each is checked."""


def hint(kind: str, particulars: dict[str, str] | None) -> str | None:
    """Return the last signs of a destination's number, None where the person is erased."""
    return None if particulars is None else f"…{particulars[_MAIN[kind]][-SHOWN:]}"


def _checked(module: ModuleType, text: str, sentence: str) -> str:
    try:
        return str(module.validate(text))
    except ValidationError:
        raise ValueError(sentence) from None
