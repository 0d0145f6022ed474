"""Files by which the bank pays: made once from what is approved and unsent, and read as often as need be."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Response

from application.payout_files import MOST_PAYMENTS, make_payout_file
from domain.ids import PayoutFileId
from interfaces.api.ask import Asked, answer
from interfaces.api.documented import COMMAND, QUERY, problems
from interfaces.api.fields import AssetCode, Body, Id, Shown, ShownMoney
from interfaces.api.pages import Cursor, Limit, shown
from interfaces.api.strict_json import StrictRoute
from interfaces.payout_file import write_payout_file
from projections import withdrawals

router = APIRouter(route_class=StrictRoute, prefix="/api/v1/admin/payout-files", tags=["withdrawals"])


class PayoutFileBody(Body):
    """The asset that the bank shall pay."""

    asset: AssetCode


class MadePayoutFile(Shown):
    """A file for the bank; `total` is its control total."""

    id: str
    payments: int
    total: ShownMoney


class ShownPayoutFile(MadePayoutFile):
    """A file for the bank, and who made it."""

    made_by: str
    made_at: datetime
    log_position: int


class PayoutFilePage(Shown):
    """A page of files for the bank."""

    items: list[ShownPayoutFile]
    next_cursor: str | None


@router.post(
    "",
    operation_id="make_payout_file",
    status_code=HTTPStatus.CREATED,
    response_model=MadePayoutFile,
    responses=problems(*COMMAND),
)
async def make(body: PayoutFileBody, ask: Asked) -> Response:
    """Put all approved withdrawals in an asset that are in no file yet into a new one."""
    envelope = ask.envelope(body)
    async with ask.reading(withdrawals.NAME) as database:
        waiting = await withdrawals.list_to_send(database, body.asset, limit=MOST_PAYMENTS)
    file = PayoutFileId(ask.new_id("payout_file"))
    return await ask.submit(make_payout_file(envelope, file, asset=body.asset, waiting=waiting))


@router.get("", operation_id="list_payout_files", response_model=PayoutFilePage, responses=problems(*QUERY))
async def list_payout_files(ask: Asked, limit: Limit = 100, cursor: Cursor = None) -> Response:
    """List files for the bank, newest first."""
    async with ask.reading(withdrawals.NAME) as database:
        page = await withdrawals.list_payout_files(database, limit=limit, cursor=cursor)
    return answer(shown(page), page.log_position)


@router.get(
    "/{id}",
    operation_id="get_payout_file",
    response_class=Response,
    responses={
        **problems(*QUERY, 404),
        200: {"content": {"text/csv": {}}, "description": "What the bank shall pay, with a control line."},
    },
)
async def get(id: Annotated[Id, Path()], ask: Asked) -> Response:
    """Return a file for the bank, as often as somebody asks."""
    written = await write_payout_file(ask.parts.committer, ask.parts.destinations, tenant=ask.caller.tenant, file=id)
    headers = {
        "X-Log-Position": str(ask.parts.committer.head),
        "Content-Disposition": f'attachment; filename="{written.name}"',
        "Cache-Control": "no-store",
    }
    return Response(written.text, media_type="text/csv", headers=headers)
