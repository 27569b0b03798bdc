//! Sums over a whole profile, to be compared with a load.

use model::profile::Profile;

/// The sum of all losses.
pub(super) fn lost(profile: &Profile) -> u64 {
    let known = profile.lost.iter().map(|(_, count)| count);
    known.chain(profile.later.losses.values().copied()).sum()
}

/// Switches of all threads.
pub(super) fn switches(profile: &Profile) -> u64 {
    profile.threads.iter().map(|thread| thread.voluntary_switches + thread.involuntary_switches).sum()
}

/// Faults of all threads.
pub(super) fn faults(profile: &Profile) -> u64 {
    profile.threads.iter().map(|thread| thread.minor_faults + thread.major_faults).sum()
}

/// A profile of two threads with five losses.
#[cfg(test)]
pub(super) fn fixture() -> Profile {
    use model::losses::Loss;
    let mut profile = model::profile::fixture::tokio();
    profile.lost[Loss::SamplesWithoutBucket] = 2;
    profile.lost[Loss::ThreadsWithoutSlot] = 3;
    profile.threads.truncate(2);
    for (number, thread) in (1..).zip(&mut profile.threads) {
        (thread.voluntary_switches, thread.involuntary_switches) = (number, 10 * number + 10);
        (thread.minor_faults, thread.major_faults) = (100 * number + 200, 1000 * number + 3000);
    }
    profile
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_was_lost_is_added_up() {
        let mut profile = fixture();
        assert_eq!(lost(&profile), 5);
        profile.later.losses.insert("of_a_later_version".to_owned(), 7);
        assert_eq!(lost(&profile), 12);
    }

    #[test]
    fn what_the_threads_did_is_added_up() {
        assert_eq!((switches(&fixture()), faults(&fixture())), (53, 9700));
    }
}
