//! Every peer as an implementation of a few small traits, one file a crate.
//!
//! A row is written with [`one_shot!`], [`gate!`] or [`queue!`]; an expression after `await` position may use `.await`.
//! Peers are called as their own documentation recommends.

mod async_channel;
mod async_lock;
mod async_unsync;
mod asyncband;
mod crossfire;
mod deferred;
mod flume;
mod futures;
mod futures_intrusive;
mod kanal;
mod maitake;
mod oneshot;
mod tokio;

pub use self::async_channel::{AsyncChannel, AsyncChannelUnbounded};
pub use self::async_lock::{AsyncLockMutex, AsyncLockSemaphore, AsyncSemaphore};
pub use self::async_unsync::{UnsyncQueue, UnsyncSemaphore};
pub use self::asyncband::{
    AsyncbandMpmc, AsyncbandMpsc, AsyncbandMutex, AsyncbandOneShot, AsyncbandSemaphore, AsyncbandUnbounded,
};
pub use self::crossfire::{CrossfireOneShot, CrossfireQueue, CrossfireUnbounded};
pub use self::deferred::{OurLock, OurOneShot, OurQueue, OurSemaphore, OurStream, OurUnbounded, OurUnboundedStream};
pub use self::flume::{Flume, FlumeUnbounded};
pub use self::futures::{FuturesMpsc, FuturesMutex, FuturesOneShot, FuturesUnbounded};
pub use self::futures_intrusive::{
    IntrusiveLocalSemaphore, IntrusiveMutex, IntrusiveOneShot, IntrusiveQueue, IntrusiveSemaphore,
};
pub use self::kanal::{Kanal, KanalUnbounded};
pub use self::maitake::{MaitakeMutex, MaitakeSemaphore};
pub use self::oneshot::OneShotCrate;
pub use self::tokio::{TokioMpsc, TokioMutex, TokioOneShot, TokioSemaphore, TokioUnbounded};

use crate::harness::Peer;

/// One value, from one sender to one receiver.
pub trait OneShot: 'static {
    const PEER: Peer;
    type Sender: 'static;
    type Receiver: 'static;

    fn pair() -> (Self::Sender, Self::Receiver);
    /// Whether somebody is there to receive it, as far as the peer says.
    fn send(sender: Self::Sender, value: u64) -> bool;
    fn receive(receiver: Self::Receiver) -> impl Future<Output = u64> + 'static;
}

/// A semaphore or a lock: a token is there, or one waits for it; dropping it gives it back.
pub trait Gate: 'static {
    const PEER: Peer;
    type State: 'static;
    type Token<'a>;

    fn new(permits: usize) -> Self::State;
    fn acquire(state: &Self::State) -> impl Future<Output = Self::Token<'_>>;
    fn try_acquire(state: &Self::State) -> Option<Self::Token<'_>>;
}

/// A channel, used from one task at each end.
pub trait Queue: 'static {
    const PEER: Peer;
    type Sender: 'static;
    type Receiver: 'static;

    /// Unbounded queues ignore `room`.
    fn new(room: usize) -> (Self::Sender, Self::Receiver);
    fn try_put(sender: &mut Self::Sender, value: u64) -> bool;
    fn try_get(receiver: &mut Self::Receiver) -> Option<u64>;
    fn put(sender: &mut Self::Sender, value: u64) -> impl Future<Output = ()>;
    fn get(receiver: &mut Self::Receiver) -> impl Future<Output = u64>;
}

/// A channel with any number of waiting getters.
pub trait SharedQueue: Queue {
    fn try_get_shared(receiver: &Self::Receiver) -> Option<u64>;
    fn get_shared(receiver: &Self::Receiver) -> impl Future<Output = u64>;
}

macro_rules! one_shot {
    ($(#[$doc:meta])* $name:ident: $peer:expr,
     $sender:ty, $receiver:ty,
     pair() = $pair:expr,
     send($tx:ident, $value:ident) = $send:expr,
     receive($rx:ident) = $receive:expr $(,)?) => {
        $(#[$doc])*
        pub struct $name;

        impl $crate::peers::OneShot for $name {
            const PEER: $crate::harness::Peer = $peer;
            type Sender = $sender;
            type Receiver = $receiver;

            fn pair() -> (Self::Sender, Self::Receiver) {
                $pair
            }
            fn send($tx: Self::Sender, $value: u64) -> bool {
                $send
            }
            fn receive($rx: Self::Receiver) -> impl Future<Output = u64> + 'static {
                async move { $receive }
            }
        }
    };
}

macro_rules! gate {
    ($(#[$doc:meta])* $name:ident: $peer:expr,
     $state:ty, $token:ty,
     new($permits:tt) = $new:expr,
     acquire($acquired:ident) = $acquire:expr,
     try_acquire($tried:ident) = $try_acquire:expr $(,)?) => {
        $(#[$doc])*
        pub struct $name;

        impl $crate::peers::Gate for $name {
            const PEER: $crate::harness::Peer = $peer;
            type State = $state;
            type Token<'a> = $token;

            fn new($permits: usize) -> Self::State {
                $new
            }
            async fn acquire($acquired: &Self::State) -> Self::Token<'_> {
                $acquire
            }
            fn try_acquire($tried: &Self::State) -> Option<Self::Token<'_>> {
                $try_acquire
            }
        }
    };
}

macro_rules! queue {
    ($(#[$doc:meta])* $name:ident: $peer:expr,
     $sender:ty, $receiver:ty,
     new($room:tt) = $new:expr,
     try_put($tx:ident, $value:ident) = $try_put:expr,
     try_get($rx:ident) = $try_get:expr,
     put($txa:ident, $valuea:ident) = $put:expr,
     get($rxa:ident) = $get:expr
     $(, $shared:ident)? $(,)?) => {
        $(#[$doc])*
        pub struct $name;

        impl $crate::peers::Queue for $name {
            const PEER: $crate::harness::Peer = $peer;
            type Sender = $sender;
            type Receiver = $receiver;

            fn new($room: usize) -> (Self::Sender, Self::Receiver) {
                $new
            }
            fn try_put($tx: &mut Self::Sender, $value: u64) -> bool {
                $try_put
            }
            fn try_get($rx: &mut Self::Receiver) -> Option<u64> {
                $try_get
            }
            async fn put($txa: &mut Self::Sender, $valuea: u64) {
                $put
            }
            async fn get($rxa: &mut Self::Receiver) -> u64 {
                $get
            }
        }

        $($crate::peers::queue!(@$shared $name, try_get($rx) = $try_get, get($rxa) = $get);)?
    };
    (@shared $name:ident, try_get($rx:ident) = $try_get:expr, get($rxa:ident) = $get:expr) => {
        impl $crate::peers::SharedQueue for $name {
            fn try_get_shared($rx: &Self::Receiver) -> Option<u64> {
                $try_get
            }
            async fn get_shared($rxa: &Self::Receiver) -> u64 {
                $get
            }
        }
    };
}

use {gate, one_shot, queue};
