use super::super::fixture::{frame, thread};
use super::*;

fn names(model: &Model) -> Vec<&str> {
    model.threads.values().map(|thread| &*thread.name).collect()
}

#[test]
fn a_thread_that_has_ended_leaves_after_the_stated_time() {
    let mut model = Model::new(Nanos(0), []);
    model.take(frame(1, vec![thread(1, 1).ended(), thread(1, 2)]), false);
    assert_eq!((names(&model).len(), model.living), (2, 1));
    for second in 2..=SHOWN_AFTER_END {
        model.take(frame(second, vec![thread(1, 2)]), false);
        assert_eq!(names(&model).len(), 2, "after {second} refreshes");
    }
    let ended = &model.threads[&1];
    assert!(ended.doing == Doing::Ended && ended.values.iter().all(Option::is_none));
    let line: Vec<Option<f64>> = ended.history.of(Column::OnCpu).collect();
    assert!(line[0].is_some() && line[1..].iter().all(Option::is_none), "{line:?}");
    model.take(frame(SHOWN_AFTER_END + 1, vec![thread(1, 2)]), false);
    assert_eq!((names(&model), model.gone), (vec!["worker-2"], 1));
}

#[test]
fn the_threads_that_ended_first_make_way() {
    let mut model = Model::new(Nanos(0), []);
    let most = MOST_ENDED as u32;
    model.take(frame(1, (1..=most).map(|tid| thread(1, tid).ended()).collect()), false);
    model.take(frame(2, vec![thread(1, most + 1).ended()]), false);
    assert_eq!((model.threads.len(), model.gone), (MOST_ENDED, 1));
    assert!(!model.threads.contains_key(&1) && model.threads.contains_key(&u64::from(most + 1)));
}

#[test]
fn history_goes_back_so_far_and_no_farther() {
    let mut model = Model::new(Nanos(0), []);
    for second in 1..=HISTORY as u64 + 5 {
        model.take(frame(second, vec![thread(1, 2)]), false);
    }
    assert_eq!(model.threads[&2].history.of(Column::OnCpu).count(), HISTORY);
}

#[test]
fn a_process_is_its_threads_together() {
    let mut model = Model::new(Nanos(0), []);
    model.take(frame(1, vec![thread(1, 1), thread(1, 2), thread(5, 6).ended()]), true);
    let (process, one) = (&model.processes[&1], &model.threads[&2]);
    assert_eq!((process.threads, model.processes[&5].threads), (2, 0));
    assert_eq!(process.added.seen.voluntary_switches, 2 * one.added.seen.voluntary_switches);
    let count = |added: &Added| added.histograms[&Metric::RunqueueWait].count;
    assert_eq!(count(&process.added), 2 * count(&one.added));
    assert_eq!(model.members(Identity::Process(1)).count(), 2);
    assert_eq!(blocked_on(model.members(Identity::Process(1)))[0].count, 2 * one.record.blocked_on[0].count);
    model.take(frame(2, vec![thread(1, 1)]), false);
    assert!(model.processes.is_empty(), "nothing is summed up that is not shown");
}

#[test]
fn names_cannot_command_the_terminal() {
    let mut model = Model::new(Nanos(0), [(9, "\u{1b}[2J".to_owned())]);
    model.take(frame(1, vec![thread(9, 7).named("a\u{1b}]0;b\u{7}")]), false);
    assert_eq!(names(&model), ["a\u{fffd}]0;b\u{fffd}"]);
    assert_eq!(&**model.process_name(9).unwrap(), "\u{fffd}[2J");
}

#[test]
fn a_copy_stays_as_it_was() {
    let mut model = Model::new(Nanos(0), []);
    model.take(frame(1, vec![thread(1, 2)]), false);
    let copy = model.clone();
    model.take(frame(2, vec![thread(1, 2).named("renamed")]), false);
    assert_eq!((names(&copy), names(&model)), (vec!["worker-2"], vec!["renamed"]));
}
