//! Styles of groups.

/// The style of a group.
pub(super) struct Style {
    pub(super) colour: &'static str,
    pub(super) rgb: [u8; 3],
    pub(super) dashes: &'static str,
    /// The mark at the end of the curve; a curve of one point is only this.
    pub(super) mark: &'static str,
}

const fn style(colour: &'static str, rgb: [u8; 3], dashes: &'static str, mark: &'static str) -> Style {
    Style { colour, rgb, dashes, mark }
}

/// Styles by group. Each differs from the others by dashes and by mark alone, so colours are not needed. The
/// colours are Okabe and Ito's, distinguishable for colour-blind people; their yellow is left out as too light
/// for a line.
pub(super) const STYLES: [Style; 7] = [
    style("curveblue", [0, 114, 178], "solid", "*"),
    style("curvevermillion", [213, 94, 0], "densely dashed", "square*"),
    style("curveblack", [0, 0, 0], "densely dotted", "triangle*"),
    style("curvegreen", [0, 158, 115], "dash pattern=on 6pt off 1.5pt on 1pt off 1.5pt", "diamond*"),
    style("curvepurple", [204, 121, 167], "dash pattern=on 9pt off 2pt", "o"),
    style(
        "curveorange",
        [230, 159, 0],
        "dash pattern=on 4pt off 1.5pt on 1pt off 1.5pt on 1pt off 1.5pt",
        "square",
    ),
    style("curvesky", [86, 180, 233], "dash pattern=on 1pt off 3pt", "triangle"),
];

/// Marks are solid on dashed lines, too.
pub(super) const MARK: &str = "mark options={solid}, mark size=1.3pt, mark";
