"""What the two Python workloads share: flags, the task around its wait, the JSON summary.

The same as the Rust pair's library, flag for flag and name for name, so that all four can be compared.
Needs nothing beyond the standard library of CPython 3.8.
"""

import argparse
import json
import mmap
import os
import re
import sys
import threading
import time

PAGE_BYTES = 4096
MAX_WORKERS = 10_000

# Rounds between two looks at the CPU clock, about 16 µs: each look is a system call (about 0.4 µs).
SPIN_ROUNDS = 1000

UNITS_NS = {
    "ns": 1,
    "us": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "sec": 1_000_000_000,
    "m": 60 * 1_000_000_000,
    "min": 60 * 1_000_000_000,
    "h": 3_600 * 1_000_000_000,
    "day": 86_400 * 1_000_000_000,
    "days": 86_400 * 1_000_000_000,
}


def duration_ns(text):
    """Nanoseconds of a duration such as 50ms, 3s, or 1m 30s."""
    parts = re.findall(r"\s*(\d+)\s*([a-z]+)\s*", text)
    whole = re.fullmatch(r"(\s*\d+\s*[a-z]+\s*)+", text)
    if text.strip() == "0":
        return 0
    if not whole or any(unit not in UNITS_NS for _, unit in parts):
        raise argparse.ArgumentTypeError(
            f"'{text}' is not a duration: write numbers with units ({', '.join(UNITS_NS)}), such as 50ms"
        )
    return sum(int(number) * UNITS_NS[unit] for number, unit in parts)


def integer(least, most=None):
    """A parser of whole numbers from `least` to `most`, both included."""

    def parse(text):
        bounds = f"at least {least}" if most is None else f"from {least} to {most}"
        try:
            number = int(text)
        except ValueError:
            number = None
        if number is None or number < least or (most is not None and number > most):
            raise argparse.ArgumentTypeError(f"'{text}' is not a whole number {bounds}")
        return number

    return parse


def parser(description):
    """The flags that all workloads take."""
    flags = argparse.ArgumentParser(description=description, allow_abbrev=False)
    flags.add_argument("--tasks", type=integer(1), default=1000, metavar="N",
                       help="how many tasks to run, all submitted at once (default: 1000)")
    flags.add_argument("--fetch", type=duration_ns, default="50ms", metavar="DURATION",
                       help="how long each task waits (default: 50ms)")
    flags.add_argument("--touch", type=integer(0), default=0, metavar="BYTES",
                       help="fresh memory that each task writes, page by page (default: 0)")
    flags.add_argument("--spin", type=duration_ns, default="0ms", metavar="DURATION",
                       help="CPU time that each task burns after its wait (default: 0ms)")
    flags.add_argument("--workers", type=integer(1, MAX_WORKERS), metavar="N",
                       help="the most threads to run tasks on")
    return flags


class Work:
    """What a task does before and after its wait; the wait itself is the caller's."""

    def __init__(self, args, sink):
        self.fetch_s = args.fetch / 1e9
        self._args = args
        self._sink = sink

    def begin(self, number):
        """Prints the first line; returns when the task started."""
        start_ns = time.monotonic_ns()
        print(f"Fetching database {number} {threading.current_thread().name}", file=self._sink)
        return start_ns

    def finish(self, number, start_ns):
        """Uses memory and CPU as told and prints the last line; returns when the task started and ended."""
        answer = touch(self._args.touch)
        spin(self._args.spin)
        if answer is not None:
            answer.close()
        print(f"Done fetching database {number} {threading.current_thread().name}", file=self._sink)
        return start_ns, time.monotonic_ns()


def touch(size):
    """Writes to each page of a fresh mapping, since an allocator would reuse pages that are present already."""
    if size == 0:
        return None
    try:
        memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    except (OSError, OverflowError) as error:
        raise RuntimeError(f"cannot map {size} bytes for a task: choose a smaller --touch: {error}") from error
    try:
        # A huge page would answer 512 writes with one fault.
        memory.madvise(mmap.MADV_NOHUGEPAGE)
    except OSError:
        pass  # a kernel without huge pages
    for first in range(0, size, PAGE_BYTES):
        memory[first] = 1
    return memory


def spin(duration):
    """Burns at least this many nanoseconds of the calling thread's CPU time."""
    if duration == 0:
        return
    end = time.thread_time_ns() + duration
    while time.thread_time_ns() < end:
        for _ in range(SPIN_ROUNDS):
            pass


def main(run, description):
    """Runs a workload: `run(args, work)` returns its scheduler, when it submitted, and its tasks' spans."""
    args = parser(description).parse_args()
    try:
        # A file object buffers its lines, as a redirected standard output does.
        with open(os.devnull, "w") as sink:
            scheduler, submitted_ns, spans = run(args, Work(args, sink))
        print(json.dumps(summary(scheduler, submitted_ns, spans), separators=(",", ":")), flush=True)
    except (OSError, OverflowError, RuntimeError, ValueError) as error:
        sys.exit(f"{os.path.basename(sys.argv[0])}: {error}")


def summary(scheduler, submitted_ns, spans):
    """What a run did, under the names that the profiler reads."""
    return {
        "scheduler": scheduler,
        "tasks": len(spans),
        "wall_ns": max(end for _, end in spans) - submitted_ns,
        "task_time_ns": sum(end - start for start, end in spans),
    }
