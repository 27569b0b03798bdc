//! Whole screens against golden files. `UPDATE_GOLDEN=1 cargo test top::draw` rewrites them; review the
//! difference before committing.

use super::*;
use crate::golden;
use crate::top::app::Recorder;
use crate::top::feed::{Added, Frame, Known, ThreadUpdate};
use crate::top::fixture::{frame, thread};
use crate::top::keys::Key;
use crate::top::model::Model;
use crate::top::screen::Screen;
use model::losses::Loss;
use model::metric::Metric;
use model::profile::thread::OpenState;
use model::profile::units::Nanos;
use ratatui::backend::TestBackend;
use ratatui::layout::Size;
use ratatui::style::{Color, Modifier};
use std::time::Duration;

const PLAIN: Palette = Palette { colour: false };

/// A server and its workers, one of them often waiting for a CPU; another process; an ended thread; a thread
/// with a long name in wide characters; and one without data.
fn threads(second: u64) -> Vec<ThreadUpdate> {
    let waits: Vec<u64> = (0..400).map(|index| 4_000 + index * index * 13).collect();
    let blocked: Vec<u64> = (0..900).map(|index| 50_000_000 + index * 4_000).collect();
    let worker = thread(4242, 4243)
        .named("pool-worker-0")
        .doing(OpenState::OnCpu)
        .on_cpu(700 + 20 * (second % 10))
        .waited(&waits)
        .whole(Metric::RunqueueWait, waits.clone())
        .whole(Metric::Blocked, blocked)
        .blocked_on(&[
            ("futex", 758, 8_354_000_000, 50_400_000),
            ("clock_nanosleep", 166, 8_309_000_000, 50_200_000),
            ("epoll_wait", 12, 1_020_000, 340_000),
            ("page_fault", 1, 556_000, 556_000),
            ("read", 1, 1_200, 1_200),
            ("others", 1, 900, 900),
        ]);
    let mut all = vec![
        thread(4242, 4242).named("server").on_cpu(3),
        worker,
        thread(4242, 4244).named("pool-worker-1").on_cpu(0).waited(&[]).doing(OpenState::Preempted),
        thread(977, 977).named("数据库连接池工作线程").on_cpu(120),
        thread(977, 978).named("db").on_cpu(0).waited(&[30]),
    ];
    if second == 1 {
        all.push(thread(4242, 4245).named("short-lived").ended());
    }
    all
}

fn app() -> App {
    let whom = "server 4242, db 977 (6 threads, by the unit shop)".to_owned();
    let names = [(4242, "server".to_owned())];
    let mut app = App::new(whom, Recorder::Own, Duration::from_secs(1), Model::new(Nanos(0), names));
    for second in 1..=8 {
        app.take(frame(second, threads(second)));
    }
    app
}

fn drawn(app: &mut App, width: u16, height: u16) -> String {
    let mut screen = Screen::new(TestBackend::new(width, height));
    screen.draw(Size { width, height }, |buffer| draw(app, buffer, PLAIN)).unwrap();
    let buffer = screen.backend().buffer();
    let line = |y| {
        let mut line = String::new();
        let mut x = 0;
        while x < width {
            let symbol = buffer[(x, y)].symbol();
            line.push_str(symbol);
            x += columns(symbol).max(1);
        }
        line.trim_end().to_owned() + "\n"
    };
    (0..height).map(line).collect()
}

fn matches(name: &str, made: &str) {
    golden::matches(&format!("top/{name}"), made);
}

#[test]
fn the_table_and_the_detail_in_every_size() {
    for (width, height) in [(80, 24), (120, 40), (200, 60)] {
        matches(&format!("threads-{width}x{height}.txt"), &drawn(&mut app(), width, height));
    }
}

#[test]
fn a_terminal_that_is_too_small_says_so() {
    for (width, height) in [(59, 24), (80, 8), (20, 5), (3, 2)] {
        matches(&format!("small-{width}x{height}.txt"), &drawn(&mut app(), width, height));
    }
    assert_eq!(drawn(&mut app(), 1, 1), "t\n");
}

#[test]
fn the_smallest_that_is_not() {
    matches("least-60x9.txt", &drawn(&mut app(), LEAST.0, LEAST.1));
}

#[test]
fn processes_the_help_and_the_filter() {
    let mut grouped = app();
    grouped.key(Key::Char('g'));
    matches("processes-100x30.txt", &drawn(&mut grouped, 100, 30));
    let mut help = app();
    help.key(Key::Char('?'));
    matches("help-80x24.txt", &drawn(&mut help, 80, 24));
    let mut filtered = app();
    for key in "/pool".chars() {
        filtered.key(Key::Char(key));
    }
    matches("filter-80x24.txt", &drawn(&mut filtered, 80, 24));
}

#[test]
fn losses_and_the_end_are_always_to_be_seen() {
    let mut app = app();
    app.key(Key::Char(' '));
    let mut last = frame(9, threads(9));
    last.standing.lives = false;
    last.standing.lost[Loss::ThreadsWithoutSlot] = 12;
    last.standing.ended.threads = 1_234;
    app.take(last);
    app.has_ended = true;
    app.tell("saved server.profile.json: complete", false);
    matches("lost-80x24.txt", &drawn(&mut app, 80, 24));
}

/// The first frame has what was recorded before, and no rates.
#[test]
fn what_a_daemon_records() {
    let model = Model::new(Nanos(0), []);
    let mut app =
        App::new("daemon, all selectors".to_owned(), Recorder::Daemon, Duration::from_secs(1), model);
    let mut base = threads(2);
    base.iter_mut().for_each(|thread| thread.added = Added::default());
    let known = |name: &str| Known { name: name.to_owned(), selector: "shop".to_owned() };
    let processes = [(4242, known("server")), (977, known("db"))].into();
    app.take(Frame { from: Nanos(0), until: Nanos(0), processes, ..frame(1, base) });
    matches("daemon-first-80x24.txt", &drawn(&mut app, 80, 24));
    let mut all = threads(1);
    all.push(thread(5, 5).named("detached").left());
    let mut next = frame(1, all);
    (next.standing.lost[Loss::ThreadsWithoutSlot], next.standing.lives) = (12, false);
    (next.standing.ended.threads, next.standing.ended.unsent) = (1_234, 233);
    app.take(next);
    matches("daemon-lost-120x40.txt", &drawn(&mut app, 120, 40));
    app.key(Key::Char('?'));
    matches("daemon-help-80x24.txt", &drawn(&mut app, 80, 24));
}

#[test]
fn nothing_yet_and_nothing_left_are_told() {
    let model = Model::new(Nanos(0), []);
    let mut app = App::new("x 1 (1 thread)".to_owned(), Recorder::Own, Duration::from_secs(1), model);
    assert!(drawn(&mut app, 80, 24).contains("the first interval is under way"));
    app.take(frame(1, Vec::new()));
    assert!(drawn(&mut app, 80, 24).contains("no thread is left"));
}

#[test]
fn the_last_row_can_be_reached_in_every_height() {
    let mut app = app();
    app.key(Key::End);
    for height in LEAST.1..40 {
        let text = drawn(&mut app, 80, height);
        assert!(text.contains(&format!("{} ", app.view.rows.last().unwrap().name)), "{text}");
    }
}

#[test]
fn colours_are_those_of_the_terminal_and_can_be_left_out() {
    for colour in [false, true] {
        let mut screen = Screen::new(TestBackend::new(120, 40));
        let size = Size { width: 120, height: 40 };
        screen.draw(size, |buffer| draw(&mut app(), buffer, Palette { colour })).unwrap();
        let cells = screen.backend().buffer().content();
        assert!(cells.iter().all(|cell| cell.bg == Color::Reset), "the background stays the terminal's");
        assert_eq!(cells.iter().any(|cell| cell.fg != Color::Reset), colour);
        let selected = cells.iter().filter(|cell| cell.modifier.contains(Modifier::REVERSED)).count();
        assert_eq!(selected, 120, "the selected row is to be seen either way");
    }
}
