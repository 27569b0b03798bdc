//! The state of the view, and the effects of keys on it; independent of the terminal.

use super::column::Column;
use super::feed::Frame;
use super::keys::Key;
use super::model::{Identity, Model};
use super::view::{Order, View};
use model::metric::Metric;
use std::time::Duration;

/// A request of a key to the main loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// End the view.
    Quit,
    /// Stop, as a job of the shell.
    Suspend,
    /// Ask for confirmation before saving.
    AskToSave,
    /// Save the profile.
    Save,
}

/// The input mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Keys act on the table.
    Table,
    /// Keys edit the filter; the previous filter is kept here, for cancelling.
    Filter(String),
    /// The help is shown; any key closes it.
    Help,
    /// A question is shown as the message: `s` or `y` confirms, any other key cancels.
    Confirm,
}

/// A message, shown until the next key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The printable text.
    pub text: String,
    /// True for a failure.
    pub is_bad: bool,
}

/// The owner of the recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorder {
    /// This process, which can save the recording as a profile.
    Own,
    /// A daemon.
    Daemon,
}

/// The state of the view.
#[derive(Clone, Debug)]
pub struct App {
    /// A printable description of the selected processes.
    pub whom: String,
    /// The owner of the recording.
    pub recorder: Recorder,
    /// The requested interval.
    pub interval: Duration,
    /// The model of the last refresh.
    model: Model,
    /// The model shown while the view is paused.
    paused: Option<Model>,
    /// Order, filter and selection of rows.
    pub view: View,
    /// The input mode.
    pub mode: Mode,
    /// True if the detail of the selected row is shown.
    pub detail: bool,
    /// The metric of the detail; `None` for that of the sort column.
    chosen_metric: Option<Metric>,
    /// True if the detail covers the last interval instead of everything.
    pub of_interval: bool,
    /// The current message.
    pub message: Option<Message>,
    /// True if the recording has ended; nothing changes any more.
    pub has_ended: bool,
    /// Rows of the table when last drawn: the length of a page.
    pub page: usize,
}

impl App {
    /// A view without data.
    #[must_use]
    pub fn new(whom: String, recorder: Recorder, interval: Duration, model: Model) -> Self {
        Self {
            whom,
            recorder,
            interval,
            model,
            paused: None,
            view: View::default(),
            mode: Mode::Table,
            detail: true,
            chosen_metric: None,
            of_interval: false,
            message: None,
            has_ended: false,
            page: 1,
        }
    }

    /// The shown model.
    #[must_use]
    pub fn shown(&self) -> &Model {
        self.paused.as_ref().unwrap_or(&self.model)
    }

    /// The model of the last refresh, even while paused.
    #[must_use]
    pub fn now(&self) -> &Model {
        &self.model
    }

    /// True while paused.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.paused.is_some()
    }

    /// The metric of the detail.
    #[must_use]
    pub fn metric(&self) -> Metric {
        self.chosen_metric.unwrap_or(match self.view.order {
            Order::By(column) => column.metric(),
            Order::Name | Order::Number => Metric::RunqueueWait,
        })
    }

    /// The column shown in the history.
    #[must_use]
    pub fn history_column(&self) -> Column {
        match self.view.order {
            Order::By(column) => column,
            Order::Name | Order::Number => Column::OnCpu,
        }
    }

    /// Takes the data of a refresh.
    pub fn take(&mut self, frame: Frame) {
        self.model.take(frame, self.view.by_process);
        if !self.is_paused() {
            self.arrange();
        }
    }

    /// Shows a message.
    pub fn tell(&mut self, text: &str, is_bad: bool) {
        self.message = Some(Message { text: crate::report::printable(text), is_bad });
    }

    /// Asks for confirmation before saving.
    pub fn ask(&mut self, question: &str) {
        self.tell(question, false);
        self.mode = Mode::Confirm;
    }

    /// Handles a key.
    pub fn key(&mut self, key: Key) -> Option<Request> {
        self.message = None;
        match key {
            Key::Control('c') => return Some(Request::Quit),
            Key::Control('z') => return Some(Request::Suspend),
            Key::Control(_) => return None,
            _ => {}
        }
        match self.mode.clone() {
            Mode::Help => self.mode = Mode::Table,
            Mode::Confirm => {
                self.mode = Mode::Table;
                return matches!(key, Key::Char('s' | 'y')).then_some(Request::Save);
            }
            Mode::Filter(before) => self.filter_key(key, before),
            Mode::Table => return self.table_key(key),
        }
        None
    }

    fn filter_key(&mut self, key: Key, before: String) {
        match key {
            Key::Enter => self.mode = Mode::Table,
            Key::Escape => (self.mode, self.view.filter) = (Mode::Table, before),
            Key::Backspace => drop(self.view.filter.pop()),
            Key::Char(character) if !character.is_control() => self.view.filter.push(character),
            _ => return,
        }
        self.arrange();
    }

    fn table_key(&mut self, key: Key) -> Option<Request> {
        let page = isize::try_from(self.page.max(1)).unwrap_or(1);
        match key {
            Key::Char('q') => return Some(Request::Quit),
            Key::Char('s') => return Some(Request::AskToSave),
            Key::Char('?' | 'h') | Key::Help => self.mode = Mode::Help,
            Key::Char('/') => self.mode = Mode::Filter(self.view.filter.clone()),
            Key::Escape => self.view.filter.clear(),
            Key::Char(' ') => self.pause(),
            Key::Char('r') => self.view.reversed = !self.view.reversed,
            Key::Char('g') => self.group(),
            Key::Char('m') => self.next_metric(),
            Key::Char('i') => self.of_interval = !self.of_interval,
            Key::Enter => self.detail = !self.detail,
            Key::Right | Key::Char('>') => self.turn(true),
            Key::Left | Key::Char('<') => self.turn(false),
            Key::Char('n') => self.sort(Order::Name),
            Key::Char('t') => self.sort(Order::Number),
            Key::Char(digit @ '0'..='9') => self.sort_by_digit(digit),
            Key::Down | Key::Char('j') => self.view.step(1),
            Key::Up | Key::Char('k') => self.view.step(-1),
            Key::PageDown => self.view.step(page),
            Key::PageUp => self.view.step(-page),
            Key::Home => self.view.select_first(),
            Key::End => self.view.select(usize::MAX),
            _ => return None,
        }
        self.arrange();
        None
    }

    /// The key that sorts by a column: 1 to 9 and 0, from left to right.
    #[must_use]
    pub fn digit(column: Column) -> char {
        const DIGITS: [char; Column::COUNT] = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '0'];
        DIGITS[column.index()]
    }

    fn sort_by_digit(&mut self, digit: char) {
        if let Some(column) = Column::ALL.into_iter().find(|&column| Self::digit(column) == digit) {
            self.sort(Order::By(column));
        }
    }

    fn sort(&mut self, order: Order) {
        (self.view.order, self.view.reversed, self.chosen_metric) = (order, false, None);
    }

    fn turn(&mut self, forward: bool) {
        self.view.turn(forward);
        self.chosen_metric = None;
    }

    fn next_metric(&mut self) {
        let next = (self.metric().index() + 1) % Metric::COUNT;
        self.chosen_metric = Metric::ALL.get(next).copied();
    }

    fn pause(&mut self) {
        self.paused = if self.is_paused() { None } else { Some(self.model.clone()) };
    }

    /// Switches between threads and processes. The selection moves from a thread to its process, and from a
    /// process to its first thread.
    fn group(&mut self) {
        self.view.by_process = !self.view.by_process;
        let by_process = self.view.by_process;
        for model in std::iter::once(&mut self.model).chain(&mut self.paused) {
            if by_process {
                model.sum_processes(false);
            } else {
                model.processes.clear();
            }
        }
        let shown = self.shown();
        let selected = self.view.selected.and_then(|selected| {
            let first = shown.members(selected).next()?;
            Some(match by_process {
                true => Identity::Process(first.record.pid),
                false => Identity::Thread(first.record.serial),
            })
        });
        self.view.selected = selected;
    }

    fn arrange(&mut self) {
        let model = self.paused.as_ref().unwrap_or(&self.model);
        self.view.arrange(model);
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{frame, thread};
    use super::*;
    use model::profile::units::Nanos;

    fn app() -> App {
        let mut app =
            App::new("x".to_owned(), Recorder::Own, Duration::from_secs(1), Model::new(Nanos(0), []));
        app.take(frame(1, vec![thread(1, 1), thread(1, 2).on_cpu(900), thread(5, 5)]));
        app
    }

    fn press(app: &mut App, keys: &str) -> Option<Request> {
        keys.chars().map(|key| app.key(Key::Char(key))).last().flatten()
    }

    fn tids(app: &App) -> Vec<Option<u32>> {
        app.view.rows.iter().map(|row| row.tid).collect()
    }

    #[test]
    fn every_key_of_the_loop_asks_for_its_own() {
        assert_eq!(press(&mut app(), "q"), Some(Request::Quit));
        assert_eq!(app().key(Key::Control('c')), Some(Request::Quit));
        assert_eq!(app().key(Key::Control('z')), Some(Request::Suspend));
        assert_eq!(press(&mut app(), "s"), Some(Request::AskToSave));
    }

    #[test]
    fn only_a_yes_saves() {
        for (answer, request) in
            [("y", Some(Request::Save)), ("s", Some(Request::Save)), ("n", None), ("q", None)]
        {
            let mut app = app();
            app.ask("sure?");
            assert_eq!(press(&mut app, answer), request, "{answer}");
            assert!(app.mode == Mode::Table && app.message.is_none());
        }
    }

    #[test]
    fn a_pause_shows_on_what_was_while_more_is_collected() {
        let mut app = app();
        press(&mut app, " ");
        app.take(frame(2, vec![thread(1, 1), thread(1, 2), thread(5, 5), thread(7, 7)]));
        assert_eq!((app.view.rows.len(), app.shown().refreshes, app.now().refreshes), (3, 1, 2));
        press(&mut app, "g");
        assert_eq!(app.view.rows.len(), 2, "what was can be looked at from all sides");
        press(&mut app, "g ");
        assert_eq!((app.view.rows.len(), app.shown().refreshes), (4, 2));
    }

    #[test]
    fn a_filter_is_typed_and_can_be_given_up() {
        let mut app = app();
        press(&mut app, "/worker-2");
        assert_eq!(tids(&app), [Some(2)]);
        assert!(press(&mut app, "q").is_none() && app.view.filter == "worker-2q", "keys are text");
        app.key(Key::Backspace);
        app.key(Key::Enter);
        assert_eq!((tids(&app).len(), app.mode.clone()), (1, Mode::Table));
        press(&mut app, "/x");
        app.key(Key::Escape);
        assert_eq!(app.view.filter, "worker-2");
        app.key(Key::Escape);
        assert_eq!(tids(&app).len(), 3);
    }

    #[test]
    fn each_digit_sorts_by_its_column_and_the_detail_follows() {
        let mut app = app();
        for column in Column::ALL {
            press(&mut app, &App::digit(column).to_string());
            assert_eq!((app.view.order, app.metric()), (Order::By(column), column.metric()));
        }
        press(&mut app, "m");
        assert_eq!(app.metric(), Metric::OnCpu, "after the last comes the first");
        press(&mut app, "4");
        assert_eq!(app.metric(), Metric::RunqueueWait);
    }

    #[test]
    fn grouping_keeps_to_what_was_selected() {
        let mut app = app();
        press(&mut app, "t");
        app.view.select(1);
        press(&mut app, "g");
        assert_eq!(app.view.selected, Some(Identity::Process(1)));
        press(&mut app, "g");
        assert_eq!(app.view.selected, Some(Identity::Thread(1)));
    }

    #[test]
    fn the_first_row_is_selected_until_another_is() {
        let mut app = app();
        assert_eq!(app.view.selected, Some(Identity::Thread(2)));
        app.key(Key::Down);
        assert_eq!(app.view.index(), Some(1));
        app.key(Key::End);
        app.key(Key::Down);
        assert_eq!(app.view.index(), Some(2));
    }
}
