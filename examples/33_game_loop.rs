//! Embedding: a game with a loop of its own, and the event loop as a guest in it.
//!
//! ```text
//! cargo run --example 33_game_loop
//! ```
//!
//! Shows: `run_once` runs what is ready and comes back at once. The host decides when that happens, and how
//! time passes: here each frame moves a virtual clock by 16 ms, so scripts run in step with the frames,
//! and a game that is paused pauses them as well. Tasks and host share plain data in an `Rc`.
//!
//! In asyncio: the private `loop._run_once()`, or a thread for the event loop.
//!
//! Prints: the frames in which something happens: a door that opens for 40 ms, a guard that is cancelled.
//!
//! Read next: `34_stuck_program.rs`.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use wheelhouse::{EventLoop, RunError, Task, catch_cancel, sleep};

const FRAME: Duration = Duration::from_millis(16);

/// What scripts change and the host draws.
#[derive(Default)]
struct World {
    log: RefCell<Vec<String>>,
}

impl World {
    fn note(&self, what: &str) {
        self.log.borrow_mut().push(what.to_owned());
    }
}

async fn door(world: Rc<World>) {
    world.note("the door opens");
    sleep(Duration::from_millis(40)).await;
    world.note("the door closes");
}

async fn guard(world: Rc<World>) {
    let walk = async {
        loop {
            world.note("the guard takes a step");
            sleep(Duration::from_millis(64)).await;
        }
    };
    let Err(cancelled) = catch_cancel(walk).await; // a walk has no other end
    world.note("the guard falls asleep");
    cancelled.resume().await;
}

struct Game {
    event_loop: EventLoop,
    world: Rc<World>,
}

impl Game {
    fn new() -> io::Result<Game> {
        let event_loop = EventLoop::builder().virtual_clock().build()?;
        Ok(Game { event_loop, world: Rc::default() })
    }

    /// One frame: the guest runs until it has nothing to do, then the host draws.
    fn frame(&mut self, number: u32) -> Result<(), RunError> {
        while !self.event_loop.run_once(Some(Duration::ZERO))?.idle {}
        for line in self.world.log.take() {
            println!("frame {number:>2}: {line}");
        }
        self.event_loop.advance(FRAME);
        Ok(())
    }
}

fn main() -> Result<(), RunError> {
    let mut game = Game::new()?;
    let guard: Task<()> = game.event_loop.spawn(guard(Rc::clone(&game.world)));
    for number in 0..12 {
        match number {
            2 => game.event_loop.spawn(door(Rc::clone(&game.world))).detach(),
            10 => assert!(guard.cancel(), "the guard still walks"),
            _ => {}
        }
        game.frame(number)?;
    }
    println!("tasks left: {}", game.event_loop.all_tasks().len());
    Ok(())
}
