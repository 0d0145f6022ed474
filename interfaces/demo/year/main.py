"""`lastro finance demo`: a simulated year, its statements, and two other reckonings that must agree to the last unit.

Exit 0: dbt's figures, the naive calculation over the exported log and beancount agree, and every check held. 1: they do
not. 2: it could not run. The installation is thrown away, so its commits need not survive a power cut.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import psycopg
from rich.console import Console

from application.store import Connection, Store, speak_hex_ids
from application.wakeup import Wakeup
from interfaces.audit.export import cut_of, export
from interfaces.audit.notary import load_notary
from interfaces.audit.snapshot import open_snapshot
from interfaces.demo.year import naive
from interfaces.demo.year.house import House
from interfaces.demo.year.play import Plan, play
from interfaces.demo.year.third import reckon
from interfaces.exchanges import built_in
from interfaces.exchanges.candles import Candles, read
from interfaces.finance.building import Build, build, calculate
from interfaces.finance.formats import as_table
from interfaces.finance.kinds import Kind
from interfaces.finance.project import Dbt
from interfaces.finance.statements import Asked, state
from interfaces.installation import committing, migrate
from interfaces.postgres.configuration import Urls
from interfaces.postgres.connections import connect, pool, reading
from interfaces.postgres.server import EmbeddedServer
from interfaces.settings import Settings
from projections.runner import ProjectionRunner

TENANT = "acme"
_MARKET_DATA, _CANDLES = "LASTRO_MARKET_DATA", "coinbase_btcusd_1h.csv"
_THROWN_AWAY = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
_BARS = "▁▂▃▄▅▆▇█"
_FINE, _DIFFERS = 0, 1
_BALANCES = """
    SELECT account, asset, sum(amount) FROM finance.general_ledger WHERE tenant = %s
    GROUP BY account, asset HAVING sum(amount) <> 0
"""
_RESULTS = """
    SELECT to_char(month, 'YYYY-MM'), asset, sum(amount) FROM finance.income_statements WHERE tenant = %s
    GROUP BY month, asset HAVING sum(amount) <> 0 ORDER BY month, asset
"""
_CLOSINGS = """
    SELECT to_char(month, 'YYYY-MM'), account || ' ' || asset, closing FROM finance.trial_balances
    WHERE tenant = %s AND closing <> 0
"""

Figures = dict[str, dict[str, Fraction]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the year came to, and where the reckonings differ."""

    commands: int
    refused: int
    built: Build
    checks: int
    findings: list[str]
    differences: list[str]
    figures: int
    results: Figures
    seconds: dict[str, float]
    statements: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return it in JSON values."""
        return {
            "log_position": self.built.log_position,
            "commands": self.commands,
            "refused": self.refused,
            "checks": self.checks,
            "findings": self.findings,
            "figures_compared": self.figures,
            "differences": self.differences,
            "results": {month: {asset: str(one) for asset, one in of.items()} for month, of in self.results.items()},
            "seconds": self.seconds,
        }


def run(plan: Plan, *, as_json: bool) -> int:
    """Play the year, build, reckon again, compare and show."""
    with _installation() as (settings, urls):
        outcome = _outcome(settings, urls, plan)
    if as_json:
        sys.stdout.write(f"{json.dumps(outcome.as_json())}\n")
    else:
        _show(outcome)
    return _DIFFERS if outcome.differences or outcome.findings else _FINE


def _outcome(settings: Settings, urls: Urls, plan: Plan) -> Outcome:
    clock = _Clock()
    house = asyncio.run(_played(settings, urls, plan))
    clock.lap("the year's commands")
    asyncio.run(_followed(urls))
    clock.lap("the read models")
    dbt = Dbt(urls.finance, settings.data / "finance")
    built = build(dbt)
    clock.lap("the models of dbt and their checks")
    checked = calculate(dbt)
    clock.lap("its calculations' worked cases")
    exported = _export(settings, urls)
    second = _second_opinion(exported)
    clock.lap("export and the naive calculation")
    third = reckon(settings, urls, TENANT)
    clock.lap("beancount")
    differences, figures = _compare(urls, second, third)
    return Outcome(
        commands=house.done.total(),
        refused=house.refused.total(),
        built=built,
        checks=len(built.checks) + len(checked),
        findings=[step.name for step in (*built.findings, *(one for one in checked if one.is_bad))],
        differences=differences,
        figures=figures,
        results=_by_first(urls, _RESULTS),
        seconds=clock.laps,
        statements=asyncio.run(_statements(urls)),
    )


class _Clock:
    """Takes the time of one part after another, and says so."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._began = time.monotonic()

    def lap(self, name: str) -> None:
        now = time.monotonic()
        self.laps[name] = round(now - self._began, 1)
        self._began = now
        sys.stderr.write(f"{name}: {self.laps[name]} s\n")


@contextmanager
def _installation() -> Iterator[tuple[Settings, Urls]]:
    folder = Path(tempfile.mkdtemp(prefix="lastro-year-"))
    folder.chmod(0o711)
    settings = Settings.load(data=folder / "data", env="demo")
    server = EmbeddedServer(settings.data, settings=_THROWN_AWAY)
    try:
        yield settings, server.start()
    finally:
        server.stop()
        shutil.rmtree(server.layout.sockets, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


async def _played(settings: Settings, urls: Urls, plan: Plan) -> House:
    await migrate(settings, urls)
    async with (
        committing(settings, urls.app) as committer,
        pool(urls.app, name="lastro-year", size=2, configure=speak_hex_ids) as source,
    ):
        return await play(committer, Store(source), tenant=TENANT, plan=plan, candles=_candles(), told=_tell)


def _candles() -> Candles:
    """Return real candles where they are at hand, else the built-in ones."""
    folder = os.environ.get(_MARKET_DATA)
    file = None if folder is None else Path(folder) / _CANDLES
    return read(file) if file is not None and file.exists() else built_in.candles()


def _tell(done: int, total: int) -> None:
    if done * 10 // total > (done - 1) * 10 // total:
        sys.stderr.write(f"  {done * 10 // total * 10:3} % of the year\n")


async def _followed(urls: Urls) -> None:
    """Let the read models read the whole log."""

    async def connecting() -> Connection:
        return await connect(urls.projector, name="lastro-year")

    async with pool(urls.projector, name="lastro-year", size=4, configure=speak_hex_ids) as source:
        store, wakeup = Store(source), Wakeup(connecting, "lastro_log")
        head = await store.head()
        await wakeup.start()
        runner = ProjectionRunner(connect=connecting, store=store, wakeup=wakeup)
        following = asyncio.create_task(runner.run())
        await _until_read(runner, head)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await wakeup.stop()


async def _until_read(runner: ProjectionRunner, head: int) -> None:
    while True:
        await asyncio.sleep(0.1)
        if min((one.log_position for one in runner.progress.values()), default=0) >= head:
            return


def _export(settings: Settings, urls: Urls) -> Path:
    """Write the log as files, as `lastro audit export` does; return the events'."""
    directory = settings.data / "export"
    notary = load_notary(settings.evidence_key, create=True)
    with closing(open_snapshot(urls.projector)) as snapshot:
        export(snapshot, directory, cut_of(snapshot, 1, None, tenant=None), notary=notary)
    return directory / "events.ndjson"


def _second_opinion(events: Path) -> Mapping[str, Any]:
    """Run the naive calculation as a program that can import the standard library and nothing else."""
    command = [sys.executable, "-I", "-S", naive.__file__, str(events), TENANT]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    answer: Mapping[str, Any] = json.loads(done.stdout)
    return answer


def _compare(urls: Urls, second: Mapping[str, Any], third: Figures) -> tuple[list[str], int]:
    """Return where dbt differs from the naive calculation and from beancount, and how many figures were compared."""
    found: list[str] = []
    count = 0
    for name, query, other, said in (
        ("balances", _BALANCES, _fractions(second["balances"]), "reckoned naively"),
        ("months", _CLOSINGS, _fractions(second["months"]), "reckoned naively"),
        ("results", _RESULTS, _fractions(second["results"]), "reckoned naively"),
        ("balances", _BALANCES, third, "in beancount"),
    ):
        ours, theirs = _flat(_by_first(urls, query)), _flat(other)
        count += len(ours)
        found += [
            f"{name}: {' '.join(key)} is {ours.get(key, 0)} in dbt and {theirs.get(key, 0)} {said}"
            for key in sorted(ours.keys() | theirs.keys())
            if ours.get(key, Fraction()) != theirs.get(key, Fraction())
        ]
    return found, count


def _by_first(urls: Urls, query: str) -> Figures:
    assert urls.finance is not None, "the embedded server has all roles"
    shown: Figures = {}
    with psycopg.connect(urls.finance) as connection:
        for first, second, amount in connection.execute(query.encode(), (TENANT,)):
            shown.setdefault(first, {})[second] = Fraction(amount)
    return shown


def _fractions(figures: Mapping[str, Mapping[str, str]]) -> Figures:
    return {first: {second: Fraction(one) for second, one in of.items()} for first, of in figures.items()}


def _flat(figures: Figures) -> dict[tuple[str, str], Fraction]:
    return {(first, second): amount for first, of in figures.items() for second, amount in of.items()}


async def _statements(urls: Urls) -> tuple[str, ...]:
    async with pool(urls.app, name="lastro-year", size=1) as source, reading(source, TENANT) as connection:
        asked = (
            Asked(kind=Kind.BALANCE_SHEET),
            Asked(kind=Kind.BALANCE_SHEET, reported=True),
            Asked(kind=Kind.INCOME, reported=True),
        )
        return tuple([as_table(await state(connection, one)) for one in asked])


def _show(outcome: Outcome) -> None:
    console = Console(width=max(len(line) for text in outcome.statements for line in text.splitlines()))
    for text in outcome.statements:
        console.print(text, markup=False, highlight=False)
    console.print(f"{outcome.commands:,} commands were accepted and {outcome.refused:,} refused by the books.")
    console.print("Result in USD, month by month:")
    console.print(chart({month: of.get("USD", Fraction()) for month, of in outcome.results.items()}))
    held = "every one held" if not outcome.findings else f"not held: {', '.join(outcome.findings)}"
    console.print(f"{outcome.checks} checks of identities and calculations: {held}.")
    agree = "agree to the last unit" if not outcome.differences else "DIFFER"
    console.print(f"{outcome.figures:,} figures of dbt, of the naive calculation and of beancount {agree}.")
    for difference in outcome.differences[:20]:
        console.print(f"  {difference}", markup=False)


def chart(figures: Mapping[str, Fraction]) -> str:
    """Draw figures as bars from the least to the most, with both ends written out."""
    least, most = (Decimal(one.numerator) / one.denominator for one in (min(figures.values()), max(figures.values())))
    span = Fraction(most) - Fraction(least) or Fraction(1)
    bars = "".join(_BARS[int((one - Fraction(least)) / span * (len(_BARS) - 1))] for one in figures.values())
    first, last = min(figures), max(figures)
    return f"{first} {bars} {last}   least {least:,.2f}, most {most:,.2f}"
