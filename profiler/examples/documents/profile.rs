//! `profiler-profile(5)` and `docs/profile-format.md`: the file of a recording, with the tables of `profiler schema`.

use crate::page::{Block, Page};
use crate::types;
use anyhow::{Context as _, Result};
use model::profile::SCHEMA;
use profiler_ebpf::buckets::{LIMIT_NS, PAGE_BUCKETS, SIGNIFICANT_DIGITS};

const ABOUT: &str = "\
A profile is what one recording leaves: a JSON object in a file of its own, written by `profiler run`, `profiler attach` and \
`profiler top`, usually as `NAME.profile.json`. `profiler report`, `profiler export` and `profiler plot` read it, without root and \
on any machine. This page is for programs that read it themselves; for tables and data frames `profiler export` is simpler.";

const RULES: [&str; 4] = [
    "Durations are whole nanoseconds, and points in time are nanoseconds of CLOCK_MONOTONIC: `run.started_ns` is the moment that \
     `run.started_at` gives as a date.",
    "What was not measured, or could not be read, is absent or null, never 0. A field that is not optional is always there.",
    "A name or an argument need not be UTF-8: a byte that is not is written as `\\xNN`, as `run.command` says.",
    "A field or a word that a program does not know comes from a later version: keep it, show it as it is, and go on.",
];

/// A first query: how long each thread waited for a CPU.
const EXAMPLE: &str = "jq '.threads[] | [.name, .tid, .histograms.runqueue_wait.sum_ns]' FILE";

/// The page.
pub(crate) fn page() -> Result<Page> {
    let mut schema = Vec::new();
    profiler::commands::schema::schema(&mut schema)?;
    let schema = serde_json::from_slice(&schema).context("the schema is not JSON")?;
    let mut blocks = vec![Block::paragraph(ABOUT)];
    blocks.push(Block::paragraph("Each thread's name, number and total wait for a CPU:"));
    blocks.push(Block::Lines(EXAMPLE.to_owned()));
    blocks.push(Block::heading("Rules"));
    blocks.push(Block::paragraph(format!(
        "`schema` is {SCHEMA} in what this version writes. A reader should refuse a greater number, as the profiler does."
    )));
    blocks.extend(RULES.map(Block::paragraph));
    blocks.push(Block::heading("Buckets"));
    blocks.extend(buckets());
    blocks.push(Block::heading("Types"));
    blocks.push(Block::paragraph(
        "From the JSON Schema that `profiler schema` prints. Fields of objects are in alphabetical order.",
    ));
    blocks.extend(types::blocks(&schema)?);
    blocks.push(Block::SeeAlso(vec![
        ("profiler", "1"),
        ("profiler-run", "1"),
        ("profiler-attach", "1"),
        ("profiler-report", "1"),
        ("profiler-export", "1"),
        ("profiler-schema", "1"),
    ]));
    Ok(Page { name: "profiler-profile", about: "the file that a recording of profiler leaves", blocks })
}

/// The arithmetic of `profiler_ebpf::buckets`, in words.
fn buckets() -> [Block; 5] {
    let (bits, limit_bits) = (PAGE_BUCKETS.ilog2(), LIMIT_NS.ilog2());
    let (single, error) = (2 * PAGE_BUCKETS, 100.0 / PAGE_BUCKETS as f64);
    let minutes = LIMIT_NS / 60_000_000_000;
    [
        Block::paragraph(format!(
            "Buckets are those of an HdrHistogram with {SIGNIFICANT_DIGITS} significant digits and a lowest value of 1 ns: each \
             value below {single} ns has its own, and above that each power of two is cut into {PAGE_BUCKETS}, so that a bucket is \
             at most {error:.1} % as wide as its lower bound. A file names each bucket that holds samples by its bounds: `low_ns` is \
             in it, `high_ns` is not. Numbered from 0 without gaps, a duration of d ns falls into bucket i:"
        )),
        Block::Lines(format!(
            "octave  = 0 if d < {single}, else floor(log2(d)) - {bits}\n\
             i       = {PAGE_BUCKETS} * octave + floor(d / 2^octave)"
        )),
        Block::paragraph("and bucket i has the bounds"),
        Block::Lines(format!(
            "octave  = 0 if i < {single}, else floor(i / {PAGE_BUCKETS}) - 1\n\
             low_ns  = (i - {PAGE_BUCKETS} * octave) * 2^octave\n\
             high_ns = low_ns + 2^octave"
        )),
        Block::paragraph(format!(
            "Samples of 2^{limit_bits} ns ({minutes} minutes) and more are in no bucket, nor are those for which no memory was left. \
             They are in `count`, `sum_ns`, `min_ns` and `max_ns`, which are exact."
        )),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::markdown;
    use profiler_ebpf::buckets;
    use std::{env, fs};

    const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/profile-format.md");

    /// With `UPDATE_GOLDEN=1` it is written anew; read the difference before it is committed.
    #[test]
    fn the_page_in_docs_is_the_one_that_is_made() {
        let made = markdown::render("The profile file", &page().unwrap().blocks);
        if env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(PAGE, &made).unwrap();
        }
        let committed = fs::read_to_string(PAGE).unwrap_or_default();
        assert!(committed == made, "docs/profile-format.md differs from what is made now:\n{made}");
    }

    /// The page's formulas as they stand there, with its numbers.
    #[test]
    fn the_formulas_are_those_of_the_buckets() {
        let [_, Block::Lines(of_durations), _, Block::Lines(of_buckets), Block::Paragraph(limit)] =
            super::buckets()
        else {
            panic!()
        };
        assert!(of_durations.contains("d < 256, else floor(log2(d)) - 7"), "{of_durations}");
        assert!(of_durations.contains("128 * octave + floor(d / 2^octave)"), "{of_durations}");
        assert!(of_buckets.contains("i < 256, else floor(i / 128) - 1"), "{of_buckets}");
        assert!(of_buckets.contains("(i - 128 * octave) * 2^octave"), "{of_buckets}");
        assert!(limit.contains("2^42 ns (73 minutes)"), "{limit}");
        for power in 0..42_u32 {
            for d in [1 << power, (1 << power) + (1 << power) / 3, (2 << power) - 1] {
                let octave = if d < 256 { 0 } else { f64::log2(d as f64 + 0.5).floor() as u32 - 7 };
                let i = 128 * octave + (d / 2_u64.pow(octave)) as u32;
                assert_eq!(buckets::index(d), Some(i), "{d}");
                let octave = if i < 256 { 0 } else { i / 128 - 1 };
                let low_ns = u64::from(i - 128 * octave) * 2_u64.pow(octave);
                assert_eq!(
                    (buckets::low_ns(i), buckets::high_ns(i)),
                    (low_ns, low_ns + 2_u64.pow(octave)),
                    "{i}"
                );
            }
        }
        assert_eq!(buckets::index(1 << 42), None);
    }
}
