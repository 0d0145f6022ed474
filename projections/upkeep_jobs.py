"""What administrators ask for over HTTP of read models, as long as it changes no row that anybody sees.

Whoever acts for one tenant switches, goes back and drops only between equal generations (docs/decisions/0028). A job
whose worker was killed is done again from its beginning.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from application.store import Store
from projections.building import Connect, Told
from projections.generations import Generation, RebuildRefused
from projections.job_runner import JobRefused, Work
from projections.jobs import AnyAct, Job
from projections.models import Projection
from projections.rebuild import GenerationsDiffer
from projections.upkeep import Upkeep, projections_of

Named = Callable[[Job, Sequence[Projection], Told], Awaitable[Mapping[str, Any]]]


class UpkeepJobs:
    """The acts on read models, as work of a `JobRunner`."""

    def __init__(self, *, connect: Connect, store: Store) -> None:
        self._upkeep = Upkeep(connect=connect, store=store)

    @property
    def work(self) -> Mapping[AnyAct, Work]:
        """The work by its act."""
        upkeep = self._upkeep
        return {
            "rebuild": _refusing(lambda _, models, told: _named("live", upkeep.rebuild(models, told))),
            "compare": _refusing(lambda job, models, _: self._compare(job.tenant, models)),
            "switch": _refusing(lambda _, models, __: _named("live", upkeep.switch(models))),
            "rollback": _refusing(lambda _, models, __: _named("live", upkeep.roll_back(models, only_equal=True))),
            "drop": _refusing(lambda _, models, __: _named("dropped", upkeep.drop(models, only_equal=True))),
        }

    async def _compare(self, tenant: str, projections: Sequence[Projection]) -> Mapping[str, Any]:
        compared = await self._upkeep.compare(projections)
        return {
            "compared": [
                {
                    "model": one.model,
                    "generation": one.other,
                    "equal": not one.differences,
                    "differences": _own(one.differences, tenant),
                }
                for one in compared
            ]
        }


def _refusing(act: Named) -> Work:
    """Return an act as work that says in its answer why it was refused."""

    async def work(job: Job, told: Told) -> Mapping[str, Any]:
        try:
            return await act(job, projections_of(job.models), told)
        except GenerationsDiffer as error:
            raise JobRefused("generations_differ", **_differing(error, job.tenant)) from None
        except RebuildRefused as error:
            raise JobRefused("upkeep_refused", detail=str(error)) from None

    return work


async def _named(name: str, doing: Awaitable[Sequence[Generation]]) -> Mapping[str, Any]:
    return {name: [one.schema for one in await doing]}


def _differing(error: GenerationsDiffer, tenant: str) -> dict[str, Any]:
    return {"generation": error.candidate.schema, "differences": _own(error.differences, tenant)}


def _own(differences: Sequence[Any], tenant: str) -> list[dict[str, Any]]:
    """Return the rows that are the tenant's; of others nothing is said but that there is a difference."""
    return [
        {"table": one.table, "only_in": one.only_in, "row": dict(one.row)}
        for one in differences
        if one.row["tenant"] == tenant
    ]
