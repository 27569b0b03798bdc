//! Inputs that a fuzzer or a person found worth keeping, and profiles from random bytes.

use super::*;
use arbitrary::{Arbitrary, Unstructured};
use model::profile::soundness::sound as sound_histogram;
use proptest::prelude::*;
use std::path::{Path, PathBuf};

/// A profile that a file may hold: what contradicts itself is left out.
#[derive(Debug)]
struct Sound(Profile);

impl<'a> Arbitrary<'a> for Sound {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        let mut profile = Profile::arbitrary(bytes)?;
        let threads = profile.threads.len();
        let mut parts: Vec<_> =
            profile.intervals.iter_mut().flat_map(|interval| &mut interval.threads).collect();
        for part in &mut parts {
            part.thread = part.thread.checked_rem(threads as u32).unwrap_or(0);
        }
        let without_slot = profile.without_slot.iter_mut().map(|rest| &mut rest.metrics);
        let in_intervals = parts.into_iter().map(|part| &mut part.histograms);
        let of_threads = profile.threads.iter_mut().map(|thread| &mut thread.histograms);
        for histograms in of_threads.chain(without_slot).chain(in_intervals) {
            histograms.retain(|_, histogram| sound_histogram(histogram).is_ok());
        }
        if threads == 0 {
            profile.intervals.clear();
        }
        Ok(Self(profile))
    }
}

/// The files kept of a target; none is a mistake in the name.
fn kept(folder: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz").join(folder);
    let paths = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<_> = paths.map(|path| (path.clone(), std::fs::read(&path).unwrap())).collect();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files
}

/// Runs what is kept in the two folders of a target, and asserts that each has the outcome its folder names.
fn outcomes(target: &str, run: impl Fn(&[u8]) -> Outcome) {
    for (folder, expected) in [("read", Outcome::Read), ("refused", Outcome::Refused)] {
        for (path, bytes) in kept(&format!("{target}/{folder}")) {
            println!("{}", path.display());
            assert_eq!(run(&bytes), expected, "{}", path.display());
        }
    }
}

/// Runs what is kept of a target whose inputs are never refused.
fn all(target: &str, run: impl Fn(&[u8])) {
    for (path, bytes) in kept(target) {
        println!("{}", path.display());
        run(&bytes);
    }
}

/// As the fuzz target makes it of the bytes; too few make none.
fn made<'a, T: Arbitrary<'a>>(bytes: &'a [u8]) -> Option<T> {
    T::arbitrary_take_rest(Unstructured::new(bytes)).ok()
}

#[test]
fn kept_profile_files() {
    outcomes("profile_file", profile_file);
}

#[test]
fn kept_kernel_types() {
    outcomes("kernel_types", |bytes| kernel_types(bytes).unwrap());
}

#[test]
fn kept_profile_values() {
    all("profile_values", |bytes| {
        made::<Profile>(bytes).map(|profile| profile_values(&profile)).unwrap();
    });
}

#[test]
fn kept_reports() {
    all("report", |bytes| {
        let (look, profiles): (Look, Vec<Profile>) = made(bytes).unwrap();
        reports(&profiles, &look);
    });
}

#[test]
fn kept_machine_texts() {
    all("machine_texts", |bytes| machine_texts(std::str::from_utf8(bytes).unwrap()));
}

#[test]
fn kept_arguments() {
    all("arguments", |bytes| arguments(std::str::from_utf8(bytes).unwrap()));
}

/// Enough bytes for a few threads with histograms.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..6000)
}

proptest! {
    #[test]
    fn any_profile_is_refused_or_reported(bytes in bytes()) {
        if let Some(profile) = made::<Profile>(&bytes) {
            profile_values(&profile);
        }
    }

    #[test]
    fn a_sound_profile_is_read_as_it_was_written(bytes in bytes()) {
        if let Some(Sound(profile)) = made(&bytes) {
            assert_same_when_read_again(&profile);
        }
    }

    #[test]
    fn several_profiles_are_reported_in_any_style(bytes in bytes()) {
        if let Some((look, profiles)) = made::<(Look, Vec<Profile>)>(&bytes) {
            reports(&profiles, &look);
        }
    }

    #[test]
    fn sound_profiles_are_exported_or_refused(bytes in bytes()) {
        if let Some((wish, sound)) = made::<(Wish, Vec<Sound>)>(&bytes) {
            let mut profiles: Vec<Profile> = sound.into_iter().map(|Sound(profile)| profile).collect();
            // A random text is no time, and then an interval log is always refused.
            profiles.iter_mut().for_each(|profile| "2026-08-21T10:11:12Z".clone_into(&mut profile.run.started_at));
            exports(&profiles, &wish);
        }
    }

    #[test]
    fn a_damaged_file_is_refused_or_reported(
        which in prop::sample::select(vec!["tokio", "thread-pool"]),
        place in any::<prop::sample::Index>(),
        removed in 0..40_usize,
        inserted in "[-0-9a-z{}\\[\\],:\" ]{0,20}",
    ) {
        let golden = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join(format!("tests/golden/{which}-workload.profile.json"));
        let mut bytes = std::fs::read(golden).unwrap();
        let start = place.index(bytes.len());
        bytes.splice(start..(start + removed).min(bytes.len()), inserted.bytes());
        profile_file(&bytes);
    }

    #[test]
    fn machine_texts_are_read_or_passed_over(text in "(cpu|MemTotal:|VmHWM:|CapEff:|[0-9a-fA-F]{1,20}|[ ,:)\\[\\]\n\t-]|kB|\\PC){0,40}") {
        machine_texts(&text);
    }

    #[test]
    fn arguments_are_read_or_refused(text in "([0-9.]{1,25}|[a-zA-Z]{1,6}| |\\PC){0,8}") {
        arguments(&text);
    }

    #[test]
    fn a_damaged_header_of_the_kernel_s_types_is_refused_or_harmless(
        place in 0..24_usize, byte in any::<u8>(), length in 0..600_usize,
    ) {
        let (_, mut bytes) = kept("kernel_types/read").remove(0);
        bytes[place] = byte;
        bytes.truncate(length);
        kernel_types(&bytes).unwrap();
    }
}
