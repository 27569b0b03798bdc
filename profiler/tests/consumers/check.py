"""Checks a folder of exports: check.py FOLDER PROFILE...

Prints a line a check, and fails if one finds a difference, or if one that compares counts would not have found a sample
more.
"""

import sys
import time
from pathlib import Path

import hdr
import papers
import tables
from expected import Expected

# The checks that compare counts.
COUNTED = {
    "interval log, HdrHistogram_py": hdr.hlog,
    "percentiles, HdrHistogram_py": hdr.hgrm,
    "csv, pandas": tables.csv,
    "parquet, pandas and pyarrow": tables.parquet_by_pandas,
    "parquet, DuckDB": tables.parquet_by_duckdb,
    "json": tables.of_json,
    "markdown, markdown-it": tables.markdown,
    "latex table, pdfLaTeX": papers.latex,
    "pgfplots, pdfLaTeX": papers.pgfplots,
}

OTHERS = {
    "parquet's metadata, pyarrow": tables.parquet_metadata,
    "svg, pdf and png figures": papers.figures,
}


def main():
    folder, *profiles = map(Path, sys.argv[1:])
    expected = Expected.read(profiles)
    one_more = expected.with_one_more()
    failed = False
    for name, check in (COUNTED | OTHERS).items():
        began = time.monotonic()
        problems = check(folder, expected)
        if name in COUNTED and not check(folder, one_more):
            problems.append("a sample more in the profile makes no difference to this check")
        verdict = "FAILED" if problems else "equal" if name in COUNTED else "good"
        print(f"  {name:32} {verdict:7} {time.monotonic() - began:5.1f} s")
        for problem in problems:
            print(f"    {problem}")
        failed |= bool(problems)
    sys.exit(failed)


main()
