"""CSV, JSON, Parquet and Markdown, read by pandas, DuckDB, pyarrow and markdown-it and held against the profile."""

import json
from collections import Counter

import duckdb
import pandas
import pyarrow.parquet
from expected import Series, differences
from markdown_it import MarkdownIt

IDS = ["pid", "tid", "start_ns"]
IDENTITY = ["profile", *IDS, "thread", "metric"]
SUMMARY = ["count", "sum_ns", "min_ns", "max_ns"]


def csv(folder, expected):
    # A thread may be called "NA"; only where there is no number pandas is to see nothing.
    def read(name):
        numbers = dict.fromkeys(IDS, "UInt64")
        return pandas.read_csv(
            folder / name, dtype={**numbers, "thread": "string"}, keep_default_na=False, na_values=dict.fromkeys(IDS, "")
        )

    return of_frames("csv by pandas", read("threads.csv"), read("summary.csv"), expected)


def parquet_by_pandas(folder, expected):
    def read(name):
        return pandas.read_parquet(folder / name, engine="pyarrow", dtype_backend="pyarrow")

    return of_frames("parquet by pandas", read("threads.parquet"), read("summary.parquet"), expected)


def parquet_by_duckdb(folder, expected):
    def query(sql, name):
        return duckdb.execute(sql, [str(folder / name)]).fetchall()

    columns = ", ".join(IDENTITY)
    buckets = query(f"SELECT {columns}, low_ns, high_ns, count FROM read_parquet(?)", "threads.parquet")
    found = {(*series(row[:6], expected), *row[6:8]): row[8] for row in buckets}
    problems = differences("parquet by DuckDB", expected.buckets(), found)
    summed = query("SELECT profile, metric, sum(count) FROM read_parquet(?) GROUP BY ALL", "summary.parquet")
    found = {(expected.run_of(title), metric): int(count) for title, metric, count in summed}
    return problems + differences("parquet's sums by DuckDB", expected.samples(), found)


def parquet_metadata(folder, expected):
    """Not counted: losses, bucket width and manifest against the profile's own fields."""
    problems = []
    for name in ("threads.parquet", "summary.parquet"):
        metadata = pyarrow.parquet.read_schema(folder / name).metadata
        manifests, lost, width = (
            json.loads(metadata[b"profiler." + key]) for key in (b"manifest", b"lost", b"max_relative_width")
        )
        if not 0 < width < 0.01:
            problems.append(f"{name}: buckets of a relative width up to {width}")
        for title, manifest in manifests.items():
            profile = expected.profiles[expected.run_of(title)]
            problems += differences(f"{name}: lost", profile["lost"], lost[title])
            machine, run = profile["machine"], profile["run"]
            of_profile = {
                "kernel": machine["kernel"],
                "cpu_model": machine["cpu_model"],
                "memory_bytes": str(machine["memory_bytes"]),
                "started_at": run["started_at"],
            }
            problems += differences(name, of_profile, {key: manifest.get(key) for key in of_profile})
        if len(manifests) != len(expected.profiles):
            problems.append(f"{name}: {len(manifests)} manifests of {len(expected.profiles)} profiles")
    return problems


def of_json(folder, expected):
    document = json.loads((folder / "threads.json").read_text(encoding="utf-8"))
    found = {}
    for one in document["series"]:
        key = series([one["profile"], *map(one.get, [*IDS, "thread"]), one["metric"]], expected)
        found |= {(*key, bucket["low_ns"], bucket["high_ns"]): bucket["count"] for bucket in one["buckets"]}
    return differences("json", expected.buckets(), found)


def markdown(folder, expected):
    """The column of counts, added up by run and metric. A cell is what a reader of the page sees."""
    problems = []
    for name in ("table.md", "names.md"):
        tokens = MarkdownIt("commonmark").enable("table").parse((folder / name).read_text(encoding="utf-8"))
        cells = [token.content for before, token in zip(tokens, tokens[1:]) if before.type in ("th_open", "td_open")]
        width = sum(token.type == "th_open" for token in tokens)
        metric = cells.index("metric")
        samples = Counter()
        for start in range(width, len(cells), width):
            row = cells[start : start + width]
            samples[expected.run_of(row[0]), row[metric]] += int(row[metric + 1].replace(",", ""))
        problems += differences(f"{name} by markdown-it", expected.samples(), samples)
    return problems


def of_frames(what, buckets, summary, expected):
    def keys(frame):
        rows = frame[IDENTITY].itertuples(index=False, name=None)
        return [series([None if pandas.isna(one) else one for one in row], expected) for row in rows]

    bounds = zip(buckets["low_ns"], buckets["high_ns"], buckets["count"])
    found = {(*key, low, high): count for key, (low, high, count) in zip(keys(buckets), bounds)}
    totals = {key: tuple(row) for key, row in zip(keys(summary), summary[SUMMARY].itertuples(index=False))}
    return [
        *differences(what, expected.buckets(), found),
        *differences(f"{what}: summary", expected.totals(), totals),
    ]


def series(row, expected):
    """From the columns of IDENTITY. An empty field is a thread without a name if it has no number either."""
    title, pid, tid, start_ns, name, metric = row
    ids = [None if one is None else int(one) for one in (pid, tid, start_ns)]
    return Series(expected.run_of(title), *ids, name if tid is not None else None, metric)
