//! The summary table as a LaTeX `tabular` with booktabs rules, for `\input`. Notes are below it, the manifest
//! is in comments.

use super::paper::{Line, Table, notes, table};
use super::tex;
use crate::report::metrics::{DOUBTFUL, QUANTILES};
use crate::report::units::ABSENT;
use crate::view::Subject;
use crate::view::manifest::comments;

/// Usage, as comments at the top of the file.
const USE: [&str; 2] = [
    r"In the preamble: \usepackage{booktabs}. In the document:",
    r"\begin{table} \centering \caption{...} \input{THIS FILE} \end{table}",
];

/// Layout for up to nine columns with names of threads, which otherwise exceed the page.
const SMALL: &str = "{\\small\\setlength{\\tabcolsep}{4pt}%\n";

/// Mark of quantiles with few samples: in LaTeX the sign for "about" reads better than a text tilde.
const DOUBTFUL_MARK: &str = r"$\sim$";

pub(super) fn latex(subject: &Subject<'_>) -> Vec<u8> {
    let table = table(subject);
    let mut text = tex::comments(USE.map(str::to_owned).into_iter().chain(comments(subject)));
    text.push_str(SMALL);
    text.push_str(&tabular(&table));
    text.push_str("}\n");
    text.push_str("\\par\\smallskip\n{\\footnotesize\\raggedright\n");
    for note in notes(subject, &table) {
        text.push_str(&marked(&note));
        text.push('\n');
    }
    text.push_str("\\par}\n");
    text.into_bytes()
}

fn tabular(table: &Table) -> String {
    let before = table.names.len() + 2;
    let times = QUANTILES.len() + 1;
    let mut text =
        format!("\\begin{{tabular}}{{@{{}}{}{}@{{}}}}\n", "l".repeat(before - 1), "r".repeat(times + 1));
    text.push_str("  \\toprule\n");
    text.push_str(&format!(
        "  {}\\multicolumn{{{times}}}{{c}}{{time ({})}} \\\\\n",
        "& ".repeat(before),
        tex::escaped(table.unit.symbol())
    ));
    text.push_str(&format!("  \\cmidrule(l){{{}-{}}}\n", before + 1, before + times));
    let headings = table.names.iter().copied().chain(["metric", "count"]);
    let headings = headings.chain(QUANTILES.iter().map(|(name, _)| *name)).chain(["max"]);
    text.push_str(&row(headings.map(tex::escaped)));
    text.push_str("  \\midrule\n");
    for (index, line) in table.lines.iter().enumerate() {
        if line.begins_group && index > 0 {
            text.push_str("  \\addlinespace\n");
        }
        text.push_str(&row(cells(line)));
    }
    text.push_str("  \\bottomrule\n\\end{tabular}\n");
    text
}

/// The cells of a line; a group's name is shown in its first line only.
fn cells(line: &Line) -> impl Iterator<Item = String> {
    let name = |name: &String| if line.begins_group { tex::escaped(name) } else { String::new() };
    let quantiles = line.quantiles.iter().map(|quantile| match quantile {
        None => tex::escaped(ABSENT),
        Some(quantile) => {
            let mark = if quantile.is_doubtful { DOUBTFUL_MARK } else { "" };
            format!("{mark}{}", tex::escaped(&quantile.figure))
        }
    });
    let metric = format!("\\texttt{{{}}}", tex::escaped(line.metric));
    line.names
        .iter()
        .map(name)
        .chain([metric, tex::escaped(&line.count)])
        .chain(quantiles)
        .chain([tex::escaped(&line.max)])
}

fn row(cells: impl Iterator<Item = String>) -> String {
    format!("  {} \\\\\n", cells.collect::<Vec<_>>().join(" & "))
}

/// A note, with marks written as in the table.
fn marked(note: &str) -> String {
    match note.strip_prefix(DOUBTFUL) {
        Some(meaning) => format!("{DOUBTFUL_MARK}{}", tex::escaped(meaning)),
        None => tex::escaped(note),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::series::{GroupBy, Selection};
    use model::profile::fixture;

    #[test]
    fn every_row_has_a_cell_for_every_column() {
        let mut profile = fixture::overfull();
        profile.threads[0].name = "a & b \\\\ % c".to_owned();
        let profiles = [&profile];
        let selection = Selection { metrics: Vec::new(), threads: None, group_by: GroupBy::Thread };
        let text = String::from_utf8(latex(&Subject::new(&profiles, &selection, false))).unwrap();
        let columns = text.lines().find(|line| line.starts_with("\\begin{tabular}")).unwrap();
        let columns = columns.rsplit_once("@{}").unwrap().0.rsplit_once("@{}").unwrap().1.len();
        let rows = text.lines().filter(|line| line.starts_with("  ") && line.ends_with("\\\\"));
        for row in rows.filter(|row| !row.contains("multicolumn")) {
            assert_eq!(row.replace("\\&", "").matches('&').count(), columns - 1, "{row}");
        }
        let comments = text.lines().filter(|line| line.starts_with("% ")).count();
        assert!(comments > 10, "{text}");
    }
}
