//! Selection and order of the model's rows, and the selected row.

use super::column::{Column, Values};
use super::model::{Doing, History, Identity, Model};
use std::cmp::Ordering;
use std::sync::Arc;

/// The order of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// By name, then by pid and tid.
    Name,
    /// By tid or pid.
    Number,
    /// By a figure; rows without a value come last in either direction.
    By(Column),
}

impl Order {
    /// All orders, from left to right.
    fn all() -> impl Iterator<Item = Self> {
        [Self::Name, Self::Number].into_iter().chain(Column::ALL.map(Self::By))
    }

    /// True if the largest comes first by default.
    fn is_descending(self) -> bool {
        matches!(self, Self::By(_))
    }

    /// A description.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Number => "number",
            Self::By(column) => column.words(),
        }
    }
}

/// A row of the table.
#[derive(Clone, Debug)]
pub struct Row {
    /// The thread or process.
    pub identity: Identity,
    /// The name of the thread or process.
    pub name: Arc<str>,
    /// The pid.
    pub pid: u32,
    /// The tid, for a thread.
    pub tid: Option<u32>,
    /// The name of the process, if known.
    pub process: Option<Arc<str>>,
    /// The label of the daemon's selector that matched it.
    pub selector: Option<Arc<str>>,
    /// The state of a thread.
    pub doing: Option<Doing>,
    /// The number of living threads of a process.
    pub threads: u64,
    /// The figures.
    pub values: Values,
}

/// Order, filter and selection of rows.
#[derive(Clone, Debug)]
pub struct View {
    /// The order of rows.
    pub order: Order,
    /// True if the order is reversed.
    pub reversed: bool,
    /// Text that a row's names, numbers or selector must contain, ignoring case.
    pub filter: String,
    /// True if rows are processes instead of threads.
    pub by_process: bool,
    /// The selected row; `None` only if there are no rows.
    pub selected: Option<Identity>,
    /// True if the selection follows the first row: until another is selected, and after that one has gone.
    pub follows_first: bool,
    /// The rows, sorted, as of the last [`Self::arrange`].
    pub rows: Vec<Row>,
    /// The index of the first visible row.
    pub first: usize,
}

impl Default for View {
    fn default() -> Self {
        Self {
            order: Order::By(Column::OnCpu),
            reversed: false,
            filter: String::new(),
            by_process: false,
            selected: None,
            follows_first: true,
            rows: Vec::new(),
            first: 0,
        }
    }
}

impl View {
    /// Rebuilds the rows. A selected row stays selected until it is gone.
    pub fn arrange(&mut self, model: &Model) {
        self.rows = if self.by_process { processes(model) } else { threads(model) };
        let wanted = self.filter.to_lowercase();
        self.rows.retain(|row| matches(row, &wanted));
        let (order, reversed) = (self.order, self.reversed);
        self.rows.sort_by(|a, b| compare(a, b, order, reversed));
        if self.follows_first || self.index().is_none() {
            self.select_first();
        }
    }

    /// The index of the selected row.
    #[must_use]
    pub fn index(&self) -> Option<usize> {
        let selected = self.selected?;
        self.rows.iter().position(|row| row.identity == selected)
    }

    /// Selects the first row, and follows it.
    pub fn select_first(&mut self) {
        self.select(0);
        self.follows_first = true;
    }

    /// Selects the row at an index, or the last one.
    pub fn select(&mut self, index: usize) {
        self.follows_first = false;
        self.selected = self.rows.get(index.min(self.rows.len().saturating_sub(1))).map(|row| row.identity);
    }

    /// Moves the selection down by this many rows, or up.
    pub fn step(&mut self, by: isize) {
        self.select(self.index().unwrap_or(0).saturating_add_signed(by));
    }

    /// Sorts by the next or the previous column.
    pub fn turn(&mut self, forward: bool) {
        let all: Vec<Order> = Order::all().collect();
        let index = all.iter().position(|order| *order == self.order).unwrap_or(0);
        let step = if forward { 1 } else { all.len() - 1 };
        if let Some(order) = all.get((index + step) % all.len()) {
            (self.order, self.reversed) = (*order, false);
        }
    }

    /// Scrolls so that the selected row is among `shown` rows.
    pub fn scroll(&mut self, shown: usize) {
        let index = self.index().unwrap_or(0);
        let last_first = self.rows.len().saturating_sub(shown);
        self.first = self.first.clamp((index + 1).saturating_sub(shown), index).min(last_first);
    }

    /// True if the largest comes first.
    #[must_use]
    pub fn is_descending(&self) -> bool {
        self.order.is_descending() != self.reversed
    }
}

fn threads(model: &Model) -> Vec<Row> {
    let row = |thread: &super::model::Thread| {
        let record = &thread.record;
        Row {
            identity: Identity::Thread(record.serial),
            name: Arc::clone(&thread.name),
            pid: record.pid,
            tid: Some(record.tid),
            process: model.process_name(record.pid).cloned(),
            selector: model.selector(record.pid).cloned(),
            doing: Some(thread.doing),
            threads: 1,
            values: thread.values,
        }
    };
    model.threads.values().map(|thread| row(thread)).collect()
}

fn processes(model: &Model) -> Vec<Row> {
    let row = |(&pid, process): (&u32, &super::model::Process)| {
        let name = model.process_name(pid).cloned();
        Row {
            identity: Identity::Process(pid),
            name: name.clone().unwrap_or_else(|| "?".into()),
            pid,
            tid: None,
            process: name,
            selector: model.selector(pid).cloned(),
            doing: (process.threads == 0).then_some(Doing::Ended),
            threads: process.threads,
            values: process.values,
        }
    };
    model.processes.iter().map(row).collect()
}

/// True if a row matches the filter `wanted`, in lower case.
fn matches(row: &Row, wanted: &str) -> bool {
    let has = |text: &str| text.to_lowercase().contains(wanted);
    wanted.is_empty()
        || has(&row.name)
        || row.process.as_deref().is_some_and(has)
        || row.selector.as_deref().is_some_and(has)
        || has(&row.pid.to_string())
        || row.tid.is_some_and(|tid| has(&tid.to_string()))
}

fn compare(a: &Row, b: &Row, order: Order, reversed: bool) -> Ordering {
    let turned =
        |ordering: Ordering| if order.is_descending() != reversed { ordering.reverse() } else { ordering };
    let numbers = (a.pid, a.tid).cmp(&(b.pid, b.tid));
    let first = match order {
        Order::Name => turned(a.name.cmp(&b.name)),
        Order::Number => turned(numbers),
        Order::By(column) => match (a.values[column.index()], b.values[column.index()]) {
            (Some(a), Some(b)) => turned(a.total_cmp(&b)),
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
        },
    };
    // A tid may be reused while its previous thread is still shown.
    first.then(numbers).then(a.identity.cmp(&b.identity))
}

/// The history of a row.
#[must_use]
pub fn history(model: &Model, identity: Identity) -> Option<&History> {
    match identity {
        Identity::Thread(serial) => model.threads.get(&serial).map(|thread| &thread.history),
        Identity::Process(pid) => model.processes.get(&pid).map(|process| &process.history),
    }
}

#[cfg(test)]
mod tests {
    use super::super::feed::{Known, ThreadUpdate};
    use super::super::fixture::{frame, thread};
    use super::*;
    use model::profile::units::Nanos;

    fn model(threads: Vec<ThreadUpdate>) -> Model {
        let mut model = Model::new(Nanos(0), []);
        model.take(frame(1, threads), true);
        model
    }

    fn tids(view: &View) -> Vec<u32> {
        view.rows.iter().filter_map(|row| row.tid).collect()
    }

    fn arranged(model: &Model, order: Order, reversed: bool) -> Vec<u32> {
        let mut view = View { order, reversed, ..View::default() };
        view.arrange(model);
        tids(&view)
    }

    fn waits() -> Model {
        model(vec![
            thread(1, 1).waited(&[5_000]).named("b"),
            thread(1, 2).waited(&[]).named("c"),
            thread(1, 3).waited(&[9_000]).named("a"),
        ])
    }

    #[test]
    fn rows_without_a_figure_come_last_in_both_directions() {
        let order = Order::By(Column::WaitP99);
        assert_eq!(arranged(&waits(), order, false), [3, 1, 2]);
        assert_eq!(arranged(&waits(), order, true), [1, 3, 2]);
    }

    #[test]
    fn names_and_numbers_are_sorted_upwards() {
        assert_eq!(arranged(&waits(), Order::Name, false), [3, 1, 2]);
        assert_eq!(arranged(&waits(), Order::Number, false), [1, 2, 3]);
        assert_eq!(arranged(&waits(), Order::Number, true), [3, 2, 1]);
    }

    #[test]
    fn a_filter_finds_names_and_numbers_in_any_case() {
        let model = model(vec![thread(1, 17).named("Pool"), thread(1, 2).named("main"), thread(717, 3)]);
        for (filter, found) in
            [("pool", vec![17]), ("17", vec![17, 3]), ("MAIN", vec![2]), ("", vec![2, 17, 3]), ("x", vec![])]
        {
            let mut view = View { order: Order::Number, filter: filter.to_owned(), ..View::default() };
            view.arrange(&model);
            assert_eq!(tids(&view), found, "{filter}");
            assert_eq!(view.selected.is_some(), !found.is_empty());
        }
    }

    #[test]
    fn a_filter_finds_selectors() {
        let mut model = Model::new(Nanos(0), []);
        let mut frame = frame(1, vec![thread(1, 1), thread(2, 2)]);
        let known = Known { name: "server".to_owned(), selector: "Shop".to_owned() };
        frame.processes.insert(2, known);
        model.take(frame, true);
        for by_process in [false, true] {
            let mut view = View { filter: "shop".to_owned(), by_process, ..View::default() };
            view.arrange(&model);
            assert_eq!(view.rows.iter().map(|row| row.pid).collect::<Vec<_>>(), [2]);
        }
    }

    #[test]
    fn a_thread_stays_selected_wherever_it_goes() {
        let mut view = View { order: Order::By(Column::WaitP99), ..View::default() };
        view.arrange(&waits());
        view.select(2);
        assert_eq!(view.selected, Some(Identity::Thread(2)));
        view.arrange(&model(vec![thread(1, 1).waited(&[5]), thread(1, 2).waited(&[700])]));
        assert_eq!((tids(&view), view.index()), (vec![2, 1], Some(0)));
    }

    #[test]
    fn the_first_row_is_selected_until_another_is_chosen_and_once_that_is_gone() {
        let mut view = View { order: Order::By(Column::WaitP99), ..View::default() };
        view.arrange(&waits());
        assert_eq!(view.selected, Some(Identity::Thread(3)));
        view.arrange(&model(vec![thread(1, 1).waited(&[9]), thread(1, 3).waited(&[])]));
        assert_eq!(view.selected, Some(Identity::Thread(1)));
        view.select(1);
        view.arrange(&model(vec![thread(1, 1).waited(&[9]), thread(1, 2).waited(&[7])]));
        assert_eq!((view.selected, view.follows_first), (Some(Identity::Thread(1)), true));
        view.arrange(&model(vec![]));
        assert_eq!(view.selected, None);
    }

    #[test]
    fn the_same_number_again_is_another_thread() {
        let (mut old, mut new) = (thread(1, 7).ended(), thread(1, 7));
        (old.record.serial, new.record.serial) = (70, 71);
        let model = model(vec![old, new]);
        let mut view = View { order: Order::Number, ..View::default() };
        view.arrange(&model);
        view.select(1);
        assert_eq!((view.rows.len(), view.selected), (2, Some(Identity::Thread(71))));
    }

    #[test]
    fn stepping_stays_within_the_rows_and_what_is_selected_is_shown() {
        let model = model((1..=20).map(|tid| thread(1, tid)).collect());
        let mut view = View { order: Order::Number, ..View::default() };
        view.arrange(&model);
        let mut after = |by| {
            view.step(by);
            view.scroll(5);
            (view.index().unwrap(), view.first)
        };
        assert_eq!(
            [after(-3), after(4), after(3), after(99), after(-2)],
            [(0, 0), (4, 0), (7, 3), (19, 15), (17, 15)]
        );
    }

    #[test]
    fn turning_comes_back_to_where_it_began() {
        let mut view = View { reversed: true, ..View::default() };
        let count = Order::all().count();
        (0..count).for_each(|_| view.turn(true));
        assert_eq!((view.order, view.reversed), (View::default().order, false));
        view.turn(false);
        view.turn(true);
        assert_eq!(view.order, View::default().order);
    }

    #[test]
    fn processes_are_rows_of_their_own() {
        let model =
            model(vec![thread(5, 5).named("server"), thread(5, 6), thread(9, 9).named("other").ended()]);
        let mut view = View { by_process: true, order: Order::Number, ..View::default() };
        view.arrange(&model);
        let rows: Vec<(&str, u64, Option<Doing>)> =
            view.rows.iter().map(|row| (&*row.name, row.threads, row.doing)).collect();
        assert_eq!(rows, [("server", 2, None), ("other", 0, Some(Doing::Ended))]);
    }
}
