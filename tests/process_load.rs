//! A thousand children, started, talked to and asked after, some at a time.
#![cfg(target_os = "linux")]

#[path = "common/zombies.rs"]
mod zombies;

use std::cell::Cell;
use std::rc::Rc;

use wheelhouse::process::{Command, Stdio};
use wheelhouse::{gather, spawn, sync::Semaphore};
use zombies::own_zombies;

const CHILDREN: usize = 1000;
const AT_ONCE: usize = 50;

#[test]
fn a_thousand_children_are_started_and_none_stays() {
    wheelhouse::run(async {
        let places = Rc::new(Semaphore::new(AT_ONCE));
        let most = Rc::new(Cell::new((0, 0)));
        let children = (0..CHILDREN).map(|n| {
            let (places, most) = (Rc::clone(&places), Rc::clone(&most));
            spawn(async move {
                let _place = places.acquire().await;
                let (now, peak) = most.get();
                most.set((now + 1, peak.max(now + 1)));
                one_child(n).await;
                most.set((most.get().0 - 1, most.get().1));
            })
        });
        for ended in gather(children.collect::<Vec<_>>()).await {
            ended.unwrap();
        }
        assert_eq!(most.get(), (0, AT_ONCE));
    })
    .unwrap();
    assert_eq!(own_zombies(), [0; 0]);
}

/// Most only end; some are talked to, some are killed, some are let go.
async fn one_child(n: usize) {
    let mut cat = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped());
    match n % 10 {
        0 => {
            let text = n.to_string();
            let output = cat.spawn().unwrap().communicate(text.clone()).await.unwrap();
            assert_eq!(output.stdout, text.as_bytes());
        }
        1 => {
            let mut child = cat.spawn().unwrap();
            child.kill().unwrap();
            assert!(!child.wait().await.unwrap().success());
        }
        2 => drop(cat.kill_on_drop(true).spawn().unwrap()),
        _ => assert!(Command::new("true").status().await.unwrap().success()),
    }
}
