"""What canonical columns are called elsewhere, in plain words; concepts, no vendor's layout."""

from __future__ import annotations

import re
from functools import cache

#: Words of column names and the plain word that each stands for; several plain words in one
#: text are read one after the other, and an empty text is a word that says nothing.
WORDS = {
    **dict.fromkeys(
        ("id", "ref", "reference", "no", "num", "nbr", "number", "key", "identifier", "urn",
         "uid", "guid", "idx"), "id"),
    **dict.fromkeys(("person", "pers", "nominal", "nom", "subject", "individual", "child",
                     "client", "people", "youth", "yp", "misp", "patient", "pupil",
                     "children"), "person"),
    **dict.fromkeys(("incident", "incid", "inc", "episode", "epi", "occurrence", "occ",
                     "case", "log", "mfh", "stay", "spell"), "incident"),
    **dict.fromkeys(("missing", "misper", "mis", "missper", "mp", "absent", "absence", "awol",
                     "absconded", "abscond", "runaway"), "missing"),
    **dict.fromkeys(("date", "dt", "dte", "day", "on", "when"), "date"),
    **dict.fromkeys(("time", "tm", "tme", "hour", "clock"), "time"),
    **dict.fromkeys(("datetime", "timestamp", "dttm", "stamp", "at"), "date time"),
    **dict.fromkeys(("reported", "rptd", "rpt", "notified", "received", "recvd", "logged",
                     "complaint", "complained", "filed", "lodged", "raised"), "reported"),
    **dict.fromkeys(("recorded", "rec", "created", "entered", "recording"), "recorded"),
    **dict.fromkeys(("found", "returned", "return", "located", "fnd", "rtn", "home", "traced",
                     "recovered"), "found"),
    **dict.fromkeys(("ended", "end", "ends", "closed", "close", "closure", "finish", "finished",
                     "concluded", "resolved", "completed", "discharge", "discharged", "exit",
                     "released", "release", "to", "until", "ceased", "removed"),
                    "end"),
    **dict.fromkeys(("started", "start", "starts", "from", "since", "begin", "began", "opened",
                     "added", "admission", "admitted", "admit", "entry"), "start"),
    **dict.fromkeys(("seen", "sighting", "sighted"), "seen"),
    **dict.fromkeys(("sex", "gender", "gndr"), "sex"),
    **dict.fromkeys(("ethnicity", "ethnic", "eth", "ethn", "race", "ethapp"), "ethnicity"),
    **dict.fromkeys(("birth", "born", "birthdate", "birthday"), "birth"),
    "sde": "self ethnicity", "ode": "officer ethnicity", "pid": "person id",
    "dob": "birth date", "yob": "birth year", "yr": "year", "year": "year",
    **dict.fromkeys(("risk", "rsk"), "risk"),
    **dict.fromkeys(("category", "cat", "classification", "class"), "category"),
    **dict.fromkeys(("type", "typ", "kind", "desc", "description", "name", "title"), "type"),
    **dict.fromkeys(("level", "grade", "grading", "assessment", "assessed", "rating", "lvl"),
                    "level"),
    **dict.fromkeys(("first", "initial", "initially", "original", "earliest", "init"), "first"),
    **dict.fromkeys(("final", "last", "latest", "current", "closing", "fin"), "last"),
    **dict.fromkeys(("harm", "harmed", "injury", "injured", "hurt"), "harm"),
    **dict.fromkeys(("care", "lac", "cla", "looked", "placement", "plcmt"), "care"),
    **dict.fromkeys(("accommodation", "accomm", "accom", "residence", "residing", "residential",
                     "living", "lives"), "living"),
    "arrangement": "arrangement",
    **dict.fromkeys(("foster", "fostered", "fostering"), "foster"),
    **dict.fromkeys(("marker", "flag", "warning", "alert", "signal"), "marker"),
    **dict.fromkeys(("agency", "source", "organisation", "organization", "org", "owner"),
                    "agency"),
    **dict.fromkeys(("tie", "link", "association", "relationship", "assoc", "relation"), "tie"),
    **dict.fromkeys(("associate", "linked", "related", "other", "second"), "other"),
    **dict.fromkeys(("event", "evt"), "event"),
    **dict.fromkeys(("offence", "crime", "offense", "crm"), "offence"),
    **dict.fromkeys(("arrest", "arrested", "custody", "detained"), "arrest"),
    **dict.fromkeys(("known", "observed", "observation", "resident"), "known"),
    **dict.fromkeys(("self", "stated", "defined"), "self"),
    **dict.fromkeys(("officer", "perceived", "observer", "appearance"), "officer"),
    **dict.fromkeys(("status", "state"), "status"),
    **dict.fromkeys(("area", "out", "away", "of", "by", "the", "is", "was", "a", "b", "in",
                     "1", "2", "outside", "elsewhere", "whilst", "while", "exact", "were",
                     "y", "n", "utc", "gmt", "local"), ""),
}  # fmt: skip
#: Words with a meaning of their own, kept although they stand in the list above.
WORDS |= {w: w for w in ("area", "out", "outside", "a", "b", "1", "2", "exact", "home", "child")}
WORDS |= {"outside": "out", "child": "person", "home": "found"}

#: A short word that ends in id, such as crid; no English word that does is left in it.
_SHORT_ID = r"(?!aid|bid|did|hid|kid|lid|mid|rid|acid|arid|avoid|grid|laid|maid|paid|raid|said|void"
_SHORT_ID += r"|skid|slid|solid|rapid|valid|covid|fluid)[a-z]{1,3}id"
_PLAIN_WORDS = {word for plain in WORDS.values() for word in plain.split() if len(word) > 1}

#: Canonical column -> names that it goes by, the surest first. Order of words does not matter.
#: A name after ``?`` may mean something else too, and is always marked as unsure.
NAMES: dict[str, dict[str, tuple[str, ...]]] = {
    "persons": {
        "person_id": ("person id", "nominal ref", "missing person id", "?misper id", "?person",
                      "?id"),
        "birth_date": ("birth date", "dob", "date of birth", "birth", "birth year",
                       "person birth date"),
        "sex": ("sex", "person sex", "?officer sex"),
        "ethnicity_self": ("self ethnicity", "ethnicity self stated", "?ethnicity",
                           "?person ethnicity"),
        "ethnicity_officer": ("officer ethnicity", "officer perceived ethnicity", "ic", "ic code"),
        "observed_from": ("known start", "observed from", "?known start date"),
        "observed_to": ("known end", "observed to", "?known end date"),
        "known_first_by": ("known first by", "?known by", "?first contact agency"),
    },
    "incidents": {
        "incident_id": ("incident id", "missing incident id", "missing incident", "missing id",
                        "incident", "missing report id", "report id", "reported id", "?event id",
                        "?id"),
        "person_id": ("person id", "missing person id", "nominal ref", "?misper id", "?person"),
        "reported_at": ("reported date time", "reported date", "reported", "date of report",
                        "report date time", "report",
                        "reported to police", "missing reported date",
                        "?recorded date", "?incident date", "?incident date time",
                        "?recorded date time", "?date",
                        "?event date", "?event date time", "?start date", "?incident start date",
                        "?start date time", "?incident start date time", "?incident start",
                        "?start", "?occurred date", "?occurred", "?occurred date time",
                        "?recorded"),
        "missing_from_at": ("missing from date time", "missing from date", "last seen date",
                            "last seen date time", "last seen", "missing from", "missing since",
                            "missing date", "missing date time", "missing start date time",
                            "missing start", "missing start date"),
        "ended_at": ("found date", "found date time", "found", "end date", "end date time",
                     "ended", "missing end date", "missing end date time", "date found",
                     "missing person found date", "missing to", "incident end date", "end",
                     "missing end", "incident end", "incident end date time"),
        "time_known": ("time known", "exact time", "time exact known"),
        "category": ("category", "missing category", "incident category", "incident type",
                     "missing type", "missing absent", "missing status", "?type", "?status"),
        "risk_first": ("first risk", "first risk level", "risk at report", "risk at reported",
                       "risk on report", "?first level", "?level at report",
                       "?level on report"),
        "risk_final": ("last risk", "last risk level", "risk at closure", "risk on closure",
                       "end risk", "?risk", "?risk level", "?last level", "?end level",
                       "?level at closure", "?level on closure", "?level"),
        "harm": ("harm", "harm marker", "came to harm", "harm while missing", "suffered harm"),
        "from_care": ("from care", "care marker", "in care", "care", "missing from care",
                      "care status", "looked after", "looked after child"),
        "placement_id": ("care id", "placement ref", "placement", "care home", "care home id",
                         "?care type", "?living arrangement", "?living", "?living type",
                         "?living status", "?home address type", "?address type", "?home type",
                         "?foster", "?foster care", "?foster home", "?foster type",
                         "?children's home", "?living home", "?living care"),
        "out_of_area": ("out of area", "out of area marker", "out of area placement",
                        "placed out of area"),
        "age_recorded": ("age", "age recorded", "age at report", "age reported", "person age",
                         "age when missing", "age when reported", "age year", "age at incident",
                         "age at time of report", "age at time missing"),
    },
    "markers": {
        "person_id": ("person id", "nominal ref", "missing person id", "?misper id", "?person",
                      "?id"),
        "marker": ("marker", "marker type", "marker code", "marker category", "marker reason",
                   "marker status", "?type", "?category", "?reason", "?code"),
        "known_from": ("known from", "marker start date", "marker date", "start date",
                       "recorded date", "date added", "from", "marker reported",
                       "marker reported date", "marker start", "?date", "?marker recorded",
                       "?reported date", "?reported", "?start"),
        "known_to": ("known to", "marker end date", "end date", "to", "end"),
        "agency": ("agency", "marker agency", "agency type"),
    },
    "ties": {
        "person_a": ("person a", "person 1", "person id 1", "person a id", "first person id",
                     "person id", "?person"),
        "person_b": ("person b", "person 2", "person id 2", "person b id", "other person id",
                     "other id", "associate id", "second person id", "associate"),
        "tie_type": ("tie type", "tie", "link type", "relationship", "?type"),
        "first_seen": ("first seen", "first seen date", "tie date", "link start date",
                       "recorded date", "?date", "?start date"),
        "agency": ("agency", "tie agency"),
    },
    "events": {
        "person_id": ("person id", "nominal ref", "missing person id", "arrest person",
                      "offence person", "?person", "?id"),
        "event_type": ("event type", "offence type", "event", "offence", "arrest type",
                       "event category", "offence category", "?type", "?category", "?reason"),
        "occurred_at": ("event date", "event date time", "offence date", "arrest date",
                        "arrest date time", "arrest", "offence date time", "occurred date time",
                        "occurred", "occurred date", "?date", "?reported date", "?recorded date",
                        "?date time", "?offence start date"),
    },
}  # fmt: skip

#: What the files themselves are called.
FILES = {
    "persons": ("person", "persons", "subjects", "nominals", "people", "children"),
    "incidents": ("incident", "incidents", "missing", "episodes", "mispers", "reports"),
    "markers": ("marker", "markers", "flags", "warnings", "alerts"),
    "ties": ("tie", "ties", "links", "associations", "associates"),
    "events": ("event", "events", "crime", "crimes", "offences", "arrests", "custody"),
}


def words_of(name: str) -> tuple[str, ...]:
    """The plain words of a column name, in order.

    Examples
    --------
    >>> words_of("Date Reported (dd/mm)"), words_of("NominalRef"), words_of("REPORTEDDT")
    (('date', 'reported'), ('person', 'id'), ('reported', 'date'))
    >>> words_of("Subject D.O.B."), words_of("Children's home")
    (('person', 'birth', 'date'), ('person', 'found'))
    """
    bare = re.sub(r"[(\[][^)\]]*([/:]|dd|yy|hh)[^)\]]*[)\]]", " ", name, flags=re.I)
    bare = re.sub(r"['’]s\b", "", bare)
    bare = re.sub(r"\b(?:[A-Za-z]\.){2,}", lambda found: found[0].replace(".", "") + " ", bare)
    bare = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[A-Za-z])(?=\d)", " ", bare)
    parts = re.findall(r"[a-z]+|\d+", bare.lower())
    plain = [word for part in parts for word in _plain(part)]
    return tuple(word for word in plain if word)


def known_words(name: str) -> bool:
    """Whether a name holds any word that names of columns are made of."""
    return bool(set(words_of(name)) & _PLAIN_WORDS)


@cache
def _plain(part: str) -> tuple[str, ...]:
    """Plain words of one written word, which may be several run together."""
    if part in WORDS:
        return tuple(WORDS[part].split())
    if part.endswith("s") and part[:-1] in WORDS:
        return tuple(WORDS[part[:-1]].split())
    if re.fullmatch(_SHORT_ID, part):
        return (part[:-2], "id")
    pieces = _cut(part)
    return tuple(w for piece in pieces for w in WORDS[piece].split()) if pieces else (part,)


def _cut(part: str) -> list[str]:
    """A written word as a row of known words of at least two letters, the longest first."""
    for size in range(len(part) - 2, 1, -1):
        if part[:size] in WORDS:
            rest = part[size:]
            if rest in WORDS:
                return [part[:size], rest]
            more = _cut(rest)
            if more:
                return [part[:size], *more]
    return []


@cache
def likeness(column: str, table: str, canonical: str) -> float:
    """How surely a column's name means a canonical column, from 0 to 1.

    1 for the canonical name itself, 0.9 and less for a name that it goes by, below 0.7 where
    the name may mean something else or holds further words.
    """
    if column.strip().lower() == canonical:
        return 1.0
    words = frozenset(words_of(column))
    best = 0.0
    for place, name in enumerate((canonical, *NAMES[table][canonical])):
        wanted = frozenset(words_of(name))
        if not wanted or not words:
            continue
        unsure = name.startswith("?")
        if words == wanted:
            score = 0.6 if unsure else 0.9
        elif wanted < words and len(words - wanted) <= 2 and not unsure and len(wanted) > 1:
            score = 0.65 - 0.1 * len(words - wanted)
        else:
            continue
        best = max(best, score - 0.005 * place)
    return best
