//! Runs the cases, the probes and the counts, and shows them.

use std::error::Error;
use std::fs;
use std::panic;
use std::process::{self, ExitCode};

use clap::Parser;
use peer_bench::harness::{Plan, callgrind, counts, time};
use peer_bench::options::Options;
use peer_bench::probes;
use peer_bench::report::{self, Baseline, CaseReport, Machine, ProbeReport, Report};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    // A contender that breaks a case's promise on one thread would leave the other waiting for ever.
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        print(panic);
        process::exit(101);
    }));
    // As crossfire's documentation recommends.
    crossfire::detect_backoff_cfg();
    let options = Options::parse();
    if let Some(probe) = &options.probe {
        let holds = probes::answer(&probe[0], &probe[1], &probe[2]).ok_or("there is no such probe")?;
        return Ok(ExitCode::from(u8::from(!holds)));
    }
    if options.under_callgrind {
        callgrind::run_under(&options.plan()?);
        return Ok(ExitCode::SUCCESS);
    }
    if options.check || options.write_baseline {
        return compare(&options);
    }
    let plan = options.plan()?;
    let report = measure(&options, &plan)?;
    print!("{}", report::terminal(&report));
    save(&options, &report)?;
    Ok(ExitCode::SUCCESS)
}

/// Measures everything that was asked for.
fn measure(options: &Options, plan: &Plan) -> Result<Report, Box<dyn Error>> {
    if options.rounds < 15 {
        eprintln!("fewer than 15 rounds: these figures are for a first look only");
    }
    let arguments = options.plan_arguments();
    let probes = ask_all(plan)?;
    let counted = match counts::ask(&arguments) {
        Ok(counted) => counted,
        Err(error) => {
            eprintln!("no allocations are counted: {error}");
            counts::Counts::default()
        }
    };
    let instructions = match options.instr {
        true if callgrind::is_installed() => callgrind::count(plan, &arguments)?,
        true => {
            eprintln!("no instructions are counted: valgrind or objdump is not installed");
            Vec::new()
        }
        false => Vec::new(),
    };
    let (mut allocations, mut instructions) = (counted.allocations.as_slice(), instructions.as_slice());
    let mut cases = Vec::new();
    for run in plan.runs() {
        eprintln!("{}", run.id());
        let count = if run.is_countable() { run.contenders.len() } else { 0 };
        let timings = time(run.case, &run.contenders, run.size, options.rounds);
        let case =
            CaseReport::new(&run, &timings, take(&mut allocations, count), take(&mut instructions, count), &probes);
        cases.push(case);
    }
    Ok(Report {
        machine: Machine::here(),
        command: ["cargo xtask bench".to_owned()]
            .into_iter()
            .chain(std::env::args().skip(1))
            .collect::<Vec<_>>()
            .join(" "),
        rounds: options.rounds,
        versions: report::versions(plan),
        cases,
        sizes: counted.sizes,
        probes,
    })
}

/// Takes the next contender's counts off a list, or none where nothing was counted.
fn take<'a, T>(list: &mut &'a [T], count: usize) -> &'a [T] {
    let (taken, rest) = list.split_at(count.min(list.len()));
    *list = rest;
    taken
}

fn ask_all(plan: &Plan) -> std::io::Result<Vec<ProbeReport>> {
    let mut reports = Vec::new();
    for probe in probes::all().iter().filter(|probe| plan.wants_group(probe.group)) {
        for subject in probe.subjects.iter().filter(|subject| plan.wants(&subject.peer)) {
            let verdict = probe.run(&subject.peer)?;
            reports.push(ProbeReport { group: probe.group, title: probe.title, peer: subject.peer.name, verdict });
        }
    }
    Ok(reports)
}

fn compare(options: &Options) -> Result<ExitCode, Box<dyn Error>> {
    if !callgrind::is_installed() {
        eprintln!("skipped: valgrind or objdump is not installed (install: apt-get install valgrind binutils)");
        return Ok(ExitCode::SUCCESS);
    }
    let measure = |options: &Options| Baseline::measure(&options.plan()?, &options.plan_arguments());
    if options.write_baseline {
        measure(options)?.write(&options.baseline)?;
    }
    // A baseline, too, is counted as it will be compared, with the best peers alone: who else has run before changes
    // what the allocator has at hand.
    let now = measure(&Options { check: true, ..options.clone() })?;
    if options.write_baseline {
        now.write(&options.baseline)?;
        return Ok(ExitCode::SUCCESS);
    }
    let before = Baseline::read(&options.baseline)?;
    Ok(ExitCode::from(u8::from(!report::check(&now, &before))))
}

fn save(options: &Options, report: &Report) -> Result<(), Box<dyn Error>> {
    if let Some(path) = &options.json {
        fs::write(path, serde_json::to_string_pretty(report)? + "\n")?;
    }
    if let Some(path) = &options.markdown {
        fs::write(path, report::markdown(report))?;
    }
    if let Some(folder) = &options.svg {
        report::draw(report, folder)?;
    }
    Ok(())
}
