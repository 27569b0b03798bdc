"""Checks what is scraped and pushed: check.py SOURCE DASHBOARD FOLDER

SOURCE is the program that shows made-up intervals (profiler/examples/metrics_source.rs); promtool, a Prometheus and a
reader of OTLP that is not written in Rust say what they found of them. Prints a line a check, and fails if one finds a
difference, or if one that compares counts would not have found a sample more.
"""

import sys
import time
from pathlib import Path

import otlp
import prometheus
from intervals import Intervals
from source import Source


def main():
    program, dashboard, folder = map(Path, sys.argv[1:])
    folder.mkdir(parents=True, exist_ok=True)
    expected = Intervals.made_up()
    one_more = expected.with_one_more()
    failed = False

    def report(name, check, *, counts=True):
        nonlocal failed
        began = time.monotonic()
        problems = check(expected)
        if counts and not check(one_more):
            problems.append("a sample more makes no difference to this check")
        verdict = "FAILED" if problems else "equal" if counts else "good"
        print(f"  {name:32} {verdict:7} {time.monotonic() - began:5.1f} s")
        for problem in problems[:20]:
            print(f"    {problem}")
        failed |= bool(problems)

    with Source(program, folder, expected) as source:
        report("metrics, promtool and parser", lambda _: prometheus.texts(source), counts=False)
        with prometheus.Server(folder, source.address) as server:
            report("metrics, Prometheus", server.counts)
            report("dashboard, Prometheus", lambda _: server.dashboard(dashboard), counts=False)
    for setting in otlp.SETTINGS:
        message = otlp.receive(program, folder, expected, setting)
        report(f"otlp, {setting.name}", lambda intervals: otlp.counts(message, intervals, setting))
    sys.exit(failed)


main()
