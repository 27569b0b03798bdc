//! The questions of a comparison of two ways of waiting, answered from the measurements.

use super::answers::{Facts, answers};
use super::page::Page;
use super::published::Published;
use super::ranking::CLOSE;
use super::style::Paint;
use super::subject::Subject;
use super::table::{Cell, Column, Table};

/// Questions, in the order of [`answers`] and [`Published::winners`].
const QUESTIONS: [&str; 5] =
    ["finished faster", "scales better", "more CPU-efficient", "less memory", "right model for massive I/O"];

/// Appends the questions if two or more workloads were run.
pub(super) fn section(page: &mut Page<'_>, subjects: &[Subject<'_>], published: Option<&Published>) {
    let workloads: Vec<&Subject<'_>> =
        subjects.iter().filter(|subject| subject.profile.run.workload.is_some()).collect();
    if workloads.len() < 2 {
        return;
    }
    page.section("Which is better");
    let (failed, done): (Vec<&Subject<'_>>, Vec<_>) =
        workloads.into_iter().partition(|subject| subject.failed());
    if !failed.is_empty() {
        let titles: Vec<&str> = failed.iter().map(|subject| subject.title.as_str()).collect();
        page.paragraph(Paint::Bad, &format!("Left out, because it failed: {}.", titles.join(", ")));
    }
    let facts: Vec<Facts<'_>> = done.into_iter().filter_map(Facts::of).collect();
    if facts.len() < 2 {
        page.paragraph(Paint::Plain, "Fewer than two workloads finished their tasks: nothing to compare.");
        return;
    }
    page.table(&table(&facts, published));
    let text =
        format!("One run of each: figures within {:.0} % of each other name no winner.", CLOSE * 100.0);
    page.paragraph(Paint::Faint, &text);
}

fn table(facts: &[Facts<'_>], published: Option<&Published>) -> Table {
    let mut table = Table::new([Column::left("question"), Column::name("winner"), Column::prose("because")]);
    for (number, (question, answer)) in QUESTIONS.into_iter().zip(answers(facts)).enumerate() {
        let winner = match answer.winner {
            Some(winner) => Cell::text(facts[winner].title).painted(Paint::Good),
            None => Cell::text("no clear winner").painted(Paint::Warning),
        };
        let published = published.map_or(String::new(), |of| format!(" (published: {})", of.winners[number]));
        table.row([Cell::text(question), winner, Cell::text(answer.because + &published)]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::super::{ARTICLE, Style, comparison, single};
    use model::profile::fixture;

    #[test]
    fn one_workload_raises_no_questions() {
        assert!(!single(&fixture::tokio(), &Style::plain(100)).contains("Which is better"));
    }

    #[test]
    fn answers_stand_beside_the_published_ones() {
        let (tokio, pool) = (fixture::tokio(), fixture::pool());
        let text = comparison(&[&tokio, &pool], Some(&ARTICLE), &Style::plain(140));
        let line = text.lines().find(|line| line.trim_start().starts_with("finished faster"));
        let line = line.unwrap_or_default();
        assert!(line.contains("tokio-workload") && line.ends_with("(published: asyncio)"), "{text}");
    }

    #[test]
    fn a_failed_workload_is_left_out() {
        let (tokio, mut pool) = (fixture::tokio(), fixture::pool());
        let [event_loop, _] = fixture::python();
        pool.run.exit_code = Some(1);
        let text = comparison(&[&tokio, &pool, &event_loop], None, &Style::plain(100));
        assert!(text.contains("Left out, because it failed: thread-pool-workload."), "{text}");
        let two = comparison(&[&tokio, &pool], None, &Style::plain(100));
        assert!(two.contains("nothing to compare"), "{two}");
    }
}
