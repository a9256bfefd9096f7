"""One stream of NDJSON: sent from one thread while its answers are read in another, as callers are told to."""

import re
import threading
import time
from collections import Counter
from http.client import HTTPConnection
from pathlib import Path

from benchmarks.cpu import descendants
from benchmarks.load import Load

_STATUS = re.compile(rb'^\{"status":(\d+)', re.MULTILINE)
_BLOCK = 65_536
_PATIENCE_SECONDS = 60


def send_stream(host: str, port: int, token: str, body: bytes) -> Load:
    """Send all the lines in one request; each line answered counts once."""
    connection = HTTPConnection(host, port, timeout=_PATIENCE_SECONDS)
    cpu, began = time.process_time(), time.perf_counter()
    connection.putrequest("POST", "/v1/batches")
    for name, value in {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/x-ndjson",
        "Content-Length": str(len(body)),
    }.items():
        connection.putheader(name, value)
    connection.endheaders()
    sender = threading.Thread(target=_send, args=(connection, body))
    sender.start()
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    told = b"".join(iter(lambda: answer.read(_BLOCK), b""))
    sender.join()
    connection.close()
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    return Load(Counter(map(int, _STATUS.findall(told))), [seconds], seconds, cpu)


def _send(connection: HTTPConnection, body: bytes) -> None:
    # Piece by piece: the patience is for each, and not for all of them together.
    for start in range(0, len(body), _BLOCK):
        connection.send(body[start : start + _BLOCK])


def forget_peaks(pid: int) -> dict[int, float]:
    """Let the peaks of a service's processes begin anew; the megabytes that each of them holds now."""
    processes = [pid, *descendants(pid)]
    for process in processes:
        # See proc(5): 5 sets the peak of what is resident to what is resident now.
        Path(f"/proc/{process}/clear_refs").write_text("5")
    return {process: _megabytes(process, "VmRSS") for process in processes}


def peaks(held: dict[int, float]) -> dict[str, float]:
    """Of the processes that held so much: the most that one has held since, and the most that one has grown by."""
    highest = {process: _megabytes(process, "VmHWM") for process in held}
    grown = max(highest[process] - before for process, before in held.items())
    return {"peak_mb": round(max(highest.values()), 1), "grown_mb": round(grown, 1)}


def _megabytes(pid: int, name: str) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(rf"^{name}:\s+(\d+) kB$", status, re.MULTILINE)
    assert found is not None
    return int(found[1]) / 1024
