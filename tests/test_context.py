"""Official statistics: held against the raw files, scipy and brute-force sums."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from scipy.stats import binom

from missing_lib.figures import context as figures
from missing_lib.figures import style
from missing_lib.force.errors import ContractError
from missing_lib.study import context, official

pytestmark = pytest.mark.filterwarnings("error")

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "data" / "official" / "looked-after-missing"
THAMES_VALLEY = [
    "E06000060",
    "E06000042",
    "E10000025",
    "E06000036",
    "E06000037",
    "E06000038",
    "E06000039",
    "E06000040",
    "E06000041",
]
COUNTS = [m for m in official.MEASURES if not m.endswith(("_per_child", "_percent"))]
BRUTE = 1e-9  # sums of 20,000 terms in double precision


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return official.load(FOLDER)


def raw(edition: str) -> pd.DataFrame:
    return pd.read_csv(FOLDER / f"{edition}.csv", dtype=str, encoding="utf-8-sig").fillna("")


def cell(table: pd.DataFrame, year: int, code: str, measure: str) -> pd.Series:
    rows = table[(table["year"] == year) & (table["code"] == code) & (table["measure"] == measure)]
    assert len(rows) == 1
    return rows.iloc[0]


def test_england_2024_is_what_the_department_published(table: pd.DataFrame) -> None:
    england = table[(table["code"] == "E92000001") & (table["year"] == 2024)]
    values = england.set_index("measure")["value"]
    assert values["missing_children"] == 13_010
    assert values["missing_incidents"] == 83_920
    assert values["missing_more_than_once"] == 8_210
    share = context.trend(table, [], "share_more_than_once").series
    here = share[(share["year"] == 2024) & (share["role"] == "england")]
    assert round(here["value"].item(), 1) == 63.1


def test_every_raw_cell_is_read_and_no_code_became_a_number(table: pd.DataFrame) -> None:
    long = raw("2020-2024")
    assert (table["edition"] == "2020-2024").sum() == len(long) - 12  # Hackney 2021, see below
    for edition, sheet in {"2018-2022": raw("2018-2022"), "2020-2024": long}.items():
        kept = table[(table["edition"] == edition) & (table["level"] == "authority")]
        names = {v: k for k, v in official.MEASURES.items()}
        group = sheet["cla_group"] if "cla_group" in sheet else sheet["CLA_group"]
        sheet = sheet.assign(
            measure=group.map(names),
            year=sheet["time_period"].astype(int),
            code=sheet["new_la_code"].replace(official.RECODED),
        )
        both = kept.merge(sheet, on=["year", "code", "measure"])
        assert len(both) == len(kept)
        symbol = {"c": "suppressed", "x": "not_available", "z": "not_applicable", "k": "low"}
        for letter, status in symbol.items():
            rows = both[both["number"] == letter]
            assert rows["value"].isna().all()
            assert (rows["status"] == status).all()
        assert both["number"].isin(symbol).sum() > 500
        numbers = both[~both["number"].isin(symbol) & ~both["measure"].str.contains("per_child")]
        assert (numbers["value"] == numbers["number"].astype(float)).all()
        assert (numbers["status"] == "value").all()


def test_values_and_statuses_agree(table: pd.DataFrame) -> None:
    assert (table["value"].notna() == (table["status"] == "value")).all()
    known = {"value", "suppressed", "not_available", "not_applicable", "low"}
    assert set(table["status"]) == known
    assert not table.duplicated(["year", "code", "measure"]).any()
    assert table["year"].dtype == "int64"


@pytest.mark.parametrize("edition", official.WIDE)
def test_wide_files_cell_by_cell(table: pd.DataFrame, edition: str) -> None:
    sheet = raw(edition)
    kept = table[table["edition"] == edition]
    columns = [c for c in sheet if c.startswith(("CLA_", "Miss_"))]
    assert len(columns) == 8
    assert len(kept) == 8 * len(sheet)
    for text, status in {"x": "suppressed", "..": "not_available"}.items():
        assert (kept["status"] == status).sum() == (sheet[columns] == text).to_numpy().sum()
    numbers = pd.to_numeric(sheet[columns].stack(), errors="coerce").dropna()
    assert kept["value"].sum() == numbers.sum()
    assert (kept["value"] == 0).sum() == (numbers == 0).sum() > 100


def test_a_true_zero_stays_zero(table: pd.DataFrame) -> None:
    west_berkshire = cell(table, 2015, "E06000037", "missing_children")
    assert (west_berkshire["value"], west_berkshire["status"]) == (0, "value")
    leicester = cell(table, 2018, "E06000016", "missing_incidents")
    assert (leicester["value"], leicester["status"]) == (0, "value")


def test_x_changed_its_meaning(table: pd.DataFrame) -> None:
    assert cell(table, 2015, "E06000040", "missing_children")["status"] == "suppressed"
    assert cell(table, 2021, "E09000012", "missing_children")["status"] == "not_available"


def test_a_later_zero_does_not_fill_what_was_never_supplied(table: pd.DataFrame) -> None:
    sheet = raw("2020-2024")
    hackney = sheet[(sheet["new_la_code"] == "E09000012") & (sheet["time_period"] == "2021")]
    assert (hackney["number"] == "0").sum() == 12
    kept = table[(table["code"] == "E09000012") & (table["year"] == 2021)]
    assert (kept["status"] == "not_available").sum() == 12
    assert cell(table, 2021, "E09000012", "looked_after_during_year")["value"] == 616


def test_the_later_edition_wins(table: pd.DataFrame) -> None:
    england = cell(table, 2020, "E92000001", "missing_children")
    assert (england["value"], england["edition"]) == (12_470, "2020-2024")
    early = raw("2018-2022")
    slough = early[(early["new_la_code"] == "E06000039") & (early["time_period"] == "2022")]
    children = slough["cla_group"] == official.MEASURES["missing_children"]
    assert slough.loc[children, "number"].item() == "8"
    withheld = cell(table, 2022, "E06000039", "missing_children")
    assert withheld["status"] == "suppressed"
    assert np.isnan(withheld["value"])


def test_an_average_over_no_child_is_no_number(table: pd.DataFrame) -> None:
    average = table["measure"].isin(["missing_incidents_per_child", "away_incidents_per_child"])
    assert table.loc[average, "value"].min() >= 1
    assert cell(table, 2024, "E06000060", "away_children")["value"] == 0
    assert cell(table, 2024, "E06000060", "away_incidents_per_child")["status"] == "not_applicable"


def test_every_status_has_words_of_its_own(table: pd.DataFrame) -> None:
    assert set(table["status"]) | {"not_published"} == set(official.STATUS_WORDS)
    assert len(set(official.STATUS_WORDS.values())) == len(official.STATUS_WORDS)
    slough = table[(table["code"] == "E06000039") & (table["year"] == 2024)]
    words = official.in_words(slough).set_axis(slough["measure"])
    assert words["missing_incidents"] == "withheld"
    assert words["away_incidents"] == "244"
    assert words["missing_more_than_once"] == "0"


def test_rounding_is_as_the_department_says(table: pd.DataFrame) -> None:
    counts = table[table["measure"].isin(COUNTS) & table["value"].notna()]
    authorities = counts["level"] == "authority"
    assert (counts.loc[~authorities, "value"] % 10 == 0).all()
    assert not counts.loc[authorities, "value"].between(1, 5).any()


def test_byte_order_mark_and_renamed_column_do_not_matter(
    tmp_path: Path, table: pd.DataFrame
) -> None:
    assert (FOLDER / "2020-2024.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    for file in FOLDER.glob("20*.csv"):
        text = file.read_text(encoding="utf-8-sig").replace("cla_group", "CLA_group")
        (tmp_path / file.name).write_text(text, encoding="utf-8")
    pd.testing.assert_frame_equal(official.load(tmp_path), table)


@pytest.mark.parametrize("code", THAMES_VALLEY)
def test_thames_valley_is_whole_in_every_year(table: pd.DataFrame, code: str) -> None:
    here = table[(table["code"] == code) & (table["measure"] == "missing_children")]
    assert here["year"].tolist() == list(range(2015, 2025))
    assert here["name"].nunique() == 1


def test_codes_are_joined_across_reforms(table: pd.DataFrame) -> None:
    assert not table["code"].isin(list(official.RECODED)).any()
    sheet = raw("2016").set_index("New_geog_code")
    for old, new in official.RECODED.items():
        printed = float(sheet.loc[old, "CLA_MissIncs"])
        assert cell(table, 2016, new, "missing_incidents")["value"] == printed
    london = raw("2016").set_index("geog_c")["CLA_MissIncs"]
    for letter, code in {"G": "E12000007", "H": "E13000001", "I": "E13000002"}.items():
        assert cell(table, 2016, code, "missing_incidents")["value"] == float(london[letter])


@pytest.mark.parametrize(("old", "new", "first"), official.REDRAWN)
def test_redrawn_areas_change_hands_in_the_stated_year(
    table: pd.DataFrame, old: tuple[str, ...], new: tuple[str, ...], first: int
) -> None:
    shown = table[(table["measure"] == "missing_incidents") & (table["status"] == "value")]
    years = shown.groupby("code")["year"]
    assert all(years.max()[c] == first - 1 for c in old)
    assert all(years.min()[c] == first for c in new)
    sums = context.trend(table, new, "missing_incidents").series
    together = sums[sums["role"] == "together"].set_index("year")["value"]
    by_hand = shown[shown["code"].isin(old) & (shown["year"] == first - 1)]["value"].sum()
    assert together[first - 1] == by_hand
    after = shown[shown["code"].isin(new) & (shown["year"] == first)]["value"].sum()
    assert together[first] == after
    half = context.trend(table, new[:1], "missing_incidents")
    assert half.series.query("role == 'together' and year < @first")["value"].isna().all()


def test_sums_only_where_every_part_is_a_number(table: pd.DataFrame) -> None:
    result = context.trend(table, THAMES_VALLEY, "missing_children")
    wide = table[table["code"].isin(THAMES_VALLEY) & (table["measure"] == "missing_children")]
    wide = wide.pivot(index="year", columns="code", values="value")
    together = result.series[result.series["role"] == "together"].set_index("year")["value"]
    whole = wide.notna().all(axis=1)
    assert together[whole].equals(wide[whole].sum(axis=1).rename("value"))
    assert together[~whole].isna().all()
    assert sorted(wide.index[~whole]) == [2015, 2022, 2024]
    assert sorted(result.not_summed["year"]) == [2015, 2022, 2024]
    assert set(result.not_summed["area"]) == {"Slough", "Windsor and Maidenhead"}
    assert context.latest_year(table, THAMES_VALLEY, "missing_children") == 2023


def test_ratios_and_intervals(table: pd.DataFrame) -> None:
    series = context.trend(table, ["E06000038"], "share_more_than_once").series
    reading = series[(series["role"] == "authority") & (series["year"] == 2023)].iloc[0]
    assert reading["value"] == pytest.approx(100 * 24 / 31)
    p, n, z = 24 / 31, 31, 1.959963984540054
    half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    assert [reading["low"], reading["high"]] == pytest.approx(
        [100 * (middle - half), 100 * (middle + half)]
    )
    rates = context.trend(table, ["E06000038"], "missing_rate").series
    early = rates[(rates["role"] == "together") & (rates["year"] == 2016)].iloc[0]
    assert early["status"] == "not_published"
    none = context.trend(table, ["E06000037"], "share_more_than_once").series
    nobody = none[(none["role"] == "authority") & (none["year"] == 2015)].iloc[0]
    assert nobody["status"] == "not_applicable"


def test_the_middle_authority_is_the_median(table: pd.DataFrame) -> None:
    series = context.trend(table, [], "incidents_per_missing_child").series
    middle = series[(series["role"] == "middle") & (series["year"] == 2024)].iloc[0]
    here = table[(table["year"] == 2024) & (table["level"] == "authority")]
    wide = here.pivot(index="code", columns="measure", values="value")
    ratio = (wide["missing_incidents"] / wide["missing_children"]).dropna()
    expected = [ratio.quantile(0.25), ratio.median(), ratio.quantile(0.75)]
    assert middle[["low", "value", "high"]].tolist() == pytest.approx(expected)
    rates = context.trend(table, [], "missing_rate").series
    early = rates[(rates["role"] == "middle") & (rates["year"] == 2016)].iloc[0]
    assert early["status"] == "not_published"
    assert np.isnan(early["value"])


def test_funnel_limits_are_binomial_tails() -> None:
    for n in (40, 333, 2_900):
        for coverage in (0.95, 0.998):
            low, high = context.funnel_limits([n], 0.1115, coverage)
            counts = np.arange(n + 1)
            below = counts[binom.cdf(counts, n, 0.1115) < (1 - coverage) / 2]
            above = counts[binom.sf(counts - 1, n, 0.1115) < (1 - coverage) / 2]
            # The limits are the outermost counts whose tail is not yet too small.
            assert round(low[0] * n) == below.max(initial=-1) + 1
            assert round(high[0] * n) == above.min(initial=n + 1) - 1


def test_funnel_points_and_verdicts(table: pd.DataFrame) -> None:
    result = context.funnel(table, 2023, THAMES_VALLEY)
    points = result.points.set_index("code")
    assert result.target == pytest.approx(100 * 12_790 / 114_760)
    slough = points.loc["E06000039"]
    assert (slough["missing_children"], slough["looked_after"]) == (8, 373)
    assert slough["verdict"] == "outside 99.8 %"
    assert slough["own"]
    assert binom.cdf(8, 373, result.target / 100) < 0.001
    assert points["own"].sum() == 9
    assert result.points["looked_after"].is_monotonic_increasing
    z = (points["rate"] - result.target) / np.sqrt(
        result.target * (100 - result.target) / points["looked_after"]
    )
    assert result.dispersion == pytest.approx((z**2).mean())
    outside = (points["rate"] < points["low_95"]) | (points["rate"] > points["high_95"])
    assert result.outside_95 == pytest.approx(100 * outside.mean())
    assert result.outside_998 < result.outside_95


def test_funnel_says_who_is_left_out(table: pd.DataFrame) -> None:
    left = context.funnel(table, 2024, THAMES_VALLEY).left_out.set_index("code")["status"]
    assert left["E06000039"] == "suppressed"
    assert left["E06000053"] == "not_applicable"
    scilly = context.funnel(table, 2018).left_out.set_index("code")["status"]["E06000053"]
    assert scilly == "not_applicable"  # no child was looked after, so there is no rate
    assert "E10000006" not in left.index  # Cumbria, which no longer exists
    with pytest.raises(ContractError, match="no rate for the year 2016"):
        context.funnel(table, 2016)


@pytest.mark.parametrize("mean", [1.0, 1.001, 1.7, 83_920 / 13_010, 25.0])
def test_predictions_against_brute_force(mean: float) -> None:
    k = np.arange(1, 20_001)
    poisson = context.zero_truncated_poisson(mean)
    geometric = context.geometric(mean)
    series = context.log_series(mean)
    if mean == 1:
        assert [m.more_than_once for m in (poisson, geometric, series)] == [0, 0, 0]
        return
    log_factorial = np.cumsum(np.log(k))
    masses = {
        poisson: np.exp(k * np.log(poisson.parameter) - log_factorial),
        geometric: (1 - geometric.parameter) ** (k - 1.0),
        series: np.exp(k * np.log(series.parameter)) / k,
    }
    for model, mass in masses.items():
        mass = mass / mass.sum()
        assert (mass * k).sum() == pytest.approx(mean, rel=BRUTE)
        assert model.more_than_once == pytest.approx(100 * (1 - mass[0]), abs=1e-7)


def test_predictions_for_england_2024(table: pd.DataFrame) -> None:
    rows = context.repeat_shares(table, 2024)
    shares = rows.set_index("model")["share"].round(1).to_dict()
    assert shares == {
        "observed": 63.1,
        "zero-truncated Poisson": 99.0,
        "geometric": 84.5,
        "log-series": 68.5,
    }


@pytest.mark.parametrize("mean", [0.5, float("nan")])
def test_a_mean_below_one_is_refused(mean: float) -> None:
    for model in (context.zero_truncated_poisson, context.geometric, context.log_series):
        with pytest.raises(ValueError, match="one incident or more"):
            model(mean)


def test_the_published_note_on_practice(table: pd.DataFrame) -> None:
    bounds = official.practice_bounds(table).set_index(["measure", "year"])
    for year, error in ((2018, 8), (2019, 10), (2020, 13)):
        row = bounds.loc[("missing_children", year)]
        assert row["error_at_most"] == error
        assert row["high"] == row["value"] > row["low"]
        # Printed number over one plus the error, rounded to hundreds, is the number suggested.
        assert row["low"] == pytest.approx(row["value"] / (1 + error / 100), abs=75)
        away = bounds.loc[("away_children", year)]
        assert away["low"] == away["value"] < away["high"]
    assert bounds.loc[("missing_children", 2021), ["low", "high"]].isna().all()
    notes = official.caveats()
    assert notes["note"].str.contains("up to 13 %, nearer 11,000").sum() == 1
    assert (raw("2017")["Miss_Away_Incs"] == "..").sum() == 15  # "fifteen" in the notes


def test_practice_counts_true_zeros_only(table: pd.DataFrame) -> None:
    practice = official.practice(table).set_index("year")
    long = raw("2020-2024")
    here = long[(long["time_period"] == "2024") & (long["geographic_level"] == "Local authority")]
    wide = here.pivot(index="new_la_code", columns="CLA_group", values="number")
    away = wide[official.MEASURES["away_incidents"]]
    missing = wide[official.MEASURES["missing_incidents"]]
    supplied = (
        ~away.isin(["z", "x"]) & ~missing.isin(["z", "x"]) & ~((away == "0") & (missing == "0"))
    )
    assert practice.loc[2024, "no_away"] == (supplied & (away == "0")).sum()
    assert practice.loc[2024, "authorities"] == supplied.sum()
    assert practice.loc[2015, "no_missing"] == 1  # West Berkshire


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("E0600039", r"near it: E06000039 \(Slough\)"),
        ("Readng", r"near it: E06000038 \(Reading\)"),
        ("E10000002", "old code; Buckinghamshire is E06000060 now"),
        ("nowhere at all", "codes look like E06000060"),
    ],
)
def test_an_unknown_authority_is_refused(table: pd.DataFrame, code: str, message: str) -> None:
    for refuse in (context.trend, context.latest_year):
        with pytest.raises(ContractError, match=message):
            refuse(table, ["E06000038", code], "missing_children")
    with pytest.raises(ContractError, match=message):
        context.funnel(table, 2024, [code])
    with pytest.raises(ContractError, match="unknown measure 'missing_rates'"):
        context.trend(table, [], "missing_rates")


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (",83920", ",8392o", "has '8392o' where a number should be"),
        (",83920", ",x y", "where a number should be"),
        ("Children missing at 31 March", "Children lost", "not known"),
    ],
)
def test_a_file_that_changed_is_refused(
    tmp_path: Path, before: str, after: str, message: str
) -> None:
    for file in FOLDER.glob("20*.csv"):
        text = file.read_text(encoding="utf-8-sig")
        (tmp_path / file.name).write_text(text.replace(before, after), encoding="utf-8")
    with pytest.raises(ContractError, match=message):
        official.load(tmp_path)
    (tmp_path / "2016.csv").unlink()
    with pytest.raises(ContractError, match=r"2016\.csv is missing"):
        official.load(tmp_path)


def test_a_row_given_twice_is_refused(tmp_path: Path) -> None:
    for file in FOLDER.glob("20*.csv"):
        text = file.read_text(encoding="utf-8-sig")
        last = text.rstrip("\n").rsplit("\n", 1)[1]
        twice = f"{text.rstrip()}\n{last}\n" if file.stem == "2015" else text
        (tmp_path / file.name).write_text(twice, encoding="utf-8")
    with pytest.raises(ContractError, match=r"2015\.csv gives West Sussex twice"):
        official.load(tmp_path)


def test_characteristics_add_up() -> None:
    rows = official.characteristics(FOLDER)
    where = rows[rows["group"].str.startswith("Placement locations") & (rows["year"] == 2024)]
    values = where.set_index("level")["value"]
    outside = values["Missing from placement outside council boundary"]
    assert values["Missing from placement inside council boundary"] + outside == 83_920
    assert (rows["status"] == "suppressed").sum() == 3
    assert (rows["value"].notna() == (rows["status"] == "value")).all()


def test_figures_draw_what_the_tables_hold(table: pd.DataFrame) -> None:
    points = context.funnel(table, 2023, THAMES_VALLEY).points
    drawn = figures.funnel(points).axes[0]
    assert np.shape(drawn.collections[0].get_offsets()) == (len(points) - 9, 2)
    key = drawn.get_legend()
    assert key is not None
    names = [text.get_text() for text in key.get_texts()]
    assert sorted(names) == sorted(points.loc[points["own"], "name"])
    series = context.trend(table, THAMES_VALLEY, "missing_children").series
    lines = figures.trends(series, "Children").axes[0].get_lines()
    together = next(line for line in lines if line.get_label() == context.TOGETHER)
    heights = np.asarray(together.get_ydata())
    assert np.isnan(heights[-1])
    assert heights[-2] == 456
    figures.practice_bounds(official.practice_bounds(table))
    england = figures.shares(context.repeat_shares(table, 2024)).axes[0]
    assert england.get_yticklabels()[0].get_text() == "England"


def test_figures_are_told_apart_without_colour(table: pd.DataFrame) -> None:
    series = context.trend(table, THAMES_VALLEY[:2], "missing_children").series
    lines = figures.trends(series).axes[0].get_lines()
    named = [line for line in lines if not str(line.get_label()).startswith("_")]
    looks = {(line.get_linestyle(), line.get_marker()) for line in named}
    assert len(looks) == len(named) == 4
    grey = [np.dot(to_rgb(c), (0.299, 0.587, 0.114)) for c in (style.FORCE, style.OTHER)]
    assert abs(grey[0] - grey[1]) > 0.15


def test_a_force_without_authorities_sees_england(table: pd.DataFrame) -> None:
    result = context.trend(table, [], "missing_rate")
    assert set(result.series["role"]) == {"england", "middle"}
    assert result.not_summed.empty
    assert context.latest_year(table, [], "missing_rate") == 2024
    assert not context.funnel(table, 2024).points["own"].any()
    figures.funnel(context.funnel(table, 2024).points)
    figures.trends(result.series)


def test_the_log_series_sentence_follows_the_numbers() -> None:
    assert "more common than even" in context.describe_log_series(63.0, 68.0)
    assert "no more common" in context.describe_log_series(70.0, 68.0)
