//! The look of groups.

/// The look of a group.
pub(super) struct Style {
    pub(super) colour: &'static str,
    pub(super) rgb: [u8; 3],
    pub(super) dashes: &'static str,
    /// At the end of the curve, and all of a curve of one point.
    pub(super) mark: &'static str,
}

const fn style(colour: &'static str, rgb: [u8; 3], dashes: &'static str, mark: &'static str) -> Style {
    Style { colour, rgb, dashes, mark }
}

/// One for each group, each told from the others by its dashes and by its mark alone, so in grey too. The colours are
/// those of Okabe and Ito, which people see apart whatever their colour vision; without their yellow, which is too
/// light for a line.
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

/// Solid also on a dashed line.
pub(super) const MARK: &str = "mark options={solid}, mark size=1.3pt, mark";
