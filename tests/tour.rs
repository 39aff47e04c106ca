//! The tour says the same thing on every run: what tests/tour.txt has.

#[path = "../examples/tour.rs"]
#[expect(dead_code, reason = "the test runs the tour without its `main`")]
mod tour;

const EXPECTED: &str = include_str!("tour.txt");

#[test]
fn the_tour_says_what_is_expected() {
    assert_eq!(tour::virtual_text(), EXPECTED);
}

#[test]
fn the_tour_says_it_twice() {
    assert_eq!(tour::virtual_text(), tour::virtual_text());
}
