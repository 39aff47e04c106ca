//! Who is in the system's table of processes.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]

/// The state of a process and its parent, as `/proc` has them.
fn state_and_parent(pid: u32) -> Option<(char, u32)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold anything.
    let mut fields = stat.rsplit(") ").next()?.split(' ');
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

/// Has the process ended without anybody asking how?
pub fn is_zombie(pid: u32) -> bool {
    state_and_parent(pid).is_some_and(|(state, _)| state == 'Z')
}

/// The children of this process that have ended without anybody asking how.
pub fn own_zombies() -> Vec<u32> {
    let all = std::fs::read_dir("/proc").expect("Linux").filter_map(Result::ok);
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| state_and_parent(*pid) == Some(('Z', std::process::id()))).collect()
}

/// Until the process has left the table.
pub fn wait_until_gone(pid: u32) {
    while state_and_parent(pid).is_some() {
        std::thread::yield_now();
    }
}
