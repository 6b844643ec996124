"""Northshire's extract before any damage: four files of three systems, each in its own words."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from missing_lib.force.tables import Tables, age_in_years
from missing_lib.synthetic.clock import ZONE

TIME, DAY_FIRST = "%d/%m/%Y %H:%M", "%d/%m/%Y"
EXCEL_ZERO = pd.Timestamp("1899-12-30")
SEX = {"female": "F", "male": "M", "other": "I", "unknown": "U"}
STATED = {
    "white": "W1", "asian": "A9", "black": "B9", "mixed": "M9", "other": "O9", "not_stated": "NS",
}  # fmt: skip
SEEN = {"white": "IC1", "asian": "IC4", "black": "IC3", "mixed": "IC6", "other": "IC9"}
FIRST_KNOWN = {
    "police:missing_report": "MISPER",
    "social_care:local_authority_care": "CLA",
    "social_care:child_protection": "CPP",
    "social_care:assessment": "ASMT",
    "health:mental_health": "CAMHS",
    "health:self_harm": "ED",
    "police:self_harm": "S136",
    "health:appointment": "GP",
    "police:arrest": "CUST",
    "police:victim": "VIC",
    "police:witness": "WIT",
    "education:attendance": "EWO",
}
FLAG = {
    "local_authority_care": "CLA", "child_protection": "CPP", "mental_health": "EMH",
    "self_harm": "DSH", "arrest": "YJS",
}  # fmt: skip
GRADE = {"no_apparent_risk": "N", "low": "L", "medium": "M", "high": "H"}
NOTES = (
    "Carer says: naïve to risk",
    "Café enquiry – negative",
    "Return interview offered",
    "Fare for taxi: £12",
    "",
)


@dataclass(frozen=True)
class Raw:
    """One file of the extract.

    Attributes
    ----------
    rows : DataFrame of str
        The cells, in the order of the file.
    encoding, delimiter : str
    """

    rows: pd.DataFrame
    encoding: str
    delimiter: str

    def content(self) -> bytes:
        """The bytes of the file, with the line ends of the system that it comes from."""
        text = io.StringIO()
        writer = csv.writer(text, delimiter=self.delimiter, lineterminator="\r\n")
        writer.writerow(self.rows.columns)
        writer.writerows(self.rows.itertuples(index=False))
        return text.getvalue().encode(self.encoding)

    def with_rows(self, rows: pd.DataFrame) -> Raw:
        """The same kind of file with other rows."""
        return replace(self, rows=rows)


def raw_files(tables: Tables, seed: int) -> dict[str, Raw]:
    """The extract of a force without any damage, by canonical table (custody: ``events``)."""
    rng = np.random.default_rng([seed, 14])
    return {
        "incidents": Raw(_incidents(tables, rng), "cp1252", ","),
        "persons": Raw(_persons(tables.persons), "utf-8-sig", ";"),
        "markers": Raw(_flags(tables.markers), "utf-8", ","),
        "events": Raw(_custody(tables), "utf-8", "\t"),
    }


def local(times: pd.Series) -> pd.Series:
    """Clock times on the wall."""
    return times.dt.tz_convert(ZONE).dt.tz_localize(None)


def _text(values: pd.Series, form: str) -> pd.Series:
    return values.dt.strftime(form).fillna("")


def _coded(values: pd.Series, codes: dict[str, str]) -> pd.Series:
    return values.astype(object).map(codes).fillna("")


def _incidents(tables: Tables, rng: np.random.Generator) -> pd.DataFrame:
    rows = tables.incidents
    born = rows["person_id"].map(tables.persons.set_index("person_id")["birth_date"])
    age = age_in_years(born, local(rows["reported_at"]).dt.normalize()) // 1
    absent = rows["category"] == "no_apparent_risk"
    early = rows["reported_at"] < pd.Timestamp("2017-01-01", tz="UTC")
    kind = np.where(absent, np.where(early, "ABS", "NAR"), "MIS")
    yes_no = {True: "Y", False: "N"}
    return pd.DataFrame(
        {
            "Occurrence no": "MP" + rows["incident_id"],
            "Nominal": rows["person_id"],
            "Age": age.map(lambda years: "" if pd.isna(years) else f"{years:.0f}"),
            "Class": kind,
            "Date/time reported": _text(local(rows["reported_at"]), TIME),
            "Last seen": _text(local(rows["missing_from_at"]), TIME),
            "Date/time located": _text(local(rows["ended_at"]), TIME),
            "Risk at report": _coded(rows["risk_first"], GRADE),
            "Risk at closure": _coded(rows["risk_final"], GRADE),
            "Injured/harmed": rows["harm"].astype(object).map(yes_no).fillna(""),
            "Looked after?": rows["from_care"].astype(object).map(yes_no).fillna(""),
            "Home code": rows["placement_id"].fillna(""),
            "Host LA": np.where(rows["out_of_area"].fillna(False).astype(bool), "Other", "Own"),
            "Remarks": rng.choice(np.array(NOTES, dtype=object), len(rows)),
        },
        dtype=object,
    )


def _persons(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "NOMINAL_REF": rows["person_id"],
            "DOB": _text(rows["birth_date"], DAY_FIRST),
            "GENDER": _coded(rows["sex"], SEX),
            "SELF_DEFINED_ETHNICITY": _coded(rows["ethnicity_self"], STATED),
            "OFFICER_IC_CODE": _coded(rows["ethnicity_officer"], SEEN),
            "RESIDENT_FROM": _text(rows["observed_from"], DAY_FIRST),
            "RESIDENT_TO": _text(rows["observed_to"], DAY_FIRST),
            "FIRST_CONTACT": _coded(rows["known_first_by"], FIRST_KNOWN),
        },
        dtype=object,
    )


def serial(dates: pd.Series) -> pd.Series:
    """Dates as a spreadsheet counts them, empty where missing."""
    days = (dates - EXCEL_ZERO).dt.days
    return days.map(lambda day: "" if pd.isna(day) else str(int(day))).astype(object)


def _flags(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Child police ref": rows["person_id"],
            "Flag": _coded(rows["marker"], FLAG),
            "Start": serial(rows["known_from"]),
            "End": serial(rows["known_to"]),
        },
        dtype=object,
    )


def _custody(tables: Tables) -> pd.DataFrame:
    """One row per arrest; people arrested together share the number of the custody record."""
    rows = tables.events
    pairs = tables.ties[["person_a", "person_b"]].rename(columns={"person_a": "a", "person_b": "b"})
    same = rows.merge(rows, on="occurred_at", suffixes=("_a", "_b"))
    same = same.merge(pairs, left_on=["person_id_a", "person_id_b"], right_on=["a", "b"])
    leader = {(r.person_id_b, r.occurred_at): r.person_id_a for r in same.itertuples()}
    heads = [
        (leader.get((r.person_id, r.occurred_at), r.person_id), r.occurred_at)
        for r in rows.itertuples()
    ]
    number = pd.factorize(pd.Series(heads))[0] + 70_001
    return pd.DataFrame(
        {
            "custody_number": [f"C/{n}" for n in number],
            "detained_person": rows["person_id"],
            "detained_utc": rows["occurred_at"].dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "reason": "ARR",
        },
        dtype=object,
    )
