"""Which tests hold the functions of the study, and against what outside of this book."""

from __future__ import annotations

from dataclasses import dataclass

R = "R"
PUBLISHED = "a published figure"
BY_HAND = "worked out by hand"
BRUTE_FORCE = "brute force"
SECOND_WAY = "computed a second way"
KNOWN_TRUTH = "simulated data of known truth"


@dataclass(frozen=True)
class KnownAnswer:
    """A test that holds a function against something outside of this book.

    Attributes
    ----------
    code : str
        The function, in ``missing_lib.study``; what it rests on is held with it.
    test : str
        File and name of the test, as pytest takes them, in ``tests``.
    kind : str
        What it is held against: one of the constants of this module.
    """

    code: str
    test: str
    kind: str

    @property
    def file(self) -> str:
        """The test's file."""
        return self.test.partition("::")[0]

    @property
    def name(self) -> str:
        """The test's name."""
        return self.test.partition("::")[2]


KNOWN_ANSWERS = (
    KnownAnswer("cohort.select", "test_findings.py::test_headline", SECOND_WAY),
    KnownAnswer("intervals.wilson", "test_predictors.py::test_intervals_are_those_of_r", R),
    KnownAnswer(
        "intervals.ratio_by_people",
        "test_repeats.py::test_intervals_of_the_short_gap_share_cover_the_truth",
        KNOWN_TRUTH,
    ),
    KnownAnswer("prevalence.headline", "test_findings.py::test_headline", SECOND_WAY),
    KnownAnswer(
        "concentration.persistent",
        "test_findings.py::test_published_figures_keep_their_meaning",
        SECOND_WAY,
    ),
    KnownAnswer(
        "concentration.bootstrap",
        "test_concentration.py::test_bootstrap_intervals_cover_the_truth",
        KNOWN_TRUTH,
    ),
    KnownAnswer(
        "concentration.top_share",
        "test_concentration.py::test_gini_and_top_shares_agree_with_the_worked_examples",
        BY_HAND,
    ),
    KnownAnswer(
        "concentration.gini",
        "test_concentration.py::test_gini_of_the_published_table",
        PUBLISHED,
    ),
    KnownAnswer(
        "chance.chance_share_of_units",
        "test_concentration.py::test_chance_concentration_of_street_segments",
        PUBLISHED,
    ),
    KnownAnswer(
        "chance.chance_top_share",
        "test_concentration.py::test_chance_top_share_agrees_with_enumeration",
        BRUTE_FORCE,
    ),
    KnownAnswer(
        "periods.top_of_window",
        "test_concentration.py::test_fixed_and_prospective_sets_of_whole_people_agree_with_r",
        R,
    ),
    KnownAnswer(
        "stability.readings",
        "test_findings.py::test_fixed_top_fifth_every_month",
        SECOND_WAY,
    ),
    KnownAnswer(
        "stability.readings",
        "test_concentration.py::test_incidents_at_random_show_what_chance_predicts",
        KNOWN_TRUTH,
    ),
    KnownAnswer(
        "stability.months_reaching",
        "test_concentration.py::test_months_that_reach_the_level_are_counted_from_what_is_shown",
        BY_HAND,
    ),
    KnownAnswer(
        "stability.verdict",
        "test_concentration.py::test_verdict_needs_every_month_of_the_fixed_set",
        BY_HAND,
    ),
    KnownAnswer(
        "stability.shares_by_period",
        "test_concentration.py::test_monthly_readings_agree_with_r",
        R,
    ),
    KnownAnswer("repeats.gaps", "test_findings.py::test_repeats", SECOND_WAY),
    KnownAnswer("repeats.short_gaps", "test_findings.py::test_repeats", SECOND_WAY),
    KnownAnswer(
        "repeats.gaps",
        "test_repeats.py::test_a_gap_runs_from_the_end_to_the_next_report",
        BY_HAND,
    ),
    KnownAnswer(
        "repeats.short_gaps",
        "test_repeats.py::test_a_gap_longer_than_the_bound_by_a_minute_is_not_within_it",
        BY_HAND,
    ),
    KnownAnswer(
        "repeats.short_gaps",
        "test_repeats.py::test_gap_shares_of_the_constructed_study",
        R,
    ),
    KnownAnswer(
        "repeats.memoryless_survival",
        "test_repeats.py::test_memoryless_people_after_a_randomly_chosen_event",
        SECOND_WAY,
    ),
    KnownAnswer(
        "survival.kaplan_meier",
        "test_repeats.py::test_kaplan_meier_at_fixed_days_agrees_with_r",
        R,
    ),
    KnownAnswer("survival.nelson_aalen", "test_repeats.py::test_nelson_aalen_agrees_with_r", R),
    KnownAnswer(
        "survival.mean_cumulative",
        "test_repeats.py::test_mean_cumulative_function_agrees_with_r",
        R,
    ),
    KnownAnswer(
        "survival.mean_cumulative",
        "test_repeats.py::test_robust_variance_of_the_mean_cumulative_function_by_brute_force",
        BRUTE_FORCE,
    ),
    KnownAnswer(
        "clustering.compare",
        "test_clustering.py::test_the_test_has_its_size_in_small_cohorts_where_nothing_clusters",
        KNOWN_TRUTH,
    ),
    KnownAnswer(
        "clustering.compare",
        "test_clustering.py::test_the_test_sees_clusters_and_says_what_differences_explain",
        KNOWN_TRUTH,
    ),
    KnownAnswer(
        "clustering.compare",
        "test_clustering.py::test_seasons_alone_are_no_clusters",
        KNOWN_TRUTH,
    ),
    KnownAnswer("frame.known_before", "test_predictors.py::test_who_is_in_the_frame", BY_HAND),
    KnownAnswer(
        "frame.known_before",
        "test_predictors.py::test_only_markers_of_before_the_landmark_count",
        BY_HAND,
    ),
    KnownAnswer(
        "frame.known_before",
        "test_predictors.py::test_admitting_people_through_the_report_would_turn_the_sign",
        KNOWN_TRUTH,
    ),
    KnownAnswer(
        "regression.complementary_log_log",
        "test_predictors.py::test_complementary_log_log_maximises_its_likelihood_and_finds_the_rate_ratio",
        KNOWN_TRUTH,
    ),
    KnownAnswer("regression.logistic", "test_predictors.py::test_logistic_is_that_of_r", R),
    KnownAnswer(
        "regression.negative_binomial",
        "test_predictors.py::test_negative_binomial_is_that_of_r",
        R,
    ),
    KnownAnswer(
        "regression.holm",
        "test_predictors.py::test_holm_is_that_of_r_also_with_a_missing_value",
        R,
    ),
    KnownAnswer(
        "regression.logistic",
        "test_predictors.py::test_average_effects_are_mean_differences_of_probability",
        SECOND_WAY,
    ),
    KnownAnswer(
        "regression.logistic",
        "test_predictors.py::test_linked_errors_with_everybody_in_pairs_are_those_of_clusters",
        SECOND_WAY,
    ),
    KnownAnswer(
        "regression.complementary_log_log",
        "test_predictors.py::test_complementary_log_log_maximises_its_likelihood_and_finds_the_rate_ratio",
        SECOND_WAY,
    ),
    KnownAnswer(
        "diagnosis.separating_terms",
        "test_predictors.py::test_two_terms_that_separate_only_together_are_found",
        BRUTE_FORCE,
    ),
    KnownAnswer(
        "recording.under_recording",
        "test_predictors.py::test_under_recording_by_hand",
        BY_HAND,
    ),
    KnownAnswer(
        "family.primary",
        "test_family.py::test_holm_by_hand_over_all_that_have_an_answer",
        BY_HAND,
    ),
    KnownAnswer(
        "predictors.answers",
        "test_predictors.py::test_answers_say_what_holds_by_the_adjusted_p",
        BY_HAND,
    ),
    KnownAnswer(
        "predictors.ever_missing",
        "test_predictors.py::test_a_logistic_truth_comes_back_without_bias_and_with_honest_intervals",
        KNOWN_TRUTH,
    ),
    KnownAnswer(
        "network.ties_before",
        "test_network.py::test_only_ties_of_before_the_landmark_make_connections",
        BY_HAND,
    ),
    KnownAnswer(
        "network.connections",
        "test_network.py::test_only_ties_of_before_the_landmark_make_connections",
        BY_HAND,
    ),
    KnownAnswer(
        "network.verdict",
        "test_network.py::test_absence_of_evidence_is_told_from_evidence_of_absence",
        BY_HAND,
    ),
    KnownAnswer("network.raises", "test_network.py::test_raises_needs_a_small_adjusted_p", BY_HAND),
    KnownAnswer("network.strata", "test_network.py::test_strata_hold_alike_people", BY_HAND),
    KnownAnswer(
        "network.degree_model",
        "test_network.py::test_more_connections_raise_the_odds_by_the_simulated_amount",
        KNOWN_TRUTH,
    ),
    KnownAnswer(
        "network.steps_model",
        "test_network.py::test_the_step_model_has_honest_errors_where_the_usual_ones_are_too_small",
        KNOWN_TRUTH,
    ),
    KnownAnswer(
        "nearness.nearest_other",
        "test_network.py::test_nearness_of_the_florentine_families_is_that_of_r",
        R,
    ),
    KnownAnswer(
        "nearness.nearness_test",
        "test_network.py::test_every_choice_of_five_families_gives_the_exact_p_of_r",
        R,
    ),
    KnownAnswer(
        "nearness.harmonic_closeness",
        "test_network.py::test_the_karate_club_is_that_of_r",
        R,
    ),
    KnownAnswer(
        "nearness.nearest_other",
        "test_network.py::test_steps_to_the_nearest_other_are_those_of_all_pairs",
        BRUTE_FORCE,
    ),
    KnownAnswer(
        "nearness.nearness_test",
        "test_network.py::test_the_nearness_test_keeps_its_size_and_sees_clusters",
        KNOWN_TRUTH,
    ),
    KnownAnswer("structure.structure", "test_network.py::test_the_karate_club_is_that_of_r", R),
    KnownAnswer(
        "structure.degree_classes",
        "test_surroundings.py::test_classes_of_connections_hold_enough_people_each",
        BY_HAND,
    ),
    KnownAnswer(
        "crowds.weighted_ties",
        "test_surroundings.py::test_ties_of_a_crowd_count_in_part_and_others_in_full",
        BY_HAND,
    ),
    KnownAnswer(
        "crowds.weighted_connections",
        "test_surroundings.py::test_ties_of_a_crowd_count_in_part_and_others_in_full",
        BY_HAND,
    ),
    KnownAnswer(
        "adjustment.ever_by_connections",
        "test_surroundings.py::test_what_a_shared_home_and_attention_explain_goes_where_they_are_held_still",
        KNOWN_TRUTH,
    ),
    KnownAnswer(
        "adjustment.number_by_connections",
        "test_surroundings.py::test_what_a_shared_home_and_attention_explain_goes_where_they_are_held_still",
        KNOWN_TRUTH,
    ),
    KnownAnswer(
        "adjustment.by_kind_of_tie",
        "test_surroundings.py::test_kinds_of_ties_differ_only_where_there_are_such_ties",
        BY_HAND,
    ),
    KnownAnswer(
        "surroundings.about",
        "test_surroundings.py::test_connections_missing_before_are_those_of_plain_loops",
        BRUTE_FORCE,
    ),
    KnownAnswer(
        "surroundings.earlier_model",
        "test_surroundings.py::test_the_model_of_earlier_incidents_recovers_what_was_put_in",
        KNOWN_TRUTH,
    ),
    KnownAnswer(
        "rewiring.rewire",
        "test_rewiring.py::test_every_network_with_these_numbers_is_as_likely",
        BRUTE_FORCE,
    ),
    KnownAnswer(
        "rewiring.rewiring_test",
        "test_rewiring.py::test_the_test_keeps_its_size_where_the_ties_of_the_missing_are_random",
        KNOWN_TRUTH,
    ),
    KnownAnswer("peers.reading", "test_network.py::test_reading_a_test_of_timing", BY_HAND),
    KnownAnswer(
        "peers.events_that_follow",
        "test_network.py::test_incidents_that_follow_are_those_of_plain_loops",
        BRUTE_FORCE,
    ),
    KnownAnswer(
        "peers.own_clocks",
        "test_network.py::test_the_clock_follows_the_risk_by_age",
        KNOWN_TRUTH,
    ),
    KnownAnswer(
        "peers.peer_timing",
        "test_network.py::test_the_timing_test_keeps_its_size_with_bursts",
        KNOWN_TRUTH,
    ),
    KnownAnswer(
        "peers.peer_timing",
        "test_network.py::test_growing_up_together_is_no_evidence_on_the_clock_but_is_on_the_calendar",
        KNOWN_TRUTH,
    ),
    KnownAnswer(
        "peers.peer_timing",
        "test_network.py::test_the_timing_test_sees_influence",
        KNOWN_TRUTH,
    ),
    KnownAnswer(
        "exposure.recent", "test_peer_cox.py::test_exposure_is_that_of_plain_loops", BRUTE_FORCE
    ),
    KnownAnswer(
        "exposure.decaying", "test_peer_cox.py::test_exposure_is_that_of_plain_loops", BRUTE_FORCE
    ),
    KnownAnswer(
        "tied_fit.fit_tied",
        "test_peer_cox.py::test_errors_by_tie_are_the_double_sum_over_tied_people",
        BRUTE_FORCE,
    ),
    KnownAnswer(
        "memberships.redrawn",
        "test_placebos.py::test_every_arrangement_is_as_likely",
        BRUTE_FORCE,
    ),
    KnownAnswer(
        "expected.expected_of",
        "test_placebos.py::test_expected_events_are_those_of_the_martingale",
        SECOND_WAY,
    ),
    KnownAnswer(
        "placebos.rewired_ties",
        "test_placebos.py::test_rewired_ties_hold_their_size_where_nobody_influences_anybody",
        KNOWN_TRUTH,
    ),
    KnownAnswer(
        "placebos.rewired_ties",
        "test_placebos.py::test_rewired_ties_see_influence",
        KNOWN_TRUTH,
    ),
    KnownAnswer(
        "placebos.future_ties",
        "test_placebos.py::test_present_ties_do_what_later_ones_do_not",
        KNOWN_TRUTH,
    ),
    KnownAnswer(
        "placebos.harmless",
        "test_placebos.py::test_a_harmless_outcome_is_left_alone",
        KNOWN_TRUTH,
    ),
    KnownAnswer("cox.fit.fit_cox", "test_cox.py::test_it_agrees_with_r", R),
    KnownAnswer(
        "cox.residuals.proportional_hazards_test",
        "test_cox.py::test_proportional_hazards_test_of_rossi",
        R,
    ),
    KnownAnswer(
        "cox.fit.fit_cox",
        "test_cox.py::test_it_agrees_with_the_likelihood_written_out",
        BRUTE_FORCE,
    ),
    KnownAnswer("cox.frailty.fit_frailty", "test_frailty.py::test_the_estimate_agrees_with_r", R),
    KnownAnswer(
        "cox.frailty.fit_frailty",
        "test_frailty.py::test_the_truncated_likelihood_is_that_of_brute_force",
        BRUTE_FORCE,
    ),
    KnownAnswer(
        "cox.frailty.fit_frailty",
        "test_frailty.py::test_people_with_an_event_alone_need_the_truncated_likelihood",
        KNOWN_TRUTH,
    ),
    KnownAnswer(
        "network_hawkes.climb.log_likelihood",
        "test_network_hawkes.py::test_the_likelihood_is_the_one_of_the_definition",
        BRUTE_FORCE,
    ),
    KnownAnswer(
        "network_hawkes.climb.log_likelihood",
        "test_network_hawkes.py::test_log_likelihood_agrees_with_tick",
        SECOND_WAY,
    ),
    KnownAnswer(
        "network_hawkes.fit.fit",
        "test_network_hawkes.py::test_estimates_and_intervals_find_what_was_put_in",
        KNOWN_TRUTH,
    ),
    KnownAnswer(
        "network_hawkes.simulate.simulate",
        "test_network_hawkes.py::test_simulated_reports_run_at_rate_one_on_the_clock_of_the_truth",
        SECOND_WAY,
    ),
    KnownAnswer(
        "network_hawkes.attribution.attribute",
        "test_network_hawkes.py::test_attribution_finds_the_share_that_peers_set_off",
        KNOWN_TRUTH,
    ),
    KnownAnswer(
        "network_hawkes.attribution.parents",
        "test_network_hawkes.py::test_chances_are_shares_of_the_rate",
        BRUTE_FORCE,
    ),
    KnownAnswer(
        "network_hawkes.checks.check",
        "test_network_hawkes.py::test_checks_expect_what_was_seen",
        KNOWN_TRUTH,
    ),
    KnownAnswer(
        "network_hawkes.elapsed.elapsed",
        "test_network_hawkes.py::test_integrals_up_to_any_moment_are_those_of_the_rate",
        BRUTE_FORCE,
    ),
    KnownAnswer(
        "network_hawkes.power.power",
        "test_network_hawkes.py::test_power_holds_its_size_and_finds_large_effects",
        KNOWN_TRUTH,
    ),
    KnownAnswer(
        "network_hawkes.bootstrap.bootstrap",
        "test_network_hawkes.py::test_bootstrap_agrees_with_the_profile",
        SECOND_WAY,
    ),
    KnownAnswer(
        "network_hawkes.timeline.timeline",
        "test_network_hawkes.py::test_reports_together_are_never_exposure",
        BY_HAND,
    ),
    KnownAnswer(
        "network_hawkes.prepare.prepare",
        "test_network_hawkes.py::test_a_cohort_becomes_the_timeline_that_it_is",
        BY_HAND,
    ),
)

#: Hold every figure of every finding at once, from the chapter's own code to what is printed.
OF_ALL_FINDINGS = (
    "test_findings_survive.py::test_every_published_figure_is_within_rounding_of_the_true_one",
)


def test_files() -> list[str]:
    """Files of all tests that are named here, in ``tests``."""
    named = [*(one.test for one in KNOWN_ANSWERS), *OF_ALL_FINDINGS]
    return sorted({test.partition("::")[0] for test in named})
