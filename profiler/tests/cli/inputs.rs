//! Inputs are not written over, by whatever name, nor is any other profile.

use crate::{PROFILE, PROFILER};
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// A folder with a profile and a link to it.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(PROFILE, folder.path().join("d.json")).unwrap();
    symlink("d.json", folder.path().join("link.json")).unwrap();
    folder
}

fn profiler(folder: &Path, arguments: &str) -> Command {
    let mut command = Command::new(PROFILER);
    command.current_dir(folder).args(arguments.split(' ')).stdin(Stdio::null());
    command
}

/// Refuses, and leaves the profile as it is.
fn refuses(folder: &Path, output: &Output, why: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(why), "{said}");
    assert_eq!(fs::read(folder.join("d.json")).unwrap(), fs::read(PROFILE).unwrap());
}

const MAKERS: [&str; 2] = ["export d.json -f json", "plot d.json --kind ccdf --metric blocked --format svg"];

#[test]
fn a_profile_that_is_read_is_not_written_over() {
    for maker in MAKERS {
        let folder = folder();
        let folder = folder.path();
        for place in ["d.json", "link.json", "./d.json"] {
            let output = profiler(folder, &format!("{maker} -o {place}")).output().unwrap();
            refuses(folder, &output, "is one of the profiles that are read");
        }
        let piped = profiler(folder, &format!("{} -o d.json", maker.replace("d.json", "-")))
            .stdin(File::open(folder.join("d.json")).unwrap())
            .output()
            .unwrap();
        refuses(folder, &piped, "is one of the profiles that are read");
        let appending = OpenOptions::new().append(true).open(folder.join("d.json")).unwrap();
        let appended = profiler(folder, maker).stdout(appending).output().unwrap();
        refuses(folder, &appended, "standard output goes to one of the profiles");
        let forced = profiler(folder, &format!("{maker} -o d.json --force")).output().unwrap();
        assert!(forced.status.success(), "{forced:?}");
        assert_ne!(fs::read(folder.join("d.json")).unwrap(), fs::read(PROFILE).unwrap());
    }
}

#[test]
fn another_profile_is_not_written_over_and_an_earlier_result_is() {
    for maker in MAKERS {
        let folder = folder();
        let folder = folder.path();
        fs::copy(PROFILE, folder.join("other.json")).unwrap();
        let output = profiler(folder, &format!("{} -o d.json", maker.replace("d.json", "other.json")))
            .output()
            .unwrap();
        refuses(folder, &output, "d.json is a profile; name another place with --output");
        for _ in 0..2 {
            let output = profiler(folder, &format!("{maker} -o result")).output().unwrap();
            assert!(output.status.success(), "{output:?}");
        }
    }
}

/// The name of a companion is made of the first file's.
#[test]
fn no_file_of_several_is_written_if_one_must_not_be() {
    let folder = folder();
    let folder = folder.path();
    fs::rename(folder.join("d.json"), folder.join("x.pool-worker-0.blocked.dat")).unwrap();
    let arguments = "export x.pool-worker-0.blocked.dat -f pgfplots --metric blocked --thread pool-* \
                     --group-by name -o x.tex";
    let output = profiler(folder, arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("are read"), "{output:?}");
    assert!(!folder.join("x.tex").exists());
    let left = fs::read(folder.join("x.pool-worker-0.blocked.dat")).unwrap();
    assert!(left == fs::read(PROFILE).unwrap());
}

/// Every command that picks something out of a profile, with the flags that it needs.
const PICKERS: [&str; 9] = [
    "export d.json -f csv",
    "export d.json -f hgrm",
    "export d.json -f hlog",
    "export d.json -f pgfplots",
    "plot d.json --kind ccdf --format svg",
    "plot d.json --kind histogram --format svg",
    "plot d.json --kind blocked-on --format svg",
    "plot d.json --kind timeline --format svg",
    "plot d.json --kind heatmap --format svg",
];

#[test]
fn nobody_is_told_of_flags_that_were_not_given() {
    let folder = folder();
    let mut profile: serde_json::Value = serde_json::from_slice(&fs::read(PROFILE).unwrap()).unwrap();
    let has_intervals = profile.get("intervals").is_some();
    profile["threads"] = serde_json::json!([]);
    fs::write(folder.path().join("empty.json"), profile.to_string()).unwrap();
    for picker in PICKERS {
        let has_what_it_needs =
            has_intervals || !["timeline", "heatmap"].iter().any(|kind| picker.contains(kind));
        let said = |arguments: &str| {
            let output = profiler(folder.path(), arguments).output().unwrap();
            assert_eq!(output.status.code(), Some(1), "{arguments}");
            String::from_utf8(output.stderr).unwrap()
        };
        let empty = said(&picker.replace("d.json", "empty.json"));
        assert!(!empty.contains("--thread") && !empty.contains("--metric"), "{picker}: {empty}");
        let chosen = said(&format!("{picker} --thread no-such-thread"));
        assert!(chosen.contains("--thread") == has_what_it_needs, "{picker}: {chosen}");
        assert!(!chosen.contains("--metric") && !chosen.contains("--histogram-memory"), "{picker}: {chosen}");
    }
}

#[test]
fn a_folder_and_an_empty_file_are_called_so() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("empty"), "").unwrap();
    for (place, part) in [(".", "it is a folder"), ("empty", "nothing is in it")] {
        let output = profiler(folder.path(), &format!("report {place}")).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(part) && !said.contains("record it again"), "{said}");
    }
}
