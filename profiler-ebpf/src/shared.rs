//! Memory that several CPUs use at the same time: the programs' maps.
//!
//! Nobody there has a reference that excludes others. So each struct of a map comes in two forms with the same bytes: in
//! memory, where every field is [`Shared`], and plain, which is a copy.

use crate::layout::NAME_BYTES;
use core::cell::UnsafeCell;

/// A value that another CPU or user space may read and write meanwhile.
///
/// Each access is one load or one store of the whole integer, which the compiler neither leaves out, repeats nor
/// moves across another one: x86 keeps stores in their order, so that a reader who goes the opposite way finds with each
/// value all that was written before it.
#[repr(transparent)]
pub struct Shared<T>(UnsafeCell<T>);

impl<T: Copy> Shared<T> {
    /// Memory with this value.
    #[inline(always)]
    pub const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// The value now.
    #[inline(always)]
    pub fn get(&self) -> T {
        // SAFETY: valid and aligned, as the reference is.
        unsafe { self.0.get().read_volatile() }
    }

    /// Writes another value.
    #[inline(always)]
    pub fn set(&self, value: T) {
        // SAFETY: valid and aligned, as the reference is; an `UnsafeCell` may be written to.
        unsafe { self.0.get().write_volatile(value) }
    }

    /// Its address, for what changes it in one step.
    #[inline(always)]
    pub const fn as_ptr(&self) -> *mut T {
        self.0.get()
    }
}

impl Shared<u64> {
    /// Adds, in two steps: for a value that one CPU at a time writes.
    #[inline(always)]
    pub fn increase(&self, by: u64) {
        self.set(self.get().wrapping_add(by));
    }
}

/// The form that a type has in shared memory.
pub trait InMemory {
    /// That form: as large, and with the same places of fields.
    type Shared;
}

macro_rules! shared_as_one {
    ($($value:ty),+) => {$(
        impl InMemory for $value {
            type Shared = Shared<Self>;
        }
    )+};
}

shared_as_one!(u16, u32, u64, [u8; NAME_BYTES]);

impl<T: InMemory, const N: usize> InMemory for [T; N] {
    type Shared = [T::Shared; N];
}

/// Defines structs in both forms, plain and shared, and asserts that these have the same layout.
macro_rules! in_memory {
    ($(
        $(#[doc = $doc:literal])*
        $(#[derive($($derived:ident),+)])?
        #[repr($($repr:tt)+)]
        pub struct $plain:ident, $shared:ident {
            $($(#[doc = $field_doc:literal])* pub $field:ident: $type:ty,)+
        }
    )+) => {$(
        $(#[doc = $doc])*
        $(#[derive($($derived),+)])?
        #[repr($($repr)+)]
        pub struct $plain {
            $($(#[doc = $field_doc])* pub $field: $type,)+
        }

        #[doc = concat!("[`", stringify!($plain), "`] in memory that several CPUs use.")]
        #[repr($($repr)+)]
        pub struct $shared {
            $($(#[doc = $field_doc])* pub $field: <$type as $crate::shared::InMemory>::Shared,)+
        }

        impl $crate::shared::InMemory for $plain {
            type Shared = $shared;
        }

        const _: () = {
            assert!(size_of::<$plain>() == size_of::<$shared>());
            $(assert!(core::mem::offset_of!($plain, $field) == core::mem::offset_of!($shared, $field));)+
        };
    )+};
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::{SharedTotals, Totals};

    #[test]
    fn shared_totals_add_up_as_plain_ones_do() {
        let mut plain = Totals::EMPTY;
        let shared = SharedTotals {
            count: Shared::new(plain.count),
            sum_ns: Shared::new(plain.sum_ns),
            min_ns: Shared::new(plain.min_ns),
            max_ns: Shared::new(plain.max_ns),
        };
        for ns in [7, 3, 5, 11, 0] {
            plain.add(ns);
            shared.add(ns);
            let copy = Totals {
                count: shared.count.get(),
                sum_ns: shared.sum_ns.get(),
                min_ns: shared.min_ns.get(),
                max_ns: shared.max_ns.get(),
            };
            assert_eq!(copy, plain);
        }
    }

    #[test]
    fn a_sum_that_falls_comes_back() {
        let sum = Shared::new(5_u64);
        sum.increase(7_u64.wrapping_neg());
        sum.increase(3);
        assert_eq!(sum.get(), 1);
    }
}
