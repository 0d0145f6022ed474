"""Proof of liabilities: the caller's own branch of the last tree of what is owed, to be checked without us."""

from fastapi import APIRouter, Response

from application.evidence.liability_cuts import get_branch
from interfaces.api.ask import Asked, answer
from interfaces.api.documented import QUERY, problems
from interfaces.api.fields import Shown, ShownMoney
from interfaces.api.strict_json import StrictRoute
from projections.reading import NotReached

router = APIRouter(route_class=StrictRoute, prefix="/api/v1", tags=["proofs"])


class Neighbour(Shown):
    """A part of the tree beside the caller's: its hash, and what is owed below it."""

    hash: str
    amounts: list[ShownMoney]


class TenantsNeighbour(Shown):
    """A part of the tree of tenants that is not empty, and at which of its 64 levels."""

    level: int
    hash: str


class LiabilityProof(Shown):
    """What docs/check_liabilities.py checks: amounts with all decimals, hashes and nonce in hexadecimal digits."""

    proves: str
    tenant: str
    user: str
    log_position: int
    nonce: str
    amounts: list[ShownMoney]
    index: int
    size: int
    path: list[Neighbour]
    tenants_path: list[TenantsNeighbour]
    checkpoint: str
    key: str


@router.get(
    "/proofs/liabilities",
    operation_id="get_liability_proof",
    response_model=LiabilityProof,
    responses=problems(*QUERY, 404),
)
async def get_liability_proof(ask: Asked) -> Response:
    """Return the caller's own branch of the last tree of what is owed to users, up to the signature over it."""
    async with ask.reading() as connection:
        branch = await get_branch(connection, ask.parts.nonces, tenant=ask.caller.tenant, user=ask.caller.user)
    if branch.log_position < (ask.min_log_position or 0):
        raise NotReached(f"the last tree of liabilities is of {branch.log_position}")
    return answer(branch.data, branch.log_position)
