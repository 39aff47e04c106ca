//! `Cron`: times as crontab(5) writes them, in a time zone.
//!
//! A schedule is looked for on the civil calendar (`cron_fields.rs`); what follows here is what the clocks of a
//! zone make of it, when they are put forward or back.

use std::error::Error;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::SystemTime;

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::cron_fields::CronFields;
use super::trigger::Trigger;

/// Times as crontab(5) writes them: minute, hour, day of the month, month, day of the week; with six fields the
/// first is the second.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use wheelhouse::schedule::{Cron, Trigger};
///
/// let cron: Cron = "30 9 * * MON-FRI".parse().unwrap(); // half past nine on working days
/// let berlin = cron.in_zone("Europe/Berlin").unwrap();
/// let half_past_eight = Duration::from_secs((8 * 60 + 30) * 60); // in UTC
/// let friday = SystemTime::UNIX_EPOCH + Duration::from_secs(24 * 3600); // 2 January 1970
/// assert_eq!(berlin.next_after(friday), Some(friday + half_past_eight));
///
/// assert!("0 0 30 2 *".parse::<Cron>().is_err()); // no February has 30 days
/// ```
///
/// # Fields
///
/// A field is a list of parts, separated by commas. A part is `*`, a value, a range `5-10`, or one of these with a
/// step: `*/15`, `5-40/10`, and `5/10` for "from 5 on". Months and days of the week have names of three letters
/// (`JAN`, `sun`); 0 and 7 are both Sunday, and at the end of a range `SUN` is 7.
///
/// If neither the field of the days of the month nor that of the days of the week begins with `*`, a day that is
/// in either will do; else it must be in both. That is Vixie cron's rule.
///
/// # When clocks are put forward or back
///
/// Vixie cron's rules, too. They depend on whether the field of the minutes or that of the hours begins with `*`:
///
/// * If one does, the schedule is a rhythm, and kept on the clock as it goes: times that are left out do not come,
///   times that come twice count twice.
/// * If none does, it is an appointment, and is kept once: a time that comes twice counts when it first comes,
///   and one that is left out counts as soon as the clocks have been put forward (once, however many are left
///   out).
#[derive(Clone)]
pub struct Cron {
    text: Arc<str>,
    fields: CronFields,
    zone: TimeZone,
}

impl Cron {
    /// The same fields on the clocks of an IANA time zone, such as `Europe/Berlin`. Without this they are UTC.
    ///
    /// # Errors
    ///
    /// If the system's time zone database does not know the zone.
    pub fn in_zone(mut self, name: &str) -> Result<Cron, CronError> {
        self.zone = TimeZone::get(name).map_err(|_| CronError::UnknownZone(name.into()))?;
        Ok(self)
    }

    /// The same fields on the clocks of the zone that the system is set to; UTC if that cannot be told.
    #[must_use = "this gives another schedule"]
    pub fn in_system_zone(mut self) -> Cron {
        self.zone = TimeZone::system();
        self
    }

    /// On the clock as it goes: from one change of the clocks to the next, as long as they do not change.
    fn next_of_rhythm(&self, after: Timestamp) -> Option<Timestamp> {
        let mut from = second_after(after)?;
        loop {
            let offset = self.zone.to_offset(from);
            let change = self.zone.following(from).next().map(|change| change.timestamp());
            let next = self.fields.next_from(offset.to_datetime(from))?;
            let next = offset.to_timestamp(next).ok()?;
            match change {
                Some(change) if next >= change => from = change,
                _ => return Some(next),
            }
        }
    }

    /// Once for each time on the calendar, whether it comes once, twice or not at all.
    fn next_of_appointment(&self, after: Timestamp) -> Option<Timestamp> {
        let mut from = self.zone.to_datetime(second_after(after)?);
        loop {
            let next = self.fields.next_from(from)?;
            let when = self.appointment(next)?;
            if when > after {
                return Some(when);
            }
            from = next.checked_add(SignedDuration::from_secs(1)).ok()?;
        }
    }

    fn appointment(&self, civil: DateTime) -> Option<Timestamp> {
        match self.zone.to_ambiguous_timestamp(civil).offset() {
            AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(civil).ok(),
            AmbiguousOffset::Fold { before, .. } => before.to_timestamp(civil).ok(),
            AmbiguousOffset::Gap { after, .. } => {
                // By the clock as it goes afterwards, that time lies before the change.
                let before_change = after.to_timestamp(civil).ok()?;
                self.zone.following(before_change).next().map(|change| change.timestamp())
            }
        }
    }
}

/// The first whole second after a time.
fn second_after(time: Timestamp) -> Option<Timestamp> {
    let second = time.as_nanosecond().div_euclid(1_000_000_000) + 1;
    Timestamp::from_second(i64::try_from(second).ok()?).ok()
}

impl Trigger for Cron {
    fn next_after(&self, after: SystemTime) -> Option<SystemTime> {
        let after = Timestamp::try_from(after).ok()?;
        let next = match self.fields.is_rhythm() {
            true => self.next_of_rhythm(after),
            false => self.next_of_appointment(after),
        };
        SystemTime::try_from(next?).ok()
    }
}

impl FromStr for Cron {
    type Err = CronError;

    fn from_str(text: &str) -> Result<Cron, CronError> {
        let fields = CronFields::parse(text)?;
        let some_day = DateTime::constant(2000, 1, 1, 0, 0, 0, 0);
        fields.next_from(some_day).ok_or_else(|| CronError::NeverFires(text.into()))?;
        Ok(Cron { text: text.into(), fields, zone: TimeZone::UTC })
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let zone = self.zone.iana_name().unwrap_or("of the system");
        f.debug_struct("Cron").field("fields", &self.text).field("zone", &zone).finish()
    }
}

/// Why a text is no schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CronError {
    /// It has not five fields, and not six.
    FieldCount {
        /// How many it has.
        count: usize,
    },
    /// A part of a field cannot be read.
    Syntax {
        /// Which field it is.
        field: &'static str,
        /// The part.
        part: String,
    },
    /// A value is not one of its field's.
    OutOfRange {
        /// Which field it is.
        field: &'static str,
        /// The part in which the value is.
        part: String,
        /// The smallest and the largest value.
        range: (u8, u8),
    },
    /// A range ends before it begins.
    Backwards {
        /// Which field it is.
        field: &'static str,
        /// The range.
        part: String,
    },
    /// A step of zero.
    StepOfZero {
        /// Which field it is.
        field: &'static str,
    },
    /// No year has such a day.
    NeverFires(String),
    /// The time zone database does not know this zone.
    UnknownZone(String),
}

impl fmt::Display for CronError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CronError::FieldCount { count } => write!(
                f,
                "a schedule has 5 fields (minute, hour, day, month, weekday), or 6 with the second in front, not {count}"
            ),
            CronError::Syntax { field, part } => {
                write!(
                    f,
                    "`{part}` is no {field}: write `*`, `5`, `5-10`, `*/15` or a list of these"
                )
            }
            CronError::OutOfRange { field, part, range: (least, most) } => {
                write!(f, "`{part}` is no {field}: these go from {least} to {most}")
            }
            CronError::Backwards { field, part } => {
                write!(
                    f,
                    "the range `{part}` of the field {field} ends before it begins: write it as two"
                )
            }
            CronError::StepOfZero { field } => write!(f, "the field {field} has a step of zero"),
            CronError::NeverFires(text) => {
                write!(f, "`{text}` would never come: no year has such a day")
            }
            CronError::UnknownZone(name) => {
                write!(
                    f,
                    "the time zone `{name}` is not known here: write it as in `Europe/Berlin`"
                )
            }
        }
    }
}

impl Error for CronError {}
