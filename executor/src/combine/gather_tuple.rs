//! `gather` for tasks of different types, in a tuple.

use std::future::Future;

use super::Joinable;
use super::gather::{Gather, TryGather};
use crate::error::JoinError;
use crate::handle::TaskHandle;

/// As [`gather`](crate::gather), for a tuple of tasks of different types.
///
/// ```
/// use wheelhouse::{gather_tuple, run, spawn};
///
/// run(async {
///     let (number, text) = gather_tuple((spawn(async { 1 }), spawn(async { "one" }))).await;
///     assert_eq!((number.unwrap(), text.unwrap()), (1, "one"));
/// })
/// .unwrap();
/// ```
///
/// # Cancel safety
///
/// Not cancel safe: the values of tasks that were handed over by value are lost with it. Keep the tasks,
/// and gather handles or references, where that matters.
pub fn gather_tuple<S: GatherTuple>(tasks: S) -> impl Future<Output = S::Results> {
    let all = Gather::new(tasks.handles(), false);
    async move {
        all.await;
        tasks.into_results()
    }
}

/// As [`try_gather`](crate::try_gather), for a tuple of tasks of different types.
///
/// # Errors
///
/// The first failure or cancel; the other tasks then run on.
///
/// # Cancel safety
///
/// Not cancel safe: the values of tasks that were handed over by value are lost with it. Keep the tasks,
/// and gather handles or references, where that matters.
pub fn try_gather_tuple<S: GatherTuple>(
    tasks: S,
) -> impl Future<Output = Result<S::Values, JoinError>> {
    let all = TryGather::new(tasks.handles());
    async move {
        all.await?;
        tasks.into_values()
    }
}

/// Tuples of up to eight tasks of different types.
pub trait GatherTuple {
    /// How each ended.
    type Results;
    /// The value of each.
    type Values;
    /// The tasks.
    fn handles(&self) -> Vec<TaskHandle>;
    /// How each ended. Called once all have.
    fn into_results(self) -> Self::Results;
    /// The value of each, or the first error. Called once all have ended.
    ///
    /// # Errors
    ///
    /// How the first task without a value ended.
    fn into_values(self) -> Result<Self::Values, JoinError>;
}

/// Implements [`GatherTuple`] for one length of tuple.
macro_rules! gather_tuple {
    ($($name:ident $index:tt),+) => {
        impl<$($name: Joinable),+> GatherTuple for ($($name,)+) {
            type Results = ($(Result<$name::Value, JoinError>,)+);
            type Values = ($($name::Value,)+);

            fn handles(&self) -> Vec<TaskHandle> {
                vec![$(self.$index.task().clone()),+]
            }

            fn into_results(self) -> Self::Results {
                ($(self.$index.into_result(),)+)
            }

            fn into_values(self) -> Result<Self::Values, JoinError> {
                Ok(($(self.$index.into_result()?,)+))
            }
        }
    };
}

gather_tuple!(A 0);
gather_tuple!(A 0, B 1);
gather_tuple!(A 0, B 1, C 2);
gather_tuple!(A 0, B 1, C 2, D 3);
gather_tuple!(A 0, B 1, C 2, D 3, E 4);
gather_tuple!(A 0, B 1, C 2, D 3, E 4, F 5);
gather_tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
gather_tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
