//! Random programs, run here and by the Python of this machine, if it has one that is recent enough.

mod contend;
mod generate;
mod names;
mod perturb;

use std::cell::RefCell;
use std::env;
use std::fmt;
use std::io::Write;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};
use replay::program::Program;
use replay::{Difference, Referee, Turning, run};

/// How many programs are compared, unless `REPLAY_CASES` says otherwise.
const CASES: u32 = 500;

/// A program that proptest shows as what it is.
struct Shown(Program);

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string_pretty(&self.0.main).expect("programs are JSON"))
    }
}

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
    let tested =
        TestRunner::new(config).run(&generate::program().prop_map(Shown), |Shown(program)| {
            let theirs =
                referee.borrow_mut().record(&program).expect("the recorder knows every program");
            match Difference::between(&run(&program, Turning::ByLoop), &theirs) {
                None => Ok(()),
                Some(difference) => Err(TestCaseError::fail(format!("\n{difference}"))),
            }
        });
    match tested {
        Ok(()) => {}
        Err(TestError::Fail(why, program)) => panic!("this program differs:\n{program:?}\n{why}"),
        Err(TestError::Abort(why)) => panic!("{why}"),
    }
}
