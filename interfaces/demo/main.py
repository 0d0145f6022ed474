"""`lastro demo`: candles through the whole platform and back, compared with a statement of the demo's own.

Exit 0: all that was read back is as computed and the audit found nothing. 1: something differs. 2: it could not run.
"""

import contextlib
import json
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from types import FrameType

import httpx

from domain.money import Amount
from interfaces.demo import journal, wallets
from interfaces.demo.evidence import Claim, differences, read_back
from interfaces.demo.installation import Installation, InstallationFailed
from interfaces.demo.rendering import Outcome, render
from interfaces.demo.rest import Person, RequestRefused
from interfaces.demo.statement import Costs, equity_curve, expected
from interfaces.demo.strategy import OrderStuck, Runner
from interfaces.exchanges import built_in
from interfaces.exchanges.candles import Candles, CandlesRefused, read

START = "100000.00"
COSTS = Costs(slippage_bps=5, fee_bps=10)
_FINE, _DIFFERS, _COULD_NOT_RUN = 0, 1, 2
_INTERRUPTED = 128 + signal.SIGINT
_ROLES = ("finance", "trader", "auditor")


def run(candles: Path | None, serve: bool, as_json: bool) -> int:  # noqa: FBT001 - the flags of the command line
    """Run the demo on a file of candles or the built-in ones, and return the exit code."""
    try:
        rows = built_in.candles() if candles is None else read(candles)
    except (CandlesRefused, OSError) as error:
        _say(f"{candles}: {error}")
        return _COULD_NOT_RUN
    _report(rows)
    try:
        with _ending_in_order():
            return _run(candles, rows, serve=serve, as_json=as_json)
    except KeyboardInterrupt:
        _say("interrupted; every process is ended and the folder removed")
        return _INTERRUPTED
    except (InstallationFailed, RequestRefused, OrderStuck, httpx.HTTPError) as error:
        _say(f"the demo could not go on: {error}")
        return _COULD_NOT_RUN


def _run(file: Path | None, candles: Candles, *, serve: bool, as_json: bool) -> int:
    began = time.monotonic()
    _say("starting an installation of its own …")
    with ExitStack() as stack:
        installation = stack.enter_context(Installation(file, COSTS))
        _say(f"up at {installation.url} after {time.monotonic() - began:.1f} s; creating {', '.join(_ROLES)} …")
        people = [stack.enter_context(person) for person in installation.people(*_ROLES)]
        outcome = _play(installation, candles, people, began=began)
        if as_json:
            sys.stdout.write(f"{json.dumps(outcome.as_json(), ensure_ascii=False)}\n")
        else:
            render(outcome)
        sys.stdout.flush()
        if serve:
            _serve(installation, people)
    return _FINE if outcome.is_fine else _DIFFERS


def _play(installation: Installation, candles: Candles, people: list[Person], *, began: float) -> Outcome:
    finance, trader, auditor = people
    user = trader.get("/me")["id"]
    quote = candles.instrument.quote
    start = {"value": START, "asset": quote.code}
    connection = trader.post("/connections", {"venue": "paper", "start": start}, key="demo-connection")["id"]
    runner = Runner(trader=trader, connection=connection, start=Amount.parse(START, quote))
    sent = runner.run(candles, _progress(len(candles.rows)))
    _say(f"{len(sent)} orders sent; posting, reversing and bulk-posting journal entries …")
    posted = journal.post(finance, user)
    money = Fraction(START)
    statement = expected(sent, candles, start=money, costs=COSTS)
    claim = Claim(connection=connection, trader=user, candles=candles, sent=sent, statement=statement, posted=posted)
    _say("reading everything back and comparing …")
    found = read_back(trader, auditor, connection=connection, at_least=max(finance.seen, trader.seen))
    _say("people register, pay in, send, withdraw …")
    scene = wallets.play(installation)
    _say("running lastro audit verify …")
    audit_exit, audit = installation.audit()
    return Outcome(
        evidence=found,
        equity=equity_curve(found.trades, candles, start=money),
        wallets=scene,
        differences=[*differences(claim, found), *scene.differences],
        audit=audit,
        audit_exit=audit_exit,
        seconds=round(time.monotonic() - began),
        candles=len(candles.rows),
    )


def _serve(installation: Installation, people: list[Person]) -> None:
    _say(f"\nserving at {installation.url} (documentation: {installation.url}/docs) until Ctrl-C")
    for person in people:
        _say(f"  {person.email}  {person.password}")
    with contextlib.suppress(KeyboardInterrupt):
        installation.wait()


def _report(candles: Candles) -> None:
    missing = sum(gap.missing for gap in candles.gaps)
    rows = f"{len(candles.rows)} candles of {candles.instrument.id}, {candles.moved} out of order"
    _say(f"{rows}, {len(candles.gaps)} gaps ({missing} missing), {len(candles.idle)} without trade")


def _progress(total: int) -> Callable[[int], None]:
    """Return a function that says so at every tenth of the candles."""

    def show(number: int) -> None:
        if number * 10 // total > (number - 1) * 10 // total:
            _say(f"  {number * 10 // total * 10:3} % of the candles")

    return show


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


@contextlib.contextmanager
def _ending_in_order() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM raise KeyboardInterrupt, once: what ends the processes is not interrupted again."""
    signals = (signal.SIGINT, signal.SIGTERM)

    def interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the form of a signal handler
        for one in signals:
            signal.signal(one, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = [signal.signal(one, interrupt) for one in signals]
    try:
        yield
    finally:
        for one, handler in zip(signals, before, strict=True):
            signal.signal(one, handler)
