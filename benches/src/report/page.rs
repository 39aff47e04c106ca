//! The pages that keep what was measured: a part of each is written by the program.

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::python::Python;

/// Keeps all that was measured.
pub(crate) const ALL: &str = "docs/performance.md";

/// Keeps a part of that.
pub(crate) const README: &str = "README.md";

/// A file of the project.
pub(crate) fn path(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "..", name].iter().collect()
}

/// Replaces what stands on a page between the two marks of that name.
///
/// # Errors
///
/// If the page cannot be read or written, or has no such marks.
pub(crate) fn write(page: &str, mark: &str, text: &str) -> Result<(), Box<dyn Error>> {
    let path = path(page);
    let page = fs::read_to_string(&path)?;
    let (begin, end) = (format!("<!-- {mark}: begin -->\n"), format!("<!-- {mark}: end -->"));
    let marks = page.find(&begin).zip(page.find(&end));
    let Some((from, to)) = marks.filter(|(from, to)| from < to) else {
        return Err(format!("{} has no marks {begin}{end}", path.display()).into());
    };
    let page = format!("{}\n{}\n{}", &page[..from + begin.len()], text.trim_end(), &page[to..]);
    fs::write(&path, page.replace("\n\n\n", "\n\n"))?;
    eprintln!("wrote {}", path.display());
    Ok(())
}

/// What the figures were measured on, in a sentence or two.
pub(crate) fn setting() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processor.lines().find_map(|line| line.strip_prefix("model name\t: "));
    let rustc = said(Command::new("rustc").arg("--version")).unwrap_or_default();
    let crates = ["tokio", "async-executor", "async-io", "futures", "monoio", "glommio", "hyper"];
    let versions: Vec<String> = crates.iter().filter_map(|name| version(name)).collect();
    let python = Python::find().and_then(|python| python.version());
    let versions = versions.into_iter().chain(python).collect::<Vec<_>>().join(", ");
    let model = model.unwrap_or("of a kind that is not told");
    format!(
        "Measured on {cores} cores ({model}), {}, with {rustc}; {versions}.\n",
        std::env::consts::OS
    )
}

fn said(command: &mut Command) -> Option<String> {
    let output = command.output().ok()?;
    Some(String::from_utf8(output.stdout).ok()?.split(" (").next()?.trim().to_owned())
}

/// A crate's name and version, from the lock file.
fn version(name: &str) -> Option<String> {
    const LOCK: &str = include_str!("../../../Cargo.lock");
    let (_, behind) = LOCK.split_once(&format!("\nname = \"{name}\"\nversion = \""))?;
    Some(format!("{name} {}", behind.split('"').next()?))
}
