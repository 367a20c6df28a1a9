//! Tables for the terminal and for Markdown, from the same rows.

use std::fmt::Write;

use comfy_table::{Cell, CellAlignment, Table, TableStyle, presets};

use super::{CaseReport, Figure, ProbeReport, Report, word};

/// Everything, the cases that we lose first.
pub fn terminal(report: &Report) -> String {
    tables(report, "", presets::ASCII_BORDERS_ONLY_CONDENSED)
}

/// The tables for a README, and how they came about.
pub fn markdown(report: &Report) -> String {
    let machine = &report.machine;
    let versions: Vec<_> = report.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
    format!(
        "Made by `{}` on {}, {} cores, {}, on {}; medians of {} interleaved rounds.\nPeers: {}.\n{}",
        report.command,
        machine.cpu,
        machine.cores,
        machine.rustc,
        machine.date,
        report.rounds,
        versions.join(", "),
        tables(report, "## ", presets::ASCII_MARKDOWN),
    )
}

fn tables(report: &Report, heading: &str, style: TableStyle) -> String {
    let mut text = String::new();
    let mut section = |title: &str, mut table: Table| {
        if table.row_count() > 0 {
            let _ = writeln!(text, "\n{heading}{title}\n\n{}", table.load_style(style));
        }
    };
    section("Ours to the best fair peer's, what we lose first", summary(report));
    section("Each case, each contender", details(report));
    section("Bytes", sizes(report));
    for group in report.probes.chunk_by(|a, b| a.group == b.group) {
        section(&format!("Probes: {}", group[0].group), probes(group));
    }
    text
}

/// One row a case: lost ones first, the worst on top, and then the rest in order.
fn summary(report: &Report) -> Table {
    let mut table = table(&[
        "case",
        "ours, ns",
        "best fair, ns",
        "best fair peer",
        "ratio",
        "by instructions",
        "best that no probe finds wrong",
        "ratio to it",
    ]);
    let (mut lost, rest): (Vec<_>, Vec<_>) = report.cases.iter().partition(|case| case.is_lost());
    lost.sort_by(|a, b| b.ratio.partial_cmp(&a.ratio).expect("ratios are numbers"));
    for case in lost.into_iter().chain(rest) {
        let (best, sound) = (case.best_fair.as_ref(), case.best_sound.as_ref());
        let lost = if case.is_lost() { "LOST " } else { "" };
        // Which of our rows it is, where there are several.
        let row = case.ours.as_ref().and_then(|ours| ours.peer.split_once(", "));
        table.add_row(cells([
            format!("{}: {}", case.group, case.name()),
            number(case.ours.as_ref().map(|ours| ours.ns)) + &row.map_or(String::new(), |(_, row)| format!(" ({row})")),
            number(best.map(|best| best.ns)),
            best.map_or("–".to_owned(), |best| best.peer.to_owned()),
            case.ratio.map_or("–".to_owned(), |ratio| format!("{lost}{ratio:.2}")),
            case.instruction_ratio.map_or("–".to_owned(), |ratio| format!("{ratio:.2}")),
            sound.map_or("–".to_owned(), |best| best.peer.to_owned()),
            case.sound_ratio.map_or("–".to_owned(), |ratio| format!("{ratio:.2}")),
        ]));
    }
    table
}

fn details(report: &Report) -> Table {
    let mut table =
        table(&["case", "contender", "ns", "middle half", "instructions", "locked", "allocs", "bytes", "remarks"]);
    for case in &report.cases {
        for (place, figure) in case.figures.iter().enumerate() {
            table.add_row(cells([
                if place == 0 { format!("{}: {}", case.group, case.name()) } else { String::new() },
                figure.peer.to_owned(),
                number(Some(figure.ns)),
                format!("{} – {}", number(Some(figure.ns_low)), number(Some(figure.ns_high))),
                number(figure.instructions),
                number(figure.locked),
                number(figure.allocations),
                number(figure.bytes),
                remarks(case, figure),
            ]));
        }
    }
    table
}

fn remarks(case: &CaseReport, figure: &Figure) -> String {
    let standing = (!figure.is_bar).then(|| figure.standing.to_owned());
    let clock = (case.clock == "wall" && figure.is_ours).then(|| "wall clock".to_owned());
    let flaws = (!figure.flaws.is_empty()).then(|| format!("fails {} of the probes", figure.flaws.len()));
    standing.into_iter().chain(clock).chain(flaws).collect::<Vec<_>>().join("; ")
}

fn sizes(report: &Report) -> Table {
    let mut table = table(&["what", "contender", "inline", "heap", "together"]);
    for size in &report.sizes {
        let together = size.inline as u64 + size.heap;
        table.add_row(cells([
            size.title.clone(),
            size.peer.clone(),
            size.inline.to_string(),
            size.heap.to_string(),
            together.to_string(),
        ]));
    }
    table
}

/// One row a probe of one group, one column a peer.
fn probes(reports: &[ProbeReport]) -> Table {
    let rows: Vec<_> = reports.chunk_by(|a, b| a.title == b.title).collect();
    let mut peers: Vec<_> = Vec::new();
    for report in reports {
        if !peers.contains(&report.peer) {
            peers.push(report.peer);
        }
    }
    let header: Vec<_> = ["probe"].into_iter().chain(peers.iter().copied()).collect();
    let mut table = table(&header);
    for row in rows {
        let verdict = |peer| row.iter().find(|report| report.peer == peer).map_or("", |report| word(report.verdict));
        let verdicts = peers.iter().map(|&peer| verdict(peer).to_owned());
        table.add_row(cells([row[0].title.to_owned()].into_iter().chain(verdicts)));
    }
    table
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.set_header(header);
    table
}

/// Cells of a row; all but the words are set to the right.
fn cells(texts: impl IntoIterator<Item = String>) -> Vec<Cell> {
    let is_number = |text: &str| text == "–" || text.starts_with(|first: char| first.is_ascii_digit());
    texts
        .into_iter()
        .map(|text| {
            let alignment = if is_number(&text) { CellAlignment::Right } else { CellAlignment::Left };
            Cell::new(text).set_alignment(alignment)
        })
        .collect()
}

/// Three digits are all that a figure is worth.
fn number(figure: Option<f64>) -> String {
    match figure {
        None => "–".to_owned(),
        Some(figure) if figure < 0.05 => "0".to_owned(),
        Some(figure) if figure < 100.0 => format!("{figure:.1}"),
        Some(figure) => format!("{figure:.0}"),
    }
}
