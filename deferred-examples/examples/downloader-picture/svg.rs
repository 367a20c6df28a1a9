//! A recording of a terminal as a picture that moves.

use std::time::Duration;

/// How long each frame is shown.
const FRAME: Duration = Duration::from_millis(250);

/// How long the last one is.
const LAST: Duration = Duration::from_secs(4);

/// The width and height of a character, and the margin around the text.
const CELL: (f64, f64, f64) = (7.8, 18.0, 12.0);

/// Draws what was written to a terminal of so many lines and columns; `tidy` may change each line.
pub(crate) fn recording(
    written: &[(Duration, Vec<u8>)],
    (lines, columns): (u16, u16),
    tidy: impl Fn(&str) -> String,
) -> String {
    let frames = frames(written, (lines, columns), tidy);
    let (width, height) = (f64::from(columns) * CELL.0 + 2.0 * CELL.2, f64::from(lines) * CELL.1 + 2.0 * CELL.2);
    let still = frames.len().saturating_sub(1) as f64;
    let total = still * FRAME.as_secs_f64() + LAST.as_secs_f64();
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         font-family=\"ui-monospace, Menlo, Consolas, monospace\" font-size=\"13\">\n\
         <title>Progress bars of the parallel downloader</title>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#16181d\"/>\n"
    );
    for (index, frame) in frames.iter().enumerate() {
        let from = index as f64 * FRAME.as_secs_f64() / total;
        let to = if index + 1 == frames.len() { 1.0 } else { from + FRAME.as_secs_f64() / total };
        // The last frame is what is seen where pictures do not move.
        let at_rest = if index + 1 == frames.len() { "visible" } else { "hidden" };
        svg += &format!("<g fill=\"#d7dae0\" visibility=\"{at_rest}\" xml:space=\"preserve\">\n");
        let (times, values) = match index {
            0 => (format!("0;{to:.4}"), "visible;hidden"),
            _ if to >= 1.0 => (format!("0;{from:.4}"), "hidden;visible"),
            _ => (format!("0;{from:.4};{to:.4}"), "hidden;visible;hidden"),
        };
        svg += &format!(
            "<animate attributeName=\"visibility\" calcMode=\"discrete\" dur=\"{total:.2}s\" \
             repeatCount=\"indefinite\" keyTimes=\"{times}\" values=\"{values}\"/>\n"
        );
        for (row, line) in frame.iter().enumerate().filter(|(_, line)| !line.is_empty()) {
            let y = CELL.2 + (row as f64 + 0.75) * CELL.1;
            svg += &format!("<text x=\"{}\" y=\"{y:.1}\">{}</text>\n", CELL.2, escape(line));
        }
        svg += "</g>\n";
    }
    svg + "</svg>\n"
}

/// The lines on the screen, four times a second, without frames equal to the one before.
fn frames(
    written: &[(Duration, Vec<u8>)],
    (lines, columns): (u16, u16),
    tidy: impl Fn(&str) -> String,
) -> Vec<Vec<String>> {
    let mut terminal = vt100::Parser::new(lines, columns, 0);
    let mut frames = Vec::new();
    let mut next = FRAME;
    for (time, bytes) in written {
        while *time > next {
            frames.push(screen(&terminal, columns, &tidy));
            next += FRAME;
        }
        terminal.process(bytes);
    }
    frames.push(screen(&terminal, columns, &tidy));
    frames.dedup();
    frames
}

/// The lines on the screen now.
fn screen(terminal: &vt100::Parser, columns: u16, tidy: impl Fn(&str) -> String) -> Vec<String> {
    terminal.screen().rows(0, columns).map(|line| tidy(line.trim_end())).collect()
}

/// Text as XML wants it.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
