"""Interval logs and percentiles, read by the HdrHistogram package of PyPI and held against the profile."""

import io
import re
from fractions import Fraction
from urllib.parse import unquote

from expected import differences
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader

# Both the log's base and its lines are rounded to whole ms.
TIME_TOLERANCE_MS = 1.01

# Shares have 12 decimals. One that ends in 0 is exact, as they are multiples of 1 / (5 * 2^k).
HALF_A_DIGIT = Fraction(1, 2 * 10**12)

FOOTER = re.compile(r"#\[(Mean|Max|Buckets) += +([\d.]+), \w+ ?\w* += +([\d.]+)\]")


def hlog(folder, expected):
    wanted, found = expected.intervals(), read_log(folder / "threads.hlog", expected)
    numbered = [
        {
            (*series, number, *bounds): count
            for series, intervals in all_of.items()
            for number, (_, buckets) in enumerate(intervals)
            for bounds, count in buckets.items()
        }
        for all_of in (wanted, found)
    ]
    problems = differences("threads.hlog", *numbered)
    problems += [
        f"threads.hlog: {series}: an interval starts at {start} ms, the reader found {read} ms"
        for series in wanted.keys() & found.keys()
        for (start, _), (read, _) in zip(wanted[series], found[series])
        if abs(start - read) > TIME_TOLERANCE_MS
    ]
    return problems


def hgrm(folder, expected):
    problems, seen = [], set()
    for path in sorted((folder / "hgrm").glob("*.hgrm")):
        text = path.read_text(encoding="utf-8")
        run, metric = identity(path, expected)
        seen.add((run, metric))
        problems += percentiles(path.name, text, expected.merged(run, metric))
    # Of each run and metric a file of its own.
    missing = {one for one in expected.samples() if expected.merged(*one)} - seen
    return problems + [f"hgrm: no file of {one}" for one in sorted(missing)]


def read_log(path, expected):
    """As `Expected.intervals`."""
    known = {}
    for series, _ in expected.histograms():
        known.setdefault((series.run, series.name, series.pid, series.tid, series.metric), []).append(series)
    reader = HistogramLogReader(str(path), HdrHistogram(1, 1 << 42, 2))
    found = {}
    while (histogram := reader.get_next_interval_histogram()) is not None:
        series = of_tag(histogram.get_tag(), expected, known)
        found.setdefault(series, []).append((histogram.get_start_time_stamp(), buckets(histogram)))
    reader.close()
    return found


def of_tag(tag, expected, known):
    """TITLE/NAME/PID/TID/METRIC, and before the metric the start of a thread whose number was used again."""
    title, name, pid, tid, *start, metric = map(unquote, tag.split("/"))
    candidates = known.get((expected.run_of(title), name, int(pid), int(tid), metric), [])
    matching = [one for one in candidates if not start or one.start_ns == int(start[0])]
    return matching[0] if len(matching) == 1 else tag


def buckets(histogram):
    """Samples by lower and upper bound."""
    return {
        (
            histogram.get_lowest_equivalent_value(step.value_iterated_to),
            histogram.get_highest_equivalent_value(step.value_iterated_to) + 1,
        ): step.count_at_value_iterated_to
        for step in histogram.get_recorded_iterator()
    }


def identity(path, expected):
    """Run and metric of a file: percentiles.METRIC.hgrm, or percentiles.TITLE.METRIC.hgrm of several profiles."""
    *title, metric = path.name.split(".")[1:-1]
    unescaped = [re.sub("=(..)", lambda byte: chr(int(byte[1], 16)), part) for part in title]
    return expected.run_of(*unescaped), metric


def percentiles(name, text, samples):
    """Every line must be the smallest value that so many samples do not exceed; the footer must be the package's."""
    independent = HdrHistogram(1, 1 << 42, 2)
    for low, count in samples.items():
        independent.record_value(low, count)
    upto, total = {}, 0
    for step in independent.get_recorded_iterator():
        total += step.count_at_value_iterated_to
        upto[independent.get_highest_equivalent_value(step.value_iterated_to)] = total
    problems, before = [], 0
    lines = [line.split() for line in text.splitlines() if re.match(r" *[\d.]+ ", line)]
    for value, share, count, *_ in lines:
        value, exact, count = float(value), Fraction(share), int(count)
        # As fractions: 0.55 * 180 is more than 99 in floating point.
        rounded = 0 if share.endswith("0") else HALF_A_DIGIT
        below = max((found for other, found in upto.items() if other < value), default=0)
        smallest = below < max((exact + rounded) * total, 1) and (exact - rounded) * total <= count
        if upto.get(value) != count or not smallest or count < before:
            problems.append(f"{name}: {value} ns at {share}: {count} samples, the reader counts {upto.get(value)}")
        before = count
    if before != total:
        problems.append(f"{name}: the last line has {before} samples of {total}")
    made = io.BytesIO()
    independent.output_percentile_distribution(made, 1)
    ours, theirs = (
        {key: tuple(map(float, values)) for key, *values in FOOTER.findall(one)}
        for one in (text, made.getvalue().decode())
    )
    return problems[:5] + differences(f"{name}: footer", theirs, ours)
