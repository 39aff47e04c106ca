//! `LocalSpawn` and `Spawn` of `futures`.

use std::cell::Cell;
use std::rc::Rc;

use futures::task::{LocalSpawn, LocalSpawnExt, Spawn, SpawnExt};
use wheelhouse::{CurrentLoop, Runner, sleep};

use crate::common::{ms, run, virtual_loop};

#[test]
fn code_that_asks_for_a_local_spawner_gets_the_running_loop() {
    let doubled = run(async {
        let slow = async {
            sleep(ms(5)).await;
            21
        };
        2 * CurrentLoop.spawn_local_with_handle(slow).unwrap().await
    });
    assert_eq!(doubled, 42);
}

#[test]
fn without_a_running_loop_a_spawn_is_an_error() {
    assert!(CurrentLoop.status_local().unwrap_err().is_shutdown());
    assert!(CurrentLoop.spawn_local(async {}).unwrap_err().is_shutdown());
    assert!(CurrentLoop.spawn(async {}).unwrap_err().is_shutdown());
}

#[test]
fn a_spawn_from_a_destructor_while_the_loop_is_dropped_is_an_error() {
    struct SpawnsOnDrop(Rc<Cell<Option<bool>>>);
    impl Drop for SpawnsOnDrop {
        fn drop(&mut self) {
            self.0.set(Some(CurrentLoop.spawn_local(async {}).is_ok()));
        }
    }
    let accepted = Rc::new(Cell::new(None));
    let event_loop = virtual_loop();
    let held = SpawnsOnDrop(Rc::clone(&accepted));
    drop(event_loop.call_soon(move || drop(held)));
    drop(event_loop);
    assert_eq!(accepted.get(), Some(false));
}

#[test]
fn a_loop_that_does_not_run_yet_takes_a_task() {
    let mut event_loop = virtual_loop();
    let ran = Rc::new(Cell::new(false));
    let note = Rc::clone(&ran);
    event_loop.spawn_local(async move { note.set(true) }).unwrap();
    assert!(!ran.get());
    event_loop.run_until_complete(sleep(ms(1))).unwrap();
    assert!(ran.get());
}

#[test]
fn another_thread_spawns_through_a_loop_handle_until_the_loop_is_gone() {
    let mut runner = Runner::new().unwrap();
    let handle = runner.event_loop().handle();
    let spawner = handle.clone();
    let sum = std::thread::spawn(move || spawner.spawn_with_handle(async { 40 + 2 }).unwrap());
    let sum = sum.join().unwrap();
    assert_eq!(runner.run(sum).unwrap(), 42);
    assert!(handle.status().is_ok());
    drop(runner);
    assert!(handle.status().unwrap_err().is_shutdown());
    assert!(handle.spawn(async {}).unwrap_err().is_shutdown());
}
