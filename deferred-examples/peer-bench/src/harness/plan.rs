//! What is to be run.

use std::collections::BTreeMap;

use super::{Case, Clock, Contender, Load, Standing};

/// How many figures a load that is only counted should be made of: so many that it does not show how the heap lay before.
const COUNTED: usize = 20_000;

/// The cases and the peers that were asked for.
pub struct Plan {
    cases: Vec<Case>,
    /// Parts of names, in lower case; none means all.
    wanted_cases: Vec<String>,
    /// Parts of names, in lower case; none means all. Ours always run.
    wanted_peers: Vec<String>,
    /// The one peer that takes part in a case, by the case's id.
    rivals: BTreeMap<String, String>,
}

/// One case at one size, with those who take part.
pub struct Run<'a> {
    pub case: &'a Case,
    pub size: usize,
    pub contenders: Vec<&'a Contender>,
}

impl Plan {
    pub fn new(cases: Vec<Case>, wanted_cases: &[String], wanted_peers: &[String]) -> Self {
        let lower = |names: &[String]| names.iter().map(|name| name.to_lowercase()).collect();
        Self { cases, wanted_cases: lower(wanted_cases), wanted_peers: lower(wanted_peers), rivals: BTreeMap::new() }
    }

    /// Leaves out all peers but one in each of these cases, by their ids.
    pub fn with_rivals(self, rivals: BTreeMap<String, String>) -> Self {
        Self { rivals, ..self }
    }

    /// What is left of the cases, in order.
    pub fn runs(&self) -> impl Iterator<Item = Run<'_>> {
        self.cases.iter().flat_map(move |case| {
            case.sizes.iter().filter(|&&size| matches(&self.wanted_cases, &case.id(size))).map(move |&size| Run {
                case,
                size,
                contenders: self.contenders(case, size),
            })
        })
    }

    /// Whether a peer takes part.
    pub fn wants(&self, peer: &super::Peer) -> bool {
        peer.standing == Standing::Ours || matches(&self.wanted_peers, peer.name)
    }

    /// Whether a group has a case that takes part.
    pub fn wants_group(&self, group: &str) -> bool {
        self.runs().any(|run| run.case.group == group)
    }

    fn contenders<'a>(&self, case: &'a Case, size: usize) -> Vec<&'a Contender> {
        let rival = self.rivals.get(&case.id(size));
        let takes_part = |contender: &&Contender| {
            let Contender { peer, max_size, .. } = contender;
            let is_rival = peer.standing == Standing::Ours || rival.is_none_or(|rival| rival == peer.name);
            size <= *max_size && is_rival && self.wants(peer)
        };
        case.contenders.iter().filter(takes_part).collect()
    }
}

impl Run<'_> {
    pub fn id(&self) -> String {
        self.case.id(self.size)
    }

    /// The load for counting allocations and instructions, the same for every contender and in every run.
    pub fn counted_load(&self) -> Load {
        Load { size: self.size, reps: (COUNTED / self.size).max(2) }
    }

    /// Whether the counts are the same from run to run: two threads meet differently each time.
    pub fn is_countable(&self) -> bool {
        self.case.clock == Clock::Thread
    }
}

fn matches(wanted: &[String], name: &str) -> bool {
    let name = name.to_lowercase();
    wanted.is_empty() || wanted.iter().any(|wanted| name.contains(wanted))
}
