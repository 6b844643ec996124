"""Rules for persons, by themselves and by their incidents."""

from __future__ import annotations

import pandas as pd

from missing_lib.force.quality import Rule, Step
from missing_lib.force.review import same_person_groups
from missing_lib.force.rulebook import Chosen
from missing_lib.force.tables import age_in_years
from missing_lib.force.times import local_day
from missing_lib.force.typed import is_in

#: Birth dates that systems write where the date is unknown.
PLACEHOLDER_BIRTHS = (pd.Timestamp("1900-01-01"), pd.Timestamp("1901-01-01"))
#: Days in a year, and births on 1 January below which they are too few to stand out.
YEAR, FEW_BIRTHS = 365.25, 5


def implausible_birth(rule: Chosen, end: pd.Timestamp) -> Rule:
    """Placeholder births, births long ago and births after the study."""
    years, part = divmod(rule.settings["oldest"], 1)
    oldest = end - pd.DateOffset(years=int(years), days=round(part * YEAR))

    def apply(step: Step) -> Step:
        birth = step.rows["birth_date"]
        bad = birth.isin(PLACEHOLDER_BIRTHS) | (birth < oldest) | (birth > end)
        return step.act(rule, bad, "birth_date")

    return apply


def observation_backwards(rule: Chosen) -> Rule:
    """An observation window that ends before it begins is no window."""

    def apply(step: Step) -> Step:
        bad = step.rows["observed_to"] < step.rows["observed_from"]
        return step.act(rule, bad, "observed_from", "observed_to")

    return apply


def first_of_january(rule: Chosen) -> Rule:
    """Births on 1 January, where they are too many to be true for all.

    They are when the day has over so many times the births of another day (n / 365.25), and
    more than a handful.
    """

    def apply(step: Step) -> Step:
        birth = step.rows["birth_date"]
        new_year = (birth.dt.month == 1) & (birth.dt.day == 1)
        usual = (birth.notna().sum() - new_year.sum()) / (YEAR - 1)
        many = new_year.sum() > max(FEW_BIRTHS, rule.settings["times"] * usual)
        return step.act(rule, new_year & many, "birth_date")

    return apply


def born_after_report(rule: Chosen, incidents: pd.DataFrame, time_zone: str) -> Rule:
    """A birth date after the person's first report cannot be right."""
    first = local_day(incidents["reported_at"], time_zone).groupby(incidents["person_id"]).min()

    def apply(step: Step) -> Step:
        bad = step.rows["birth_date"] > step.rows["person_id"].map(first)
        return step.act(rule, bad, "birth_date")

    return apply


def disagreeing_age(rule: Chosen, incidents: pd.DataFrame, time_zone: str) -> Rule:
    """A birth date that most of a person's reports contradict by the age that they record."""
    told = incidents.loc[incidents["age_recorded"].notna()]
    day = local_day(told["reported_at"], time_zone)

    def apply(step: Step) -> Step:
        if told.empty:
            return step.act(rule, pd.Series(False, index=step.rows.index))
        born = step.rows.drop_duplicates("person_id").set_index("person_id")["birth_date"]
        years = age_in_years(told["person_id"].map(born), day) // 1
        off = (told["age_recorded"].astype(float) - years).abs() > rule.settings["years"]
        usual = off[years.notna()].groupby(told["person_id"]).mean()
        wrong = usual.index[usual > 0.5]
        return step.act(rule, step.rows["person_id"].isin(wrong).astype(bool), "birth_date")

    return apply


def same_person_twice(rule: Chosen, incidents: pd.DataFrame) -> Rule:
    """People who were reported and agree in birth date, sex and ethnicity, for review."""

    def apply(step: Step) -> Step:
        reported = step.rows[is_in(step.rows["person_id"], incidents["person_id"])]
        groups = same_person_groups(reported)
        odd = pd.Series(step.rows.index.isin(groups.index), index=step.rows.index)
        return step.act(rule, odd).look_at(rule, groups)

    return apply
