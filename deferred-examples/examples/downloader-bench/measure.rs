//! Running a command and saying what it took.

use std::env;
use std::error::Error;
use std::process::{Command, Stdio};
use std::time::Instant;

/// What a command took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    /// Seconds from start to end.
    pub(crate) wall: f64,
    /// Seconds of CPU, user and system.
    pub(crate) cpu: f64,
    /// Peak resident memory in megabytes.
    pub(crate) megabytes: f64,
}

/// Runs `command` below a process of its own, so that what it took is told from everything else.
pub(crate) fn measure(command: &[String]) -> Result<Figures, Box<dyn Error>> {
    let output = Command::new(env::current_exe()?).arg("measure").args(command).stderr(Stdio::inherit()).output()?;
    let text = String::from_utf8(output.stdout)?;
    let numbers: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    match numbers.as_slice() {
        [wall, cpu, megabytes] => Ok(Figures { wall: *wall, cpu: *cpu, megabytes: *megabytes }),
        _ => Err(format!("{command:?} failed").into()),
    }
}

/// Runs a command as the only child there is, and prints what it took.
pub(crate) fn report(command: &[&str]) -> Result<(), Box<dyn Error>> {
    let (program, arguments) = command.split_first().ok_or("there is no command")?;
    let begin = Instant::now();
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null());
    let status = command.status()?;
    let wall = begin.elapsed().as_secs_f64();
    if !status.success() {
        return Err(format!("{program}: {status}").into());
    }
    let (cpu, megabytes) = usage()?;
    println!("{wall} {cpu} {megabytes}");
    Ok(())
}

/// Seconds of CPU and peak megabytes of all children that have ended.
#[cfg(unix)]
fn usage() -> Result<(f64, f64), Box<dyn Error>> {
    use nix::sys::resource::{UsageWho, getrusage};
    use nix::sys::time::TimeValLike;
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let cpu = (usage.user_time().num_microseconds() + usage.system_time().num_microseconds()) as f64 / 1e6;
    // Kilobytes, but bytes on Apple's systems.
    let unit = if cfg!(target_vendor = "apple") { 1e6 } else { 1e3 };
    Ok((cpu, usage.max_rss() as f64 / unit))
}

/// Not known here.
#[cfg(not(unix))]
fn usage() -> Result<(f64, f64), Box<dyn Error>> {
    Ok((f64::NAN, f64::NAN))
}
