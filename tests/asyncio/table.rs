//! The list of Python's tests (`catalogue.tsv`), the tests of this binary, and `docs/asyncio-tests.md`: none
//! may say anything that the others do not.

use std::collections::HashMap;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

const CATALOGUE: &str = include_str!("catalogue.tsv");

/// Python 3.13's test files, and how many tests each has.
const FILES: [(&str, usize); 14] = [
    ("test_tasks", 159),
    ("test_futures", 57),
    ("test_futures2", 4),
    ("test_timeouts", 34),
    ("test_waitfor", 19),
    ("test_taskgroups", 39),
    ("test_locks", 75),
    ("test_queues", 41),
    ("test_runners", 29),
    ("test_threads", 6),
    ("test_staggered", 5),
    ("test_eager_task_factory", 15),
    ("test_base_events", 111),
    ("test_events", 113),
];

#[test]
fn every_test_of_cpython_has_a_counterpart_or_a_reason_why_not() {
    let mut unlisted = tests_here(&[]);
    let mut wrong = Vec::new();
    for row in rows() {
        match row.answer(&unlisted) {
            Ok(_) => {}
            Err(why) => wrong.push(format!("{} {}: {why}", row.file, row.test)),
        }
    }
    let answered = rows().filter_map(|row| row.counterpart(&unlisted)).collect::<Vec<_>>();
    unlisted.retain(|test| !answered.contains(test));
    wrong.extend(unlisted.iter().map(|test| format!("{test}: no row of the catalogue names it")));
    assert!(wrong.is_empty(), "tests/asyncio/catalogue.tsv is wrong:\n{}", wrong.join("\n"));
}

#[test]
fn the_catalogue_lists_every_test_once_and_in_order() {
    for (file, count) in FILES {
        assert_eq!(rows_of(file).count(), count, "rows of {file}");
    }
    let mut files: Vec<&str> = rows().map(|row| row.file).collect();
    files.dedup();
    assert_eq!(files, FILES.map(|(file, _)| file), "the files, each in one piece");
    let mut tests: Vec<_> = rows().map(|row| (row.file, row.test)).collect();
    tests.sort_unstable();
    let twice: Vec<_> = tests.windows(2).filter(|two| two[0] == two[1]).collect();
    assert!(twice.is_empty(), "listed twice: {twice:?}");
}

#[test]
fn no_counterpart_is_left_out_of_the_run() {
    assert_eq!(tests_here(&["--ignored"]), [""; 0]);
}

#[test]
fn the_doc_is_made_from_the_catalogue() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/asyncio-tests.md");
    let doc = doc(&tests_here(&[]));
    if std::env::var_os("WHEELHOUSE_WRITE_DOCS").is_some() {
        std::fs::write(&path, &doc).expect("the doc can be written");
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == doc,
        "docs/asyncio-tests.md is out of date: WHEELHOUSE_WRITE_DOCS=1 cargo test --test asyncio table"
    );
}

/// The tests of this binary but those of this file, by their paths.
fn tests_here(more: &[&str]) -> Vec<String> {
    let own_binary = std::env::current_exe().expect("a test knows its own binary");
    let listed = Command::new(own_binary).args(["--list", "--format", "terse"]).args(more).output();
    let listed = String::from_utf8(listed.expect("it lists its tests").stdout).expect("as text");
    let tests = listed.lines().filter_map(|line| line.strip_suffix(": test"));
    tests.filter(|test| !test.starts_with("table::")).map(str::to_owned).collect()
}

/// A line of the catalogue.
struct Row<'a> {
    file: &'a str,
    /// `Class.test_name`.
    test: &'a str,
    mark: char,
    answer: &'a str,
}

enum Answer<'a> {
    Test(String),
    Reason(&'a str),
}

fn rows() -> impl Iterator<Item = Row<'static>> {
    CATALOGUE.lines().filter(|line| !line.starts_with('#')).map(Row::of)
}

fn rows_of(file: &str) -> impl Iterator<Item = Row<'static>> {
    rows().filter(move |row| row.file == file)
}

impl<'a> Row<'a> {
    fn of(line: &'a str) -> Row<'a> {
        let columns: Vec<&str> = line.split('\t').collect();
        let [file, test, mark @ ("A" | "B" | "C"), answer] = columns[..] else {
            panic!("not a line of the catalogue: {line}");
        };
        Row { file, test, mark: mark.chars().next().expect("it is A, B or C"), answer }
    }

    /// What answers Python's test, among the tests here.
    fn answer(&self, tests: &[String]) -> Result<Answer<'a>, String> {
        let named = self.tests_of_that_name(tests);
        if let Some(path) = self.answer.strip_prefix("= ") {
            let known = tests.iter().any(|test| test == path);
            return known
                .then(|| Answer::Test(path.to_owned()))
                .ok_or_else(|| format!("no {path}"));
        }
        match (self.answer, &named[..]) {
            ("", [test]) => Ok(Answer::Test((*test).clone())),
            ("", []) => Err("there is neither a test of that name nor a reason".to_owned()),
            ("", _) => Err(format!("{named:?} have that name: say which, with `=`")),
            ("not yet", _) => Err("it is still to be written".to_owned()),
            (reason, []) => Ok(Answer::Reason(reason)),
            // Of a name that two classes share, one may be here and the other not.
            (reason, _) if self.shares_its_name() => Ok(Answer::Reason(reason)),
            (reason, _) => Err(format!("there is {named:?}, and yet a reason: {reason}")),
        }
    }

    fn counterpart(&self, tests: &[String]) -> Option<String> {
        match self.answer(tests) {
            Ok(Answer::Test(test)) => Some(test),
            _ => None,
        }
    }

    fn tests_of_that_name<'t>(&self, tests: &'t [String]) -> Vec<&'t String> {
        let module = format!("{}::", self.file.trim_start_matches("test_"));
        let has_name = |test: &&String| test.rsplit("::").next() == Some(self.name());
        tests.iter().filter(|test| test.starts_with(&module)).filter(has_name).collect()
    }

    /// The name without its class and `test_`.
    fn name(&self) -> &'a str {
        let (_, name) = self.test.split_once(".test_").expect("a class, and a test of it");
        name.trim_start_matches('_')
    }

    fn shares_its_name(&self) -> bool {
        rows_of(self.file).filter(|row| row.name() == self.name()).count() > 1
    }
}

fn doc(tests: &[String]) -> String {
    let mut doc = String::from(DOC_HEAD);
    let mut sums = Counts::default();
    for (file, _) in FILES {
        let counts = Counts::of(file, tests);
        doc += &format!("| [`{file}`](#{file}) | {counts} |\n");
        sums.add(&counts);
    }
    doc += &format!("| all | {sums} |\n");
    for (file, _) in FILES {
        write!(doc, "\n## {file}\n\n| CPython's test | | here |\n|---|---|---|\n")
            .expect("a string");
        for row in rows_of(file) {
            let here = match row.answer(tests) {
                Ok(Answer::Test(test)) => format!("`{test}`"),
                Ok(Answer::Reason(reason)) => reason.to_owned(),
                Err(why) => why,
            };
            writeln!(doc, "| `{}` | {} | {here} |", row.test, row.mark).expect("a string");
        }
    }
    doc + DOC_FOOT
}

const DOC_HEAD: &str = "\
# CPython's tests of asyncio, and ours

The tests that CPython 3.13 has for asyncio, file by file, and the test here that asserts the same, or the reason why
there is none. **A** holds here as it is; **B** holds once it is translated: an exception is an `Err`, a mocked clock
the virtual one, a check of an argument's type the compiler's; **C** is about Python only.

Ours are in `tests/asyncio/`, under CPython's names: `cargo test --test asyncio tasks::` runs the counterparts of
`test_tasks`. This page is made from `tests/asyncio/catalogue.tsv` and from the list of tests that are really run, and
`tests/asyncio/table.rs` fails when it is not what they say.

| file | tests | A | B | C | A and B tested | A and B with a reason |
|---|---:|---:|---:|---:|---:|---:|
";

const DOC_FOOT: &str =
    "\nNext: [Where to begin](README.md), for another way through these pages.\n";

/// The rows of a file, counted.
#[derive(Default)]
struct Counts {
    marks: HashMap<char, usize>,
    tested: usize,
    reasoned: usize,
}

impl Counts {
    fn of(file: &str, tests: &[String]) -> Counts {
        let mut counts = Counts::default();
        for row in rows_of(file) {
            *counts.marks.entry(row.mark).or_default() += 1;
            match row.answer(tests) {
                _ if row.mark == 'C' => {}
                Ok(Answer::Test(_)) => counts.tested += 1,
                Ok(Answer::Reason(_)) => counts.reasoned += 1,
                Err(why) => panic!("{}: {why}", row.test),
            }
        }
        counts
    }

    fn add(&mut self, more: &Counts) {
        more.marks.iter().for_each(|(mark, n)| *self.marks.entry(*mark).or_default() += n);
        self.tested += more.tested;
        self.reasoned += more.reasoned;
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [a, b, c] = ['A', 'B', 'C'].map(|mark| self.marks.get(&mark).copied().unwrap_or(0));
        let Counts { tested, reasoned, .. } = self;
        write!(f, "{} | {a} | {b} | {c} | {tested} | {reasoned}", a + b + c)
    }
}
