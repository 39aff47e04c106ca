//! Hello world on each runtime: how large the program is, of how many crates it is made, and what it takes
//! to build it.
//!
//! The programs are written into a folder of the system's temporary files, and built there as a user would
//! build them, with the versions of this workspace's lock file. Each waits for a millisecond before it
//! speaks, where the runtime knows time.

use std::collections::BTreeSet;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs, process};

use crate::report::{Cell, Line};
use crate::{Peer, Row, Unit, Wanted};

struct Program {
    peer: &'static str,
    dependencies: &'static str,
    main: &'static str,
}

const PROGRAMS: &[Program] = &[
    Program {
        peer: "wheelhouse",
        dependencies: concat!(
            "wheelhouse = { path = \"",
            env!("CARGO_MANIFEST_DIR"),
            "/../executor\", default-features = false }"
        ),
        main: r#"
            wheelhouse::run(async {
                wheelhouse::sleep(std::time::Duration::from_millis(1)).await;
                println!("hello");
            })
            .unwrap();
        "#,
    },
    Program {
        peer: "tokio",
        dependencies: r#"tokio = { version = "1", default-features = false, features = ["net", "rt", "time"] }"#,
        main: r#"
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            tokio::task::LocalSet::new().block_on(&runtime, async {
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
                println!("hello");
            });
        "#,
    },
    Program {
        peer: "smol",
        dependencies: "async-executor = \"1\"\nasync-io = \"2\"",
        main: r#"
            async_io::block_on(async_executor::LocalExecutor::new().run(async {
                async_io::Timer::after(std::time::Duration::from_millis(1)).await;
                println!("hello");
            }));
        "#,
    },
    Program {
        peer: "futures",
        dependencies: r#"futures = { version = "0.3", default-features = false, features = ["executor"] }"#,
        main: r#"
            futures::executor::LocalPool::new().run_until(async { println!("hello") });
        "#,
    },
    Program {
        peer: "monoio",
        dependencies: r#"monoio = { version = "0.2", default-features = false, features = ["legacy"] }"#,
        main: r#"
            let builder = monoio::RuntimeBuilder::<monoio::LegacyDriver>::new();
            builder.enable_timer().build().unwrap().block_on(async {
                monoio::time::sleep(std::time::Duration::from_millis(1)).await;
                println!("hello");
            });
        "#,
    },
    #[cfg(feature = "glommio")]
    Program {
        peer: "glommio",
        dependencies: r#"glommio = "0.9""#,
        main: r#"
            glommio::LocalExecutor::default().run(async {
                glommio::timer::sleep(std::time::Duration::from_millis(1)).await;
                println!("hello");
            });
        "#,
    },
];

/// What a command line calls it.
pub(crate) const NAME: &str = "hello";

const ROWS: [Row; 3] = [
    Row::new("hello world: stripped binary", Unit::Kilobytes).wanted(Wanted::AtMost(450.0)),
    Row::new("… crates beside itself", Unit::Count).wanted(Wanted::AtMost(8.0)),
    Row::new("… clean build, CPU time", Unit::Seconds).wanted(Wanted::Ratio(1.0)),
];

/// Builds a hello world on each of the peers that are crates, and gives the three lines of the table.
pub(crate) fn hello_worlds(peers: &[Peer]) -> Vec<Line> {
    let folder = env::temp_dir().join(format!("hello-worlds-{}", process::id()));
    let built: Vec<[Cell; 3]> = peers.iter().map(|peer| hello_world(peer, &folder)).collect();
    // What is left behind is a nuisance, no failure.
    let _ = fs::remove_dir_all(&folder);
    let line = |(index, row): (usize, Row)| {
        Line::new(row, built.iter().map(|cells| cells[index].clone()).collect())
    };
    ROWS.into_iter().enumerate().map(line).collect()
}

fn hello_world(peer: &Peer, folder: &Path) -> [Cell; 3] {
    let missing = |reason: &str| [(); 3].map(|()| Cell::Missing(reason.to_owned()));
    let Some(program) = PROGRAMS.iter().find(|program| program.peer == peer.name) else {
        return missing(if peer.python.is_some() { "a script" } else { "no crate" });
    };
    eprintln!("building a hello world on {}", peer.name);
    program.build(&folder.join(peer.name)).map_or_else(
        |error| {
            eprintln!("    {error}");
            missing("failed")
        },
        |figures| figures.map(|figure| Cell::Figure(figure, None)),
    )
}

impl Program {
    /// Size in kilobytes, crates, seconds.
    fn build(&self, folder: &Path) -> Result<[f64; 3], Box<dyn Error>> {
        self.write(folder)?;
        let crates = crates(folder)?;
        let before = seconds_of_children()?;
        cargo(folder, &["build", "--quiet", "--release"])?;
        let seconds = seconds_of_children()? - before;
        let binary = folder.join("target/release/hello");
        let said = Command::new(&binary).output()?.stdout;
        if said != b"hello\n" {
            return Err(format!("{} does not say hello", binary.display()).into());
        }
        Ok([fs::metadata(binary)?.len() as f64 / 1e3, crates as f64, seconds])
    }

    fn write(&self, folder: &Path) -> std::io::Result<()> {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
        fs::create_dir_all(folder.join("src"))?;
        fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock"))?;
        fs::write(folder.join("src/main.rs"), format!("fn main() {{{}}}\n", self.main))?;
        let manifest = format!(
            "[package]\nname = \"hello\"\nedition = \"2024\"\n\n[dependencies]\n{}\n\n\
             [profile.release]\nstrip = true\n\n[workspace]\n",
            self.dependencies
        );
        fs::write(folder.join("Cargo.toml"), manifest)
    }
}

/// How many crates are built beside the program itself.
fn crates(folder: &Path) -> Result<usize, Box<dyn Error>> {
    let tree = cargo(folder, &["tree", "--prefix", "none", "--edges", "normal,build"])?;
    let names = tree.lines().map(|line| line.trim_end_matches(" (*)"));
    Ok(names.collect::<BTreeSet<_>>().len() - 1)
}

/// What cargo says; of what it needs, all was fetched when this package was built.
fn cargo(folder: &Path, arguments: &[&str]) -> Result<String, Box<dyn Error>> {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .arg("--offline")
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err(format!("cargo {}: {}", arguments.join(" "), output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// CPU time of all processes that this one, or one of them, has waited for.
fn seconds_of_children() -> Result<f64, Box<dyn Error>> {
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = fs::read_to_string("/proc/self/stat")?;
    let (_, behind_the_name) = stat.rsplit_once(") ").ok_or("/proc/self/stat has no name")?;
    let times = behind_the_name.split(' ').skip(13).take(2);
    let ticks: Vec<f64> = times.map(str::parse).collect::<Result<_, _>>()?;
    Ok(ticks.iter().sum::<f64>() / TICKS_PER_SECOND)
}
