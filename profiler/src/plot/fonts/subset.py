#!/usr/bin/env python3
"""Makes figure.woff2 from LiberationSans-Regular.ttf, both beside this file: what the figures' SVG embeds.

    python3 -m venv /tmp/fonts && /tmp/fonts/bin/pip install fonttools==4.68.0 brotli==1.2.1
    /tmp/fonts/bin/python profiler/src/plot/fonts/subset.py

The glyphs of European names, and the signs that figures write, with their `cmap`, without hints and features. The name
"Liberation" is reserved for the unchanged font (OFL.txt), so the subset has another in its name table.
"""

from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

HERE = Path(__file__).parent
NAME = "Figure Sans"
# Family and full name, and that of PostScript, which has no spaces.
NAMES = {1: NAME, 3: NAME, 4: NAME, 6: NAME.replace(" ", "")}
# Latin with its supplement and its first extension.
LATIN = [*range(0x20, 0x7F), *range(0xA0, 0x180)]
SIGNS = "‐–—‘’“”•…←↑→↓−∞≈≠≤≥�"

font = TTFont(HERE / "LiberationSans-Regular.ttf", recalcTimestamp=False)
options = Options()
options.flavor = "woff2"
options.hinting = False
options.layout_features = []
options.name_IDs = [0, *NAMES, 13, 14]
options.drop_tables += ["GPOS", "GSUB", "GDEF", "kern", "FFTM"]
subsetter = Subsetter(options)
subsetter.populate(unicodes=[*LATIN, *map(ord, SIGNS)])
subsetter.subset(font)
for record in font["name"].names:
    if record.nameID in NAMES:
        record.string = NAMES[record.nameID]
font.flavor = "woff2"
font.save(HERE / "figure.woff2")
