//! Figures as Markdown tables.

use super::{Cell, Line, Report};
use crate::Wanted;

impl Report {
    /// A row a line, and the figures of every peer; in brackets the instructions, if they were counted.
    #[must_use = "this only writes the table down"]
    pub fn figures(&self) -> String {
        let mut table = format!("| {} | {} |\n", self.head, self.peers.join(" | "));
        table += &rule(self.peers.len());
        for line in &self.lines {
            table += &format!("| {} | {} |\n", line.name, line.figures());
        }
        table
    }

    /// As [`figures`](Report::figures), and how ours stand beside the best of the others.
    #[must_use = "this only writes the table down"]
    pub fn beside_the_best(&self) -> String {
        let (ours, peers) = (self.peers[0], self.peers.join(" | "));
        let mut table = format!("| {} | {peers} | {ours}/best | wanted |\n", self.head);
        table += &rule(self.peers.len() + 2);
        for line in &self.lines {
            let best = line.cells[1..].iter().filter_map(Cell::figure).reduce(f64::min);
            let ratio = line.ratio_to(best).map_or("–".to_owned(), |ratio| format!("{ratio:.2}"));
            let (name, figures) = (&line.name, line.figures());
            table += &format!("| {name} | {figures} | {ratio} | {} |\n", line.verdict(best));
        }
        table
    }

    /// A row a line: our figure, and its ratio to that of every other peer; in brackets the same of the
    /// instructions.
    #[must_use = "this only writes the table down"]
    pub fn ratios(&self) -> String {
        let others = self.peers[1..].iter().map(|peer| format!("/ {peer}"));
        let others = others.collect::<Vec<_>>().join(" | ");
        let (ours, base) = (self.peers[0], self.peers[1]);
        let mut table = format!("| {} | {ours} | {others} | wanted / {base} |\n", self.head);
        table += &rule(self.peers.len() + 1);
        for line in &self.lines {
            let (ours, others) = (&line.cells[0], &line.cells[1..]);
            let ratios: Vec<String> = others.iter().map(|cell| ratio(ours, cell)).collect();
            let (ours, ratios) = (line.show(ours), ratios.join(" | "));
            let wanted = line.verdict(others[0].figure()) + &line.bound(self.floor());
            table += &format!("| {} | {ours} | {ratios} | {wanted} |\n", line.name);
        }
        table
    }

    /// Which column is that of the floor, if there is one.
    fn floor(&self) -> Option<usize> {
        self.peers.iter().position(|peer| *peer == "floor")
    }

    /// Says on standard error what was measured.
    pub(crate) fn tell(&self, lines: &[Line]) {
        for line in lines {
            let cells = self.peers.iter().zip(&line.cells);
            let cells: Vec<String> =
                cells.map(|(peer, cell)| format!("{peer} {}", line.show(cell))).collect();
            eprintln!("    {}: {}", line.name, cells.join(", "));
        }
    }
}

impl Line {
    fn figures(&self) -> String {
        self.cells.iter().map(|cell| self.show(cell)).collect::<Vec<_>>().join(" | ")
    }

    fn show(&self, cell: &Cell) -> String {
        match cell {
            Cell::Figure(figure, None) => self.unit.show(*figure),
            Cell::Figure(figure, Some(count)) => {
                format!("{} ({count:.0})", self.unit.show(*figure))
            }
            Cell::Missing(reason) => reason.clone(),
        }
    }

    fn ratio_to(&self, base: Option<f64>) -> Option<f64> {
        self.cells[0].figure().zip(base).map(|(ours, base)| ours / base)
    }

    /// What was wanted, and whether it was missed, where ratios are those to `base`.
    fn verdict(&self, base: Option<f64>) -> String {
        let (wanted, value, limit) = match self.wanted {
            Some(Wanted::Ratio(limit)) => (format!("{limit:.2}"), self.ratio_to(base), limit),
            Some(Wanted::AtMost(limit)) => (self.unit.show(limit), self.cells[0].figure(), limit),
            None => return String::new(),
        };
        let missed = if value.is_some_and(|value| value <= limit) { "" } else { " (missed)" };
        format!("{wanted}{missed}")
    }

    /// Says so if what was wanted, as a ratio to the first of the others, is missed by the floor as well.
    fn bound(&self, floor: Option<usize>) -> String {
        let floor = floor.and_then(|floor| self.cells[floor].figure());
        match (self.wanted, floor.zip(self.cells[1].figure())) {
            (Some(Wanted::Ratio(limit)), Some((floor, base))) if floor / base > limit => {
                format!("; the floor: {:.2}", floor / base)
            }
            _ => String::new(),
        }
    }
}

fn rule(columns: usize) -> String {
    format!("|---|{}\n", "---:|".repeat(columns))
}

fn ratio(ours: &Cell, theirs: &Cell) -> String {
    let of =
        |pair: (Option<f64>, Option<f64>)| pair.0.zip(pair.1).map(|(ours, theirs)| ours / theirs);
    match theirs {
        Cell::Missing(reason) => reason.clone(),
        Cell::Figure(..) => match (
            of((ours.figure(), theirs.figure())),
            of((ours.instructions(), theirs.instructions())),
        ) {
            (Some(ratio), Some(instructions)) => format!("{ratio:.2} ({instructions:.2})"),
            (Some(ratio), None) => format!("{ratio:.2}"),
            (None, _) => "–".to_owned(),
        },
    }
}
