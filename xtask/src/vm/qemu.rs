//! One run of a guest: what QEMU is told, and how long it may take.

use super::{
    Accelerator, EACH_KERNEL, Job, initramfs,
    kernels::{Kernel, Topology},
};
use anyhow::{Context as _, Result, bail, ensure};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};
use xtask::{
    command::{Run as _, cannot_start},
    packages,
    workspace::Workspace,
};

const RUN: &str = include_str!("guest/run.sh");

/// The live tests take 18 minutes in an emulated guest with two CPUs and 26 in one with four, two guests at a time on two
/// cores; a hung guest takes for ever.
const LIMIT: Duration = Duration::from_mins(60);

/// Memory of the guest, in MiB: ten thousand threads at once fit, beside the files that are written to memory.
const MEMORY_MIB: u32 = 3072;

/// Size of the guest's disk, in bytes; what is not written to takes no space.
const DISK_BYTES: u64 = 4 << 30;

/// The result of a run.
pub(super) struct Boot {
    /// The folder that the guest wrote to.
    pub(super) job: PathBuf,
    /// The output of the guest's kernel and first script.
    pub(super) console: PathBuf,
    /// The time that it took.
    pub(super) took: Duration,
    /// True if it was ended because it took too long.
    pub(super) timed_out: bool,
}

/// Boots the kernel, and returns when the guest has powered itself off.
pub(super) fn boot(workspace: &Workspace, kernel: &Kernel, job: &Job, accel: Accelerator) -> Result<Boot> {
    let folder = kernel.folder.join("run");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    let shared = folder.join("job");
    fs::create_dir_all(&shared).with_context(|| format!("cannot create {}", shared.display()))?;
    write(&shared.join("run.sh"), RUN)?;
    write(&shared.join("settings"), &job.settings(workspace)?)?;
    let (initramfs, disk) = (folder.join("initramfs"), folder.join("disk"));
    initramfs::write(kernel, &initramfs)?;
    make_disk(&disk)?;

    let console = folder.join("console.log");
    let log = File::create(&console).with_context(|| format!("cannot write {}", console.display()))?;
    let errors = log.try_clone().context("cannot share the console's log")?;
    let mut qemu = command(kernel, accel, &initramfs, &disk, &shared)?;
    qemu.stdin(Stdio::null()).stdout(log).stderr(errors);
    let begun = Instant::now();
    let mut guest = qemu.spawn().with_context(|| cannot_start(&qemu))?;
    let timed_out = !wait(&mut guest, begun + LIMIT)
        .with_context(|| format!("what the guest said is in {}", console.display()))?;
    fs::remove_file(&disk).with_context(|| format!("cannot remove {}", disk.display()))?;
    Ok(Boot { job: shared, console, took: begun.elapsed(), timed_out })
}

fn make_disk(disk: &Path) -> Result<()> {
    File::create(disk)
        .and_then(|file| file.set_len(DISK_BYTES))
        .with_context(|| format!("cannot make {}", disk.display()))?;
    Command::new(packages::found("mke2fs")?).args(["-q", "-t", "ext4"]).arg(disk).run()
}

fn command(
    kernel: &Kernel,
    accel: Accelerator,
    initramfs: &Path,
    disk: &Path,
    shared: &Path,
) -> Result<Command> {
    let mut qemu = Command::new(packages::found(packages::QEMU)?);
    qemu.args(["-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-serial", "stdio"])
        .args(["-machine", "q35", "-accel", accel.qemu()])
        .args(cpus(kernel.topology))
        .args(["-m", &MEMORY_MIB.to_string()])
        .arg("-kernel")
        .arg(&kernel.image)
        .arg("-initrd")
        .arg(initramfs)
        .args(["-append", "console=ttyS0 panic=-1 quiet ia32_emulation=1"])
        .args(["-drive", &format!("file={},if=virtio,format=raw,cache=unsafe", escaped(disk)?)]);
    share(&mut qemu, "host", Path::new("/"), ",readonly=on")?;
    share(&mut qemu, "job", shared, "")?;
    Ok(qemu)
}

fn cpus(topology: Topology) -> &'static [&'static str] {
    match topology {
        Topology::TwoCpus => &["-cpu", "max", "-smp", "2"],
        // A die has an L3 of its own only where QEMU describes the caches as Intel does (CPUID leaf 4).
        Topology::TwoDies => {
            &["-cpu", "max,vendor=GenuineIntel", "-smp", "4,sockets=1,dies=2,cores=2,threads=1"]
        }
    }
}

/// A folder of the host that the guest mounts by its tag. Numbers of files stay different although the host's
/// folder has several file systems.
fn share(qemu: &mut Command, tag: &str, folder: &Path, options: &str) -> Result<()> {
    let folder = escaped(folder)?;
    qemu.arg("-fsdev")
        .arg(format!("local,id={tag},path={folder},security_model=none,multidevs=remap{options}"))
        .arg("-device")
        .arg(format!("virtio-9p-pci,fsdev={tag},mount_tag={tag}"));
    Ok(())
}

/// A comma ends a value unless it is doubled.
fn escaped(path: &Path) -> Result<String> {
    let text = path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))?;
    Ok(text.replace(',', ",,"))
}

/// True if the guest ended by itself. One that has not is ended here.
fn wait(guest: &mut Child, limit: Instant) -> Result<bool> {
    const PAUSE: Duration = Duration::from_millis(200);
    loop {
        if let Some(status) = guest.try_wait().context("cannot wait for QEMU")? {
            if !status.success() {
                bail!("QEMU failed: {status}");
            }
            return Ok(true);
        }
        if Instant::now() >= limit {
            guest.kill().context("cannot end QEMU")?;
            guest.wait().context("cannot wait for QEMU")?;
            return Ok(false);
        }
        thread::sleep(PAUSE);
    }
}

impl Job {
    /// The variables that the guest's scripts read, as assignments of the shell.
    fn settings(&self, workspace: &Workspace) -> Result<String> {
        let mut settings = String::new();
        let filter = self.filter.clone().unwrap_or_default();
        let own = [
            ("WORKSPACE", workspace.root().to_path_buf()),
            ("LIVE", self.live.clone()),
            ("FILTER", filter.into()),
        ];
        for (name, value) in own.into_iter().chain(self.variables.clone()) {
            let value = value.to_str().with_context(|| format!("{} is not UTF-8", value.display()))?;
            ensure!(!value.contains('\''), "{value:?} has a quote, which the guest's shell would misread");
            settings += &format!("export {name}='{value}'\n");
        }
        if !self.all {
            settings += &format!("export {EACH_KERNEL}=1\n");
        }
        Ok(settings)
    }
}

fn write(file: &Path, text: &str) -> Result<()> {
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_that_hangs_is_ended_at_the_limit() {
        let mut hung = Command::new("sleep").arg("600").spawn().unwrap();
        assert!(!wait(&mut hung, Instant::now()).unwrap());
        assert!(!hung.wait().unwrap().success(), "it was killed");
    }

    #[test]
    fn a_guest_that_ends_by_itself_ended_in_time_and_a_failure_is_named() {
        let limit = Instant::now() + LIMIT;
        assert!(wait(&mut Command::new("true").spawn().unwrap(), limit).unwrap());
        let failed = wait(&mut Command::new("false").spawn().unwrap(), limit).unwrap_err();
        assert_eq!(failed.to_string(), "QEMU failed: exit status: 1");
    }

    #[test]
    fn commas_in_paths_end_no_option() {
        assert_eq!(escaped(Path::new("/a,b/c")).unwrap(), "/a,,b/c");
    }
}
