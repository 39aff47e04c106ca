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

#[test]
fn random_programs_do_what_python_makes_of_them() {
    let Some(referee) = Referee::find() else {
        // Past the test harness, which shows what a test prints only if it fails.
        let _ = writeln!(
            std::io::stderr(),
            "\nSKIPPED: random programs were NOT compared, for want of a Python 3.13 or later \
             (set REPLAY_PYTHON to one)\n"
        );
        return;
    };
    let referee = RefCell::new(referee);
    let cases = env::var("REPLAY_CASES").map_or(CASES, |cases| cases.parse().expect("a number"));
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
