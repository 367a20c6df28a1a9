//! How a case is described, run and measured.

pub mod alloc;
pub mod callgrind;
mod case;
mod clock;
mod cores;
pub mod counts;
mod meter;
mod plan;
mod rounds;

pub use self::case::{Case, Contender, Load, Peer, Standing, Unit};
pub use self::clock::Clock;
pub use self::cores::Cores;
pub use self::meter::{Meter, Mode, Reading};
pub use self::plan::{Plan, Run};
pub use self::rounds::{Timing, time, warm_up_and_count};
