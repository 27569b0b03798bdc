//! Targets whose threads the kernel starts, and one that enters it by another table than its own.

use super::attach::{each_line, ready};
use io_uring::{IoUring, opcode, squeue, types};
use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous};
use serde_json::{Value, json};
use std::arch::asm;
use std::io::{PipeReader, PipeWriter, Write as _, pipe};
use std::num::NonZeroUsize;
use std::os::fd::AsRawFd as _;
use std::thread::sleep;
use std::time::Duration;

/// Milliseconds for which a worker waits for what it reads.
const READ_MILLIS: u64 = 20;

/// A ring whose work threads of the kernel do.
struct Ring {
    ring: IoUring,
    pipe: (PipeReader, PipeWriter),
}

impl Ring {
    /// With a thread that submits if `submits`; there is one that reads in any case.
    fn new(submits: bool) -> Self {
        const IDLE_MILLIS: u32 = 2000;
        let mut builder = IoUring::builder();
        if submits {
            builder.setup_sqpoll(IDLE_MILLIS);
        }
        let ring = builder.build(4).expect("the kernel has io_uring (sysctl kernel.io_uring_disabled = 0)");
        Self { ring, pipe: pipe().expect("a pipe") }
    }

    /// Has a worker read a byte that comes later.
    fn read(&mut self) {
        let mut byte = 0;
        let read = opcode::Read::new(types::Fd(self.pipe.0.as_raw_fd()), &raw mut byte, 1).build();
        let read = read.flags(squeue::Flags::ASYNC);
        // SAFETY: the byte and the pipe live until the read is complete, below.
        unsafe { self.ring.submission().push(&read) }.expect("there is room");
        self.ring.submit().expect("it can be submitted");
        sleep(Duration::from_millis(READ_MILLIS));
        self.pipe.1.write_all(&[7]).expect("the pipe can be written");
        self.ring.submit_and_wait(1).expect("it can be waited for");
        let done = self.ring.completion().next().expect("it is complete");
        assert_eq!((done.result(), byte), (1, 7));
    }
}

/// Reads through a ring a number of times.
pub(super) fn ring(submits: bool, reads: u32) -> Value {
    let mut ring = Ring::new(submits);
    (0..reads).for_each(|_| ring.read());
    json!({})
}

/// Makes a ring at the first line that it is told, and reads through it at each.
pub(super) fn ring_when_told(submits: bool) -> Value {
    let mut ring = None;
    ready();
    each_line(|_| {
        ring.get_or_insert_with(|| Ring::new(submits)).read();
        println!("done");
    });
    json!({})
}

/// Sleeps a number of times by the 32-bit entry, in `nanosleep`; the number is that of `sync` in the 64-bit table.
pub(super) fn sleep_by_32_bit_entry(times: u32, millis: u32) -> Value {
    const NANOSLEEP: u32 = 162;
    let length = NonZeroUsize::new(4096).expect("not 0");
    let flags = MapFlags::MAP_PRIVATE | MapFlags::MAP_32BIT;
    // SAFETY: a fresh mapping, of which nothing else knows.
    let memory = unsafe { mmap_anonymous(None, length, ProtFlags::PROT_READ | ProtFlags::PROT_WRITE, flags) };
    let time = memory.expect("memory below 4 GiB").cast::<[i32; 2]>().as_ptr();
    for _ in 0..times {
        // SAFETY: the mapping is writable and large enough.
        unsafe { time.write([0, i32::try_from(millis).expect("it is short") * 1_000_000]) };
        let result: i32;
        // SAFETY: reads the time at the address and writes nothing; the entry clears r8 to r11, rbx is restored.
        unsafe {
            asm!(
                "xchg rbx, {time}",
                "int 0x80",
                "xchg rbx, {time}",
                time = inout(reg) time => _,
                inout("eax") NANOSLEEP => result,
                in("ecx") 0,
                out("r8") _, out("r9") _, out("r10") _, out("r11") _,
            );
        }
        assert_eq!(result, 0, "the call succeeds");
    }
    json!({})
}

/// Sleeps a number of times by a number whose upper half is not 0, which the kernel does not read.
pub(super) fn sleep_by_wide_number(times: u32, millis: u32) -> Value {
    const NANOSLEEP: i64 = 35;
    let time = [0, i64::from(millis) * 1_000_000];
    for _ in 0..times {
        let result: i64;
        // SAFETY: reads the time at the address and writes nothing; the entry changes rcx and r11.
        unsafe {
            asm!(
                "syscall",
                inout("rax") (-1 << 32) | NANOSLEEP => result,
                in("rdi") time.as_ptr(),
                in("rsi") 0,
                out("rcx") _, out("r11") _,
                options(nostack),
            );
        }
        assert_eq!(result, 0, "the call succeeds");
    }
    json!({})
}
