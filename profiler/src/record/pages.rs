//! The counters of buckets, in pages.
//!
//! Pages make what is done to every thread in every interval (copy, subtract, add) a walk over a few arrays, and a page
//! of which 100 buckets are in use takes 512 bytes where a list of them takes 2 400.

use model::buckets::PAGE_BUCKETS;
use model::profile::histogram::Bucket;
use model::profile::units::total;

/// The counter of a bucket's samples. 32 bits in a thread's record, as in the programs: in one that is recorded
/// for long, a counter that comes to its end begins again. Sums over threads have 64.
pub trait Counter: Copy + Default + PartialEq + Into<u64> {}

impl Counter for u32 {}
impl Counter for u64 {}

/// The counters of a page of buckets.
pub type Page<C> = [C; PAGE_BUCKETS];

/// Pages in which something was counted, with their numbers, in ascending order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pages<C: Counter = u32>(pub(super) Vec<(usize, Box<Page<C>>)>);

impl<C: Counter> Pages<C> {
    /// Samples that are counted in them.
    pub(super) fn counted(&self) -> u64 {
        total(self.0.iter().map(|(_, page)| counted(page)))
    }

    /// The buckets that hold samples: their numbers, in ascending order, and how many each holds.
    pub(super) fn numbered(&self) -> impl DoubleEndedIterator<Item = (u16, C)> + '_ {
        self.0.iter().flat_map(|(number, page)| {
            let first = number * PAGE_BUCKETS;
            let used = page.iter().enumerate().filter(|(_, count)| **count != C::default());
            used.map(move |(cell, count)| ((first + cell) as u16, *count))
        })
    }

    /// The first bucket and the last.
    pub(super) fn outermost(&self) -> Option<(Bucket, Bucket)> {
        Some((bucket(self.numbered().next()?), bucket(self.numbered().next_back()?)))
    }

    /// The counters of a page, which is made if it is not there.
    pub(super) fn page(&mut self, number: usize) -> &mut Page<C> {
        let place = self.0.partition_point(|(other, _)| *other < number);
        if self.0.get(place).is_none_or(|(other, _)| *other != number) {
            self.0.insert(place, (number, Box::new([C::default(); PAGE_BUCKETS])));
        }
        &mut self.0[place].1
    }
}

impl Pages {
    /// Adds what is counted in a page.
    pub fn add(&mut self, number: usize, page: Box<Page<u32>>) {
        let place = self.0.partition_point(|(other, _)| *other < number);
        match self.0.get_mut(place) {
            Some((other, sum)) if *other == number => {
                sum.iter_mut().zip(*page).for_each(|(sum, more)| *sum = sum.wrapping_add(more));
            }
            _ => self.0.insert(place, (number, page)),
        }
    }

    /// Adds what is counted in others.
    pub fn add_all(&mut self, more: Self) {
        more.0.into_iter().for_each(|(number, page)| self.add(number, page));
    }
}

/// Samples in a page.
pub(super) fn counted<C: Counter>(page: &Page<C>) -> u64 {
    page.iter().map(|&count| count.into()).sum()
}

/// A bucket by its bounds.
pub(super) fn bucket<C: Counter>((number, count): (u16, C)) -> Bucket {
    Bucket::at(number.into(), count.into())
}
