"""Loads over HTTP, in parts; each part stands between two runs of pgbench."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta

from benchmarks.books import STATEMENTS, open_books, statement_draw
from benchmarks.budgets import open_programs
from benchmarks.cpu import of_tree, spent
from benchmarks.draws import uniform, zipf
from benchmarks.empty import PATH
from benchmarks.load import Load, generate
from benchmarks.measure import Measurement
from benchmarks.open_loop import arrivals, keep_to
from benchmarks.requests import Maker, Operations
from benchmarks.service import EMPTY, Service, make_key, serving
from benchmarks.stream import forget_peaks, peaks, send_stream
from ledger.accounts.program import Program
from ledger.clock import system_now
from ledger.db import Database
from ledger.finance.totals.refresh import refresh

FEW, MANY = 32, 96
BATCH = 1_000
_WARM_SECONDS = 1
_STREAM_OPERATIONS_A_SECOND = 2_500
"""So long is the stream for each second of a load."""
_SHARES = (0.50, 0.90, 0.99, 0.999)
SINGLE = "HTTP POST /v1/purchases"
EMPTY_POST = "HTTP POST to an empty application"
PLAIN_RULE = f"{SINGLE}, one rule"
PAID_RULE = f"{SINGLE}, one rule, one fund pays all"
BATCHES = f"HTTP batch of {BATCH:,}"
LIVEZ = "HTTP GET /livez"
BALANCE = "HTTP GET balance"
OPEN_LOOP = "open loop, half of the peak"


@dataclass(frozen=True, slots=True)
class Run:
    """The services that run, and all that measuring takes."""

    service: Service
    empty: Service
    app_url: str
    finance: str
    plain: str
    paid: str
    postmaster: int
    members: int
    budget_members: int
    seconds: float

    def measure(
        self,
        name: str,
        connections: int,
        request: Maker,
        *,
        service: Service | None = None,
        operations: int = 1,
        seconds: float | None = None,
    ) -> Measurement:
        """One closed loop, after a short one that warms up; each request stands for so many operations."""
        asked = service or self.service
        generate(asked.host, asked.port, connections, min(_WARM_SECONDS, self.seconds), request)
        plural = "s" if connections > 1 else ""
        return self.watch(
            f"{name}, {connections} connection{plural}",
            asked,
            lambda: generate(asked.host, asked.port, connections, seconds or self.seconds, request),
            operations,
        )

    def watch(
        self, name: str, service: Service, work: Callable[[], Load], operations: int = 1
    ) -> Measurement:
        """What a load did, with the processor time of all who took part."""
        before, own = spent(self.postmaster), of_tree(service.pid)
        load = work()
        after, own_after = spent(self.postmaster), of_tree(service.pid)
        done = sum(load.statuses.values()) * operations
        return Measurement(
            name,
            done,
            load.seconds,
            load.cpu,
            after.since(before),
            service=own_after - own,
            notes=load.in_ms(_SHARES) | {"generator_us": round(load.cpu / max(1, done) * 1e6, 1)},
        )


def singles(run: Run) -> Iterator[Measurement]:
    """Single purchases, beside what the same server does with nothing behind it."""
    caller, members = run.service.caller(), run.members
    nothing = run.empty.caller().purchases(uniform(members, "empty"), PATH)
    yield run.measure(EMPTY_POST, MANY, nothing, service=run.empty)
    yield run.measure(SINGLE, FEW, caller.purchases(uniform(members, "few")))
    yield run.measure(SINGLE, MANY, caller.purchases(uniform(members, "many")))
    yield run.measure(f"{SINGLE}, Zipf", MANY, caller.purchases(zipf(members, "zipf")))


def funds(run: Run) -> Iterator[Measurement]:
    """The same rule without a fund and with one that pays for all, twice in turn: neither has the better minute."""
    for turn in range(2):
        for name, token in ((PLAIN_RULE, run.plain), (PAID_RULE, run.paid)):
            draw = uniform(run.budget_members, f"{turn}")
            yield run.measure(name, MANY, run.service.caller(token).purchases(draw), seconds=run.seconds / 2)


def batches(run: Run) -> Iterator[Measurement]:
    """A thousand operations in a request, and a stream of many thousands with the memory that it takes."""
    yield run.measure(BATCHES, 2, run.service.caller().batches(run.members, BATCH), operations=BATCH)
    size = int(_STREAM_OPERATIONS_A_SECOND * run.seconds)
    service = run.service
    for part in (4, 1):
        body = b"".join(Operations().lines(run.members, size // part))
        held = forget_peaks(service.pid)
        measured = run.watch(
            f"HTTP stream of {size // part:,}",
            service,
            lambda body=body: send_stream(service.host, service.port, service.token, body),  # type: ignore[misc]
        )
        measured.notes.update(peaks(held))
        yield measured


def reads(run: Run) -> Iterator[Measurement]:
    """Balances, statement pages and the liability report, beside a page that asks nothing of the database."""
    _bring_up(run.app_url)
    caller = run.service.caller()
    yield run.measure(LIVEZ, FEW, caller.get("/livez"))
    yield run.measure(BALANCE, FEW, caller.balances(run.members))
    yield run.measure(f"HTTP GET statement of {STATEMENTS}", FEW, caller.statements(statement_draw()))
    report = run.service.caller(run.finance).get("/v1/reports/liability")
    yield run.measure("HTTP GET /v1/reports/liability", 1, report)


def _bring_up(app_url: str) -> None:
    """Bring the totals up to the books, as a worker does it every half minute; no load may pay for it."""
    database = Database(app_url)
    refresh(database, open_books(database), system_now(), settled_after=timedelta(0))
    database.close()


def open_loop(run: Run) -> Iterator[Measurement]:
    """The peak, measured here and now; then arrivals at half of it, whether or not the service keeps up."""
    service, caller = run.service, run.service.caller()
    peak = run.measure(f"{SINGLE}, again", MANY, caller.purchases(uniform(run.members, "peak")))
    yield peak
    schedule = arrivals(peak.rate / 2, run.seconds * 2, "open loop")
    next_request = caller.purchases(uniform(run.members, "open"))
    taken: list[int] = []

    def work() -> Load:
        kept = keep_to(service.host, service.port, schedule, next_request)
        taken.append(kept.connections)
        return kept.load

    measured = run.watch(OPEN_LOOP, service, work)
    measured.notes.update(due_a_second=round(peak.rate / 2, 1), connections=taken[0])
    yield measured


PARTS: dict[str, Callable[[Run], Iterator[Measurement]]] = {
    "singles": singles,
    "funds": funds,
    "batches": batches,
    "reads": reads,
    "open-loop": open_loop,
}


def opened(
    stack: ExitStack,
    app_url: str,
    owner_url: str,
    program: Program,
    postmaster: int,
    members: int,
    seconds: float,
) -> Run:
    """Start the services, and make what the loads need beside the books that are there."""
    database = Database(app_url)
    budget_members = max(1, members // 5)
    plain, paid = open_programs(database, budget_members)
    database.close()
    token = make_key(owner_url, program)
    return Run(
        stack.enter_context(serving(app_url, owner_url, token)),
        stack.enter_context(serving(app_url, owner_url, command=EMPTY)),
        app_url,
        make_key(owner_url, program, "finance"),
        make_key(owner_url, plain),
        make_key(owner_url, paid),
        postmaster,
        members,
        budget_members,
        seconds,
    )
