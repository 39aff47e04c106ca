//! Ctrl-C on a program's first thread, where `run` listens to it: the first one, the second one, and who else may
//! have it. The harness runs no test on that thread; so this file is a program without it, which plays the
//! children, too.
#![allow(missing_docs, reason = "a program of tests")]

#[cfg(target_os = "linux")]
mod common;
#[cfg(target_os = "linux")]
#[path = "common/child.rs"]
mod own_child;

#[cfg(target_os = "linux")]
fn main() {
    linux::main();
}

#[cfg(not(target_os = "linux"))]
fn main() {}

#[cfg(target_os = "linux")]
mod linux {
    use std::io::Read;
    use std::thread;

    use super::common::{forever, ms};
    use super::own_child::{Actor, role};
    use rustix::process::Signal as Raw;
    use wheelhouse::signal::{Signal, ctrl_c, die_of};
    use wheelhouse::{RunError, Runner, catch_cancel, current_task, sleep, yield_now};

    pub(super) fn main() {
        match role().as_deref() {
            None => play_all(),
            Some("interrupted") => interrupted(),
            Some("stuck") => stuck(),
            Some("suppressed") => suppressed(),
            Some("cancelled_too") => cancelled_too(),
            Some("listener") => listener(),
            Some("alone") => alone(),
            Some("over") => over(),
            Some("background") => background(),
            Some(other) => panic!("no such role: {other}"),
        }
    }

    /// Children inherit that Ctrl-C is ignored, and nothing makes them listen again.
    fn play_all() {
        let ignored = ctrl_c_is_ignored();
        if ignored {
            println!("Ctrl-C is ignored here, as by a job in the background:");
        }
        for (name, situation) in SITUATIONS {
            match ignored {
                true => println!("test {name} ... skipped"),
                false => play(name, *situation),
            }
        }
        play(
            "a_job_in_the_background_leaves_ctrl_c_to_others",
            a_job_in_the_background_leaves_ctrl_c_to_others,
        );
    }

    fn play(name: &str, situation: fn()) {
        situation();
        println!("test {name} ... ok");
    }

    const SITUATIONS: &[(&str, fn())] = &[
        (
            "the_first_ctrl_c_cancels_main_and_its_cleanup_runs",
            the_first_ctrl_c_cancels_main_and_its_cleanup_runs,
        ),
        (
            "the_second_ctrl_c_ends_a_process_whose_loop_is_stuck",
            the_second_ctrl_c_ends_a_process_whose_loop_is_stuck,
        ),
        ("main_may_go_on_after_ctrl_c", main_may_go_on_after_ctrl_c),
        (
            "main_cancelled_by_somebody_else_as_well_is_cancelled",
            main_cancelled_by_somebody_else_as_well_is_cancelled,
        ),
        (
            "who_listens_to_ctrl_c_has_it_and_main_is_left_alone",
            who_listens_to_ctrl_c_has_it_and_main_is_left_alone,
        ),
        ("a_runner_may_leave_ctrl_c_alone", a_runner_may_leave_ctrl_c_alone),
        ("after_run_ctrl_c_is_as_before", after_run_ctrl_c_is_as_before),
    ];

    fn the_first_ctrl_c_cancels_main_and_its_cleanup_runs() {
        let (said, code, signal) = Actor::play("interrupted", |actor| actor.kill(Raw::INT));
        assert!(said.contains("cleaned up\ninterrupted by Ctrl-C\n"), "{said}");
        assert_eq!((code, signal), (None, Some(2)));
    }

    fn interrupted() {
        let ended = wheelhouse::run(async {
            let main = async {
                println!("ready");
                forever().await;
            };
            let cancelled = catch_cancel(main).await.unwrap_err();
            sleep(ms(1)).await;
            println!("cleaned up");
            cancelled.resume().await
        });
        println!("{}", ended.as_ref().unwrap_err());
        assert!(matches!(ended, Err(RunError::Interrupted)));
        die_of(Signal::INT);
    }

    fn the_second_ctrl_c_ends_a_process_whose_loop_is_stuck() {
        let (said, code, signal) = Actor::play("stuck", |actor| {
            actor.kill(Raw::INT);
            actor.wait_for("stuck");
            actor.kill(Raw::INT);
        });
        assert_eq!((said.as_str(), code, signal), ("", None, Some(2)));
    }

    fn stuck() {
        wheelhouse::run(async {
            println!("ready");
            assert!(catch_cancel(forever()).await.is_err());
            println!("stuck");
            let _ = std::io::stdin().read_to_string(&mut String::new());
            thread::park();
        })
        .unwrap();
    }

    fn main_may_go_on_after_ctrl_c() {
        let (said, code, _) = Actor::play("suppressed", |actor| actor.kill(Raw::INT));
        assert!(said.contains("Ok(7)"), "{said}");
        assert_eq!(code, Some(0));
    }

    fn suppressed() {
        let ended = wheelhouse::run(async {
            println!("ready");
            assert!(catch_cancel(forever()).await.is_err());
            7
        });
        println!("{ended:?}");
    }

    fn main_cancelled_by_somebody_else_as_well_is_cancelled() {
        let (said, code, _) = Actor::play("cancelled_too", |actor| actor.kill(Raw::INT));
        assert!(said.contains("the main task was cancelled"), "{said}");
        assert_eq!(code, Some(0));
    }

    fn cancelled_too() {
        let ended = wheelhouse::run(async {
            println!("ready");
            let cancelled = catch_cancel(forever()).await.unwrap_err();
            current_task().unwrap().cancel();
            cancelled.resume().await
        });
        println!("{}", ended.unwrap_err());
    }

    fn who_listens_to_ctrl_c_has_it_and_main_is_left_alone() {
        let (said, code, _) = Actor::play("listener", |actor| {
            actor.kill(Raw::INT);
            actor.wait_for("heard");
            // The listener is gone: this one is for `run`.
            actor.kill(Raw::INT);
        });
        assert!(said.contains("interrupted by Ctrl-C"), "{said}");
        assert_eq!(code, Some(0));
    }

    fn listener() {
        let ended = wheelhouse::run(async {
            let come = ctrl_c();
            println!("ready");
            come.await.unwrap();
            yield_now().await;
            println!("heard");
            forever().await;
        });
        println!("{}", ended.unwrap_err());
    }

    fn ctrl_c_is_ignored() -> bool {
        let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells");
        let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).expect("a set");
        let ignored = u64::from_str_radix(ignored.trim(), 16).expect("a set of signals");
        ignored & 1 << (Raw::INT.as_raw() - 1) != 0
    }

    fn a_runner_may_leave_ctrl_c_alone() {
        let (said, code, signal) = Actor::play("alone", |actor| actor.kill(Raw::INT));
        assert_eq!((said.as_str(), code, signal), ("", None, Some(2)));
    }

    fn alone() {
        let mut runner = Runner::new().unwrap().without_ctrl_c();
        runner
            .run(async {
                println!("ready");
                forever().await;
            })
            .unwrap();
    }

    fn after_run_ctrl_c_is_as_before() {
        let (_, code, signal) = Actor::play("over", |actor| actor.kill(Raw::INT));
        assert_eq!((code, signal), (None, Some(2)));
    }

    fn over() {
        wheelhouse::run(async {}).unwrap();
        println!("ready");
        let _ = std::io::stdin().read_to_string(&mut String::new());
        thread::park();
    }

    fn a_job_in_the_background_leaves_ctrl_c_to_others() {
        let mut actor = Actor::start_ignoring_ctrl_c("background");
        actor.wait_for("ready");
        actor.kill(Raw::INT);
        actor.say("go on");
        let (said, code, _) = actor.end();
        assert!(said.contains("done"), "{said}");
        assert_eq!(code, Some(0));
    }

    fn background() {
        assert!(ctrl_c_is_ignored());
        wheelhouse::run(async {
            println!("ready");
            std::io::stdin().read_line(&mut String::new()).unwrap();
            // The turn in which a Ctrl-C that was heard would cancel this.
            sleep(ms(1)).await;
            println!("done");
        })
        .unwrap();
    }
}
