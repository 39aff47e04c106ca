//! The fields of a cron schedule, as sets of numbers, and the times on the calendar that are in all of them.

use jiff::ToSpan;
use jiff::civil::{Date, DateTime, Time};

use super::cron::CronError;

/// What each field allows: a bit for each value.
#[derive(Clone, Copy, Debug)]
pub(super) struct CronFields {
    seconds: Field,
    minutes: Field,
    hours: Field,
    days: Field,
    months: Field,
    weekdays: Field,
}

#[derive(Clone, Copy, Debug)]
struct Field {
    values: u64,
    /// It begins with `*`.
    star: bool,
}

/// The rarest day that comes at all is a 29 February on a certain weekday: after 40 years at most.
const YEARS: i16 = 41;

impl CronFields {
    pub(super) fn parse(text: &str) -> Result<CronFields, CronError> {
        let fields: Vec<_> = text.split_whitespace().collect();
        let (second, rest) = match fields.len() {
            5 => ("0", &fields[..]),
            6 => (fields[0], &fields[1..]),
            count => return Err(CronError::FieldCount { count }),
        };
        let mut weekdays = WEEKDAY.parse(rest[4])?;
        weekdays.values |= weekdays.values >> 7; // 7 is Sunday as 0 is
        Ok(CronFields {
            seconds: SECOND.parse(second)?,
            minutes: MINUTE.parse(rest[0])?,
            hours: HOUR.parse(rest[1])?,
            days: DAY.parse(rest[2])?,
            months: MONTH.parse(rest[3])?,
            weekdays,
        })
    }

    /// Does it say how often, rather than when?
    pub(super) fn is_rhythm(&self) -> bool {
        self.minutes.star || self.hours.star
    }

    /// The first time on the calendar that is in all fields, `from` or later; `None` if there is none for 40 years.
    pub(super) fn next_from(&self, from: DateTime) -> Option<DateTime> {
        if self.has_day(from.date()) {
            if let Some(time) = self.next_time(from.time()) {
                return Some(from.date().to_datetime(time));
            }
        }
        let (hour, minute, second) =
            (self.hours.first(), self.minutes.first(), self.seconds.first());
        let first = Time::constant(hour, minute, second, 0);
        Some(self.next_day(from.date())?.to_datetime(first))
    }

    fn next_day(&self, after: Date) -> Option<Date> {
        let mut day = after.tomorrow().ok()?;
        while day.year() <= after.year() + YEARS {
            if !self.months.has(day.month()) {
                day = day.first_of_month().checked_add(1.month()).ok()?;
            } else if self.has_day(day) {
                return Some(day);
            } else {
                day = day.tomorrow().ok()?;
            }
        }
        None
    }

    fn has_day(&self, date: Date) -> bool {
        let of_month = self.days.has(date.day());
        let of_week = self.weekdays.has(date.weekday().to_sunday_zero_offset());
        let either = !self.days.star && !self.weekdays.star;
        self.months.has(date.month())
            && if either { of_month || of_week } else { of_month && of_week }
    }

    /// The first time of a day, `from` or later.
    fn next_time(&self, from: Time) -> Option<Time> {
        let (hour, minute, second) = (from.hour(), from.minute(), from.second());
        if self.hours.has(hour) {
            if self.minutes.has(minute) {
                if let Some(second) = self.seconds.next(second) {
                    return Some(Time::constant(hour, minute, second, 0));
                }
            }
            if let Some(minute) = self.minutes.next(minute + 1) {
                return Some(Time::constant(hour, minute, self.seconds.first(), 0));
            }
        }
        let hour = self.hours.next(hour + 1)?;
        Some(Time::constant(hour, self.minutes.first(), self.seconds.first(), 0))
    }
}

impl Field {
    fn has(self, value: i8) -> bool {
        self.values >> value & 1 == 1
    }

    fn first(self) -> i8 {
        self.next(0).expect("a field has a value")
    }

    /// The smallest of its values that is `from` or more.
    fn next(self, from: i8) -> Option<i8> {
        let rest = self.values >> from << from;
        (rest != 0).then_some(rest.trailing_zeros() as i8)
    }
}

/// What may be in a field.
struct Kind {
    name: &'static str,
    least: u8,
    most: u8,
    /// Of the values from `least` on.
    names: &'static [&'static str],
}

const SECOND: Kind = Kind { name: "second", least: 0, most: 59, names: &[] };
const MINUTE: Kind = Kind { name: "minute", least: 0, most: 59, names: &[] };
const HOUR: Kind = Kind { name: "hour", least: 0, most: 23, names: &[] };
const DAY: Kind = Kind { name: "day of the month", least: 1, most: 31, names: &[] };
const MONTH: Kind = Kind {
    name: "month",
    least: 1,
    most: 12,
    names: &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
};
const WEEKDAY: Kind = Kind {
    name: "day of the week",
    least: 0,
    most: 7,
    names: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
};

impl Kind {
    fn parse(&self, text: &str) -> Result<Field, CronError> {
        let values = text.split(',').try_fold(0, |bits, part| Ok(bits | self.part(part)?))?;
        Ok(Field { values, star: text.starts_with('*') })
    }

    fn part(&self, part: &str) -> Result<u64, CronError> {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(self.step(step, part)?)),
            None => (part, None),
        };
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => (self.least, self.most),
            Some((first, last)) => (self.value(first, part)?, self.end(last, part)?),
            None if step.is_some() => (self.value(range, part)?, self.most),
            None => (self.value(range, part)?, self.value(range, part)?),
        };
        if first > last {
            return Err(CronError::Backwards { field: self.name, part: part.into() });
        }
        let values = (first..=last).step_by(step.unwrap_or(1));
        Ok(values.fold(0, |bits, value| bits | 1 << value))
    }

    fn step(&self, step: &str, part: &str) -> Result<usize, CronError> {
        match self.number(step, part)? {
            0 => Err(CronError::StepOfZero { field: self.name }),
            step => Ok(usize::from(step)),
        }
    }

    /// The end of a range, where Sunday is the seventh day.
    fn end(&self, text: &str, part: &str) -> Result<u8, CronError> {
        match text.eq_ignore_ascii_case(WEEKDAY.names[0]) {
            true if self.most == WEEKDAY.most => Ok(self.most),
            _ => self.value(text, part),
        }
    }

    fn value(&self, text: &str, part: &str) -> Result<u8, CronError> {
        let named =
            self.names.iter().zip(self.least..).find(|(name, _)| name.eq_ignore_ascii_case(text));
        let value = match named {
            Some((_, value)) => value,
            None => self.number(text, part)?,
        };
        if value < self.least || value > self.most {
            let range = (self.least, self.most);
            return Err(CronError::OutOfRange { field: self.name, part: part.into(), range });
        }
        Ok(value)
    }

    fn number(&self, text: &str, part: &str) -> Result<u8, CronError> {
        let syntax = || CronError::Syntax { field: self.name, part: part.into() };
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(syntax());
        }
        let too_large = |_| CronError::OutOfRange {
            field: self.name,
            part: part.into(),
            range: (self.least, self.most),
        };
        text.parse().map_err(too_large)
    }
}
