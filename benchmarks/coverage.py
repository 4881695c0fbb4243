"""How often 95 % intervals hold the truth, where the truth is known.

    python benchmarks/coverage.py [--samples 1000] [--resampled 200] [--seed 0]

Two classes: a share of the rows, the base rate, is positive; the model sees one number whose two
normal distributions stand so many standard deviations apart, and says the true probability. Three
classes stand at the corners of a triangle. Regression: the errors are normal, Laplace's, or
Student's with 5 degrees of freedom. The truth is that of 4,000,000 rows, for areas of two classes
and errors that of the formula. `none` is the share of samples in which the ROC AUC has no interval
or is not defined; those do not count as covered or not. With 1,000 samples the standard error of a
coverage is 0.7 %. The last table is of the intervals that resamples give, over fewer samples, and
of the samples that carry a note, which the report shows.
"""

import argparse
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from iovalence.evaluation.evaluate import evaluate_part, formula_intervals
from iovalence.evaluation.metrics import compute_classification
from iovalence.models.predictions import Predictions

SIZES = (100, 300, 1000, 5000)
BASE_RATES, SEPARATIONS = (0.5, 0.2, 0.05), (1.0, 2.5)
POPULATION = 4_000_000
TAIL_FREEDOM = 5
SHOWN = {
    "classes": ("accuracy", "roc_auc", "log_loss"),
    "values": ("rmse", "mae"),
}
RESAMPLED = ("balanced_accuracy", "macro_f1", "pr_auc", "expected_calibration_error")
Draw = Callable[[int, Generator], tuple[np.ndarray, Predictions]]


@dataclass(frozen=True)
class World:
    """Name a world, say how rows are drawn from it, and what is true in it."""

    name: str
    draw: Draw
    truth: Mapping[str, float]
    positive_index: int | None = None


def draw_classes(base: float, separation: float) -> Draw:
    """Return how rows of two classes are drawn."""

    def draw(num_rows: int, generator: Generator) -> tuple[np.ndarray, Predictions]:
        labels = (generator.random(num_rows) < base).astype(np.int64)
        seen = generator.normal(size=num_rows) + separation * labels
        odds = separation * seen - separation**2 / 2 + math.log(base / (1 - base))
        positive = 1 / (1 + np.exp(-odds))
        return labels, Predictions(np.stack([1 - positive, positive], 1), None, ("no", "yes"))

    return draw


def draw_three(num_rows: int, generator: Generator) -> tuple[np.ndarray, Predictions]:
    """Draw rows of three classes."""
    shares, corners = np.array([0.6, 0.3, 0.1]), 1.5 * np.array([[0, 0], [1, 0], [0.5, 0.9]])
    labels = generator.choice(3, size=num_rows, p=shares)
    seen = generator.normal(size=(num_rows, 2)) + corners[labels]
    probs = shares * np.exp(seen @ corners.T - (corners**2).sum(axis=1) / 2)
    return labels, Predictions(probs / probs.sum(axis=1, keepdims=True), None, ("a", "b", "c"))


def draw_values(errors: Callable[[int, Generator], np.ndarray]) -> Draw:
    """Return how rows of a regression are drawn."""

    def draw(num_rows: int, generator: Generator) -> tuple[np.ndarray, Predictions]:
        values = generator.normal(size=num_rows)
        return values + errors(num_rows, generator), Predictions(None, values, None)

    return draw


def build_worlds(generator: Generator) -> list[World]:
    """Return all worlds with their truths."""
    worlds = []
    for base in BASE_RATES:
        for apart in SEPARATIONS:
            draw = draw_classes(base, apart)
            truth = measure_population(draw, 1, generator)
            truth["roc_auc"] = 0.5 * (1 + math.erf(apart / 2))
            worlds.append(World(f"base rate {base:g}, {apart:g} apart", draw, truth, 1))
    worlds.append(
        World("three classes", draw_three, measure_population(draw_three, None, generator))
    )
    freedom = TAIL_FREEDOM
    students = 2 * math.sqrt(freedom) * math.gamma((freedom + 1) / 2) / (freedom - 1)
    students /= math.sqrt(math.pi) * math.gamma(freedom / 2)
    errors = {
        "normal errors": (lambda n, g: g.normal(size=n), 1.0, math.sqrt(2 / math.pi)),
        "Laplace errors": (lambda n, g: g.laplace(size=n), math.sqrt(2), 1.0),
        f"Student's errors, {freedom}": (
            lambda n, g: g.standard_t(freedom, size=n),
            math.sqrt(freedom / (freedom - 2)),
            students,
        ),
    }
    for name, (drawn, rmse, mae) in errors.items():
        worlds.append(World(name, draw_values(drawn), {"rmse": rmse, "mae": mae}))
    return worlds


def measure_population(draw: Draw, positive: int | None, generator: Generator) -> dict[str, float]:
    """Return the figures of very many rows."""
    labels, said = draw(POPULATION, generator)
    truth = compute_classification(labels, said.probs, positive_index=positive)
    # The model says the true probabilities.
    return truth | {"expected_calibration_error": 0.0}


def count_covering(
    world: World, num_rows: int, num_samples: int, generator: Generator
) -> tuple[dict[str, float], float]:
    """Return in which share of samples each interval holds the truth, and that without AUC."""
    covering = dict.fromkeys(world.truth, 0)
    found_in = dict.fromkeys(world.truth, 0)
    weights = np.ones(num_rows)
    for _ in range(num_samples):
        y_true, said = world.draw(num_rows, generator)
        is_right = {"accuracy": float((y_true == said.y_pred).mean())}
        found = formula_intervals(y_true, said, weights, world.positive_index, is_right)
        for name, (low, high) in found.items():
            found_in[name] += 1
            covering[name] += low <= world.truth[name] <= high
    shares = {name: covering[name] / found_in[name] for name in found_in if found_in[name]}
    return shares, 1 - found_in.get("roc_auc", num_samples) / num_samples


def show_formulas(worlds: list[World], num_samples: int, generator: Generator) -> None:
    """Print the coverage of each interval that has a formula."""
    for kind, names in SHOWN.items():
        print("\n| rows | world |", " | ".join(names), "| none |")
        print("| --- " * (len(names) + 3) + "|")
        for world in worlds:
            if names[0] not in world.truth:
                continue
            for num_rows in SIZES:
                shares, without = count_covering(world, num_rows, num_samples, generator)
                cells = " | ".join(f"{100 * shares[name]:.1f}" for name in names)
                none = f"{100 * without:.1f}" if kind == "classes" else ""
                print(f"| {num_rows:,} | {world.name} | {cells} | {none} |", flush=True)


def show_resampled(worlds: list[World], num_samples: int, generator: Generator) -> None:
    """Print the coverage of intervals from resamples, and how many samples carry a note."""
    print("\n| rows | world |", " | ".join(RESAMPLED), "| with a note |")
    print("| --- " * (len(RESAMPLED) + 3) + "|")
    for world in (world for world in worlds if "accuracy" in world.truth):
        for num_rows in SIZES[:3:2]:
            covering, noted = dict.fromkeys(RESAMPLED, 0), 0
            for seed in range(num_samples):
                y_true, said = world.draw(num_rows, generator)
                found = evaluate_part(
                    "x", y_true, said, positive_index=world.positive_index, seed=seed
                )
                noted += bool(found.notes)
                for name in RESAMPLED:
                    figure = found.metrics.get(name)
                    if figure is not None and figure.low is not None:
                        covering[name] += figure.low <= world.truth[name] <= figure.high
            cells = " | ".join(f"{100 * covering[name] / num_samples:.0f}" for name in RESAMPLED)
            share = 100 * noted / num_samples
            print(f"| {num_rows:,} | {world.name} | {cells} | {share:.0f} |", flush=True)


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--resampled", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    generator = np.random.default_rng(given.seed)
    worlds = build_worlds(generator)
    show_formulas(worlds, given.samples, generator)
    if given.resampled:
        show_resampled(worlds, given.resampled, generator)


if __name__ == "__main__":
    main()
