//! The command line.

use std::io;
use std::path::PathBuf;

use clap::Parser;

use crate::cases;
use crate::harness::Plan;
use crate::report::Baseline;

/// Runs the deferred crates beside their peers and prints what each case costs, those that we lose first.
#[derive(Clone, Debug, Parser)]
#[command(name = "cargo xtask bench")]
pub struct Options {
    /// Only cases whose name contains this; may be given several times
    #[arg(long = "case", value_name = "TEXT")]
    pub cases: Vec<String>,

    /// Only peers whose name contains this; may be given several times
    #[arg(long = "peer", value_name = "TEXT")]
    pub peers: Vec<String>,

    /// How many interleaved rounds; a figure is their median
    #[arg(long, value_name = "N", default_value_t = 21)]
    pub rounds: usize,

    /// Also count instructions and locked operations, where valgrind is installed
    #[arg(long)]
    pub instr: bool,

    /// Save everything
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,

    /// Save the tables
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<PathBuf>,

    /// Save one bar chart a group
    #[arg(long, value_name = "FOLDER")]
    pub svg: Option<PathBuf>,

    /// Only compare the ratios by instruction count with the baseline; exit 1 if one has grown by more than 5 %
    // All of them, as always: what ran before a case changes its counts a little.
    #[arg(long, conflicts_with_all = ["write_baseline", "cases", "peers"])]
    pub check: bool,

    /// Only count instructions, and make their ratios the baseline
    #[arg(long, conflicts_with_all = ["cases", "peers"])]
    pub write_baseline: bool,

    /// Where the baseline is
    #[arg(long, value_name = "FILE", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/baseline.json"))]
    pub baseline: PathBuf,

    /// Run the plan once, as callgrind's child
    #[arg(long, hide = true)]
    pub under_callgrind: bool,

    /// Answer one probe, as its child
    #[arg(long, hide = true, num_args = 3)]
    pub probe: Option<Vec<String>>,
}

impl Options {
    /// The arguments that make a child run the same plan.
    pub fn plan_arguments(&self) -> Vec<String> {
        let cases = self.cases.iter().flat_map(|case| ["--case".to_owned(), case.clone()]);
        let peers = self.peers.iter().flat_map(|peer| ["--peer".to_owned(), peer.clone()]);
        let baseline = ["--check".to_owned(), format!("--baseline={}", self.baseline.display())];
        cases.chain(peers).chain(baseline.into_iter().filter(|_| self.check)).collect()
    }

    /// What to run: for a check, ours and the peer that each ratio of the baseline is to.
    pub fn plan(&self) -> io::Result<Plan> {
        let plan = Plan::new(cases::all(), &self.cases, &self.peers);
        Ok(if self.check { plan.with_rivals(Baseline::read(&self.baseline)?.peers()) } else { plan })
    }
}
