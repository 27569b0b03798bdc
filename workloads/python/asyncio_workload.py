#!/usr/bin/env python3
"""The tasks on asyncio's event loop, each giving the thread to the others while it waits."""

import sys

# A cache written by the first run would make the second one cheaper.
sys.dont_write_bytecode = True

import asyncio  # noqa: E402
import time  # noqa: E402

import common  # noqa: E402


async def fetch_database(work, number):
    start_ns = work.begin(number)
    await asyncio.sleep(work.fetch_s)
    return work.finish(number, start_ns)


async def run_all(work, tasks):
    submitted_ns = time.monotonic_ns()
    spans = await asyncio.gather(*(fetch_database(work, number) for number in range(tasks)))
    return submitted_ns, spans


def run(args, work):
    if args.workers not in (None, 1):
        raise ValueError(f"asyncio has one thread: leave out --workers {args.workers}")
    submitted_ns, spans = asyncio.run(run_all(work, args.tasks))
    return "event loop, 1 thread (asyncio)", submitted_ns, spans


if __name__ == "__main__":
    common.main(run, "Runs waiting tasks on asyncio, and prints one JSON line about it.")
