//! A LaTeX document with pgfplots: an axis for each metric, a curve for each group, with the points of each
//! curve in a data file.
//!
//! A curve is the complementary distribution: the share of samples that last at least this long. It is exact at
//! the bounds of buckets and interpolated between them. Both axes are logarithmic, so that a tail of one sample
//! in a million is as visible as the body.

mod curve;
mod drawn;
mod style;

use super::names::Names;
use super::{Artifact, tex};
use crate::report::units::decade;
use crate::view::Subject;
use crate::view::manifest::{comments, on_one_line};
use crate::view::series::{Group, Key};
use anyhow::{Result, bail};
use curve::{Curve, DATA_EXTENSION};
use drawn::Drawn;
use model::metric::Metric;
use model::outside_text::excerpt;
use style::{MARK, STYLES, Style};

/// Axes in a row; more exceed the width of a page.
const COLUMNS: usize = 2;

/// The most labels of durations that do not touch on an axis of this width.
const MOST_X_LABELS: u32 = 4;

pub(super) fn pgfplots(subject: &Subject<'_>) -> Result<Vec<Artifact>> {
    if !is_plain_name(&subject.stem) {
        bail!(
            "the figure names its data files after itself, and LaTeX would misread {:?}: use letters, digits and \
             -_.=+ only in --output",
            excerpt(&subject.stem)
        );
    }
    let drawn = Drawn::of(subject);
    let figure = Figure::new(subject, &drawn)?;
    let mut artifacts = vec![Artifact::main(figure.document().into_bytes())];
    artifacts.extend(figure.curves.iter().map(|curve| Artifact {
        suffix: curve.suffix.clone(),
        extension: Some(DATA_EXTENSION),
        bytes: curve.data().into_bytes(),
    }));
    Ok(artifacts)
}

fn is_plain_name(name: &str) -> bool {
    !name.is_empty()
        && name.chars().all(|character| character.is_ascii_alphanumeric() || "-_.=+".contains(character))
}

/// The groups and metrics of the figure.
struct Figure<'a> {
    subject: &'a Subject<'a>,
    /// Labels of the groups, in the order of [`STYLES`].
    labels: Vec<String>,
    curves: Vec<Curve<'a>>,
}

impl<'a> Figure<'a> {
    fn new(subject: &'a Subject<'a>, drawn: &'a Drawn<'a>) -> Result<Self> {
        let names = Names::new(subject);
        let title = |group: &Group<'_>| subject.titles.get(group.run).map_or("", String::as_str);
        let mut labels: Vec<String> = drawn.own.iter().map(|group| label(subject, group)).collect();
        let mut curves = Vec::new();
        for (number, &group) in drawn.own.iter().enumerate() {
            let what = format!("{}, {}", on_one_line(&group.key.label()), on_one_line(title(group)));
            curves.extend(Curve::of(group, number, &what, |metric| names.suffix(group, metric)));
        }
        if let Some(others) = &drawn.others {
            let what = format!("{}, {}", others.label, on_one_line(others.title));
            // Unique: in the suffix of a group, two hexadecimal digits follow an equals sign.
            let suffix = |metric: Metric| format!("=others.{}", metric.name());
            curves.extend(Curve::of(&others.group, labels.len(), &what, suffix));
            labels.push(others.label.clone());
        }
        if curves.is_empty() {
            return Err(subject.nothing_in_buckets("to draw", "sample above 0 ns in a bucket"));
        }
        Ok(Self { subject, labels, curves })
    }

    fn document(&self) -> String {
        let mut text = tex::comments(
            ["A figure for pdfLaTeX; the points are in the data files beside it.".to_owned()]
                .into_iter()
                .chain(comments(self.subject)),
        );
        text.push_str(PREAMBLE);
        for Style { colour, rgb: [red, green, blue], .. } in &STYLES[..self.labels.len()] {
            text.push_str(&format!("\\definecolor{{{colour}}}{{RGB}}{{{red},{green},{blue}}}\n"));
        }
        text.push_str(&format!(
            "% The data files: where they are from here, and how their names begin.\n\\newcommand*\\data{{{}}}\n",
            self.subject.stem
        ));
        text.push_str("\\begin{document}\n\\begin{tikzpicture}\n");
        text.push_str(&self.axes());
        text.push_str("\\end{tikzpicture}\n\\end{document}\n");
        text
    }

    fn axes(&self) -> String {
        let metrics: Vec<Metric> =
            Metric::ALL.into_iter().filter(|&metric| self.of(metric).next().is_some()).collect();
        let columns = metrics.len().min(COLUMNS);
        let mut text = format!(
            "\\begin{{groupplot}}[\n  group style={{group size={columns} by {}, horizontal sep=13mm, \
             vertical sep=18mm,\n    \
             ylabels at=edge left, yticklabels at=edge left}},\n  \
             width=78mm, height=58mm, xmode=log, ymode=log, grid=major, grid style={{black!12}},\n  \
             every axis plot/.append style={{line width=0.9pt}}, label style={{font=\\small}},\n  \
             tick label style={{font=\\footnotesize}}, xticklabel style={{yshift=-2pt}}, \
             title style={{font=\\small, text depth=0.3ex}},\n  \
             ylabel={{share of samples $\\geq x$}}, {},\n]\n",
            metrics.len().div_ceil(columns),
            self.y_axis(),
        );
        for (index, &metric) in metrics.iter().enumerate() {
            text.push_str(&self.axis(metric, index == 0, columns));
        }
        text.push_str("\\end{groupplot}\n");
        text
    }

    fn of(&self, metric: Metric) -> impl Iterator<Item = &Curve<'a>> {
        self.curves.iter().filter(move |curve| curve.metric == metric)
    }

    /// The vertical axis of all metrics, down to one sample of the largest curve.
    fn y_axis(&self) -> String {
        let most =
            self.curves.iter().filter_map(|curve| curve.points.first()).map(|point| point.samples).max();
        let decades = most.unwrap_or(1).max(2).saturating_sub(1).ilog10() + 1;
        let ticks: Vec<String> = (0..=decades).map(|decade| format!("1e-{decade}")).collect();
        let labels: Vec<String> = (0..=decades).map(share_label).collect();
        format!(
            "ymin={}, ymax=1, ytick={{{}}},\n  yticklabels={{{}}}",
            ticks[ticks.len() - 1],
            ticks.join(","),
            labels.join(",")
        )
    }

    fn axis(&self, metric: Metric, is_first: bool, columns: usize) -> String {
        let mut text = format!(
            "\\nextgroupplot[title={{\\texttt{{{}}}}}, xlabel={{duration $x$}}, {}{}]\n",
            tex::escaped(metric.name()),
            x_axis(self.of(metric)),
            if is_first { format!(",\n  {}", legend_place(columns)) } else { String::new() },
        );
        if is_first {
            text.push_str(&self.legend());
        }
        for curve in self.of(metric) {
            text.push_str(&curve.plots());
        }
        text
    }

    /// Legend entries for all groups, including those without a curve in the first axis.
    fn legend(&self) -> String {
        let entry = |(Style { colour, dashes, mark, .. }, label): (&Style, &String)| {
            let label = tex::escaped(label);
            format!("\\addlegendimage{{{colour}, {dashes}, {MARK}={mark}}}\\addlegendentry{{{label}}}\n")
        };
        STYLES.iter().zip(&self.labels).map(entry).collect()
    }
}

fn label(subject: &Subject<'_>, group: &Group<'_>) -> String {
    let title = subject.titles.get(group.run).map_or("", String::as_str);
    match (&group.key, subject.profiles.len()) {
        (Key::Run, _) => title.to_owned(),
        (key, 1) => key.label(),
        (key, _) => format!("{title}: {}", key.label()),
    }
}

/// Preamble. `standalone` crops the page to the figure; without that class the page is whole.
const PREAMBLE: &str = r"\IfFileExists{standalone.cls}{\documentclass[border=2pt]{standalone}}%
  {\documentclass{article}\pagestyle{empty}\usepackage[margin=1cm]{geometry}}
\usepackage{pgfplots}
\pgfplotsset{compat=1.16}
\usepgfplotslibrary{groupplots}
";

/// The legend's position: above the first row of axes.
fn legend_place(columns: usize) -> String {
    let across = if columns > 1 { 1.09 } else { 0.5 };
    format!(
        "legend columns=3, legend cell align=left, legend style={{at={{({across},1.22)}}, anchor=south, draw=none, \
         font=\\small, /tikz/every even column/.append style={{column sep=2mm}}}}"
    )
}

/// `$10^{-2}$ (p99)`
fn share_label(decade: u32) -> String {
    match decade {
        0 => "1".to_owned(),
        1 => "0.1 (p90)".to_owned(),
        2 => "0.01 (p99)".to_owned(),
        _ => format!("$10^{{-{decade}}}$ (p99.{})", "9".repeat(decade as usize - 2)),
    }
}

/// The horizontal axis, from the decade of the shortest to that of the longest duration, with a label at every
/// decade that has space.
fn x_axis<'a>(curves: impl Iterator<Item = &'a Curve<'a>>) -> String {
    let (mut first, mut last) = (u32::MAX, 0);
    for point in curves.flat_map(|curve| &curve.points) {
        first = first.min(point.ns.ilog10());
        last = last.max(point.ns.ilog10() + 1);
    }
    let step = (last - first).div_ceil(MOST_X_LABELS) as usize;
    let labelled: Vec<u32> = (first..=last).step_by(step).collect();
    let ticks =
        |decades: &[u32]| decades.iter().map(|decade| format!("1e{decade}")).collect::<Vec<_>>().join(",");
    let labels: Vec<String> = labelled.iter().map(|&power| tex::escaped(&decade(power))).collect();
    let all: Vec<u32> = (first..=last).collect();
    format!(
        "xmin=1e{first}, xmax=1e{last}, xtick={{{}}}, xticklabels={{{}}}, minor xtick={{{}}}",
        ticks(&labelled),
        labels.join(","),
        ticks(&all)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::series::{GroupBy, Selection};
    use model::profile::Profile;
    use model::profile::fixture;

    fn subject<'a>(profiles: &'a [&'a Profile], group_by: GroupBy) -> Subject<'a> {
        Subject::new(profiles, &Selection { metrics: Vec::new(), threads: None, group_by }, false)
    }

    #[test]
    fn the_document_reads_every_data_file() {
        let (one, two) = (fixture::tokio(), fixture::pool());
        let profiles = [&one, &two];
        let artifacts = pgfplots(&subject(&profiles, GroupBy::Run).named("waits-1.a")).unwrap();
        let document = std::str::from_utf8(&artifacts[0].bytes).unwrap();
        assert!(document.contains("\\newcommand*\\data{waits-1.a}"), "{document}");
        let read: Vec<&str> = document.split("{\\data.").skip(1).collect();
        assert_eq!(read.len(), artifacts.len() - 1);
        for artifact in &artifacts[1..] {
            let name = format!("{}.dat}}", artifact.suffix);
            assert!(read.iter().any(|rest| rest.starts_with(&name)), "{name} is not read");
        }
    }

    #[test]
    fn what_cannot_be_drawn_is_refused_with_a_way_out() {
        let profile = fixture::pool();
        let profiles = [&profile];
        let refused = |subject: Subject<'_>| format!("{:#}", pgfplots(&subject).unwrap_err());
        let message = refused(subject(&profiles, GroupBy::Run).named("50 %"));
        assert!(message.contains("--output"), "{message}");
    }

    #[test]
    fn what_is_too_much_is_put_together_and_nothing_is_lost() {
        let mut many = fixture::pool();
        many.threads = vec![many.threads[0].clone(); STYLES.len() + 1];
        for (tid, thread) in many.threads.iter_mut().enumerate() {
            thread.tid = tid as u32;
        }
        let profiles = [&many];
        let subject = subject(&profiles, GroupBy::Thread);
        let drawn = Drawn::of(&subject);
        let figure = Figure::new(&subject, &drawn).unwrap();
        assert_eq!(figure.labels.len(), STYLES.len());
        assert_eq!(figure.labels[STYLES.len() - 1], "2 others together");
        let samples = |curves: &mut dyn Iterator<Item = &Curve<'_>>| -> u64 {
            curves.map(|curve| curve.histogram.count).sum()
        };
        let all = many.histogram(Metric::OnCpu).unwrap().count;
        assert_eq!(samples(&mut figure.of(Metric::OnCpu)), all);
        let artifacts = pgfplots(&subject).unwrap();
        assert!(artifacts.iter().any(|artifact| artifact.suffix == "=others.on_cpu"));
        let document = figure.document();
        assert!(document.contains("\\addlegendentry{2 others together}"), "{document}");
        assert!(document.contains("{\\data.=others.on_cpu.dat}"), "{document}");
    }

    #[test]
    fn axes_end_at_decades() {
        assert_eq!(share_label(4), "$10^{-4}$ (p99.99)");
        let profile = fixture::pool();
        let profiles = [&profile];
        let subject = subject(&profiles, GroupBy::Run);
        let drawn = Drawn::of(&subject);
        let figure = Figure::new(&subject, &drawn).unwrap();
        let axis = x_axis(figure.curves.iter());
        assert!(axis.contains("xmin=1e") && axis.contains("$\\mu$s"), "{axis}");
    }
}
