//! Golden files below `tests/golden`, for the unit tests and for `tests/golden.rs`, which takes this file in. With
//! `UPDATE_GOLDEN=1` they are written anew; read the difference before it is committed.

use std::path::{Path, PathBuf};

/// The file of a name.
pub(crate) fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// Compares with the file, or writes it if asked to.
pub(crate) fn matches(name: &str, made: &str) {
    let path = golden(name);
    let mut expected = std::fs::read_to_string(&path).unwrap_or_default();
    // Only what differs: other tests read the files meanwhile.
    if expected != made && std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, made).unwrap();
        made.clone_into(&mut expected);
    }
    assert!(expected == made, "{name} differs from what is made now:\n{made}");
}
