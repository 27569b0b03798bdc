//! The machine that a profile was recorded on.

use super::units::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The machine, as far as it could be read: what could not is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(any(test, feature = "arbitrary"), derive(arbitrary::Arbitrary))]
pub struct Machine {
    /// The processor's name.
    pub cpu_model: Option<String>,
    /// The version of its microcode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub microcode: Option<String>,
    /// True if the processor says that it is a virtual one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub virtualized: Option<bool>,
    /// The arrangement of its CPUs.
    pub topology: Topology,
    /// The frequency governor; where CPUs differ, each with its CPUs.
    pub governor: Option<String>,
    /// The driver that sets frequencies; where CPUs differ, each with its CPUs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frequency_driver: Option<String>,
    /// The mode of that driver, where it has several: `active`, `passive` or `guided`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frequency_driver_mode: Option<String>,
    /// The preference between speed and energy that the processor was given; where CPUs differ, each with its CPUs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub energy_preference: Option<String>,
    /// True if the CPUs may clock higher than their base frequency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boost: Option<bool>,
    /// True if cores run several hardware threads at this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smt_active: Option<bool>,
    /// The switch of that: `on`, `off`, `forceoff`, `notsupported`, `notimplemented` or a number of threads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smt_control: Option<String>,
    /// The model by which threads are preempted in the kernel: `none`, `voluntary`, `full`, `lazy` or `rt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preemption: Option<String>,
    /// The kernel's release and version.
    pub kernel: Option<String>,
    /// The kernel's command line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel_command_line: Option<String>,
    /// Processor weaknesses and what the kernel does against each.
    pub mitigations: Vec<Mitigation>,
    /// Physical memory.
    pub memory_bytes: Option<Bytes>,
    /// The use of huge pages by the kernel itself: `always`, `madvise` or `never`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transparent_hugepages: Option<String>,
}

/// The arrangement of the CPUs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(any(test, feature = "arbitrary"), derive(arbitrary::Arbitrary))]
pub struct Topology {
    /// CPUs that are online (hardware threads).
    pub threads: Option<u32>,
    /// Cores.
    pub cores: Option<u32>,
    /// Groups of CPUs that share a third-level cache.
    pub l3_groups: Option<u32>,
    /// Memory nodes.
    pub nodes: Option<u32>,
}

/// One processor weakness.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(any(test, feature = "arbitrary"), derive(arbitrary::Arbitrary))]
pub struct Mitigation {
    /// The kernel's name of it.
    pub weakness: String,
    /// The kernel's words for its state.
    pub state: String,
}
