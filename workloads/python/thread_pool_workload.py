#!/usr/bin/env python3
"""The tasks on a ThreadPoolExecutor, each blocking its thread while it waits."""

import sys

# A cache written by the first run would make the second one cheaper.
sys.dont_write_bytecode = True

import contextlib  # noqa: E402
import itertools  # noqa: E402
import os  # noqa: E402
import threading  # noqa: E402
import time  # noqa: E402
from concurrent.futures import ThreadPoolExecutor  # noqa: E402

import common  # noqa: E402

# The bytes of a thread name that the kernel keeps.
NAME_BYTES = 15


def fetch_database(work, number):
    start_ns = work.begin(number)
    time.sleep(work.fetch_s)
    return work.finish(number, start_ns)


def submit(pool, work, number):
    try:
        return pool.submit(fetch_database, work, number)
    except RuntimeError as error:
        raise RuntimeError(f"cannot start a thread of the pool: choose fewer --workers: {error}") from error


def name_worker(number):
    """Names the calling thread, for Python and for the kernel (which Python before 3.14 does not tell)."""
    name = f"pool-worker-{number}"
    name = name if len(name) <= NAME_BYTES else f"pool-{number}"
    threading.current_thread().name = name
    # An unnamed thread is no reason to fail.
    with contextlib.suppress(OSError):
        with open(f"/proc/self/task/{threading.get_native_id()}/comm", "w") as comm:
            comm.write(name)


def run(args, work):
    # Python's own default, but for the CPUs that this process may use, as the Rust pair counts them.
    workers = args.workers or min(32, len(os.sched_getaffinity(0)) + 4)
    numbers = itertools.count()
    with ThreadPoolExecutor(workers, initializer=lambda: name_worker(next(numbers))) as pool:
        submitted_ns = time.monotonic_ns()
        futures = []
        try:
            for number in range(args.tasks):
                futures.append(submit(pool, work, number))
            spans = [future.result() for future in futures]
        except BaseException:
            # Leaving the block waits for what is queued: minutes, for a run that has failed already.
            for future in futures:
                future.cancel()
            raise
    started = next(numbers)
    threads = "thread" if started == 1 else "threads"
    return f"{started} OS {threads} (ThreadPoolExecutor)", submitted_ns, spans


if __name__ == "__main__":
    common.main(run, "Runs waiting tasks on a ThreadPoolExecutor, and prints one JSON line about it.")
