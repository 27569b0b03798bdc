//! The groups that a figure draws: as many as can be distinguished, the rest merged into one.

use super::curve::points;
use super::style::STYLES;
use crate::view::Subject;
use crate::view::series::Group;
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// The drawn part of a subject.
pub(super) struct Drawn<'a> {
    /// Groups drawn one by one, in the subject's order.
    pub(super) own: Vec<&'a Group<'a>>,
    pub(super) others: Option<Others<'a>>,
}

/// The groups with the least time, merged.
pub(super) struct Others<'a> {
    pub(super) group: Group<'a>,
    pub(super) label: String,
    /// The title of their run, if they are of one run.
    pub(super) title: &'a str,
}

impl<'a> Drawn<'a> {
    /// Selects among the groups that have a point.
    pub(super) fn of(subject: &'a Subject<'a>) -> Self {
        let has_points = |group: &&Group<'_>| group.histograms.values().any(|one| !points(one).is_empty());
        let all: Vec<&Group<'_>> = subject.groups.iter().filter(has_points).collect();
        if all.len() <= STYLES.len() {
            return Self { own: all, others: None };
        }
        let mut by_weight: Vec<usize> = (0..all.len()).collect();
        by_weight.sort_by_key(|&index| Reverse(all[index].weight()));
        let kept: BTreeSet<usize> = by_weight.into_iter().take(STYLES.len() - 1).collect();
        let (own, rest): (Vec<_>, Vec<_>) =
            all.into_iter().enumerate().partition(|(index, _)| kept.contains(index));
        let without_places =
            |groups: Vec<(usize, &'a Group<'a>)>| groups.into_iter().map(|(_, group)| group).collect();
        let (own, rest): (_, Vec<&Group<'_>>) = (without_places(own), without_places(rest));
        let is_of_one_run = rest.windows(2).all(|pair| pair[0].run == pair[1].run);
        let run = rest.first().filter(|_| is_of_one_run).and_then(|first| subject.titles.get(first.run));
        let label = format!("{} others together", rest.len());
        let title = run.map_or("several runs", String::as_str);
        Self { own, others: Group::together(&rest).map(|group| Others { group, label, title }) }
    }
}
