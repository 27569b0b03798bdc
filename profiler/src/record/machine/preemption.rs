//! The model by which threads are preempted in the kernel.

use flate2::read::GzDecoder;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

/// The model in force, as the scheduler tells it (`none voluntary (full) lazy`, in debugfs); else what the kernel was booted
/// with, or else built with. A kernel that can choose at boot and whose choice can't be read gives nothing.
pub(super) fn read(root: &Path) -> Option<String> {
    let text = |path: &str| fs::read_to_string(root.join(path)).ok();
    let version = text("proc/sys/kernel/version").unwrap_or_default();
    let words: Vec<&str> = version.split_whitespace().collect();
    if words.contains(&"PREEMPT_RT") {
        return Some("rt".to_owned());
    }
    let in_force = text("sys/kernel/debug/sched/preempt").and_then(|models| in_brackets(&models));
    let of_boot = || of_boot(&text("proc/cmdline").filter(|_| words.contains(&"PREEMPT_DYNAMIC"))?);
    let of_config = || of_config(&config(root)?);
    let of_version = || words.contains(&"PREEMPT").then(|| "full".to_owned());
    in_force.or_else(of_boot).or_else(of_config).or_else(of_version)
}

/// The configuration that the kernel was built with: in itself, or beside its image.
fn config(root: &Path) -> Option<String> {
    let own = || {
        let mut text = String::new();
        let file = File::open(root.join("proc/config.gz")).ok()?;
        GzDecoder::new(file).read_to_string(&mut text).ok()?;
        Some(text)
    };
    own().or_else(|| {
        let release = fs::read_to_string(root.join("proc/sys/kernel/osrelease")).ok()?;
        fs::read_to_string(root.join(format!("boot/config-{}", release.trim()))).ok()
    })
}

fn in_brackets(models: &str) -> Option<String> {
    models.split_whitespace().find_map(|model| Some(model.strip_prefix('(')?.strip_suffix(')')?.to_owned()))
}

/// The last `preempt=` that names a model counts, as in the kernel.
fn of_boot(command_line: &str) -> Option<String> {
    let asked = command_line.split_whitespace().rev().filter_map(|word| word.strip_prefix("preempt="));
    asked.map(str::to_owned).find(|model| matches!(model.as_str(), "none" | "voluntary" | "full" | "lazy"))
}

/// The model that a configuration names: that of a kernel that was not booted with another.
fn of_config(config: &str) -> Option<String> {
    const MODELS: [(&str, &str); 5] = [
        ("CONFIG_PREEMPT_RT=y", "rt"),
        ("CONFIG_PREEMPT_LAZY=y", "lazy"),
        ("CONFIG_PREEMPT=y", "full"),
        ("CONFIG_PREEMPT_VOLUNTARY=y", "voluntary"),
        ("CONFIG_PREEMPT_NONE=y", "none"),
    ];
    let found = MODELS.iter().find(|(option, _)| config.lines().any(|line| line == *option));
    found.map(|(_, model)| (*model).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(files: &[(&str, &str)]) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        read(folder.path())
    }

    const DYNAMIC: (&str, &str) = ("proc/sys/kernel/version", "#1 SMP PREEMPT_DYNAMIC Tue\n");
    const RELEASE: (&str, &str) = ("proc/sys/kernel/osrelease", "6.18.0-a\n");
    const BUILT: (&str, &str) = (
        "boot/config-6.18.0-a",
        "CONFIG_PREEMPT_BUILD=y\nCONFIG_PREEMPT_VOLUNTARY=y\nCONFIG_PREEMPT_DYNAMIC=y\n",
    );
    const BOOTED: (&str, &str) = ("proc/cmdline", "ro preempt=none preempt=lazy preempt=maybe\n");

    #[test]
    fn what_is_in_force_counts_before_what_was_asked_for() {
        let in_force = ("sys/kernel/debug/sched/preempt", "none voluntary (full) lazy\n");
        assert_eq!(model(&[DYNAMIC, RELEASE, BUILT, BOOTED, in_force]).unwrap(), "full");
        assert_eq!(model(&[DYNAMIC, RELEASE, BUILT, BOOTED]).unwrap(), "lazy");
        assert_eq!(model(&[DYNAMIC, RELEASE, BUILT]).unwrap(), "voluntary");
    }

    #[test]
    fn a_kernel_may_bring_its_own_configuration() {
        use std::io::Write as _;
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("proc")).unwrap();
        let file = File::create(folder.path().join("proc/config.gz")).unwrap();
        let mut packed = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        packed.write_all(b"# CONFIG_PREEMPT_LAZY is not set\nCONFIG_PREEMPT_NONE=y\n").unwrap();
        packed.finish().unwrap();
        assert_eq!(read(folder.path()).unwrap(), "none");
    }

    #[test]
    fn what_can_not_be_read_is_not_guessed() {
        assert_eq!(model(&[DYNAMIC]), None);
        assert_eq!(model(&[]), None);
    }

    #[test]
    fn kernels_of_one_model_say_it_themselves() {
        assert_eq!(model(&[("proc/sys/kernel/version", "#1 SMP PREEMPT_RT Tue")]).unwrap(), "rt");
        assert_eq!(model(&[("proc/sys/kernel/version", "#1 SMP PREEMPT Tue")]).unwrap(), "full");
    }
}
