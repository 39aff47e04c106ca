//! The docs hold together: pages are listed and lead on, links lead somewhere, quotes of the source are true.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn every_page_is_in_the_summary_and_the_summary_names_no_other() {
    let summary = read("docs/SUMMARY.md");
    let listed: BTreeSet<String> = links(&summary).into_iter().map(|link| link.target).collect();
    assert_eq!(listed, pages().into_iter().collect());
}

#[test]
fn every_page_ends_with_what_to_read_next() {
    for page in pages() {
        let text = read(&format!("docs/{page}"));
        let last = text.trim_end().rsplit("\n\n").next().unwrap();
        let end = last.lines().next_back();
        assert!(last.starts_with("Next: ["), "docs/{page} ends with {end:?}");
    }
}

#[test]
fn every_link_leads_somewhere() {
    let mut files = vec!["README.md".to_owned(), "CONTRIBUTING.md".to_owned()];
    files.push("docs/SUMMARY.md".to_owned());
    files.extend(pages().iter().map(|page| format!("docs/{page}")));
    for file in files {
        for link in links(&read(&file)).iter().filter(|link| !link.target.contains("://")) {
            let target = match link.target.as_str() {
                "" => root().join(&file),
                target => root().join(&file).parent().unwrap().join(target),
            };
            assert!(target.exists(), "{file} has a link to {}, which is not there", link.target);
            if let Some(heading) = &link.heading {
                let there = headings(&fs::read_to_string(&target).unwrap());
                assert!(there.contains(heading), "{file}: no heading #{heading} in {target:?}");
            }
        }
    }
}

#[test]
fn every_page_with_programs_is_run_by_the_doctests() {
    let doctests = read("executor/src/doctests.rs");
    for page in pages() {
        let runs = read(&format!("docs/{page}")).contains("\n```rust\n");
        let included = doctests.contains(&format!("docs/{page}\""));
        assert!(included || !runs, "executor/src/doctests.rs does not include docs/{page}");
    }
}

#[test]
fn every_example_stands_beside_its_python() {
    let page = read("docs/from-asyncio.md");
    for entry in fs::read_dir(root().join("examples")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.starts_with(|first: char| first.is_ascii_digit()) {
            assert!(page.contains(&format!("../examples/{name}")), "from-asyncio.md has no {name}");
        }
    }
}

#[test]
fn every_feature_is_named_where_people_look() {
    let (readme, front_page) = (read("README.md"), read("executor/src/lib.rs"));
    let manifest = read("executor/Cargo.toml");
    let section = manifest.split("[features]\n").nth(1).unwrap().split("\n[").next().unwrap();
    let features = section.lines().filter_map(|line| line.split_once(" = ")).map(|(name, _)| name);
    for feature in features.filter(|name| *name != "default") {
        let row = format!("| `{feature}` |");
        assert!(front_page.contains(&row), "the front page of lib.rs has no row for {feature}");
        let row = format!("| `wheelhouse` | `{feature}`");
        assert!(readme.contains(&row), "README.md has no row for the feature {feature}");
    }
}

/// What docs/reading-order.md wants broken, and docs/one-turn.md shows, stands in the source as it is said.
#[test]
fn every_quoted_line_of_the_source_is_true() {
    let mut quotes = 0;
    for page in ["reading-order.md", "one-turn.md"] {
        let text = read(&format!("docs/{page}"));
        for (before, block) in blocks(&text, "```diff\n").chain(blocks(&text, "```rust,ignore\n")) {
            let file = last_path(before).unwrap_or_else(|| panic!("{page}: which file? {block}"));
            let source = read(file);
            let quoted = block.lines().map(|line| line.strip_prefix('-').unwrap_or(line).trim());
            let shown =
                quoted.filter(|line| !line.is_empty() && !line.starts_with(['+', '/', '…']));
            for line in shown {
                assert!(
                    source.lines().any(|there| there.trim() == line),
                    "docs/{page} quotes {line:?}, which is not in {file}"
                );
                quotes += 1;
            }
        }
    }
    assert!(quotes > 50, "only {quotes} lines are quoted");
}

/// The pages of the docs; the list of them is none.
fn pages() -> Vec<String> {
    let entries = fs::read_dir(root().join("docs")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".md") && name != "SUMMARY.md").collect()
}

struct Link {
    /// The file, or nothing for the same one.
    target: String,
    heading: Option<String>,
}

/// The links of a text, without those in programs.
fn links(text: &str) -> Vec<Link> {
    let prose = text.split("```").step_by(2).collect::<String>();
    let ends = prose.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
    ends.map(|link| match link.split_once('#') {
        Some((target, heading)) => {
            Link { target: target.to_owned(), heading: Some(heading.to_owned()) }
        }
        None => Link { target: link.to_owned(), heading: None },
    })
    .collect()
}

/// The names by which the headings of a text can be linked to.
fn headings(text: &str) -> BTreeSet<String> {
    let prose = text.split("```").step_by(2).collect::<String>();
    let lines = prose.lines().filter_map(|line| line.strip_prefix('#'));
    lines
        .map(|line| {
            let words = line.trim_start_matches('#').trim().to_lowercase();
            let kept = words.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
            kept.collect::<String>().replace(' ', "-")
        })
        .collect()
}

/// The blocks that begin with `fence`, each with the text before it.
fn blocks<'a>(text: &'a str, fence: &'static str) -> impl Iterator<Item = (&'a str, &'a str)> {
    text.match_indices(fence).map(move |(at, _)| {
        let rest = &text[at + fence.len()..];
        (&text[..at], rest.split("```").next().unwrap())
    })
}

/// The last source file that a text names, by its path in the repository.
fn last_path(text: &str) -> Option<&str> {
    let is_source = |word: &&str| word.ends_with(".rs") && word.contains("/src/");
    text.rsplit(['`', '(', ')', '\n']).find(is_source).map(|path| path.trim_start_matches("../"))
}

fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}
