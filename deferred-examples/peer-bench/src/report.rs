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
use crate::harness::{Case, Clock, Peer, Plan, Run, Standing, Timing, Unit};
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
    /// Our faster row, and the fastest fair peer's.
    pub ours: Option<Best>,
    pub best_fair: Option<Best>,
    /// Ours to the best fair peer's; below 1 we are ahead.
    pub ratio: Option<f64>,
    /// The same by instruction count, whose best rows may be others.
    pub instruction_ratio: Option<f64>,
    /// The fastest fair peer that no probe of the group has found wrong, and the ratio of our row that promises the most, the
    /// first in the case's list, to it.
    pub best_sound: Option<Best>,
    pub sound_ratio: Option<f64>,
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

impl Figure {
    fn best(&self) -> Best {
        Best { peer: self.peer, ns: self.ns }
    }
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
                    flaws: flaws(probes, probed_group(run.case), contender.peer.name),
                    is_ours: contender.peer.standing == Standing::Ours,
                    is_bar: contender.peer.standing == Standing::Bar,
                }
            })
            .collect();
        figures.sort_by(|a, b| a.ns.total_cmp(&b.ns));
        let ours = figures.iter().find(|figure| figure.is_ours);
        let best = figures.iter().find(|figure| figure.is_bar);
        let first = run.contenders.iter().map(|contender| contender.peer).find(|peer| peer.standing == Standing::Ours);
        let careful = figures.iter().find(|figure| first.is_some_and(|peer| peer.name == figure.peer));
        let sound = figures.iter().find(|figure| figure.is_bar && figure.flaws.is_empty());
        let ratio = |ours: Option<&Figure>, theirs: Option<&Figure>| Some(ours?.ns / theirs?.ns);
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
            ours: ours.map(Figure::best),
            best_fair: best.map(Figure::best),
            ratio: ratio(ours, best),
            instruction_ratio,
            best_sound: sound.map(Figure::best),
            sound_ratio: ratio(careful, sound),
            is_wall: run.case.clock == Clock::Wall,
            figures,
        }
    }

    /// Whether a fair peer is faster; on two threads, only if the middle halves of the rounds do not meet.
    pub fn is_lost(&self) -> bool {
        let of = |best: &Best| self.figures.iter().find(|figure| figure.peer == best.peer);
        let Some((ours, best)) = self.ours.as_ref().and_then(of).zip(self.best_fair.as_ref().and_then(of)) else {
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
    let least = |standing| of(standing).min_by(|(_, a), (_, b)| a.total_cmp(b));
    let ((_, ours), (peer, best)) = (least(Standing::Ours)?, least(Standing::Bar)?);
    Some(InstructionRatio { ratio: ours / best, peer })
}

fn standing(peer: &Peer) -> &'static str {
    match peer.standing {
        Standing::Ours => "ours",
        Standing::Bar => "fair peer",
        Standing::Beside(why) => why,
    }
}

/// The group of probes that a case's contenders were put to. The two-thread cases ask nothing new: each begins with the name
/// of the group whose verdicts hold for it.
fn probed_group(case: &Case) -> &'static str {
    match case.group {
        "two threads" => case.title.split([' ', ',']).next().unwrap_or_default(),
        group => group,
    }
}

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
