"""How routes ask for work of a worker: a job of the caller's tenant, the same one for the same key."""

from collections.abc import Sequence
from http import HTTPStatus

from application.commands import KeyReused
from interfaces.api.ask import Ask
from interfaces.api.problems import Problem
from interfaces.jobs import put_down
from projections.jobs import AnotherJob, AnyAct, Job, JobUnderWay, find_job


async def ask_for_job(
    ask: Ask, act: AnyAct, *, models: Sequence[str] = (), first: int = 1, last: int | None = None
) -> Job:
    """Ask for a job. Raises `KeyReused`, and a `Problem` while another one is under way."""
    asked, by = ask.keyless(), ask.caller
    try:
        return await put_down(
            asked.parts.queries,
            asked.new_id("job"),
            tenant=by.tenant,
            asked_by=by.user,
            act=act,
            models=models,
            first=first,
            last=last,
        )
    except AnotherJob:
        raise KeyReused(key=asked.key or "") from None
    except JobUnderWay:
        detail = "Another verification, or work on read models, is under way: a worker does one at a time."
        raise Problem(HTTPStatus.CONFLICT, "job_under_way", detail) from None


async def find_own(ask: Ask, job: str, *, is_verification: bool) -> Job | None:
    """Return a job of the caller's tenant, if it is of the kind that is asked for."""
    async with ask.reading() as connection:
        found = await find_job(connection, job)
    return found if found is not None and (found.act == "verify") == is_verification else None
