//! Child processes: what they say and how they end, what a cancel keeps, and who asks after a child that was let go.
#![cfg(target_os = "linux")]

mod common;
#[path = "common/child.rs"]
mod own_child;
#[path = "common/zombies.rs"]
mod zombies;

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use common::{ms, run, turns, virtual_loop};
use own_child::{Actor, open_fds, role};
use wheelhouse::process::{Child, Command, Stdio};
use wheelhouse::signal::Signal;
use wheelhouse::{Census, EventLoop, catch_cancel, offload, spawn, timeout, yield_now};
use zombies::{is_zombie, wait_until_gone};

/// Reads its input to the end, and ends.
fn cat() -> Command {
    Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped())
}

/// Runs until it is killed, or this process goes.
fn lasting() -> Child {
    Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap()
}

#[test]
fn a_child_ends_with_a_status() {
    run(async {
        assert!(Command::new("true").status().await.unwrap().success());
        let mut failing = Command::shell("exit 7").spawn().unwrap();
        assert_eq!(failing.wait().await.unwrap().code(), Some(7));
        // As often as it is asked.
        assert_eq!(failing.wait().await.unwrap().code(), Some(7));
        assert_eq!(failing.try_wait().unwrap().unwrap().code(), Some(7));
        assert_eq!(failing.id(), None);
        failing.kill().unwrap();
    });
}

#[test]
fn a_program_that_is_not_there_is_an_error() {
    let missing = Command::new("/nowhere/to/be/found").spawn().unwrap_err();
    assert_eq!(missing.kind(), io::ErrorKind::NotFound);
}

#[test]
fn a_command_says_where_and_with_what_a_child_runs() {
    run(async {
        let mut command = Command::shell("pwd; echo $ONE$TWO; echo $3")
            .env("ONE", "1")
            .env("TWO", "2")
            .env_remove("TWO")
            .current_dir("/");
        let output = command.output().await.unwrap();
        assert_eq!(output.stdout, b"/\n1\n\n");
        let bare = Command::new("/usr/bin/env").env_clear().env("ONLY", "this").output().await;
        assert_eq!(bare.unwrap().stdout, b"ONLY=this\n");
    });
}

#[test]
fn a_command_can_be_started_again() {
    run(async {
        let mut echo = Command::new("echo").args(["a", "b"]);
        for _ in 0..2 {
            assert_eq!(echo.output().await.unwrap().stdout, b"a b\n");
        }
    });
}

#[test]
fn a_child_is_talked_to_over_its_pipes() {
    run(async {
        let mut child = cat().spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut heard = [0; 4];
        for said in [b"ping", b"pong"] {
            stdin.write_all(said).await.unwrap();
            stdout.read_exact(&mut heard).await.unwrap();
            assert_eq!(&heard, said);
        }
        drop(stdin);
        assert_eq!(stdout.read(&mut heard).await.unwrap(), 0);
        assert!(child.wait().await.unwrap().success());
    });
}

#[test]
fn communicate_moves_more_than_the_pipes_hold() {
    run(async {
        // Both outputs are filled before the input has been read: whoever reads one after the other hangs.
        let mut child = Command::shell("tee /dev/stderr")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let text: Vec<u8> = (0..1_000_000_u32).map(|n| n.to_le_bytes()[1]).collect();
        let output = child.communicate(text.clone()).await.unwrap();
        assert!(output.status.success());
        assert!(output.stdout == text && output.stderr == text);
    });
}

#[test]
fn communicate_with_a_child_that_does_not_listen_is_no_error() {
    run(async {
        let mut child = Command::new("true").stdin(Stdio::piped()).spawn().unwrap();
        let output = child.communicate(vec![0; 1_000_000]).await.unwrap();
        assert!(output.status.success());
    });
}

#[test]
fn a_cancelled_communicate_loses_nothing() {
    wheelhouse::run(async {
        let mut child = cat().spawn().unwrap();
        let text: Vec<u8> = (0..1_000_000_u32).map(|n| n.to_le_bytes()[1]).collect();
        let mut input = text.clone();
        let mut cuts = 0;
        // Cut off after each poll: some of it is on its way in, some out, at each.
        let output = loop {
            let talk = child.communicate(std::mem::take(&mut input));
            match timeout(Duration::ZERO, talk).await {
                Ok(output) => break output.unwrap(),
                Err(_) => cuts += 1,
            }
        };
        assert!(cuts > 1);
        assert!(output.stdout == text);
    })
    .unwrap();
}

#[test]
fn a_wait_is_given_up_and_taken_up_again() {
    run(async {
        let mut child = cat().spawn().unwrap();
        let stdin = child.stdin.take();
        let waiter = spawn(async move {
            let cut = catch_cancel(child.wait()).await.is_err();
            drop(stdin);
            (cut, child.wait().await.unwrap().success())
        });
        turns(2).await;
        waiter.cancel();
        assert_eq!(waiter.await.unwrap(), (true, true));
    });
}

#[test]
fn a_child_is_killed_and_sent_signals() {
    run(async {
        let mut killed = lasting();
        killed.kill().unwrap();
        assert_eq!(killed.wait().await.unwrap().signal(), Some(9));
        let mut ended = lasting();
        ended.send_signal(Signal::TERM).unwrap();
        assert_eq!(ended.wait().await.unwrap().signal(), Some(15));
        ended.send_signal(Signal::TERM).unwrap();
        let mut lasting = lasting();
        let unknown = lasting.send_signal(Signal::from_raw(4711)).unwrap_err();
        assert_eq!(unknown.kind(), io::ErrorKind::InvalidInput);
        lasting.kill().unwrap();
        lasting.wait().await.unwrap();
    });
}

#[test]
fn a_group_of_its_own_is_the_childs() {
    run(async {
        let mut child = Command::new("cat").stdin(Stdio::piped()).process_group(0).spawn().unwrap();
        let pid = child.id().unwrap();
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        let after_name = stat.rsplit(") ").next().unwrap();
        assert_eq!(after_name.split(' ').nth(2).unwrap(), pid.to_string());
        drop(child.stdin.take());
        child.wait().await.unwrap();
    });
}

#[test]
fn a_timeout_leaves_the_child_to_its_owner() {
    run(async {
        let mut child = cat().spawn().unwrap();
        let stdin = child.stdin.take();
        assert!(timeout(ms(10), child.communicate("")).await.is_err());
        assert_eq!(child.try_wait().unwrap(), None);
        drop(stdin);
        assert!(child.communicate("").await.unwrap().status.success());
    });
}

#[test]
fn a_child_that_was_let_go_is_asked_after_by_the_loop() {
    run(async {
        let mut child = lasting();
        let (pid, stdin) = (child.id().unwrap(), child.stdin.take());
        drop(child);
        assert!(!is_zombie(pid));
        drop(stdin);
        let gone = offload(move || wait_until_gone(pid));
        // The loop's own doing: nobody else waits for the child.
        gone.await.unwrap();
        yield_now().await;
    });
}

#[test]
fn a_child_that_is_killed_on_drop_is_gone_soon() {
    run(async {
        let mut command = Command::new("cat").stdin(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let (pid, stdin) = (child.id().unwrap(), child.stdin.take());
        drop(child);
        offload(move || wait_until_gone(pid)).await.unwrap();
        drop(stdin);
        yield_now().await;
    });
}

#[test]
fn a_child_that_had_ended_unasked_is_asked_at_its_drop() {
    let mut child = Command::new("true").spawn().unwrap();
    let pid = child.id().unwrap();
    while !is_zombie(pid) {
        std::thread::yield_now();
    }
    assert!(child.stdin.take().is_none());
    drop(child);
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
}

#[test]
fn a_child_dropped_where_no_loop_runs_leaves_no_zombie() {
    let mut child = lasting();
    let (pid, stdin) = (child.id().unwrap(), child.stdin.take());
    drop(child);
    drop(stdin);
    wait_until_gone(pid);
}

#[test]
fn children_in_flight_when_their_loop_is_dropped_leave_no_zombies() {
    let mut event_loop = virtual_loop();
    let (pids, stdins) = event_loop
        .run_until_complete(async {
            let mut children: Vec<_> = (0..10).map(|_| lasting()).collect();
            let pids: Vec<_> = children.iter().map(|child| child.id().unwrap()).collect();
            let stdins: Vec<_> = children.iter_mut().map(|child| child.stdin.take()).collect();
            // Waited for by tasks, held by tasks, and let go before.
            for mut child in children.drain(..4) {
                spawn(async move { child.wait().await }).detach();
            }
            for child in children.drain(..3) {
                spawn(async move {
                    common::forever().await;
                    drop(child);
                })
                .detach();
            }
            drop(children);
            turns(3).await;
            (pids, stdins)
        })
        .unwrap();
    assert!(event_loop.census().sources >= 3);
    drop(event_loop);
    assert!(pids.iter().all(|pid| !is_zombie(*pid)));
    // In another order than that of their start.
    for stdin in stdins.into_iter().rev() {
        drop(stdin);
    }
    pids.into_iter().for_each(wait_until_gone);
}

#[test]
fn a_child_moves_to_another_thread() {
    let mut child = lasting();
    std::thread::spawn(move || {
        run(async move {
            drop(child.stdin.take());
            assert!(child.wait().await.unwrap().success());
        });
    })
    .join()
    .unwrap();
}

#[test]
fn children_of_the_standard_library_are_left_alone() {
    wheelhouse::run(async {
        let mut theirs = std::process::Command::new("true").spawn().unwrap();
        while !is_zombie(theirs.id()) {
            std::thread::yield_now();
        }
        drop(Command::new("true").spawn().unwrap());
        assert!(Command::new("true").status().await.unwrap().success());
        assert!(is_zombie(theirs.id()));
        assert!(theirs.wait().unwrap().success());
    })
    .unwrap();
}

#[test]
fn a_group_of_tasks_has_its_children_killed_with_it() {
    let mut event_loop = EventLoop::new().unwrap();
    event_loop
        .run_until_complete(async {
            let group = wheelhouse::try_task_group(async |group| {
                let mut command = cat().kill_on_drop(true);
                let mut child = command.spawn().unwrap();
                let pid = child.id().unwrap();
                group
                    .spawn(async move {
                        let _stdin = child.stdin.take();
                        child.wait().await.map(drop)
                    })
                    .unwrap()
                    .detach();
                yield_now().await;
                let fails = group.try_spawn(async move { Err::<(), _>(pid.to_string()) });
                fails.unwrap().detach();
                common::forever().await;
                Ok::<_, std::convert::Infallible>(())
            });
            let failed = group.await.unwrap_err();
            let pid: u32 = failed.to_string().rsplit(' ').next().unwrap().parse().unwrap();
            offload(move || wait_until_gone(pid)).await.unwrap();
        })
        .unwrap();
}

#[test]
fn all_descriptors_are_closed_with_the_loop_that_had_children_jobs_and_signals() {
    let (said, code, _) = Actor::play("fds", |_| ());
    assert_eq!(code, Some(0), "{said}");
}

fn fds() {
    println!("ready");
    wheelhouse::run(yield_now()).unwrap();
    let before = open_fds();
    let mut event_loop = EventLoop::new().unwrap();
    let (let_go, held) = std::sync::mpsc::channel::<()>();
    let pids = event_loop
        .run_until_complete(async move {
            spawn(offload(move || held.recv())).detach();
            spawn(wheelhouse::signal::once(Signal::USR1)).detach();
            let mut pids = Vec::new();
            for _ in 0..5 {
                let mut child = cat().kill_on_drop(true).spawn().unwrap();
                pids.push(child.id().unwrap());
                spawn(async move { child.communicate("text").await }).detach();
                let mut quiet = cat().kill_on_drop(true).spawn().unwrap();
                pids.push(quiet.id().unwrap());
                spawn(async move { quiet.wait().await }).detach();
            }
            turns(3).await;
            pids
        })
        .unwrap();
    assert!(open_fds() >= before + 20);
    drop(event_loop);
    pids.into_iter().for_each(wait_until_gone);
    // The thread that waited for the children has closed what it watched them with.
    while open_fds() > before {
        std::thread::yield_now();
    }
    assert_eq!(open_fds(), before);
    drop(let_go);
}

#[test]
fn nothing_is_left_in_the_loop_of_children_that_were_waited_for() {
    let mut event_loop = virtual_loop();
    event_loop
        .run_until_complete(async {
            for _ in 0..3 {
                cat().spawn().unwrap().communicate("text").await.unwrap();
            }
        })
        .unwrap();
    assert_eq!(event_loop.census(), Census::default());
}

/// Not a test: what the child of a test above does.
#[test]
fn child() {
    if role().as_deref() == Some("fds") {
        fds();
    }
}
