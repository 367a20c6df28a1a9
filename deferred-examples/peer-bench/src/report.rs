//! What has been measured, and how it is shown.

mod baseline;
mod chart;
mod machine;
mod table;

use std::collections::BTreeMap;

use serde::Serialize;

pub use self::baseline::{Baseline, check};
pub use self::chart::draw;
pub use self::machine::Machine;
pub use self::table::{markdown, terminal};

use crate::cases::sizes::Size;
use crate::harness::callgrind::Instructions;
use crate::harness::counts::Allocations;
use crate::harness::{Clock, Peer, Plan, Run, Standing, Timing, Unit};
use crate::probes::Verdict;

/// Everything that a run has found out.
#[derive(Debug, Serialize)]
pub struct Report {
    pub machine: Machine,
    /// The command that made it.
    pub command: String,
    pub rounds: usize,
    /// The version of each peer's package.
    pub versions: BTreeMap<String, String>,
    pub cases: Vec<CaseReport>,
    pub sizes: Vec<Size>,
    pub probes: Vec<ProbeReport>,
}

/// One case at one size.
#[derive(Debug, Serialize)]
pub struct CaseReport {
    pub id: String,
    pub group: &'static str,
    pub title: &'static str,
    pub size: Option<usize>,
    /// What one figure is about.
    pub per: &'static str,
    pub clock: &'static str,
    /// Fastest first.
    pub figures: Vec<Figure>,
    /// Our nanoseconds, and those of the best fair peer.
    pub ours: Option<f64>,
    pub best_fair: Option<Best>,
    /// Ours to the best fair peer's; below 1 we are ahead.
    pub ratio: Option<f64>,
    /// The same by instruction count, whose best peer may be another.
    pub instruction_ratio: Option<f64>,
    /// Which of our rows is compared.
    #[serde(skip)]
    our_peer: Option<&'static str>,
    #[serde(skip)]
    is_wall: bool,
}

#[derive(Debug, Serialize)]
pub struct Best {
    pub peer: &'static str,
    pub ns: f64,
}

/// One contender in one case.
#[derive(Debug, Serialize)]
pub struct Figure {
    pub peer: &'static str,
    pub standing: &'static str,
    /// The median of the rounds, and the quarters on both sides of it.
    pub ns: f64,
    pub ns_low: f64,
    pub ns_high: f64,
    pub allocations: Option<f64>,
    pub bytes: Option<f64>,
    pub instructions: Option<f64>,
    pub locked: Option<f64>,
    /// The probes of this group that the peer does not pass.
    pub flaws: Vec<String>,
    #[serde(skip)]
    is_ours: bool,
    #[serde(skip)]
    is_bar: bool,
}

/// One peer's answer to one probe.
#[derive(Debug, Serialize)]
pub struct ProbeReport {
    pub group: &'static str,
    pub title: &'static str,
    pub peer: &'static str,
    pub verdict: Verdict,
}

impl CaseReport {
    /// Puts the figures of one run together; each list has one entry a contender.
    pub fn new(
        run: &Run<'_>,
        timings: &[Timing],
        allocations: &[Allocations],
        instructions: &[Instructions],
        probes: &[ProbeReport],
    ) -> Self {
        let mut figures: Vec<_> = (run.contenders.iter().enumerate())
            .map(|(place, contender)| {
                let allocations = allocations.get(place);
                let instructions = instructions.get(place);
                Figure {
                    peer: contender.peer.name,
                    standing: standing(&contender.peer),
                    ns: timings[place].median,
                    ns_low: timings[place].low,
                    ns_high: timings[place].high,
                    allocations: allocations.map(|count| count.calls),
                    bytes: allocations.map(|count| count.bytes),
                    instructions: instructions.map(|count| count.all),
                    locked: instructions.map(|count| count.locked),
                    flaws: flaws(probes, run.case.group, contender.peer.name),
                    is_ours: contender.peer.standing == Standing::Ours,
                    is_bar: contender.peer.standing == Standing::Bar,
                }
            })
            .collect();
        figures.sort_by(|a, b| a.ns.total_cmp(&b.ns));
        // Of several rows of ours, the first in the case's list is the one that is compared.
        let our_peer = run.contenders.iter().map(|c| c.peer).find(|peer| peer.standing == Standing::Ours);
        let our_peer = our_peer.map(|peer| peer.name);
        let ours = figures.iter().find(|figure| our_peer == Some(figure.peer));
        let best = figures.iter().find(|figure| figure.is_bar);
        let ratio = ours.zip(best).map(|(ours, best)| ours.ns / best.ns);
        let instruction_ratio = instruction_ratio(run, instructions).map(|best| best.ratio);
        Self {
            id: run.id(),
            group: run.case.group,
            title: run.case.title,
            size: (run.case.sizes.len() > 1).then_some(run.size),
            per: match run.case.unit {
                Unit::Operation => "operation",
                Unit::Item => "item",
            },
            clock: match run.case.clock {
                Clock::Thread => "thread CPU",
                Clock::Wall => "wall",
            },
            ours: ours.map(|figure| figure.ns),
            best_fair: best.map(|figure| Best { peer: figure.peer, ns: figure.ns }),
            ratio,
            instruction_ratio,
            our_peer,
            is_wall: run.case.clock == Clock::Wall,
            figures,
        }
    }

    /// Whether a fair peer is faster; on two threads, only if the middle halves of the rounds do not meet.
    pub fn is_lost(&self) -> bool {
        let of = |name| self.figures.iter().find(|figure| figure.peer == name);
        let Some((ours, best)) = self.our_peer.and_then(of).zip(self.best_fair.as_ref().and_then(|best| of(best.peer)))
        else {
            return false;
        };
        if self.is_wall { ours.ns_low > best.ns_high } else { ours.ns > best.ns }
    }

    /// The title with its size.
    pub fn name(&self) -> String {
        match self.size {
            Some(size) => format!("{}, n = {size}", self.title),
            None => self.title.to_owned(),
        }
    }
}

/// Ours to the best fair peer's, by instruction count, and who that is.
pub struct InstructionRatio {
    pub ratio: f64,
    pub peer: &'static str,
}

pub fn instruction_ratio(run: &Run<'_>, instructions: &[Instructions]) -> Option<InstructionRatio> {
    let of = |standing| {
        (run.contenders.iter().zip(instructions))
            .filter(move |(contender, _)| contender.peer.standing == standing)
            .map(|(contender, count)| (contender.peer.name, count.all))
    };
    let (_, ours) = of(Standing::Ours).next()?;
    let (peer, best) = of(Standing::Bar).min_by(|(_, a), (_, b)| a.total_cmp(b))?;
    Some(InstructionRatio { ratio: ours / best, peer })
}

fn standing(peer: &Peer) -> &'static str {
    match peer.standing {
        Standing::Ours => "ours",
        Standing::Bar => "fair peer",
        Standing::Beside(why) => why,
    }
}

/// The two-thread cases ask nothing new: what holds for a group holds there.
fn flaws(probes: &[ProbeReport], group: &str, peer: &str) -> Vec<String> {
    (probes.iter())
        .filter(|probe| probe.group == group && probe.peer == peer && probe.verdict != Verdict::Holds)
        .map(|probe| format!("{}: {}", probe.title, word(probe.verdict)))
        .collect()
}

/// The versions of the packages that take part.
pub fn versions(plan: &Plan) -> BTreeMap<String, String> {
    let locked = machine::locked_versions();
    let mut versions = BTreeMap::new();
    for contender in plan.runs().flat_map(|run| run.contenders) {
        let package = contender.peer.package;
        if let Some(version) = locked.get(package) {
            versions.insert(package.to_owned(), (*version).to_owned());
        }
    }
    versions
}

/// A verdict as the tables say it.
fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Holds => "yes",
        Verdict::Fails => "NO",
        Verdict::Hangs => "HANGS",
        Verdict::Crashes => "CRASHES",
    }
}
