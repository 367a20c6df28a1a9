//! The same cases under a counting allocator; prints JSON for the main program.

use clap::Parser;
use peer_bench::harness::{alloc::Counting, counts};
use peer_bench::options::Options;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> std::io::Result<()> {
    let counts = counts::count(&Options::parse().plan()?);
    Ok(serde_json::to_writer(std::io::stdout(), &counts)?)
}
