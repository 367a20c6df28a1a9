//! What a case and a contender are.

use super::{Clock, Meter};

/// One line of the table: the same work, done by every contender that can do it.
pub struct Case {
    /// The chart and the part of the table that it belongs to.
    pub group: &'static str,
    /// What is done, in a few words; unique together with the size.
    pub title: &'static str,
    /// What a figure is divided by.
    pub unit: Unit,
    /// The sizes to run at; a single 1 where size means nothing.
    pub sizes: &'static [usize],
    /// Which clock fits.
    pub clock: Clock,
    pub contenders: Vec<Contender>,
}

/// What one figure of a case is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// The whole operation, whatever its size.
    Operation,
    /// One waiter, child, item or link of it.
    Item,
}

/// One peer in one case.
pub struct Contender {
    pub peer: Peer,
    /// Larger sizes are left out, for a peer that grows faster than its size.
    pub max_size: usize,
    pub run: fn(&mut Meter, Load),
}

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// What the tables say: a crate, and what of it where it has several.
    pub name: &'static str,
    /// The package in Cargo.lock.
    pub package: &'static str,
    pub standing: Standing,
}

/// Whether a peer is a bar to be ahead of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// One of the deferred crates.
    Ours,
    /// A fair peer: it promises what we promise, as far as the case can tell.
    Bar,
    /// Shown beside them for the reason given, but not a bar.
    Beside(&'static str),
}

/// How much a contender is asked to do.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// The case's size: waiters, children, links, room.
    pub size: usize,
    /// How often the operation is to be repeated.
    pub reps: usize,
}

impl Peer {
    pub const fn ours(name: &'static str, package: &'static str) -> Self {
        Self { name, package, standing: Standing::Ours }
    }

    pub const fn bar(name: &'static str, package: &'static str) -> Self {
        Self { name, package, standing: Standing::Bar }
    }

    pub const fn beside(name: &'static str, package: &'static str, why: &'static str) -> Self {
        Self { name, package, standing: Standing::Beside(why) }
    }
}

impl Case {
    /// What `--case` matches and the JSON and baseline files name.
    pub fn id(&self, size: usize) -> String {
        match self.sizes {
            [_] => format!("{}: {}", self.group, self.title),
            _ => format!("{}: {} ({size})", self.group, self.title),
        }
    }

    /// How many figures a load is made of.
    pub fn ops(&self, load: Load) -> f64 {
        match self.unit {
            Unit::Operation => load.reps as f64,
            Unit::Item => load.reps as f64 * load.size as f64,
        }
    }
}
