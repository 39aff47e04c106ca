//! A test in a process of its own: for what others in the same process would upset, or be ended by.

use std::process::{Command, Output};

const ALONE: &str = "WHEELHOUSE_TEST_ALONE";

/// Runs the code of `test`, which is the path of the test that calls this, in a child, and says how that ended.
pub(crate) fn alone(test: &str, code: impl FnOnce()) -> Output {
    if std::env::var_os(ALONE).is_some() {
        code();
        std::process::exit(0);
    }
    let own_binary = std::env::current_exe().expect("a test knows its own binary");
    let mut child = Command::new(own_binary);
    child.args(["--exact", test, "--nocapture"]).env(ALONE, "");
    child.output().expect("this program starts again")
}
