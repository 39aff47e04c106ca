//! Schedules of cron: by hand, and beside the crate `croner`, also while clocks are put forward and back.

mod common;

use std::time::{Duration, SystemTime};

use common::{Trace, run};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};
use proptest::prelude::*;
use wheelhouse::schedule::{Cron, CronError, Job, ScheduleError, Scheduler, Trigger};
use wheelhouse::sleep;

const ZONES: [&str; 4] = ["UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe"];

/// The next `count` times after `after`, on the clocks of `zone`.
fn times(cron: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
    let cron: Cron = cron.parse::<Cron>().unwrap().in_zone(zone).unwrap();
    let zone = TimeZone::get(zone).unwrap();
    let after = after.parse::<jiff::civil::DateTime>().unwrap().to_zoned(zone.clone()).unwrap();
    let mut time = SystemTime::from(after);
    let next = |_| {
        time = cron.next_after(time).unwrap();
        let zoned = Timestamp::try_from(time).unwrap().to_zoned(zone.clone());
        zoned.strftime("%a %d %b %Y %H:%M:%S %:z").to_string()
    };
    (0..count).map(next).collect()
}

/// As [`times`], without the date and the offset.
fn clock(cron: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
    times(cron, zone, after, count).iter().map(|time| time[16..24].to_owned()).collect()
}

/// The days of the next times from 2026 on, in UTC.
fn days_of(cron: &str, count: usize) -> Vec<String> {
    let times = times(cron, "UTC", "2026-01-01T00:00:00", count);
    times.iter().map(|time| time[..10].to_owned()).collect()
}

#[test]
fn lists_ranges_steps_and_names_are_read() {
    let cases = [
        ("*/20 * * * *", ["00:20:00", "00:40:00", "01:00:00"]),
        ("5,10,7 * * * *", ["00:05:00", "00:07:00", "00:10:00"]),
        ("58-59,3-4 0 * * *", ["00:03:00", "00:04:00", "00:58:00"]),
        ("10-40/15 * * * *", ["00:10:00", "00:25:00", "00:40:00"]),
        ("50/4 * * * *", ["00:50:00", "00:54:00", "00:58:00"]),
        ("0 9-17/4 * * *", ["09:00:00", "13:00:00", "17:00:00"]),
        ("*/30 * * * * *", ["00:00:30", "00:01:00", "00:01:30"]),
        ("15 59 23 * * *", ["23:59:15", "23:59:15", "23:59:15"]),
    ];
    for (cron, expected) in cases {
        assert_eq!(clock(cron, "UTC", "2026-01-01T00:00:00", 3), expected, "{cron}");
    }
}

#[test]
fn days_and_months_are_found_by_number_and_by_name() {
    let day = |cron: &str| days_of(cron, 2);
    assert_eq!(day("0 0 * * mon"), ["Mon 05 Jan", "Mon 12 Jan"]);
    assert_eq!(day("0 0 * * 0"), ["Sun 04 Jan", "Sun 11 Jan"]);
    assert_eq!(day("0 0 * * 7"), ["Sun 04 Jan", "Sun 11 Jan"]);
    assert_eq!(day("0 0 * * SAT-SUN"), ["Sat 03 Jan", "Sun 04 Jan"]);
    assert_eq!(day("0 0 * * SUN-MON"), ["Sun 04 Jan", "Mon 05 Jan"]);
    assert_eq!(day("0 0 * * 5-7"), ["Fri 02 Jan", "Sat 03 Jan"]);
    assert_eq!(day("0 0 31 * *"), ["Sat 31 Jan", "Tue 31 Mar"]);
    assert_eq!(day("0 0 1 FEB,4 *"), ["Sun 01 Feb", "Wed 01 Apr"]);
    assert_eq!(day("0 0 29 2 *"), ["Tue 29 Feb", "Sun 29 Feb"]); // 2028 and 2032
}

#[test]
fn a_day_of_the_month_or_of_the_week_will_do_unless_one_begins_with_a_star() {
    let day = |cron: &str| days_of(cron, 3);
    assert_eq!(day("0 0 13 * FRI"), ["Fri 02 Jan", "Fri 09 Jan", "Tue 13 Jan"]);
    assert_eq!(day("0 0 */2 * FRI"), ["Fri 09 Jan", "Fri 23 Jan", "Fri 13 Feb"]);
    assert_eq!(day("0 0 13 * */5"), ["Fri 13 Feb", "Fri 13 Mar", "Sun 13 Sep"]);
}

#[test]
fn a_schedule_that_never_comes_is_an_error_at_once() {
    for text in ["0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 31 2 *", "* * * 30 FEB *"] {
        let error = text.parse::<Cron>().unwrap_err();
        assert_eq!(error.to_string(), format!("`{text}` would never come: no year has such a day"));
    }
    // Rare, but they come: Sundays that are a 29 February (2100 has none).
    assert_eq!(
        times("0 0 29 2 */7", "UTC", "2070-01-01T00:00:00", 3)
            .iter()
            .map(|time| &time[..15])
            .collect::<Vec<_>>(),
        ["Sun 29 Feb 2088", "Sun 29 Feb 2128", "Sun 29 Feb 2156"]
    );
}

#[test]
fn what_cannot_be_read_is_told_with_the_field_and_the_part() {
    let error = |text: &str| text.parse::<Cron>().unwrap_err().to_string();
    assert_eq!(
        error("* * *"),
        "a schedule has 5 fields (minute, hour, day, month, weekday), or 6 with the second in front, not 3"
    );
    assert_eq!(error("60 * * * *"), "`60` is no minute: these go from 0 to 59");
    assert_eq!(error("0 0 0 * *"), "`0` is no day of the month: these go from 1 to 31");
    assert_eq!(error("0 0 * 13 *"), "`13` is no month: these go from 1 to 12");
    assert_eq!(error("0 0 * * 8"), "`8` is no day of the week: these go from 0 to 7");
    assert_eq!(error("0 24 * * *"), "`24` is no hour: these go from 0 to 23");
    assert_eq!(error("99999 * * * * *"), "`99999` is no second: these go from 0 to 59");
    assert_eq!(
        error("20-10 * * * *"),
        "the range `20-10` of the field minute ends before it begins: write it as two"
    );
    assert_eq!(error("*/0 * * * *"), "the field minute has a step of zero");
    for text in ["x * * * *", "1, * * * *", "-5 * * * *", "*/ * * * *", "+5 * * * *", "MON * * * *"]
    {
        assert!(
            matches!(text.parse::<Cron>(), Err(CronError::Syntax { field: "minute", .. })),
            "{text}"
        );
    }
    let nowhere = "* * * * *".parse::<Cron>().unwrap().in_zone("Europe/Nowhere").unwrap_err();
    assert_eq!(nowhere, CronError::UnknownZone("Europe/Nowhere".into()));
}

// New York: forward on 8 March 2026 at 2, back on 1 November at 2.
#[test]
fn an_appointment_that_is_left_out_is_kept_once_the_clocks_are_forward() {
    let spring = "2026-03-07T12:00:00";
    assert_eq!(
        times("30 2 * * *", "America/New_York", spring, 2),
        ["Sun 08 Mar 2026 03:00:00 -04:00", "Mon 09 Mar 2026 02:30:00 -04:00"]
    );
    // Once, however many are left out.
    assert_eq!(
        times("0,15,30,45 2 * * *", "America/New_York", spring, 2),
        ["Sun 08 Mar 2026 03:00:00 -04:00", "Mon 09 Mar 2026 02:00:00 -04:00"]
    );
}

#[test]
fn an_appointment_that_comes_twice_is_kept_when_it_first_comes() {
    assert_eq!(
        times("30 1 * * *", "America/New_York", "2026-10-31T12:00:00", 2),
        ["Sun 01 Nov 2026 01:30:00 -04:00", "Mon 02 Nov 2026 01:30:00 -05:00"]
    );
}

#[test]
fn an_appointment_is_not_kept_again_when_its_hour_comes_again() {
    let cron = "45 1 * * *".parse::<Cron>().unwrap().in_zone("America/New_York").unwrap();
    let again: Timestamp = "2026-11-01T01:30:00-05:00".parse().unwrap(); // 1:45 -04:00 has been
    let next = Timestamp::try_from(cron.next_after(again.into()).unwrap()).unwrap();
    assert_eq!(next, "2026-11-02T01:45:00-05:00".parse().unwrap());
}

#[test]
fn a_rhythm_is_kept_on_the_clock_as_it_goes() {
    assert_eq!(
        times("30 * * * *", "America/New_York", "2026-03-08T01:00:00", 2),
        ["Sun 08 Mar 2026 01:30:00 -05:00", "Sun 08 Mar 2026 03:30:00 -04:00"]
    );
    assert_eq!(
        times("30 * * * *", "America/New_York", "2026-11-01T01:00:00", 3),
        [
            "Sun 01 Nov 2026 01:30:00 -04:00",
            "Sun 01 Nov 2026 01:30:00 -05:00",
            "Sun 01 Nov 2026 02:30:00 -05:00",
        ]
    );
    assert_eq!(
        times("*/30 2 * * *", "America/New_York", "2026-03-08T00:00:00", 1),
        ["Mon 09 Mar 2026 02:00:00 -04:00"]
    );
}

#[test]
fn half_an_hour_is_enough_to_matter() {
    // Lord Howe: forward on 4 October 2026 at 2 by half an hour, back on 5 April at 2.
    let zone = "Australia/Lord_Howe";
    assert_eq!(
        times("15 2 * * *", zone, "2026-10-03T12:00:00", 1),
        ["Sun 04 Oct 2026 02:30:00 +11:00"]
    );
    assert_eq!(
        times("45 * * * *", zone, "2026-04-05T01:00:00", 3),
        [
            "Sun 05 Apr 2026 01:45:00 +11:00",
            "Sun 05 Apr 2026 01:45:00 +10:30",
            "Sun 05 Apr 2026 02:45:00 +10:30",
        ]
    );
}

#[test]
fn a_job_can_follow_cron() {
    let trace = Trace::default();
    let t = trace.clone();
    run(async move {
        let scheduler = Scheduler::with_origin(SystemTime::UNIX_EPOCH);
        scheduler.add_listener(move |event| t.at(&event.job));
        let cron = |text: &str| text.parse::<Cron>().unwrap();
        scheduler.add(Job::new(cron("*/30 * * * * *"), || async {}).id("half")).unwrap();
        scheduler.add(Job::new(cron("1 * * * *"), || async {}).id("first")).unwrap();
        scheduler.start().unwrap();
        sleep(Duration::from_secs(61)).await;
        scheduler.reschedule("half", cron("5 * * * * *")).unwrap();
        sleep(Duration::from_secs(60)).await;
        scheduler.shutdown(true).await;
        let far: Cron = "0 0 1 1 *".parse().unwrap();
        let error = scheduler.add(Job::new(Never(far), || async {}).id("never")).unwrap_err();
        assert_eq!(error, ScheduleError::NeverFires("never".into()));
    });
    trace.expect(&["0 half", "30000 half", "60000 half", "60000 first", "65000 half"]);
}

/// A trigger of one's own.
struct Never(Cron);

impl Trigger for Never {
    fn next_after(&self, after: SystemTime) -> Option<SystemTime> {
        self.0.next_after(after).and(None)
    }
}

#[test]
fn a_schedule_shows_its_text_and_its_zone() {
    let cron: Cron = "0 9 * * MON".parse().unwrap();
    assert_eq!(cron.to_string(), "0 9 * * MON");
    let berlin = cron.clone().in_zone("Europe/Berlin").unwrap();
    assert_eq!(format!("{berlin:?}"), r#"Cron { fields: "0 9 * * MON", zone: "Europe/Berlin" }"#);
    assert!(cron.in_system_zone().next_after(SystemTime::UNIX_EPOCH).is_some());
}

/// A field that both read the same way: values, ranges and steps in their order.
fn field(least: u8, most: u8) -> impl Strategy<Value = String> {
    let range = (least..=most, least..=most).prop_map(|(a, b)| (a.min(b), a.max(b)));
    let part = prop_oneof![
        (least..=most).prop_map(|value| value.to_string()),
        range.clone().prop_map(|(first, last)| format!("{first}-{last}")),
        (range, 1..20u8).prop_map(|((first, last), step)| format!("{first}-{last}/{step}")),
    ];
    proptest::collection::vec(part, 1..3).prop_map(|parts| parts.join(","))
}

fn starred(least: u8, most: u8) -> impl Strategy<Value = String> {
    prop_oneof![
        2 => Just("*".to_owned()),
        1 => (1..20u8).prop_map(|step| format!("*/{step}")),
        2 => field(least, most),
    ]
}

/// A day field with a star only as `*`: croner takes `*/2` for a restriction where Vixie cron does not.
fn days(least: u8, most: u8) -> impl Strategy<Value = String> {
    prop_oneof![1 => Just("*".to_owned()), 1 => field(least, most)]
}

fn date_fields() -> impl Strategy<Value = String> {
    (days(1, 31), prop_oneof![3 => Just("*".to_owned()), 1 => field(1, 12)], days(0, 7))
        .prop_map(|(day, month, weekday)| format!("{day} {month} {weekday}"))
}

/// Minutes or hours with a star: a rhythm for both.
fn rhythms() -> impl Strategy<Value = String> {
    let star = |most| {
        prop_oneof![Just("*".to_owned()), (2..20u8).prop_map(|n| format!("*/{n}")), field(0, most)]
    };
    (starred(0, 59), star(59), star(23), date_fields())
        .prop_filter("a star", |(_, minute, hour, _)| {
            minute.starts_with('*') || hour.starts_with('*')
        })
        .prop_map(|(second, minute, hour, date)| format!("{second} {minute} {hour} {date}"))
}

/// One second, one minute, one hour: an appointment for both. croner takes lists and ranges for a rhythm.
fn appointments() -> impl Strategy<Value = String> {
    (0..60u8, 0..60u8, 0..24u8, date_fields())
        .prop_map(|(second, minute, hour, date)| format!("{second} {minute} {hour} {date}"))
}

/// Some time within two days of a change of the clocks, between 2000 and 2035; or any time.
fn near_a_change(zone: &'static str) -> impl Strategy<Value = Timestamp> {
    let seconds = 946_684_800..2_051_222_400i64;
    (seconds, -2 * 86_400..2 * 86_400i64, any::<bool>()).prop_map(
        move |(second, near, anywhere)| {
            let start = Timestamp::from_second(second).unwrap();
            let zone = TimeZone::get(zone).unwrap();
            let change = zone.following(start).next().map(|change| change.timestamp());
            match change {
                Some(change) if !anywhere => {
                    Timestamp::from_second(change.as_second() + near).unwrap()
                }
                _ => start,
            }
        },
    )
}

/// The next times of both, as far as croner goes.
fn compare(text: &str, zone: &str, after: Timestamp, count: usize) -> Result<(), TestCaseError> {
    let theirs = croner::parser::CronParser::builder()
        .seconds(croner::parser::Seconds::Required)
        .build()
        .parse(text)
        .map_err(|error| TestCaseError::reject(error.to_string()))?;
    let zoned = after.to_zoned(TimeZone::get(zone).unwrap());
    let Ok(ours) = text.parse::<Cron>() else {
        let never = theirs.find_next_occurrence(&zoned, false);
        prop_assert!(never.is_err(), "{text}: {never:?}");
        return Ok(());
    };
    let ours = ours.in_zone(zone).unwrap();
    let mut from: Zoned = zoned;
    for _ in 0..count {
        let next = ours.next_after(SystemTime::from(from.clone()));
        let next = Timestamp::try_from(next.unwrap()).unwrap().to_zoned(from.time_zone().clone());
        let expected = theirs.find_next_occurrence(&from, false).unwrap();
        prop_assert_eq!(&next, &expected, "{} after {}", text, from);
        from = next;
        if from.year() > 2090 {
            break;
        }
    }
    Ok(())
}

fn zoned() -> impl Strategy<Value = (&'static str, Timestamp)> {
    proptest::sample::select(&ZONES[..]).prop_flat_map(|zone| (Just(zone), near_a_change(zone)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn rhythms_are_those_of_croner(text in rhythms(), (zone, after) in zoned()) {
        compare(&text, zone, after, 12)?;
    }

    #[test]
    fn appointments_are_those_of_croner(text in appointments(), (zone, after) in zoned()) {
        compare(&text, zone, after, 6)?;
    }

    /// Where clocks never change, anything that both read is the same.
    #[test]
    fn fields_are_those_of_croner(
        second in starred(0, 59), minute in starred(0, 59), hour in starred(0, 23), date in date_fields(),
        after in near_a_change("UTC")
    ) {
        compare(&format!("{second} {minute} {hour} {date}"), "UTC", after, 12)?;
    }

    /// Whatever the schedule and the zone, its times go forward, and each is on the calendar of the schedule, or the
    /// first one after the clocks were put forward.
    #[test]
    fn times_go_forward(
        second in starred(0, 59), minute in starred(0, 59), hour in starred(0, 23), (zone, after) in zoned()
    ) {
        let text = format!("{second} {minute} {hour} * * *");
        let (cron, utc) = (text.parse::<Cron>().unwrap().in_zone(zone).unwrap(), text.parse::<Cron>().unwrap());
        let zone = TimeZone::get(zone).unwrap();
        let mut last = SystemTime::from(after);
        for _ in 0..12 {
            let next = cron.next_after(last).unwrap();
            prop_assert!(next > last);
            let zoned = Timestamp::try_from(next).unwrap().to_zoned(zone.clone());
            let as_utc = SystemTime::from(zoned.datetime().to_zoned(TimeZone::UTC).unwrap());
            let on_calendar = utc.next_after(as_utc - Duration::from_nanos(1)).unwrap() == as_utc;
            let before = zoned.checked_sub(1.second()).unwrap();
            let put_forward = zoned.offset() > before.offset();
            prop_assert!(on_calendar || put_forward, "{text}: {zoned}");
            last = next;
        }
    }
}
