"""Entries that people post: one, many, a reversal; and the journal they come to stand in."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from application.commands import Command, Done
from application.ids import ENTRIES, derive
from application.ledger import find_entry, post_entries, post_entries_each, post_entry, reverse_entry
from application.proposals import propose_entry
from domain import ids
from domain.errors import DomainError, Invalid
from domain.four_eyes import SecondPersonNeeded
from domain.ids import EntryId, ProposalId
from domain.ledger.entry import JournalEntry, Posting
from domain.ledger.manual import MAX_POSTINGS, debits
from domain.money import Amount
from interfaces.api.ask import Ask, Asked, answer
from interfaces.api.documented import COMMAND, QUERY, problems
from interfaces.api.fields import (
    AccountPath,
    AssetCode,
    Body,
    Id,
    Kind,
    Metadata,
    Note,
    Reference,
    Shown,
    SignedAmount,
    Time,
)
from interfaces.api.pages import Cursor, Limit, shown
from interfaces.api.problems import refusal_as_problem
from interfaces.api.routes.ledger.shown import EntryPage, ShownEntry, ShownPosting, entry, posted
from interfaces.api.routes.proposed import Proposed, needs_two
from interfaces.api.strict_json import StrictRoute
from projections import journal

router = APIRouter(route_class=StrictRoute, prefix="/api/v1/ledger/entries", tags=["ledger"])

MOST_ENTRIES = 1_000


class PostingBody(Body):
    """One line, debit positive."""

    account: AccountPath
    asset: AssetCode
    amount: SignedAmount


class EntryBody(Body):
    """An entry: its lines add up to zero per asset and realm."""

    kind: Kind
    postings: Annotated[tuple[PostingBody, ...], Field(min_length=2, max_length=MAX_POSTINGS)]
    reference: Reference | None = None
    note: Note = ""
    occurred_at: Time | None = None
    effective_at: Time | None = None
    metadata: Metadata = Field(default_factory=dict)


class BulkBody(Body):
    """Up to a thousand entries under one key: all or none, or, if not `atomic`, each by itself."""

    entries: Annotated[tuple[EntryBody, ...], Field(min_length=1, max_length=MOST_ENTRIES)]
    atomic: bool = True


class ReverseBody(Body):
    """Why, and for which accounting time."""

    note: Note = ""
    effective_at: Time | None = None


class PostedEntry(Shown):
    """An entry as it was posted."""

    id: str
    kind: str
    reference: str
    occurred_at: str
    effective_at: str
    note: str
    metadata: dict[str, str]
    reverses: str | None
    postings: list[ShownPosting]


class Posted(Shown):
    """Where an entry stands in the log; `log_position` is null in a dry run."""

    id: str
    book: str
    log_position: int | None
    entry: PostedEntry


class BulkResult(Shown):
    """What became of one entry."""

    index: int
    id: str | None = None
    problem: dict[str, Any] | None = None


class BulkResults(Shown):
    """What became of each entry, in their order."""

    results: list[BulkResult]


@router.post(
    "",
    operation_id="post_entry",
    status_code=HTTPStatus.CREATED,
    response_model=Posted,
    responses={
        **problems(*COMMAND),
        200: {"model": Posted, "description": "A dry run: nothing was written."},
        202: {"model": Proposed, "description": "It is too large for one person: a second one decides."},
    },
)
async def post(body: EntryBody, ask: Asked, dry_run: Annotated[bool, Query()] = False) -> Response:  # noqa: FBT002 - a query parameter
    """Post an entry. A dry run decides and writes nothing; it needs no key and leaves no receipt."""
    asked = ask.keyless() if dry_run else ask
    made = await _entry(asked, body, EntryId(asked.new_id("entry")))
    command = post_entry(asked.envelope(body), made)
    if dry_run:
        decided = await ask.parts.committer.rehearse(command)
        return answer({**decided, "log_position": None, "entry": posted(made)}, ask.parts.committer.head)
    if _is_large(ask, made):
        if ask.caller.key is not None:
            raise SecondPersonNeeded  # a program is nobody who can be told apart from the second person
        proposal = ProposalId(ask.new_id("proposal"))
        return await ask.submit(propose_entry(ask.envelope(body), made, proposal), status=HTTPStatus.ACCEPTED)
    return await _commit(asked, command, made)


@router.post(
    "/bulk",
    operation_id="post_entries",
    status_code=HTTPStatus.CREATED,
    response_model=BulkResults,
    responses={**problems(*COMMAND), 200: {"model": BulkResults, "description": "Each entry by itself."}},
)
async def post_many(body: BulkBody, ask: Asked) -> Response:
    """Post many entries under one key and one receipt."""
    ids = [EntryId(derive(ENTRIES, ask.new_id("entries"), str(index))) for index in range(len(body.entries))]
    if body.atomic:
        made = [await _numbered(ask, one, index=index, ids=ids) for index, one in enumerate(body.entries)]
        _check_none_large(ask, made)
        return await ask.submit(post_entries(ask.envelope(body), made))
    tried = [await _tried(ask, one, ids[index]) for index, one in enumerate(body.entries)]
    _check_none_large(ask, tried)
    return await ask.submit(post_entries_each(ask.envelope(body), tried), status=HTTPStatus.OK, show=_each)


@router.post(
    "/{id}/reverse",
    operation_id="reverse_entry",
    status_code=HTTPStatus.CREATED,
    response_model=Posted,
    responses=problems(*COMMAND, 404),
)
async def reverse(id: Annotated[Id, Path()], body: ReverseBody, ask: Asked) -> Response:
    """Post the entry that negates another, once. Only for entries that came in here; guards apply."""
    envelope = ask.envelope(body)
    command = await reverse_entry(
        envelope,
        ask.parts.store,
        original=id,
        reversal=EntryId(ask.new_id("entry")),
        effective_at=body.effective_at or envelope.now,
        note=body.note,
    )
    return await _commit(ask, command)


@router.get("", operation_id="list_entries", response_model=EntryPage, responses=problems(*QUERY))
async def list_entries(
    ask: Asked,
    account: Annotated[AccountPath | None, Query()] = None,
    kind: Annotated[Kind | None, Query()] = None,
    reference: Annotated[Reference | None, Query()] = None,
    effective_from: Annotated[Time | None, Query(alias="from")] = None,
    effective_to: Annotated[Time | None, Query(alias="to")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """List entries, newest first; `from` is inclusive and `to` exclusive, by accounting time."""
    async with ask.reading(journal.NAME) as connection:
        page = await journal.list_entries(
            connection,
            account=account,
            kind=kind,
            reference=reference,
            effective_from=effective_from,
            effective_to=effective_to,
            limit=limit,
            cursor=cursor,
        )
    return answer(shown(page, entry), page.log_position)


@router.get("/{id}", operation_id="get_entry", response_model=ShownEntry, responses=problems(*QUERY, 404))
async def get_entry(id: Annotated[Id, Path()], ask: Asked) -> Response:
    """Return one entry."""
    async with ask.reading(journal.NAME) as connection:
        found = await journal.get_entry(connection, id)
    return answer(entry(found.value), found.log_position)


async def _entry(ask: Ask, body: EntryBody, id: EntryId) -> JournalEntry:
    """Make the entry a body describes. Raises what the request alone shows to be wrong (`Invalid`)."""
    postings = []
    for line, one in enumerate(body.postings):
        try:
            asset = await ask.parts.assets.of_account(one.account, one.asset)
            postings.append(Posting(ids.AccountPath(one.account), Amount.parse(one.amount, asset)))
        except Invalid as error:
            error.at = ("postings", line, *(error.at or (_field_of(error),)))
            raise
    now = ask.parts.clock.now()
    return JournalEntry(
        id=id,
        kind=body.kind,
        reference=body.reference or id,
        occurred_at=body.occurred_at or now,
        effective_at=body.effective_at or now,
        postings=tuple(postings),
        note=body.note,
        metadata=body.metadata,
    )


def _is_large(ask: Ask, entry: JournalEntry) -> bool:
    """Tell whether two people post an entry: where its debits in an asset come above what the settings say of it."""
    return needs_two(ask, debits(entry).values())


def _check_none_large(ask: Ask, entries: Sequence[JournalEntry | Invalid]) -> None:
    """Refuse a bulk with an entry that needs a second person: that one is posted alone."""
    for index, one in enumerate(entries):
        if isinstance(one, JournalEntry) and _is_large(ask, one):
            raise SecondPersonNeeded(at=("entries", index))


def _field_of(error: Invalid) -> str:
    return {"unknown_asset": "asset", "unknown_account": "account"}.get(error.code, "amount")


async def _numbered(ask: Ask, body: EntryBody, *, index: int, ids: list[EntryId]) -> JournalEntry:
    try:
        return await _entry(ask, body, ids[index])
    except DomainError as error:
        error.at = ("entries", index, *error.at)
        raise


async def _tried(ask: Ask, body: EntryBody, id: EntryId) -> JournalEntry | Invalid:
    try:
        return await _entry(ask, body, id)
    except Invalid as error:
        return error


async def _commit(ask: Ask, command: Command, made: JournalEntry | None = None) -> Response:
    """Submit, and show the entry that the log holds: `made` if this very request was the first to make it."""
    done = await ask.parts.committer.submit(command)
    body = done.accepted()
    if made is None or done.replayed:
        made = await find_entry(ask.parts.store, ask.caller.tenant, str(body["id"]))
    return ask.answered(done, {**body, "log_position": done.receipt.last_log_position, "entry": posted(made)})


def _each(done: Done) -> dict[str, Any]:
    return {"results": [_result(result) for result in done.body["results"]]}


def _result(result: dict[str, Any]) -> dict[str, Any]:
    return {**result, "problem": refusal_as_problem(result["problem"])} if "problem" in result else result
