//! What every kind of segment does, said once and run for each of them, across real processes.
//!
//! The agents are this program, started again: see `testkit::agent`.

mod suite;

use suite::Place;

#[test]
fn agent() {
    testkit::agent::serve_if_asked();
}

/// One module for a kind, with all tests of the suite in it, and those that only Unix has the means for.
macro_rules! conformance {
    ($kind:ident, $place:expr, [$($test:ident),* $(,)?], on_unix [$($unix:ident),* $(,)?]) => {
        mod $kind {
            use super::*;
            $(
                #[test]
                fn $test() {
                    let _watchdog = testkit::watchdog(std::time::Duration::from_secs(60));
                    suite::$test(&$place);
                }
            )*
            $(
                #[cfg(unix)]
                #[test]
                fn $unix() {
                    let _watchdog = testkit::watchdog(std::time::Duration::from_secs(60));
                    suite::$unix(&$place);
                }
            )*
        }
    };
}

/// The suite, for each kind that is named.
macro_rules! conformance_for {
    ($($kind:ident: $place:expr),* $(,)?) => {
        $(conformance!($kind, $place, [
            what_is_written_is_read_by_another_process,
            a_new_segment_is_zeros_of_the_size_asked_for,
            creating_twice_and_attaching_to_nothing_are_errors,
            a_size_of_0_and_one_beyond_memory_are_errors,
            open_or_create_makes_one_and_finds_it,
            a_read_only_attachment_reads_and_cannot_write,
            ranges_outside_are_errors_and_change_nothing,
            a_range_is_a_part_of_the_segment_and_its_lock_the_whole_ones,
            removal_takes_the_name_and_leaves_the_memory,
            stat_tells_size_owner_and_removal,
            the_lock_excludes_other_processes,
            the_lock_excludes_other_handles_and_threads_of_this_process,
            a_timed_lock_waits_that_long_and_no_longer,
            a_killed_holder_frees_the_lock_or_it_can_be_broken,
            no_count_is_lost_among_processes_and_threads,
            an_open_race_has_one_maker,
        ], on_unix [
            the_mode_is_0600_or_what_was_asked_for,
            a_forked_child_does_not_have_its_parents_lock,
            a_forked_child_that_drops_everything_frees_nothing,
            a_forked_child_that_stays_keeps_nothing_locked,
        ]);)*
    };
}

#[cfg(unix)]
conformance_for! {
    native: Place::native(),
    posix: Place::posix(),
    file: Place::file(),
    sysv_key: Place::sysv_key(),
    sysv_ftok: Place::sysv_ftok(),
    qt: Place::qt(),
    qt_system_v: Place::qt_system_v("systemv", 81),
    qt_system_v_with_project: Place::qt_system_v("systemv-7", 7),
    qt_posix: Place::qt_posix(),
}

#[cfg(windows)]
conformance_for! {
    windows: Place::windows(),
    file: Place::file(),
    qt: Place::qt(),
    qt_native: Place::qt_native(),
}
