//! Which auto traits a type has.

use std::cell::Cell;
use std::fmt::{self, Debug};
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::MutexGuard;

/// Tells whether a type has a trait: the inherent constant is found first, and exists only where the bound holds.
macro_rules! has {
    ($t:ty, $bound:path) => {{
        #[allow(dead_code)] // Where the bound holds.
        trait Not {
            const HAS: bool = false;
        }
        struct Test<T: ?Sized>(core::marker::PhantomData<T>);
        impl<T: ?Sized> Not for Test<T> {}
        #[allow(dead_code)]
        impl<T: ?Sized + $bound> Test<T> {
            const HAS: bool = true;
        }
        <Test<$t>>::HAS
    }};
}

/// One that is `Send + Sync`, `Send` only, `Sync` only, and neither.
pub(crate) type Both = u8;
pub(crate) type SendOnly = Cell<u8>;
pub(crate) struct SyncOnly(PhantomData<MutexGuard<'static, u8>>);
pub(crate) type Neither = Rc<u8>;

impl Debug for SyncOnly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SyncOnly").field(&self.0).finish()
    }
}

/// `[Send, Sync]` of a type.
macro_rules! threads {
    ($t:ty) => {
        [has!($t, Send), has!($t, Sync)]
    };
}

/// `[Send, Sync]` of a generic type for each of the four.
macro_rules! table {
    ($make:ident) => {
        [threads!($make<Both>), threads!($make<SendOnly>), threads!($make<SyncOnly>), threads!($make<Neither>)]
    };
}

pub(crate) const YES: [bool; 2] = [true, true];
pub(crate) const NO: [bool; 2] = [false, false];

pub(crate) use {has, table, threads};
