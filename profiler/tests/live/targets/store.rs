//! A store whose disk fills up, and empties again.

use jiff::{SignedDuration, Timestamp};
use model::metric::Metric;
use model::profile::histogram::Histogram;
use model::profile::interval::States;
use model::profile::units::Nanos;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::RowAccessor as _;
use profiler::store::{Store, StoreConfig};
use profiler::watch::batch::{Batch, Group, Key};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;

/// Samples of each interval: each is in a bucket of its own.
const SAMPLES: u64 = 100;

/// In the folder `full`, which is a small file system: fills it, goes on for this many intervals, makes room, and tells
/// what the store said meanwhile, and how many samples readers find in the end.
pub(super) fn store_on_full_disk(more: u32) -> Value {
    let folder = Path::new("full");
    let config = StoreConfig {
        path: folder.join("store"),
        keep: None,
        max_size: None,
        publish: Duration::from_secs(30),
    };
    let mut store = Store::open(&config, "db1").expect("there is room yet");
    let mut appended = 0;
    let mut append = |store: &mut Store| {
        appended += 1;
        store.append(&batch(appended))
    };
    for _ in 0..5 {
        append(&mut store).expect("there is room yet");
    }
    let ballast = folder.join("ballast");
    let mut zeros = std::io::repeat(0);
    std::io::copy(&mut zeros, &mut File::create(&ballast).unwrap()).expect_err("it is full");
    let errors: Vec<String> = (0..more)
        .map(|_| append(&mut store).map_or_else(|error| format!("{error:#}"), |()| "none".to_owned()))
        .collect();
    let full = store.status();
    let shown_when_full = found(&config.path);
    fs::remove_file(ballast).unwrap();
    append(&mut store).expect("there is room again");
    store.flush().expect("there is room again");
    json!({
        "errors": errors, "waiting": full.waiting, "dropped": store.status().dropped, "waiting_after": store.status().waiting,
        "appended": u64::from(appended) * SAMPLES, "shown_when_full": shown_when_full, "found": found(&config.path),
    })
}

fn batch(number: u32) -> Batch {
    let from = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(10) * i32::try_from(number).unwrap();
    let histogram = Histogram::of((0..SAMPLES).map(Nanos)).expect("there are samples");
    let group = Group {
        key: Key { selector: "all".into(), process: None, pid: None, thread: None },
        threads: 1,
        states: States::default(),
        histograms: [(Metric::Blocked, histogram)].into(),
    };
    let length = SignedDuration::from_secs(10);
    let lost = model::losses::LossCounts::default();
    Batch { from, until: from + length, length_ns: Nanos(10_000_000_000), groups: vec![group], lost }
}

/// Samples in all published files.
fn found(store: &Path) -> u64 {
    let mut found = 0;
    for date in
        fs::read_dir(store).unwrap().map(|date| date.unwrap().path()).filter(|date| !date.ends_with("_open"))
    {
        for file in fs::read_dir(date.join("host=db1")).unwrap() {
            let file = SerializedFileReader::new(File::open(file.unwrap().path()).unwrap()).unwrap();
            let schema = file.metadata().file_metadata().schema().get_fields().to_vec();
            let count = schema.iter().position(|column| column.name() == "count").unwrap();
            for row in file.get_row_iter(None).unwrap() {
                found += row.unwrap().get_ulong(count).unwrap_or(0);
            }
        }
    }
    found
}
