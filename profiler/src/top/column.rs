//! The columns of the table: meaning, unit and format of each.

use super::feed::Added;
use crate::report::units::ABSENT;
use crate::report::{count, duration};
use model::metric::Metric;
use model::profile::histogram::Histogram;
use model::profile::units::Nanos;

/// A figure of a thread over the last interval; for a process, over all its threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Column {
    /// Voluntary switches a second.
    Voluntary,
    /// Involuntary switches a second.
    Involuntary,
    /// The median wait on a run queue.
    WaitP50,
    /// The 99th percentile of waits on a run queue.
    WaitP99,
    /// The longest wait on a run queue.
    WaitMax,
    /// The 99th percentile of blocked times.
    BlockedP99,
    /// The share of the interval on a CPU.
    OnCpu,
    /// The share of the interval preempted.
    Preempted,
    /// Minor faults a second that raised an event.
    MinorFaults,
    /// Major faults a second that raised an event.
    MajorFaults,
}

/// A value for each column: nanoseconds, a rate per second, or a share; `None` if there is none.
pub type Values = [Option<f64>; Column::COUNT];

/// The format of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Rate,
    Time,
    Share,
}

impl Column {
    /// The number of columns.
    pub const COUNT: usize = 10;

    /// All columns, from left to right.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Voluntary,
        Self::Involuntary,
        Self::WaitP50,
        Self::WaitP99,
        Self::WaitMax,
        Self::BlockedP99,
        Self::OnCpu,
        Self::Preempted,
        Self::MinorFaults,
        Self::MajorFaults,
    ];

    /// The index in [`Self::ALL`].
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }

    /// The heading over neighbours of the same kind.
    #[must_use]
    pub fn group(self) -> &'static str {
        match self {
            Self::Voluntary | Self::Involuntary => "switches/s",
            Self::WaitP50 | Self::WaitP99 | Self::WaitMax => "runqueue_wait",
            Self::BlockedP99 => "blocked",
            Self::OnCpu => "on_cpu",
            Self::Preempted => "preempted",
            Self::MinorFaults | Self::MajorFaults => "faults/s",
        }
    }

    /// The column's own heading.
    #[must_use]
    pub fn heading(self) -> &'static str {
        match self {
            Self::Voluntary => "vol",
            Self::Involuntary => "invol",
            Self::WaitP50 => "p50",
            Self::WaitP99 | Self::BlockedP99 => "p99",
            Self::WaitMax => "max",
            Self::OnCpu | Self::Preempted => "%",
            Self::MinorFaults => "minor",
            Self::MajorFaults => "major",
        }
    }

    /// A description of the figure.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Voluntary => "voluntary switches/s",
            Self::Involuntary => "involuntary switches/s",
            Self::WaitP50 => "runqueue_wait p50",
            Self::WaitP99 => "runqueue_wait p99",
            Self::WaitMax => "runqueue_wait max",
            Self::BlockedP99 => "blocked p99",
            Self::OnCpu => "on_cpu %",
            Self::Preempted => "preempted %",
            Self::MinorFaults => "minor faults/s",
            Self::MajorFaults => "major faults/s",
        }
    }

    /// The metric whose distribution details the figure.
    #[must_use]
    pub fn metric(self) -> Metric {
        match self {
            Self::Voluntary | Self::BlockedP99 => Metric::Blocked,
            Self::Involuntary | Self::Preempted => Metric::Preempted,
            Self::WaitP50 | Self::WaitP99 | Self::WaitMax => Metric::RunqueueWait,
            Self::OnCpu => Metric::OnCpu,
            Self::MinorFaults => Metric::MinorFault,
            Self::MajorFaults => Metric::MajorFault,
        }
    }

    fn unit(self) -> Unit {
        match self {
            Self::Voluntary | Self::Involuntary | Self::MinorFaults | Self::MajorFaults => Unit::Rate,
            Self::WaitP50 | Self::WaitP99 | Self::WaitMax | Self::BlockedP99 => Unit::Time,
            Self::OnCpu | Self::Preempted => Unit::Share,
        }
    }

    /// Width in terminal columns, including the blank before it.
    #[must_use]
    pub fn width(self) -> u16 {
        match self {
            Self::OnCpu => 7,
            Self::Preempted => 10,
            Self::MinorFaults | Self::MajorFaults => 9,
            _ => 8,
        }
    }

    /// Formats a value, in at most seven characters.
    #[must_use]
    pub fn text(self, value: Option<f64>) -> String {
        let Some(value) = value else { return ABSENT.to_owned() };
        match self.unit() {
            Unit::Rate => rate(value),
            Unit::Time => time(value),
            Unit::Share => decimal(value * 100.0),
        }
    }
}

/// Formats a duration with three digits and unit.
fn time(nanos: f64) -> String {
    /// The duration, in nanoseconds, from which rounded seconds have too many digits.
    const LONG: f64 = 9_995e9;
    if nanos >= LONG {
        return format!("{:.1} h", nanos / 3_600e9);
    }
    // A figure that rounds to 1,000 of a unit is shown as 1.00 of the next.
    let magnitude = nanos.max(1.0).log10().floor() as i32;
    let step = 10_f64.powi((magnitude - 2).max(0));
    duration(Nanos(((nanos / step).round() * step) as u64)).replace('\u{a0}', " ")
}

fn rate(value: f64) -> String {
    /// The value from which digits and separators exceed seven characters.
    const MANY: f64 = 999_999.5;
    match value {
        _ if value < 99.95 => decimal(value),
        _ if value < MANY => count(value.round() as u64),
        _ => format!("{:.2} M", value / 1e6),
    }
}

/// Formats with one decimal; non-zero values are not shown as 0.
fn decimal(value: f64) -> String {
    match value {
        0.0 => "0".to_owned(),
        _ if value < 0.05 => "<0.1".to_owned(),
        _ => format!("{value:.1}"),
    }
}

/// Computes the values of an interval of this length.
#[must_use]
pub fn values(added: &Added, length: Nanos) -> Values {
    let seconds = (length.0 > 0).then_some(length.0 as f64 / 1e9);
    let rate = |count: u64| seconds.map(|seconds| count as f64 / seconds);
    let share = |time: Nanos| seconds.map(|seconds| time.0 as f64 / 1e9 / seconds);
    let quantile = |metric, at| {
        let quantile = added.histograms.get(&metric).and_then(|histogram: &Histogram| histogram.quantile(at));
        quantile.map(|quantile| quantile.value.0 as f64)
    };
    let longest = added.histograms.get(&Metric::RunqueueWait).map(|histogram| histogram.max_ns.0 as f64);
    Column::ALL.map(|column| match column {
        Column::Voluntary => rate(added.seen.voluntary_switches),
        Column::Involuntary => rate(added.seen.involuntary_switches),
        Column::WaitP50 => quantile(Metric::RunqueueWait, 0.5),
        Column::WaitP99 => quantile(Metric::RunqueueWait, 0.99),
        Column::WaitMax => longest,
        Column::BlockedP99 => quantile(Metric::Blocked, 0.99),
        Column::OnCpu => share(added.states.on_cpu_ns),
        Column::Preempted => share(added.states.preempted_ns),
        Column::MinorFaults => rate(added.seen.minor_faults),
        Column::MajorFaults => rate(added.seen.major_faults),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::assemble::Seen;
    use model::profile::interval::States;

    #[test]
    fn the_places_are_those_of_the_list() {
        assert!(Column::ALL.iter().enumerate().all(|(index, column)| column.index() == index));
    }

    #[test]
    fn no_sample_is_no_figure_and_no_switch_is_zero() {
        let values = values(&Added::default(), Nanos(1_000_000_000));
        let texts = Column::ALL.map(|column| column.text(values[column.index()]));
        assert_eq!(texts, ["0", "0", "–", "–", "–", "–", "0", "0", "0", "0"]);
    }

    #[test]
    fn an_interval_without_length_has_no_rates() {
        assert!(values(&Added::default(), Nanos(0)).iter().all(Option::is_none));
    }

    #[test]
    fn rates_are_of_a_second_and_shares_of_the_interval() {
        let seen = Seen { voluntary_switches: 50, minor_faults: 3, ..Seen::default() };
        let states = States { on_cpu_ns: Nanos(500_000_000), ..States::default() };
        let added = Added { seen, states, ..Added::default() };
        let values = values(&added, Nanos(2_000_000_000));
        let text = |column: Column| column.text(values[column.index()]);
        assert_eq!(text(Column::Voluntary), "25.0");
        assert_eq!(text(Column::MinorFaults), "1.5");
        assert_eq!(text(Column::OnCpu), "25.0");
    }

    #[test]
    fn no_figure_is_wider_than_its_column() {
        let extremes =
            [0.0, 0.01, 9.96, 99.96, 999_999.4, 1e6, 99.99e6, 999.6e3, 9_994.9e9, 9_995e9, 36_000e9];
        for column in Column::ALL {
            let is_possible = |value: &&f64| match column.unit() {
                Unit::Time => true,
                Unit::Rate => **value < 1e8,
                Unit::Share => **value < 100.0,
            };
            for value in extremes.iter().filter(is_possible) {
                let text = column.text(Some(*value));
                assert!(text.chars().count() < usize::from(column.width()), "{column:?}: {text}");
            }
            assert!(column.heading().len() + 2 <= usize::from(column.width()));
        }
    }
}
