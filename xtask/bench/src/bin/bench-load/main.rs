//! The loads of `cargo xtask bench`: each prints one figure, or a line when it is in the state to be measured.
//! A program of its own, so that it is optimised and starts quickly.

mod cpu;
mod gate;
mod parts;
mod ping_pong;
mod ring;
mod threads;
mod touch;

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};
use gate::Gate;
use nix::time::{ClockId, clock_gettime};

/// A load of the benchmark
#[derive(Parser)]
#[command(name = "bench-load")]
struct Arguments {
    /// Say `ready` and wait for a line before the timed part; after it, stay until standard input ends
    #[arg(long, global = true)]
    gated: bool,
    #[command(subcommand)]
    load: Load,
}

#[derive(Subcommand)]
enum Load {
    /// Pass a byte to and fro between two processes on one CPU; print the nanoseconds of a round trip
    PingPong {
        /// Round trips
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
        trips: u32,
        /// Multiplications before each, which make switches rarer
        #[arg(long, default_value_t = 0)]
        work: u32,
    },
    /// Pass a token round a ring of threads on one CPU; print the nanoseconds of a pass
    Ring {
        /// Threads besides the first
        #[arg(long)]
        count: usize,
        /// Passes, rounded up to whole laps
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
        passes: u32,
    },
    /// Send back every byte that comes: the other process of the ping-pong
    Echo,
    /// Touch fresh pages of memory on one CPU; print the nanoseconds of a fault
    Touch {
        /// Pages
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
        pages: u32,
    },
    /// Keep threads alive, all at once; say so, and end them as standard input ends
    Threads {
        /// Threads besides the first
        #[arg(long)]
        count: usize,
        /// Sleeps of each before that, from 0.1 to 1 ms
        #[arg(long, default_value_t = 0)]
        sleeps: u32,
    },
    /// Print the time at the start, in nanoseconds of CLOCK_MONOTONIC
    Started,
}

fn main() -> Result<()> {
    let started = clock_gettime(ClockId::CLOCK_MONOTONIC).context("cannot read the clock")?;
    let arguments = Arguments::parse();
    let gate = Gate::new(arguments.gated);
    match arguments.load {
        Load::PingPong { trips, work } => gate.tell(ping_pong::ping_pong(trips, work, &gate)?)?,
        Load::Ring { count, passes } => gate.tell(ring::ring(count, passes, &gate)?)?,
        Load::Echo => ping_pong::echo()?,
        Load::Touch { pages } => gate.tell(touch::touch(pages, &gate)?)?,
        Load::Threads { count, sleeps } => threads::keep(count, sleeps)?,
        Load::Started => println!("{}", started.tv_sec() * 1_000_000_000 + started.tv_nsec()),
    }
    Ok(())
}
