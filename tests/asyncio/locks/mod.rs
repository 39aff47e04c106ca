//! `test_locks.py`.

mod barrier;
mod condition;
mod event;
mod lock;
mod semaphore;
