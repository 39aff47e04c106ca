//! Random programs, run here and by the Python of this machine, if it has one that is recent enough.

mod contend;
mod generate;
mod names;
mod perturb;

use std::cell::RefCell;
use std::env;
use std::io::Write;

use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};
use replay::Referee;

/// How many programs are compared, unless `REPLAY_CASES` says otherwise.
const CASES: u32 = 500;

/// How many seeds, from 0 on, unless `REPLAY_SEEDS` says otherwise.
const SEEDS: u32 = 200;

#[test]
fn random_programs_do_what_python_makes_of_them() {
    let Some(referee) = referee() else { return };
    let referee = RefCell::new(referee);
    let cases = number_from("REPLAY_CASES", CASES);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let tested = TestRunner::new(config).run(&generate::program(), |program| {
        match referee.borrow_mut().difference(&program) {
            None => Ok(()),
            Some(difference) => Err(TestCaseError::fail(difference.to_string())),
        }
    });
    match tested {
        Ok(()) => {}
        Err(TestError::Fail(_, program)) => panic!("{}", referee.borrow_mut().smallest(&program)),
        Err(TestError::Abort(why)) => panic!("{why}"),
    }
}

/// The same programs on every machine, and each can be had again by its seed.
#[test]
fn seeded_programs_do_what_python_makes_of_them() {
    let Some(mut referee) = referee() else { return };
    for seed in 0..number_from("REPLAY_SEEDS", SEEDS) {
        let program = generate::seeded(seed.into());
        if let Some(difference) = referee.difference(&program) {
            panic!("seed {seed} differs:\n{difference}\n{}", referee.smallest(&program));
        }
    }
}

#[test]
fn a_seed_stands_for_one_program() {
    assert_eq!(generate::seeded(7), generate::seeded(7));
    assert_ne!(generate::seeded(7), generate::seeded(8));
}

/// Python, or a word that there is none.
fn referee() -> Option<Referee> {
    let referee = Referee::find();
    if referee.is_none() {
        // Past the test harness, which shows what a test prints only if it fails.
        let _ = writeln!(
            std::io::stderr(),
            "\nSKIPPED: random programs were NOT compared, for want of a Python 3.13 or later \
             (set REPLAY_PYTHON to one)\n"
        );
    }
    referee
}

fn number_from(variable: &str, default: u32) -> u32 {
    env::var(variable).map_or(default, |number| number.parse().expect("a number"))
}
