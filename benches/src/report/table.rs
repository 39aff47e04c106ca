//! Figures as Markdown tables.

use super::{Cell, Line, Report};
use crate::Wanted;

/// What the digest shows, if it was measured.
const DIGEST_ROWS: &[&str] = &[
    "spawn + await, from main",
    "spawn + await, from a task",
    "spawn 100k, await all",
    "yield, 1000 tasks",
    "ring of 1000 tasks, 200 tokens",
    "ping-pong over an `Rc` channel",
    "ping-pong over the runtime's channel",
    "timer insert, up to 1M live",
    "timer churn (drop + insert), 1M live",
    "timer reset, 1M live",
    "timer drop, 1M live",
    "timeout that does not fire",
    "expire 100k in 1 s",
    "spawn and park 100k",
    "cancel + join 100k parked",
    "spawn + gather, 10,000 tasks: each",
    "offload to a thread: CPU of both",
    "bytes per parked task",
    "bytes per timer",
    "hello world: stripped binary",
];

const DIGEST_PEERS: &[&str] = &["wheelhouse", "tokio", "smol", "monoio", "glommio", "asyncio"];

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
    /// instructions. Behind that, if it is known, what was wanted.
    #[must_use = "this only writes the table down"]
    pub fn ratios(&self) -> String {
        let columns = std::iter::once(self.peers[0].to_owned());
        let mut head: Vec<String> =
            columns.chain(self.peers[1..].iter().map(|peer| format!("/ {peer}"))).collect();
        let wanted = self.lines.iter().any(|line| line.wanted.is_some());
        head.extend(wanted.then(|| format!("wanted / {}", self.peers[1])));
        let mut table = format!("| {} | {} |\n", self.head, head.join(" | "));
        table += &rule(head.len());
        for line in &self.lines {
            let (ours, others) = (&line.cells[0], &line.cells[1..]);
            let mut cells = vec![line.show(ours)];
            cells.extend(others.iter().map(|cell| ratio(ours, cell)));
            cells.extend(
                wanted.then(|| line.verdict(others[0].figure()) + &line.bound(self.floor())),
            );
            table += &format!("| {} | {} |\n", line.name, cells.join(" | "));
        }
        table
    }

    /// What is told first: some of the rows, beside some of the peers, without instructions and reasons.
    pub(crate) fn digest(&self) -> Report {
        let told = |peer: &&str| DIGEST_PEERS.contains(peer);
        let digest_of = |line: &Line| {
            let cells = self.peers.iter().zip(&line.cells).filter(|(peer, _)| told(peer));
            let cells = cells.map(|(_, cell)| cell.figure()).map(|figure| match figure {
                Some(figure) => Cell::Figure(figure, None),
                None => Cell::Missing("–".to_owned()),
            });
            Line { cells: cells.collect(), wanted: None, ..line.clone() }
        };
        let lines = self.lines.iter().filter(|line| DIGEST_ROWS.contains(&line.name.as_str()));
        Report {
            head: self.head,
            peers: self.peers.iter().copied().filter(told).collect(),
            lines: lines.map(digest_of).collect(),
        }
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
