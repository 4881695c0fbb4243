"""The real runs that the rules of the diagnosis are judged by: data, settings, and the pattern.

The one half of the data sets is there to choose thresholds by, the other to report.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from public_sets import ADULT, WINE

SHARED = Path(__file__).parents[2] / "shared" / "data"
HEALTHY = "healthy"


def read_toy(name: str) -> pd.DataFrame:
    """Return one of scikit-learn's sets with its target as `label`."""
    import sklearn.datasets

    data = getattr(sklearn.datasets, f"load_{name}")(as_frame=True)
    names = getattr(data, "target_names", None)
    label = data.target if names is None else [f"class {names[at]}" for at in data.target]
    return data.data.assign(label=label)


def read_adult() -> pd.DataFrame:
    """Return Adult's train file."""
    names = [*ADULT[:-1], "label"]
    return pd.read_csv(SHARED / "adult-train.csv", names=names, skipinitialspace=True)


def read_wine(colour: str) -> pd.DataFrame:
    """Return Wine Quality of a colour in three classes, none of them rare."""
    path = SHARED / f"winequality-{colour}.csv"
    table = pd.read_csv(path, names=[*WINE[:-1], "label"])
    return table.assign(label=np.array(["low", "middle", "high"])[table["label"].clip(5, 7) - 5])


def read_mammography() -> pd.DataFrame:
    """Return mammography, 2.3 % positives."""
    table = pd.read_csv(SHARED / "mammography.csv", header=None)
    table.columns = [*(f"f{at}" for at in range(table.shape[1] - 1)), "label"]
    return table.assign(label=table["label"].astype(str).str.strip("'"))


def read_named(name: str, target: str) -> pd.DataFrame:
    """Return a set that has a header."""
    return pd.read_csv(SHARED / f"{name}.csv").rename(columns={target: "label"})


SETS: dict[str, Callable[[], pd.DataFrame]] = {
    "cancer": lambda: read_toy("breast_cancer"),
    "digits": lambda: read_toy("digits"),
    "adult": read_adult,
    "diabetes": lambda: read_toy("diabetes"),
    "red": lambda: read_wine("red"),
    "wine": lambda: read_toy("wine"),
    "iris": lambda: read_toy("iris"),
    "penguins": lambda: read_named("penguins", "species"),
    "california": lambda: read_named("california_housing", "median_house_value"),
    "white": lambda: read_wine("white"),
    "mammography": read_mammography,
}
TUNED_ON = ("cancer", "digits", "adult", "diabetes", "red")
MAX_ROWS = 3000

STEADY = {"early_stopping": False, "dropout": 0.0, "l2_regularization": 0.0}
SENSIBLE = (
    {"learning_rate": "auto", "epochs": 60},
    {"batch_size": 16, "epochs": 100, "scheduler": "cosine_annealing", "patience": 10},
    {"layers": [32, 16], "dropout": 0.2, "learning_rate": 0.003, "batch_size": 16, "epochs": 80},
)
SMALL = ({"layers": [1]}, {"layers": [1], "dropout": 0.5})
NOISY_SETS = ("adult", "diabetes", "red", "california", "white")
RARE_SETS = ("adult", "red", "mammography", "white")


@dataclass(frozen=True)
class Case:
    """Name one run.

    Attributes:
        pattern: What it is made to show, or `healthy`.
        data: Name of the set.
        seed: Of the rows that are taken, and of training.
        training: The settings.
        num_rows: At most so many rows.
        is_shuffled: Whether labels were dealt out at random.
        rare: Share that one class keeps of its rows, or None.
    """

    pattern: str
    data: str
    seed: int
    training: dict[str, object] = field(default_factory=dict)
    num_rows: int = MAX_ROWS
    is_shuffled: bool = False
    rare: float | None = None

    @property
    def is_tuned_on(self) -> bool:
        """Return whether thresholds may be chosen by it."""
        return self.data in TUNED_ON

    @property
    def name(self) -> str:
        """Return a name for messages."""
        rare = "" if self.rare is None else f"{self.rare:.0%} of a class "
        return f"{self.pattern} {self.data} {self.seed} {self.num_rows} rows {rare}{self.training}"

    def table(self) -> pd.DataFrame:
        """Return its rows."""
        table = SETS[self.data]()
        random = np.random.default_rng(self.seed)
        if self.rare is not None:
            table = make_rare(table, self.rare, random)
        if len(table) > self.num_rows:
            table = table.sample(self.num_rows, random_state=self.seed)
        if self.is_shuffled:
            table = table.assign(label=random.permutation(table["label"].to_numpy()))
        return table


def make_rare(table: pd.DataFrame, share: float, random: np.random.Generator) -> pd.DataFrame:
    """Return the table with a share of one class's rows: its second most frequent one."""
    rare = table["label"].value_counts().index[1]
    is_rare = (table["label"] == rare).to_numpy()
    return table[~is_rare | (random.random(len(table)) < share)]


def list_cases(seeds: Iterable[int]) -> Iterator[Case]:
    """Yield every run, once for each seed."""
    for seed in seeds:
        yield from _healthy(seed)
        yield from _overfitting(seed)
        for name in SETS:
            small, low = SMALL[seed % 2], (1e-5, 5e-6)[seed % 2]
            high = (0.3, 1.0)[seed % 2]
            fast = {"learning_rate": 0.01, "batch_size": 16, "epochs": 150}
            yield Case("underfitting", name, seed, {**fast, **small})
            yield Case("learning_rate_too_low", name, seed, {"learning_rate": low})
            yield Case("learning_rate_too_high", name, seed, {"learning_rate": high})
            yield Case("not_learning", name, seed, {"learning_rate": 0.003}, is_shuffled=True)
        yield from _rare(seed)


def _healthy(seed: int) -> Iterator[Case]:
    # Left out is the set whose imbalance is ignored by these settings.
    for name in (name for name in SETS if name != "mammography"):
        for settings in SENSIBLE:
            yield Case(HEALTHY, name, seed, settings)


def _overfitting(seed: int) -> Iterator[Case]:
    for name in NOISY_SETS:
        for num_rows in (150, 250, 400):
            settings = {**STEADY, "epochs": 120, "learning_rate": 0.003}
            yield Case("overfitting", name, seed, settings, num_rows=num_rows)


def _rare(seed: int) -> Iterator[Case]:
    shares = {"adult": 0.08, "red": 0.05, "mammography": None, "white": 0.05}
    for name in RARE_SETS:
        for num_rows, rate in ((6000, 0.003), (10_000, 0.001), (10_000, 0.003)):
            settings = {"learning_rate": rate, "epochs": 20}
            yield Case("imbalance_ignored", name, seed, settings, num_rows, rare=shares[name])
