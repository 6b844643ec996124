"""Examples of every key of the force file; the book shows them, and a test runs each one.

Each is a part of a force file. Names of columns are made up, and no vendor's layout is meant.
"""

from __future__ import annotations

#: Section of the reference page -> part of a force file.
EXAMPLES = {
    "force": """\
code: mark
name: Mark Constabulary
kind: real
time_zone: Europe/London
study: {start: 2015-01-01, end: 2019-12-31}
definitions: {merge_gap_hours: 1}
unit_cost: {low: 1000, high: 2000, price_year: "2018", source: key2018}
policy: {threshold: 20}
local_authorities: [E06000060, E10000025]
sources:
  persons: {file: persons.csv}
  incidents: {file: incidents.csv}
""",
    "official": """\
code: south-west
name: Two authorities of the South West
kind: official
local_authorities: [E10000008, E06000052]
""",
    "study": """\
study:
  start: 2015-01-01
  end: 2019-12-31
""",
    "definitions": """\
definitions:
  child_age_limit: 18
  merge_gap_hours: 6
  persistent_incidents: 5
  top_share: 0.1
  gap_days: [7, 28]
""",
    "rules": """\
rules:
  # Ended before it was reported: set the row aside, do not blank the end.
  I03: {action: quarantine}
  # Reported again within six hours, with no end between: the same incident.
  I07: {action: merge, hours: 6}
  # Nobody in this area was over 105.
  P01: {oldest: 105}
""",
    "unit_cost": """\
unit_cost:
  low: 1325.44
  high: 2415.80
  currency: GBP
  price_year: 2011/12
  source: shalevgreene2013
""",
    "policy": """\
policy:
  threshold: 20
  rounding: 10
""",
    "sources": """\
sources:
  # Text files: encoding, delimiter and quotes as the export has them.
  persons:
    file: nominals.csv
    encoding: cp1252
    delimiter: tab
    quote: none
    columns:
      person_id: NOMINAL_REF
  # An Excel file with lines above the names of the columns.
  incidents:
    file: missing.xlsx
    sheet: Export
    header_row: 3
    decimal: ","
  # Several files of one layout, and another agency's file: a list.
  markers:
    - file: [flags-2018.csv, flags-2019.csv]
    - file: childrens-services.parquet
      columns:
        person_id: CLIENT
        marker: {value: child_protection}
        known_from: PLAN_START
  # A database: its address stands in an environment variable, never here.
  events:
    connection: CRIME_DATABASE
    query: SELECT person_id, event_type, occurred_at FROM offences
""",
    "join": """\
sources:
  incidents:
    file: reports.csv
    columns:
      incident_id: REPORT_NO
      person_id: NOMINAL_REF
      reported_at: REPORTED_AT
    # People stand in another file: its column ID is this one's PERSON_NO.
    join:
      - file: report-people.csv
        on: {ID: PERSON_NO}
        columns: [NOMINAL_REF]
""",
    "columns": """\
sources:
  incidents:
    file: misper.csv
    columns:
      # A name alone is short for column.
      person_id: NOMINAL_REF
      # A list is short for columns; the parts of an identifier are joined.
      incident_id: [STATION, MISPER_NO]
      # A date and its clock time; sometimes the time is left out.
      reported_at:
        columns: [REPORTED_DATE, REPORTED_TIME]
        format: ["%d/%m/%Y %H:%M", "%d/%m/%Y"]
      # This clock of the extract runs in another zone.
      ended_at:
        column: CLOSED_AT
        format: "%Y-%m-%d %H:%M:%S"
        zone: UTC
      # Day numbers of a spreadsheet; one of them stands for unknown.
      missing_from_at:
        column: LAST_SEEN
        format: excel
        recode: {"1": null}
      # Every code is listed, in quotes, an empty cell too where it means something;
      # what is not listed becomes otherwise.
      category:
        column: ABSENT
        recode: {"1": no_apparent_risk, "0": missing, "": missing}
        otherwise: missing
      # Codes that nobody listed are set missing and counted, instead of stopping.
      risk_final:
        column: RISK
        recode: {"H": high, "M": medium, "S": medium, "L": low, "-": null}
        otherwise_missing: true
      # A number; it is only compared with the birth date.
      age_recorded: AGE_AT_REPORT
      # The same for every row.
      harm: {value: null}
""",
    "shared": """\
sources:
  ties:
    file: custody.csv
    shared:
      key: ARREST_EVENT
      person: NOMINAL_REF
      date: {column: ARRESTED_ON, format: "%d/%m/%Y"}
      tie_type: co_arrest
      agency: police
      largest_group: 10
""",
}
