"""What the figures were measured on: hardware, versions, and the settings that the server itself reports."""

import os
import platform
import statistics
import time
from collections.abc import Iterable
from pathlib import Path

import psycopg

SETTINGS = (
    "fsync",
    "full_page_writes",
    "synchronous_commit",
    "wal_sync_method",
    "data_checksums",
    "shared_buffers",
    "max_wal_size",
    "checkpoint_timeout",
    "wal_compression",
    "wal_level",
    "plan_cache_mode",
    "jit",
)
_SYNCS = 200


def describe(folder: Path, connection: "psycopg.Connection[tuple[object, ...]]") -> dict[str, str]:
    """Names and values, for the head of the report."""
    return {
        "processor": f"{os.cpu_count()} × {_first('/proc/cpuinfo', 'model name')}",
        "memory": _memory(),
        "system": f"{platform.system()} {platform.release()}",
        "file system": _file_system(folder),
        "8 kB write and fdatasync": f"{_sync_microseconds(folder):.0f} µs (median of {_SYNCS})",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "psycopg": f"{psycopg.__version__} ({psycopg.pq.__impl__})",
        "postgresql": str(connection.info.server_version // 10_000)
        + f".{connection.info.server_version % 10_000}",
    }


def settings(connection: "psycopg.Connection[tuple[object, ...]]") -> dict[str, str]:
    """The server's settings that decide about durability and speed, as it reports them."""
    rows = connection.execute(
        "SELECT name, current_setting(name) FROM pg_settings WHERE name = ANY(%s)", [list(SETTINGS)]
    ).fetchall()
    found = {str(name): str(value) for name, value in rows}
    return {name: found[name] for name in SETTINGS if name in found}


def load_average() -> str:
    """The machine's load, so that a busy one can be told from an idle one."""
    return " ".join(f"{value:.1f}" for value in os.getloadavg())


def _sync_microseconds(folder: Path) -> float:
    path, block = folder / "sync-probe", bytes(8192)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        return statistics.median(_synced(descriptor, block) for _ in range(_SYNCS))
    finally:
        os.close(descriptor)
        path.unlink()


def _synced(descriptor: int, block: bytes) -> float:
    began = time.perf_counter()
    os.pwrite(descriptor, block, 0)
    os.fdatasync(descriptor)
    return (time.perf_counter() - began) * 1e6


def _file_system(folder: Path) -> str:
    mounts = [line.split()[1:3] for line in _lines("/proc/mounts")]
    inside = [(point, kind) for point, kind in mounts if folder.resolve().is_relative_to(point)]
    return max(inside, key=lambda mount: len(mount[0]))[1] if inside else "unknown"


def _memory() -> str:
    return f"{int(_first('/proc/meminfo', 'MemTotal').split()[0]) / 2**20:.0f} GB"


def _first(path: str, name: str) -> str:
    found = (line.partition(":")[2].strip() for line in _lines(path) if line.startswith(name))
    return next(found, "0 unknown")


def _lines(path: str) -> Iterable[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return ()
