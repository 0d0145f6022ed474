"""Destinations of withdrawals, for their owner only: added with particulars, listed by their last signs, removed."""

from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Path, Response
from pydantic import AfterValidator, Field, model_validator

from application import destinations as use_cases
from application import streams
from domain.destinations import AddDestination, Kind, RemoveDestination
from domain.ids import DestinationId, SubjectId
from interfaces.api.ask import Asked, answer
from interfaces.api.documented import COMMAND, QUERY, problems
from interfaces.api.fields import AssetCode, Body, Id, Shown, Time
from interfaces.api.pages import Cursor, Limit, plain
from interfaces.api.step_up import SteppedUp
from interfaces.api.strict_json import StrictRoute
from interfaces.destinations import (
    NETWORKS,
    PIX_KEYS,
    check_bic,
    check_iban,
    check_routing_number,
    check_tax_id,
    hint,
)
from projections import destinations

router = APIRouter(route_class=StrictRoute, prefix="/api/v1/destinations", tags=["withdrawals"])

_PRINTABLE = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"
_COINS_OF = {"bitcoin": {"BTC"}, "ethereum": {"ETH", "USDT", "USDC"}}
Holder = Annotated[str, Field(min_length=1, max_length=140, pattern=_PRINTABLE, examples=["Ana Souza"])]
Code = Annotated[str, Field(min_length=1, max_length=34, pattern=r"^[A-Za-z0-9][A-Za-z0-9-]*$")]


class _Particulars(Body):
    """What every destination has."""

    @property
    def particulars(self) -> dict[str, str]:
        """Return what goes to the vault: all texts but those that the fact holds."""
        return self.model_dump(exclude={"kind", "asset"}, exclude_none=True)


class IbanBody(_Particulars):
    """An account by its IBAN."""

    kind: Literal["iban"]
    asset: AssetCode
    holder: Holder
    iban: Annotated[str, Field(max_length=64, examples=["GB82WEST12345698765432"]), AfterValidator(check_iban)]
    bic: Annotated[str, Field(max_length=16), AfterValidator(check_bic)] | None = None


class PixBody(_Particulars):
    """A Pix key with the tax number of its holder."""

    kind: Literal["pix"]
    asset: Literal["BRL"]
    holder: Holder
    tax_id: Annotated[str, Field(max_length=20, examples=["390.533.447-05"]), AfterValidator(check_tax_id)]
    key_type: Literal["cpf", "cnpj", "email", "phone", "random"]
    key: Annotated[str, Field(max_length=100)]

    @model_validator(mode="after")
    def _key_is_of_its_type(self) -> Self:
        object.__setattr__(self, "key", PIX_KEYS[self.key_type](self.key))
        return self


class BankBody(_Particulars):
    """An account by bank, branch and number: with a tax number in Brazil, a routing number in the United States."""

    kind: Literal["bank"]
    asset: AssetCode
    holder: Holder
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$", examples=["BR"])]
    bank: Code
    branch: Code | None = None
    account: Code
    tax_id: Annotated[str, Field(max_length=20), AfterValidator(check_tax_id)] | None = None

    @model_validator(mode="after")
    def _has_what_its_country_asks_for(self) -> Self:
        if self.country == "BR" and (self.tax_id is None or self.branch is None):
            raise ValueError("an account in Brazil has a branch and the tax_id of its holder")
        if self.country == "US":
            check_routing_number(self.bank)
        return self


class CryptoBody(_Particulars):
    """An address on a network."""

    kind: Literal["crypto"]
    asset: AssetCode
    network: Literal["bitcoin", "ethereum"]
    address: Annotated[str, Field(max_length=100)]

    @model_validator(mode="after")
    def _address_is_of_its_network(self) -> Self:
        if self.asset not in _COINS_OF[self.network]:
            raise ValueError("the network does not carry this asset")
        object.__setattr__(self, "address", NETWORKS[self.network](self.address))
        return self


DestinationBody = Annotated[IbanBody | PixBody | BankBody | CryptoBody, Field(discriminator="kind")]


class AddedDestination(Shown):
    """A destination that cools down until it may be used."""

    id: str
    usable_from: Time


class ShownDestination(Shown):
    """A destination; `hint` is the end of its number, null for an erased person."""

    id: str
    kind: str
    asset: str
    hint: str | None
    added_at: Time
    usable_from: Time
    log_position: int


class DestinationPage(Shown):
    """A page of destinations."""

    items: list[ShownDestination]
    next_cursor: str | None


class RemovedDestination(Shown):
    """A destination that is out of use."""

    id: str


@router.post(
    "",
    operation_id="add_destination",
    status_code=HTTPStatus.CREATED,
    response_model=AddedDestination,
    responses=problems(*COMMAND),
)
async def add(body: DestinationBody, ask: SteppedUp) -> Response:
    """Add a destination, after a step-up. Its particulars go to the vault first, so that no fact ever holds them."""
    envelope = ask.envelope(body)
    await ask.parts.assets.find(body.asset)
    id = DestinationId(ask.new_id("destination"))
    stream, owner = streams.destination(ask.caller.tenant, id), SubjectId(ask.caller.user)
    await ask.parts.destinations.put_destination(
        ask.caller.tenant, id, owner=owner, stream=stream, particulars=body.particulars
    )
    cooling = timedelta(seconds=ask.parts.settings.destination_cooling_s)
    destination = AddDestination(
        destination=id,
        user=ask.caller.user,
        kind=Kind(body.kind),
        asset=body.asset,
        occurred_at=envelope.now,
        usable_from=envelope.now + cooling,
    )
    return await ask.submit(use_cases.add_destination(envelope, destination))


@router.get("", operation_id="list_destinations", response_model=DestinationPage, responses=problems(*QUERY))
async def list_destinations(ask: Asked, limit: Limit = 100, cursor: Cursor = None) -> Response:
    """List the caller's destinations in the order in which they were added."""
    async with ask.reading(destinations.NAME) as database:
        page = await destinations.list_destinations(database, user=ask.caller.user, limit=limit, cursor=cursor)
    ids = [DestinationId(one.id) for one in page.items]
    known = await ask.parts.destinations.get_destinations(ask.caller.tenant, ids)
    items = [_shown(one, known.get(DestinationId(one.id))) for one in page.items]
    return answer({"items": items, "next_cursor": page.next_cursor}, page.log_position)


@router.delete(
    "/{id}",
    operation_id="remove_destination",
    response_model=RemovedDestination,
    responses=problems(*COMMAND, 404),
)
async def remove(id: Annotated[Id, Path()], ask: SteppedUp) -> Response:
    """Take a destination out of use, after a step-up. Withdrawals that were asked for before are paid all the same."""
    asked = ask.keyless()
    envelope = asked.envelope()
    command = RemoveDestination(user=ask.caller.user, occurred_at=envelope.now)
    use_case = use_cases.remove_destination(envelope, DestinationId(id), command)
    return await asked.submit(use_case, status=HTTPStatus.OK)


def _shown(one: destinations.Destination, particulars: dict[str, str] | None) -> dict[str, Any]:
    columns = plain(one)
    del columns["user"]
    return {**columns, "hint": hint(one.kind, particulars)}
