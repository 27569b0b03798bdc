"""What papers include: compiled by LaTeX, looked at with poppler's tools, parsed as XML, decoded as a picture."""

import re
import subprocess
from collections import Counter
from xml.etree import ElementTree

import pandas
from expected import differences
from PIL import Image

SVG = "{http://www.w3.org/2000/svg}"

# As a paper would have it, but with room for many threads.
DOCUMENT = r"""\documentclass{article}
\usepackage[margin=1cm]{geometry}
\usepackage{booktabs}
\begin{document}
\begin{table} \centering \caption{Waits} \input{TABLE} \end{table}
\end{document}
"""


def latex(folder, expected):
    """The tables compile, fit the page, and their counts are read on it, added up by metric."""
    wanted = Counter()
    for (_, metric), count in expected.samples().items():
        wanted[metric] += count
    problems = []
    for table in ("table", "names"):
        paper = f"paper-{table}"
        (folder / f"{paper}.tex").write_text(DOCUMENT.replace("TABLE", table), encoding="utf-8")
        problems += compiled(folder, paper) or differences(f"{paper}.pdf", wanted, read(folder / f"{paper}.pdf", wanted))
    return problems


def read(page, metrics):
    """Of each metric the sum of the column of counts."""
    text = subprocess.run(["pdftotext", "-layout", page, "-"], check=True, capture_output=True, text=True).stdout

    def samples(metric):
        # An underscore is a rule in TeX's old fonts, so it is no text.
        cells = re.findall(rf"\b{metric.replace('_', '[ _]?')} +([\d,]+) ", text)
        return sum(int(cell.replace(",", "")) for cell in cells)

    return {metric: samples(metric) for metric in metrics}


def pgfplots(folder, expected):
    """The figure compiles, and each point of its data has as many samples as the profile. Curves of any name compile too."""
    problems = compiled(folder, "figure") + compiled(folder, "curves")
    for path in sorted(folder.glob("figure.*.dat")):
        *title, metric = path.name.removeprefix("figure.").removesuffix(".dat").rsplit(".", 1)
        samples = expected.merged(expected.run_of(*title), metric)
        points = pandas.read_csv(path, sep=" ", comment="#")
        wanted = {ns: sum(count for low, count in samples.items() if low >= ns) for ns in points["ns"]}
        # The shortest and the longest sample are known better than their buckets. Those of 0 ns have no point.
        wanted |= {points["ns"].iloc[0]: samples.total() - samples[0], points["ns"].iloc[-1]: 1}
        problems += differences(path.name, wanted, dict(zip(points["ns"], points["samples"])))
    return problems


def figures(folder, _expected):
    """All that `profiler export` and `profiler plot` drew."""
    drawn = sorted(folder.glob("figure-*"))
    problems = [] if drawn else ["there are no figures"]
    for path in drawn:
        check = {".pdf": pdf, ".svg": svg, ".png": png}[path.suffix]
        problems += check(path)
    return problems


def compiled(folder, name):
    """Compiles NAME.tex; nothing may stick out of the page, and every font must be embedded."""
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", f"{name}.tex"]
    made = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace")
    if made.returncode != 0:
        return [f"{name}.tex: {line}" for line in made.stdout.splitlines() if line.startswith("!")] or [made.stdout]
    too_wide = [f"{name}.tex: {line}" for line in made.stdout.splitlines() if line.startswith("Overfull")]
    return too_wide + pdf(folder / f"{name}.pdf")


def pdf(path):
    """Name, type, encoding, emb, sub, uni, object: a line a font. Types have spaces, so they are read from behind."""
    listed = subprocess.run(["pdffonts", path], check=True, capture_output=True, text=True).stdout.splitlines()[2:]
    problems = [] if listed else [f"{path.name}: it has no font, so its text is no text"]
    for line in listed:
        embedded = line.split()[-5]
        if embedded != "yes" or "Type 3" in line:
            problems.append(f"{path.name}: a font is not embedded or of type 3: {line}")
    return problems


def svg(path):
    """Labels are text, and the manifest is with it."""
    root = ElementTree.parse(path).getroot()
    texts = [text for text in root.iter(f"{SVG}text") if "".join(text.itertext()).strip()]
    metadata = root.findtext(f"{SVG}metadata") or ""
    problems = [] if len(texts) > 3 else [f"{path.name}: only {len(texts)} texts"]
    if not re.search("^verdict: ", metadata, re.MULTILINE):
        problems.append(f"{path.name}: no manifest in it")
    return problems


def png(path):
    """It decodes to the end, is not blank, and has its resolution and manifest."""
    with Image.open(path) as picture:
        picture.load()
        colours = picture.convert("L").getextrema()
        resolution = round(picture.info["dpi"][0])
        manifest = picture.info.get("Profile 1", "")
    found = {"blank": colours[0] == colours[1], "pixels an inch": resolution, "manifest": "verdict: " in manifest}
    return differences(path.name, {"blank": False, "pixels an inch": 300, "manifest": True}, found)
