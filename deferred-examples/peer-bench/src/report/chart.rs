//! One SVG a group: a panel for each case, a bar for each contender.

use std::error::Error;
use std::path::Path;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::{CaseReport, Report};

const COLUMNS: usize = 2;
const PANEL_WIDTH: u32 = 520;
const BAR_HEIGHT: i32 = 18;
const TITLE_HEIGHT: i32 = 34;
const NAME_WIDTH: i32 = 190;
const FIGURE_WIDTH: i32 = 70;

const OURS: RGBColor = RGBColor(0x1b, 0x6e, 0xc2);
const FAIR: RGBColor = RGBColor(0x9a, 0xa5, 0xb1);
const BESIDE: RGBColor = RGBColor(0xdd, 0xe2, 0xe7);

/// Draws every group of the report into `folder`.
///
/// # Errors
///
/// If a file cannot be written.
pub fn draw(report: &Report, folder: &Path) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(folder)?;
    let mut groups: Vec<_> = report.cases.iter().map(|case| case.group).collect();
    groups.dedup();
    for group in groups {
        let cases: Vec<_> = report.cases.iter().filter(|case| case.group == group).collect();
        draw_group(group, &cases, &folder.join(format!("{}.svg", group.replace(' ', "-"))))?;
    }
    Ok(())
}

fn draw_group(group: &str, cases: &[&CaseReport], path: &Path) -> Result<(), Box<dyn Error>> {
    let bars = cases.iter().map(|case| case.figures.len()).max().unwrap_or(0) as i32;
    let rows = cases.len().div_ceil(COLUMNS);
    let panel_height = (TITLE_HEIGHT + bars * BAR_HEIGHT + 12) as u32;
    let size = (PANEL_WIDTH * COLUMNS as u32, panel_height * rows as u32 + 40);
    let root = SVGBackend::new(path, size).into_drawing_area();
    root.fill(&WHITE)?;
    let title = format!("{group}: nanoseconds, less is better; ours blue, fair peers grey, others pale");
    let root = root.titled(&title, ("sans-serif", 17))?;
    for (case, panel) in cases.iter().zip(root.split_evenly((rows, COLUMNS))) {
        draw_case(case, &panel)?;
    }
    root.present()?;
    Ok(())
}

fn draw_case<B: DrawingBackend>(
    case: &CaseReport,
    panel: &DrawingArea<B, plotters::coord::Shift>,
) -> Result<(), Box<dyn Error>>
where
    B::ErrorType: 'static,
{
    let text =
        |size: i32, horizontal| ("sans-serif", size).into_font().color(&BLACK).pos(Pos::new(horizontal, VPos::Center));
    panel.draw(&Text::new(
        format!("{}, per {}", case.name(), case.per),
        (12, TITLE_HEIGHT / 2),
        text(14, HPos::Left),
    ))?;
    let longest = case.figures.iter().map(|figure| figure.ns).fold(0.0, f64::max);
    let room = PANEL_WIDTH as i32 - NAME_WIDTH - FIGURE_WIDTH;
    for (figure, top) in case.figures.iter().zip((TITLE_HEIGHT..).step_by(BAR_HEIGHT as usize)) {
        let middle = top + BAR_HEIGHT / 2;
        let end = NAME_WIDTH + (figure.ns / longest * f64::from(room)) as i32;
        let color = match (figure.is_ours, figure.is_bar) {
            (true, _) => OURS,
            (false, true) => FAIR,
            (false, false) => BESIDE,
        };
        panel.draw(&Text::new(figure.peer, (NAME_WIDTH - 6, middle), text(12, HPos::Right)))?;
        panel.draw(&Rectangle::new(
            [(NAME_WIDTH, top + 3), (end.max(NAME_WIDTH + 1), top + BAR_HEIGHT - 3)],
            color.filled(),
        ))?;
        panel.draw(&Text::new(format!("{:.1}", figure.ns), (end + 6, middle), text(12, HPos::Left)))?;
    }
    Ok(())
}
