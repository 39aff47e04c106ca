//! The figures as a picture: a panel for each row, in it a bar for each peer.

use std::fmt::Write;

use super::{Cell, Line, Report};
use crate::Unit;

const COLUMNS: usize = 3;
const WIDTH: usize = 380;
const BAR: usize = 16;
const HEAD: usize = 30;
const GAP: usize = 14;
/// Where bars begin, right of the names.
const LEFT: usize = 84;
/// How long a bar may get; what is right of it is for its figure.
const LONGEST: f64 = 210.0;
/// A bar of more than so many times our own is cut off, so that the short ones can still be told apart.
const CUT: f64 = 6.0;

/// Works on light and dark pages alike: there is a background of its own.
const STYLE: &str = "\
text{font:12px system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif;fill:#24292f}\
.title{font-weight:600;font-size:13px}.note{fill:#57606a}.name{text-anchor:end}\
.peer{fill:#8c9bab}.ours{fill:#c2410c}.floor{fill:#d5dbe1}";

/// A picture of what all rows of CPU time came to.
pub(crate) fn svg(report: &Report) -> String {
    let lines: Vec<&Line> =
        report.lines.iter().filter(|line| line.unit == Unit::CpuNanos).collect();
    let panel = HEAD + BAR * report.peers.len() + GAP;
    let (width, top) = (COLUMNS * WIDTH + GAP, 56);
    let height = top + lines.len().div_ceil(COLUMNS) * panel;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         width=\"{width}\" height=\"{height}\" role=\"img\">\n\
         <title>CPU time per operation, by workload and runtime</title>\n<style>{STYLE}</style>\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n\
         <text class=\"title\" x=\"{GAP}\" y=\"24\">CPU time per operation, ns: shorter is better</text>\n\
         <text class=\"note\" x=\"{GAP}\" y=\"42\">A bar that ends in » is cut off at {CUT} times \
         that of {}. The floor is no runtime: it shows how little is possible.</text>\n",
        report.peers[0]
    );
    for (index, line) in lines.into_iter().enumerate() {
        let (x, y) = (index % COLUMNS * WIDTH + GAP, top + index / COLUMNS * panel);
        write_panel(&mut svg, report, line, (x, y)).expect("a string takes it");
    }
    svg + "</svg>\n"
}

fn write_panel(
    svg: &mut String,
    report: &Report,
    line: &Line,
    (x, y): (usize, usize),
) -> std::fmt::Result {
    let ours = line.cells[0].figure().unwrap_or(f64::NAN);
    let largest = line.cells.iter().filter_map(Cell::figure).fold(ours, f64::max);
    let scale = LONGEST / largest.min(ours * CUT);
    writeln!(
        svg,
        "<text class=\"title\" x=\"{x}\" y=\"{}\">{}</text>",
        y + 18,
        escape(&line.name)
    )?;
    for (index, (peer, cell)) in report.peers.iter().zip(&line.cells).enumerate() {
        let top = y + HEAD + index * BAR;
        let (left, base) = (x + LEFT, top + BAR - 4);
        writeln!(svg, "<text class=\"name\" x=\"{}\" y=\"{base}\">{peer}</text>", left - 6)?;
        let Some(figure) = cell.figure() else {
            let Cell::Missing(reason) = cell else { continue };
            writeln!(
                svg,
                "<text class=\"note\" x=\"{left}\" y=\"{base}\">{}</text>",
                escape(reason)
            )?;
            continue;
        };
        let length = (figure * scale).min(LONGEST);
        let cut = if figure * scale > LONGEST + 0.5 { "» " } else { "" };
        let class = match *peer {
            "floor" => "floor",
            _ if index == 0 => "ours",
            _ => "peer",
        };
        writeln!(
            svg,
            "<rect class=\"{class}\" x=\"{left}\" y=\"{}\" width=\"{length:.1}\" height=\"{}\"/>\
             <text x=\"{:.1}\" y=\"{base}\">{cut}{}</text>",
            top + 2,
            BAR - 4,
            left as f64 + length + 5.0,
            line.unit.show(figure),
        )?;
    }
    Ok(())
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('`', "")
}
