"""The findings of the study that this book makes executable, as they were published."""

from __future__ import annotations

from dataclasses import dataclass

from missing_lib.study.cohort import PEOPLE, PERSON


@dataclass(frozen=True)
class Claim:
    """One finding as it was published.

    Attributes
    ----------
    id : str
    claim : str
        In plain words; the population stands as a placeholder, see :meth:`titled`.
    published : str
        The figure of the study.
    chapter : str
        Short name of the chapter that answers it.
    code : str
        Function of the study that computes it, or how sure it is.
    """

    id: str
    claim: str
    published: str
    chapter: str
    code: str

    @property
    def of_children(self) -> bool:
        """Whether the study's figure is of children alone; the first ones count all ages."""
        return not self.id.startswith("P")

    def titled(self, population: str) -> str:
        """The claim as a heading of an edition.

        Examples
        --------
        >>> CLAIMS[4].titled("adults")
        'Adults who went missing ten times or more'
        """
        people, person = PEOPLE[population], PERSON[population]
        whose = f"{people}'" if people.endswith("s") else f"{people}'s"
        words = {"people": people, "person": person, "whose": whose}
        words |= {"People": people.capitalize(), "Whose": whose.capitalize()}
        words["a_person"] = f"{'an' if person[0] in 'aeio' else 'a'} {person}"
        return self.claim.format(**words)

    def figure_beside(self, population: str) -> str:
        """The study's figure, with a word where it is of other people than the edition's."""
        unsaid = self.of_children and "child" not in self.published
        return (
            f"{self.published} (children)"
            if unsaid and population != "children"
            else self.published
        )


def not_the_same_people(population: str) -> str:
    """How the study's figures stand to those of an edition; empty where both are of children.

    Examples
    --------
    >>> not_the_same_people("children")
    ''
    """
    if population == "children":
        return ""
    who = {
        "adults": "adults, and the two are not the same people",
        "all": "people of all ages, of whom children are only a part",
    }[population]
    return (
        f"This edition is about {who}: apart from the counts under the first heading, the figures "
        "of the study are of children, so they are no yardstick for the figures beside them."
    )


CLAIMS = (
    Claim(
        "P1", "All missing incidents, and the people they belong to",
        "8,773 incidents, 2,753 people", "prevalence", "prevalence.headline",
    ),
    Claim(
        "P2", "People who were reported missing as a child",
        "1,132 people, 41 %", "prevalence", "prevalence.headline",
    ),
    Claim(
        "P3", "Incidents of children",
        "5,262 incidents, 60 %", "prevalence", "prevalence.headline",
    ),
    Claim(
        "R1", "{Whose} incidents that belong to {a_person} who went missing more than once",
        "88 %", "repeats", "repeats.bootstrap_shares",
    ),
    Claim(
        "C1", "{People} who went missing ten times or more",
        "125 children, 11 %", "concentration", "concentration.persistent",
    ),
    Claim(
        "C2", "Their share of {whose} incidents",
        "59 %", "concentration", "concentration.persistent",
    ),
    Claim(
        "C3", "What the police spent on those incidents",
        "GBP 7.54 million", "concentration", "concentration.persistent",
    ),
    Claim(
        "C4", "In every month the top fifth of {people} hold at least 60 % of the incidents",
        "at least 60 % in each of more than 60 months", "concentration",
        "stability.readings",
    ),
    Claim(
        "T1", "Repeat incidents that come within two weeks of the one before",
        "60 %", "repeats", "repeats.short_gaps",
    ),
    Claim(
        "T2", "Repeat incidents that come within four weeks of the one before",
        "70 %", "repeats", "repeats.short_gaps",
    ),
    Claim(
        "F1", "A history of mental illness goes with being reported missing",
        "raises the risk", "predictors", "predictors.ever_missing",
    ),
    Claim(
        "F2", "A history of self-harm goes with being reported missing",
        "raises the risk", "predictors", "predictors.ever_missing",
    ),
    Claim(
        "F3", "Child protection goes with being reported missing",
        "raises the risk", "predictors", "predictors.ever_missing",
    ),
    Claim(
        "F4", "A previous arrest goes with being reported missing",
        "raises the risk", "predictors", "predictors.ever_missing",
    ),
    Claim(
        "F5", "Care by the local authority goes with being reported missing",
        "raises the risk", "predictors", "predictors.ever_missing",
    ),
    Claim(
        "N1", "{People} with more connections are more likely to go missing",
        "positive (police data alone)", "network", "network.degree_model",
    ),
    Claim(
        "N2", "Being close to other missing {people}",
        "no apparent influence", "network", "network.steps_model",
    ),
    Claim(
        "N3", "Does one {person}'s episode come before later episodes of acquaintances?",
        "to be tested", "contagion", "peers.peer_timing",
    ),
)  # fmt: skip

#: The months that the published figures cover.
PUBLISHED_START, PUBLISHED_END = "May 2014", "December 2019"
