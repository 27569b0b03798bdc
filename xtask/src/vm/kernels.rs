//! The kernels: those that are supported, from the Debian archive, or one's own.

use anyhow::{Context as _, Result, bail};
use clap::ValueEnum;
use std::{
    fs,
    path::{Path, PathBuf},
};
use xtask::debian::packages::Packages;

/// Kernels that the profiler supports.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub(super) enum Supported {
    /// Debian bookworm's
    #[value(name = "6.1")]
    V6_1,
    /// Debian trixie's
    #[value(name = "6.12")]
    V6_12,
    /// Debian sid's
    Newest,
}

impl Supported {
    pub(super) const ALL: [Self; 3] = [Self::V6_1, Self::V6_12, Self::Newest];

    fn suite(self) -> &'static str {
        match self {
            Self::V6_1 => "bookworm",
            Self::V6_12 => "trixie",
            Self::Newest => "sid",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::V6_1 => "6.1",
            Self::V6_12 => "6.12",
            Self::Newest => "newest",
        }
    }

    /// More than one topology is tested.
    fn topology(self) -> Topology {
        match self {
            Self::V6_1 | Self::V6_12 => Topology::TwoCpus,
            Self::Newest => Topology::TwoDies,
        }
    }
}

/// The guest's CPUs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Topology {
    /// Two, with one L3.
    TwoCpus,
    /// Four, in two dies with an L3 each.
    TwoDies,
}

impl Topology {
    pub(super) fn cpus(self) -> usize {
        match self {
            Self::TwoCpus => 2,
            Self::TwoDies => 4,
        }
    }

    /// Groups of CPUs that share an L3; `None` where the guest may show anything.
    pub(super) fn l3_groups(self) -> Option<usize> {
        match self {
            Self::TwoCpus => None,
            Self::TwoDies => Some(2),
        }
    }
}

/// A kernel, ready to boot.
pub(super) struct Kernel {
    /// In the tables.
    pub(super) name: String,
    /// Its origin, for `docs/kernels.md`.
    pub(super) origin: String,
    /// The bzImage.
    pub(super) image: PathBuf,
    /// The folder of its modules; none if all that is needed is built in.
    pub(super) modules: Option<PathBuf>,
    /// Of any release: it is linked to nothing.
    pub(super) busybox: PathBuf,
    pub(super) topology: Topology,
    /// The folder of its runs.
    pub(super) folder: PathBuf,
    /// True if its figures are held against committed ones.
    pub(super) has_figures: bool,
}

/// From `linux-image-amd64` these lead to the image and the modules, whichever release it is.
const KERNEL_PACKAGES: [&str; 3] = ["linux-image-", "linux-binary-", "linux-modules-"];

/// A kernel of the archive, unpacked below the folder.
pub(super) fn fetch(supported: Supported, folder: &Path, update: bool) -> Result<Kernel> {
    let suite = supported.suite();
    let folder = folder.join(suite);
    let packages = Packages::open(&folder, suite, update)?;
    let mut wanted = packages.with_dependencies("linux-image-amd64", &KERNEL_PACKAGES)?;
    wanted.push(packages.find(BUSYBOX)?);
    let root = packages.unpack(&wanted)?;
    let modules = modules(&root)?;
    Ok(Kernel {
        name: supported.name().to_owned(),
        origin: format!("Debian {suite}"),
        image: image(&root, &modules)?,
        modules: Some(modules),
        busybox: busybox(&root)?,
        topology: supported.topology(),
        folder,
        has_figures: true,
    })
}

/// One's own kernel; the tools that the guest needs still come from the archive.
pub(super) fn own(image: &Path, modules: Option<&Path>, folder: &Path, update: bool) -> Result<Kernel> {
    const SUITE: &str = "trixie";
    let image = image.canonicalize().with_context(|| format!("there is no kernel {}", image.display()))?;
    let folder = folder.join("own");
    let packages = Packages::open(&folder, SUITE, update)?;
    let root = packages.unpack(&[packages.find(BUSYBOX)?])?;
    Ok(Kernel {
        name: "own".to_owned(),
        origin: image.display().to_string(),
        busybox: busybox(&root)?,
        image,
        modules: modules.map(Path::to_path_buf),
        topology: Topology::TwoCpus,
        folder,
        has_figures: false,
    })
}

const BUSYBOX: &str = "busybox-static";

fn busybox(root: &Path) -> Result<PathBuf> {
    first_file(&[root.join("usr/bin/busybox"), root.join("bin/busybox")])
}

/// The only folder of modules.
fn modules(root: &Path) -> Result<PathBuf> {
    let places = ["usr/lib/modules", "lib/modules"].map(|place| root.join(place));
    let entries = places.iter().filter_map(|place| fs::read_dir(place).ok()).flatten().flatten();
    match entries.map(|entry| entry.path()).collect::<Vec<_>>().as_slice() {
        [folder] => Ok(folder.clone()),
        others => bail!("the packages hold {} folders of modules, not one: {others:?}", others.len()),
    }
}

/// From Linux 7 on Debian keeps it beside the modules.
fn image(root: &Path, modules: &Path) -> Result<PathBuf> {
    let release = modules.file_name().context("a folder of modules has no name")?.to_string_lossy();
    first_file(&[root.join(format!("boot/vmlinuz-{release}")), modules.join("vmlinuz")])
}

fn first_file(places: &[PathBuf]) -> Result<PathBuf> {
    places
        .iter()
        .find(|place| place.is_file())
        .cloned()
        .with_context(|| format!("the packages hold none of {places:?}"))
}
