"""An outside fact is compared with what we know before it changes anything: only what fits is believed.

Errors here are refusals: a policy that meets one writes it down, and a person looks.
"""

from dataclasses import dataclass
from typing import ClassVar

from domain.errors import Refused
from domain.money import Amount
from domain.payments import BalanceMovement


@dataclass(kw_only=True, eq=False)
class FactMismatch(Refused):
    """The provider says something else than we know: another tenant, object, amount, asset or outcome."""

    code: ClassVar[str] = "fact_mismatch"
    sentence: ClassVar[str] = "The provider's fact does not fit what is on record."
    field: str
    known: str
    said: str


def expect(**pairs: tuple[object, object]) -> None:
    """Compare what is known with what is said, by field. Raises `FactMismatch` for the first that differs."""
    for field, (known, said) in pairs.items():
        if known != said:
            raise FactMismatch(field=field, known=f"{known}", said=f"{said}")


def expect_movement(movement: BalanceMovement, gross: Amount) -> None:
    """Check a line of the provider's account against the amount it is for. Raises `FactMismatch`.

    In the same asset it has the same gross; in another it has some. A fee is in the asset of what was settled.
    """
    if movement.settled.asset == gross.asset:
        expect(settled=(gross, movement.settled))
    if movement.settled.units <= 0:
        raise FactMismatch(field="settled", known="above zero", said=f"{movement.settled}")
    if movement.fee.asset != movement.settled.asset or movement.fee.units < 0:
        raise FactMismatch(
            field="fee", known=f"not below zero, in {movement.settled.asset.code}", said=f"{movement.fee}"
        )
