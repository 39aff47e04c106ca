//! Columns beside the slab of tasks: what only few of them have, by the task's index.

/// As long as the highest index that was ever set: what no task has takes no memory.
pub(crate) struct Column<T>(Vec<T>);

impl<T: Clone + Default> Column<T> {
    pub(crate) const fn new() -> Column<T> {
        Column(Vec::new())
    }

    /// A task's entry, the default one if none was set.
    pub(crate) fn get(&self, task: u32) -> T {
        self.0.get(task as usize).cloned().unwrap_or_default()
    }

    #[cold]
    pub(crate) fn set(&mut self, task: u32, entry: T) {
        let place = task as usize;
        while self.0.len() <= place {
            self.0.push(T::default());
        }
        self.0[place] = entry;
    }

    #[cold]
    pub(crate) fn clear(&mut self, task: u32) {
        if let Some(entry) = self.0.get_mut(task as usize) {
            *entry = T::default();
        }
    }
}
