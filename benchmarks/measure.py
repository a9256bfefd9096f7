"""One measurement: how many operations in how much time, and the processor time they took."""

from dataclasses import dataclass, field

from benchmarks.cpu import Spent


@dataclass(frozen=True, slots=True)
class Measurement:
    """What was done in ``seconds`` on the wall. Processor times are seconds of one core."""

    name: str
    operations: int
    seconds: float
    client: float
    """Spent by the processes that ask: pgbench, the engine's Python processes, the load generator."""
    server: Spent
    service: float = 0.0
    """Spent by the HTTP service, where there is one between the two."""
    notes: dict[str, float | int | str] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Operations a second."""
        return self.operations / self.seconds

    @property
    def others(self) -> float:
        """Cores that the rest of the machine kept busy meanwhile."""
        ours = self.client + self.service + self.server.server
        return max(0.0, self.server.machine - ours) / self.seconds

    def microseconds(self, seconds: float) -> float:
        """That processor time per operation."""
        return seconds / max(1, self.operations) * 1e6
