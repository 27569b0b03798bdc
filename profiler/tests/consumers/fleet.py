"""Checks the stores of several hosts: fleet.py FOLDER PAGE

FOLDER has `store`, and `expected.json` with what the profiler itself makes of the histograms of all hosts. The query is the
one in `docs/store.md`. Prints a line a check, and fails if one finds a difference or would not have found a sample more.
"""

import copy
import json
import os
import re
import sys
import time
from pathlib import Path

import duckdb
import pyarrow.compute as compute
import pyarrow.dataset
from expected import differences

DAY = "2026-11-27"


def query(page):
    """The SQL of the page."""
    (query,) = re.findall(r"```sql\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    return query


def quantiles(page, expected):
    """The page's query, as it stands there."""
    found = {(metric, share): (int(samples), value) for metric, share, samples, value in duckdb.sql(query(page)).fetchall()}
    wanted = {
        (metric, share): (of["bucketed"], value)
        for metric, of in expected["metrics"].items()
        for share, value in of["quantiles"]
    }
    return differences("quantiles", wanted, found)


def stored(page, host="*"):
    """What the page's query reads from, of some hosts. Without the types a host of digits alone would be a number."""
    (source,) = re.findall(r"FROM (read_parquet\(.*?\))\s+WHERE", query(page), re.DOTALL)
    return f"FROM {source.replace('host=*', f'host={host}')} WHERE date >= '{DAY}'"


def totals(page, expected):
    """Plain sums over all rows: nothing stands twice."""
    rows = stored(page)
    sums = "sum(count) + sum(without_bucket), sum(sum_ns), min(min_ns), max(max_ns)"
    found = duckdb.sql(f"SELECT metric, {sums} {rows} AND metric IS NOT NULL GROUP BY metric").fetchall()
    found = {metric: tuple(map(int, of)) for metric, *of in found}
    fields = ("count", "sum_ns", "min_ns", "max_ns")
    wanted = {metric: tuple(of[field] for field in fields) for metric, of in expected["metrics"].items()}
    hosts = duckdb.sql(f"SELECT host, sum(on_cpu_ns) {rows} GROUP BY host").fetchall()
    hosts = {host: int(time) for host, time in hosts}
    return differences("totals", wanted, found) + differences("time by host", expected["on_cpu_ns"], hosts)


def digits(page, expected):
    """Hosts whose names are digits keep them, also where there are no others."""
    found = duckdb.sql(f"SELECT host, sum(on_cpu_ns) {stored(page, '1*')} GROUP BY host").fetchall()
    wanted = {host: time for host, time in expected["on_cpu_ns"].items() if host.isdigit()}
    return differences("hosts of digits", wanted, {host: int(time) for host, time in found})


def arrow(_, expected):
    """Another reader, given the folder alone: it has to find the partitions, and leave out what is open."""
    dataset = pyarrow.dataset.dataset("store", format="parquet", partitioning="hive")
    table = dataset.to_table(columns=["metric", "count"], filter=pyarrow.dataset.field("date") >= DAY)
    found = table.filter(compute.is_valid(table["count"])).group_by("metric").aggregate([("count", "sum")]).to_pylist()
    found = {row["metric"]: row["count_sum"] for row in found}
    wanted = {metric: of["bucketed"] for metric, of in expected["metrics"].items()}
    return differences("counts", wanted, found)


def with_one_more(expected):
    """A copy with one sample more."""
    more = copy.deepcopy(expected)
    for of in more["metrics"].values():
        of["count"] += 1
        of["bucketed"] += 1
    for host in more["on_cpu_ns"]:
        more["on_cpu_ns"][host] += 1
    return more


def main():
    folder, page = Path(sys.argv[1]), Path(sys.argv[2]).resolve()
    os.chdir(folder)
    expected = json.loads(Path("expected.json").read_text(encoding="utf-8"))
    checks = {"the page's query, DuckDB": quantiles, "sums, DuckDB": totals, "hosts of digits, DuckDB": digits, "counts, pyarrow": arrow}
    failed = False
    for name, check in checks.items():
        began = time.monotonic()
        problems = check(page, expected)
        if not check(page, with_one_more(expected)):
            problems.append("a sample more makes no difference to this check")
        print(f"  {name:32} {'FAILED' if problems else 'equal':7} {time.monotonic() - began:5.1f} s")
        for problem in problems:
            print(f"    {problem}")
        failed |= bool(problems)
    sys.exit(failed)


main()
