//! The reason why a command can't be executed, and the remedy: the kernel's own words leave out the file's name.

use super::hold::{NOT_EXECUTABLE, NOT_FOUND};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{Error, ErrorKind, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// The bytes that the kernel reads of a script's first line (include/uapi/linux/binfmts.h `BINPRM_BUF_SIZE`).
const FIRST_LINE_BYTES: u64 = 256;

/// Bits of a mode that let somebody execute a file.
const EXECUTABLE: u32 = 0o111;

/// The reason of E2BIG.
pub(super) const TOO_LONG: &str = "its arguments and environment are longer than the kernel takes; give it fewer or \
     shorter arguments, or raise the limit of the stack, of which they may have a quarter (ulimit -s)";

/// The reason for a refusal, in one line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) reason: String,
    /// The exit code that a shell would give.
    pub(super) code: u8,
}

/// Explains what `execvp` answered.
pub(super) fn explain(program: &OsStr, error: &Error) -> Refusal {
    let code = if error.kind() == ErrorKind::NotFound { NOT_FOUND } else { NOT_EXECUTABLE };
    let path = Path::new(program);
    let is_path = program.as_encoded_bytes().contains(&b'/');
    let reason = match error.kind() {
        _ if program.is_empty() => "its name is empty".to_owned(),
        ErrorKind::NotFound if is_path => missing(path),
        ErrorKind::NotFound => not_in_path(path),
        ErrorKind::PermissionDenied if is_path => denied(path),
        ErrorKind::ArgumentListTooLong => TOO_LONG.to_owned(),
        _ => in_words(error),
    };
    Refusal { reason, code }
}

/// The kernel says "no such file" also of a file whose interpreter is missing.
fn missing(path: &Path) -> String {
    if path.symlink_metadata().is_err() {
        return "there is no such file".to_owned();
    }
    if !path.exists() {
        return "it is a symbolic link to a file that is not there".to_owned();
    }
    match interpreter(path) {
        Some(interpreter) => {
            format!("its first line names the interpreter {interpreter}, which is not there")
        }
        None => "the loader or interpreter that it needs is not there (file tells which)".to_owned(),
    }
}

fn interpreter(path: &Path) -> Option<String> {
    let mut start = Vec::new();
    File::open(path).ok()?.take(FIRST_LINE_BYTES).read_to_end(&mut start).ok()?;
    let text = String::from_utf8_lossy(&start);
    let named = text.strip_prefix("#!")?.lines().next()?.split_whitespace().next()?;
    Some(model::outside_text::excerpt(named))
}

fn not_in_path(name: &Path) -> String {
    let here = Path::new(".").join(name);
    if here.is_file() {
        return format!("it is not in PATH; to execute the one in this folder write {}", here.display());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    format!("it is in no folder of PATH={} (sudo may have set it); write its whole path", path.display())
}

fn denied(path: &Path) -> String {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => "it is a folder".to_owned(),
        Ok(metadata) if metadata.permissions().mode() & EXECUTABLE == 0 => {
            "it is not executable; chmod +x makes it so, or write its interpreter before it".to_owned()
        }
        _ => {
            let user = nix::unistd::geteuid();
            format!("user {user} may not execute it (its mode, a folder above it, or a noexec mount)")
        }
    }
}

/// Without the number, which the words stand for.
fn in_words(error: &Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;
    use std::os::unix::process::CommandExt as _;
    use std::process::Command;

    /// Executing fails here, so this process goes on.
    fn refusal(program: &Path) -> Refusal {
        explain(program.as_os_str(), &Command::new(program).exec())
    }

    #[test]
    fn each_cause_has_its_words_and_its_code() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str, mode| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            path
        };
        let link = folder.path().join("link");
        symlink("nowhere", &link).unwrap();
        let cases = [
            (folder.path().join("absent"), "no such file", NOT_FOUND),
            (link, "symbolic link", NOT_FOUND),
            (file("script", "#!/no/such/sh -e\n", 0o755), "/no/such/sh", NOT_FOUND),
            (file("notes", "text", 0o644), "chmod +x", NOT_EXECUTABLE),
            (folder.path().to_owned(), "folder", NOT_EXECUTABLE),
            ("no-such-command-anywhere".into(), "PATH=", NOT_FOUND),
            ("".into(), "is empty", NOT_FOUND),
        ];
        for (program, words, code) in cases {
            let refusal = refusal(&program);
            assert!(refusal.reason.contains(words), "{}: {refusal:?}", program.display());
            assert_eq!(refusal.code, code, "{refusal:?}");
        }
    }

    #[test]
    fn the_kernels_words_come_without_its_number() {
        assert_eq!(in_words(&Error::from_raw_os_error(7)), "Argument list too long");
    }
}
