"""The worker process: read models, policies, the clock, execution and snapshots, each role in a task of its own.

A role that fails is logged, reported and started again after a pause; it never takes another with it. Who may write
what is decided by cursors and base versions, not by which worker runs.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import structlog
from psycopg import InterfaceError, OperationalError

from application.committer import Committer
from application.evidence.follower import Evidence, Liabilities
from application.open_withdrawals import OpenWithdrawalsOf
from application.policies.clock import run_clock
from application.policies.execution import Execution
from application.policies.payments import AT_ONCE, PaymentsPolicy
from application.policies.runner import Policy, PolicyRunner
from application.policies.timers import TimersPolicy, run_timers
from application.policies.waiting import Waiting
from application.ports import Clock, Payments
from application.provider_facts import Home
from application.snapshots import Snapshots
from application.store import Connection, Store, speak_hex_ids
from application.tasks import end
from application.wakeup import Wakeup
from interfaces.audit.notary import load_notary
from interfaces.audit.runs import VerificationRuns
from interfaces.clock import SystemClock
from interfaces.epochs import Gate
from interfaces.exchanges.paper import PaperVenue
from interfaces.finance.schedule import FinanceBuilds
from interfaces.mail.postman import Postman, mail_server
from interfaces.payments.providers import open_providers
from interfaces.payments.sandbox import NAME as SANDBOX
from interfaces.payments.sandbox_sender import SandboxSender
from interfaces.postgres.configuration import Urls
from interfaces.postgres.connections import Pool, connect, pool
from interfaces.postgres.vault import PostgresVault
from interfaces.postgres.vault_api_keys import PostgresApiKeys
from interfaces.postgres.vault_crypto import VaultKeys, load_master_key
from interfaces.postgres.vault_destinations import PostgresDestinations
from interfaces.postgres.vault_post import PostgresPost
from interfaces.postgres.vault_sessions import PostgresSessions, Terms
from interfaces.settings import Settings
from interfaces.sweeping import Sweeper
from projections.job_runner import JobRunner
from projections.jobs import VERIFY
from projections.reports import Report, write_reports
from projections.runner import ProjectionRunner
from projections.upkeep_jobs import UpkeepJobs
from projections.waiting import WaitingThere

log = structlog.get_logger()

ROLES = ("projections", "policies", "clock", "execution", "snapshots", "evidence", "finance")
RESTART_S = 1.0
REPORT_S = 1.0
STEADY_S = 10.0

Run = Callable[[], Awaitable[None]]


@dataclass(slots=True)
class Role:
    """A part of the worker: what it runs, how far it is, which outcome it waits to learn, and why it stopped last."""

    name: str
    run: Run
    kind: Literal["role", "policy"] = "role"
    log_position: Callable[[], int] = lambda: 0
    unknown: Callable[[], str | None] = lambda: None
    error: str | None = None
    failed_at: float = 0.0

    @property
    def has_stopped(self) -> bool:
        """Say whether it failed and has not run steadily since."""
        return self.error is not None and time.monotonic() - self.failed_at < STEADY_S


class UnknownRole(Exception):
    """A worker has no such role."""


async def serve_worker(settings: Settings, urls: Urls, *, roles: Sequence[str], stop: asyncio.Event) -> None:
    """Run the roles until `stop` is set. Raises `UnknownRole`."""
    unknown = set(roles) - set(ROLES)
    if unknown:
        raise UnknownRole(f"A worker has no role {', '.join(sorted(unknown))}; it has {', '.join(ROLES)}.")
    async with AsyncExitStack() as stack:
        parts = await _open(settings, urls, stack)
        made = parts.make(roles)
        gate = Gate(parts.pool)
        reports = Role("reports", lambda: _keep_reporting(parts.pool, made, gate))
        working = asyncio.create_task(_keep_working(made, gate), name="working")
        reporting = asyncio.create_task(_keep_running(reports), name="reports")
        log.info("worker.running", roles=list(roles))
        await stop.wait()
        await end(working, reporting)


@dataclass(slots=True)
class _Parts:
    """What the roles are made of."""

    settings: Settings
    urls: Urls
    pool: Pool
    projector_pool: Pool
    committer: Committer
    wakeup: Wakeup
    keys: VaultKeys
    providers: Mapping[str, Payments]

    def make(self, names: Sequence[str]) -> list[Role]:
        """Return the roles that were asked for."""
        makers: Mapping[str, Callable[[], list[Role]]] = {
            "projections": self._projections,
            "policies": self._policies,
            "clock": self._clock,
            "execution": self._execution,
            "snapshots": self._snapshots,
            "evidence": self._evidence,
            "finance": self._finance,
        }
        return [role for name in names for role in makers[name]()]

    def _projections(self) -> list[Role]:
        async def connecting() -> Connection:
            return await connect(self.urls.projector, name="lastro-projections")

        runner = ProjectionRunner(connect=connecting, store=Store(self.projector_pool), wakeup=self.wakeup)
        upkeep = UpkeepJobs(connect=connecting, store=Store(self.projector_pool))
        runs = VerificationRuns(self.settings, url=self.urls.projector)
        jobs = JobRunner(connect=connecting, work={**upkeep.work, VERIFY: runs.verify})
        return [Role("projections", runner.run), Role("upkeep", jobs.run)]

    def _policies(self) -> list[Role]:
        """Every policy follows the log in a role of its own: one that stops leaves the others running."""
        settings, clock = self.settings, SystemClock()
        home = Home(tenant=settings.home_tenant, bank=settings.home_bank)
        open_withdrawals = OpenWithdrawalsOf(self.committer)
        settling = PaymentsPolicy(
            committer=self.committer,
            providers=self.providers,
            clock=clock,
            home=home,
            open_withdrawals=open_withdrawals,
        )
        waiting = Waiting(
            committer=self.committer,
            providers=self.providers,
            clock=clock,
            home=home,
            open_withdrawals=open_withdrawals,
            find=WaitingThere(self.projector_pool),
        )
        following = [self._following(settling, at_once=AT_ONCE), self._following(TimersPolicy(clock))]
        return [*following, Role("waiting", waiting.run), *self._sandbox()]

    def _sandbox(self) -> list[Role]:
        if not self.settings.has_sandbox:
            return []
        url = f"http://{self.settings.api_host}:{self.settings.api_port}/api/v1/webhooks/{SANDBOX}"
        return [Role("sandbox", SandboxSender(self.pool, url=url, secret=self.keys.sandbox).run)]

    def _clock(self) -> list[Role]:
        clock = SystemClock()
        return [
            Role("clock", lambda: run_clock(self.committer, clock)),
            Role("timers", lambda: run_timers(self.committer, Store(self.pool), clock)),
            Role("sweeper", self._sweeper(clock).run),
            *self._post(clock),
        ]

    def _post(self, clock: Clock) -> list[Role]:
        server = mail_server(self.settings)
        if server is None:
            return []
        retry, patience = (
            timedelta(seconds=self.settings.smtp_retry_s),
            timedelta(seconds=self.settings.smtp_patience_s),
        )
        post = PostgresPost(self.pool, self.keys, clock, retry=retry, patience=patience)
        return [Role("post", Postman(post, server).run)]

    def _sweeper(self, clock: Clock) -> Sweeper:
        source, keys = self.pool, self.keys
        return Sweeper(
            pool=source,
            vault=PostgresVault(source, keys, clock),
            destinations=PostgresDestinations(source, keys, clock),
            api_keys=PostgresApiKeys(source, keys, clock),
            sessions=PostgresSessions(source, keys, clock, terms=Terms.of(self.settings)),
        )

    def _execution(self) -> list[Role]:
        exchanges = {"paper": PaperVenue.from_settings(self.settings)}
        return [self._following(Execution(committer=self.committer, exchanges=exchanges, clock=SystemClock()))]

    def _following(self, policy: Policy, *, at_once: int = 1) -> Role:
        runner = PolicyRunner(
            policy,
            store=Store(self.pool),
            committer=self.committer,
            pool=self.pool,
            wakeup=self.wakeup,
            at_once=at_once,
        )
        return Role(
            policy.name,
            runner.run,
            kind="policy",
            log_position=lambda: runner.progress.log_position,
            unknown=lambda: runner.progress.unknown,
        )

    def _snapshots(self) -> list[Role]:
        snapshots = Snapshots(store=Store(self.pool), pool=self.pool, every=self.settings.snapshot_every_events)

        async def run() -> None:
            await snapshots.run(await Store(self.pool).head())

        return [Role("snapshots", run)]

    def _finance(self) -> list[Role]:
        if self.urls.finance is None:
            return []
        every = timedelta(seconds=self.settings.finance_every_s)
        builds = FinanceBuilds(self.pool, data=self.settings.data, every=every)
        return [Role("finance", builds.run, log_position=lambda: builds.log_position)]

    def _evidence(self) -> list[Role]:
        settings = self.settings
        following = Evidence(
            pool=self.pool,
            notary=load_notary(settings.evidence_key, create=settings.is_embedded),
            clock=SystemClock(),
            every_events=settings.evidence_every_events,
            every_s=settings.evidence_every_s,
            liabilities=Liabilities(nonces=self.keys, every_s=settings.liabilities_every_s),
        )
        return [Role("evidence", following.run, log_position=lambda: following.log_position)]


async def _open(settings: Settings, urls: Urls, stack: AsyncExitStack) -> _Parts:
    async def connecting() -> Connection:
        return await connect(urls.app, name="lastro-worker")

    own = pool(urls.app, name="lastro-worker", size=settings.query_connections, configure=speak_hex_ids)
    projector = pool(urls.projector, name="lastro-projections", size=4, configure=speak_hex_ids)
    for source in (own, projector):
        await stack.enter_async_context(source)
    committer = Committer(connect=connecting, store=Store(own), cache_capacity=settings.cached_states_max)
    await committer.start()
    stack.push_async_callback(committer.stop)
    wakeup = Wakeup(connecting, "lastro_log")
    await wakeup.start()
    stack.push_async_callback(wakeup.stop)
    keys = load_master_key(settings.master_key, create=settings.is_embedded)
    providers = await stack.enter_async_context(open_providers(settings, own, keys, clock=SystemClock()))
    return _Parts(settings, urls, own, projector, committer, wakeup, keys, providers)


async def _keep_working(roles: Sequence[Role], gate: Gate) -> None:
    """Run the roles for ever, but never while a restored log waits for an operator."""
    while True:
        await gate.until(is_open=True)
        tasks = [asyncio.create_task(_keep_running(role), name=role.name) for role in roles]
        try:
            await gate.until(is_open=False)
            log.error("worker.stopped_for_a_new_epoch", reason=gate.reason)
        finally:
            await end(*tasks)


async def _keep_running(role: Role) -> None:
    """Run a role for ever. What it cannot go on from is said loudly, and tried again after a pause."""
    while True:
        try:
            await role.run()
        except (OperationalError, InterfaceError) as error:
            log.warning("worker.role_interrupted", role=role.name, error=str(error))
        except Exception as error:
            role.error, role.failed_at = f"{type(error).__name__}: {error}", time.monotonic()
            log.exception("worker.role_stopped", role=role.name)
        await asyncio.sleep(RESTART_S)


async def _keep_reporting(source: Pool, roles: Sequence[Role], gate: Gate) -> None:
    """Say once a second how every role stands; read models report for themselves."""
    while True:
        try:
            async with source.connection() as connection:
                await write_reports(connection, [_report(role, gate) for role in roles if role.name != "projections"])
        except (OperationalError, InterfaceError) as error:
            log.warning("worker.cannot_report", error=str(error))
        await asyncio.sleep(REPORT_S)


def _report(role: Role, gate: Gate) -> Report:
    stopped = gate.reason or (role.error if role.has_stopped else None)
    return Report(
        kind=role.kind,
        name=role.name,
        state="stopped" if stopped else "running",
        log_position=role.log_position(),
        error=stopped or role.unknown(),
    )
