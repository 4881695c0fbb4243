"""Own what is advised: the page's steps as settings, without those that are set already."""

from collections.abc import Iterable, Sequence

from iovalence.diagnosis.evidence import Evidence
from iovalence.diagnosis.verdict import Advice
from iovalence.training.section import TrainingSection

STRONG_DROPOUT = 0.5
WEAK_DROPOUT = 0.1
STRONG_PENALTY = 0.001
SMALL_LAYERS = (32, 16)
LARGE_LAYERS = (256, 128, 64)
FAST_LAYERS = (64, 32)
SHORT_PATIENCE = 3
BRISK_RATE = 0.01
LARGE_BATCH = 128
MORE_EPOCHS = 2
RATE_FACTOR = 10
SHARES_OF_VALIDATION = (0.2, 0.3)


def against_overfitting(section: TrainingSection) -> tuple[Advice, ...]:
    """Return the page's steps: more regularisation, more data, a simpler model, an earlier stop."""
    return _those_given(
        _more_dropout(section),
        _penalty(STRONG_PENALTY) if section.l2_regularization < STRONG_PENALTY else None,
        Advice(text="more data: collect more examples"),
        _layers("a simpler model", SMALL_LAYERS) if _is_larger(section, SMALL_LAYERS) else None,
        _stop_early(section),
    )


def against_underfitting(section: TrainingSection) -> tuple[Advice, ...]:
    """Return: more layers, more epochs, less regularisation."""
    return _those_given(
        _more_layers(section),
        _more_epochs(section),
        _dropout(WEAK_DROPOUT) if section.dropout > WEAK_DROPOUT else None,
        _penalty(0.0) if section.l2_regularization > STRONG_PENALTY else None,
    )


def against_not_learning(section: TrainingSection, *, has_signal: bool) -> tuple[Advice, ...]:
    """Return: a higher rate, a more complex model, a look at the labels.

    Args:
        section: The settings.
        has_signal: Whether a simple model does learn; where not, labels come first.
    """
    labels = Advice(
        text="check the data: are rows labelled correctly, and do the features tell anything of "
        "the target? iovalence check shows doubtful labels"
    )
    settings = _those_given(
        _rate(BRISK_RATE) if _rate_of(section) < BRISK_RATE else None, _more_layers(section)
    )
    return (*settings, labels) if has_signal else (labels, *settings)


def raise_rate(section: TrainingSection) -> tuple[Advice, ...]:
    """Return: ten times the learning rate."""
    return (_rate(_rate_of(section) * RATE_FACTOR),)


def lower_rate(section: TrainingSection, *, is_infinite: bool) -> tuple[Advice, ...]:
    """Return: a tenth of the learning rate, and bounded gradients where the loss was infinite."""
    clip = Advice(text="bound the gradient", change={"training.gradient_clip": 1.0})
    return _those_given(
        _rate(_rate_of(section) / RATE_FACTOR),
        clip if is_infinite and section.gradient_clip is None else None,
    )


def train_longer(section: TrainingSection) -> tuple[Advice, ...]:
    """Return: twice the epochs."""
    return (_more_epochs(section),)


def speed_up(section: TrainingSection, device: str) -> tuple[Advice, ...]:
    """Return: larger batches, fewer layers, a GPU."""
    size = section.batch_size
    batch = Advice(text="a larger batch", change={"training.batch_size": LARGE_BATCH})
    return _those_given(
        batch if isinstance(size, int) and size < LARGE_BATCH else None,
        _layers("fewer layers", FAST_LAYERS) if _is_larger(section, FAST_LAYERS) else None,
        Advice(text="a GPU: pip install iovalence[gpu]") if device == "cpu" else None,
    )


def weigh_classes() -> tuple[Advice, ...]:
    """Return: the same total weight for each class."""
    return (
        Advice(text="balanced class weights", change={"training.class_weights": "balanced"}),
        Advice(text="judge by balanced accuracy and PR AUC, not by accuracy"),
    )


def widen_validation(share: float) -> tuple[Advice, ...]:
    """Return: more validation rows, of which there is now this share of all."""
    wider = next((one for one in SHARES_OF_VALIDATION if one > share + 0.01), None)
    more = Advice(text="more data: collect more examples")
    if wider is None:
        return (more,)
    text = f"more validation rows ({wider:.0%} of all)"
    return (Advice(text=text, change={"data.validation_split": wider}), more)


def look_at_columns(columns: Sequence[str]) -> tuple[Advice, ...]:
    """Return: leave out the columns that give the target away."""
    if not columns:
        return (Advice(text="look at the finding on the page of the checks"),)
    text = "leave out what is not known when a prediction is needed"
    return (Advice(text=text, change={"data.exclude": list(columns)}),)


def _those_given(*advice: Advice | None) -> tuple[Advice, ...]:
    return tuple(one for one in advice if one is not None)


def _rate_of(section: TrainingSection) -> float:
    # `auto` is a number by the time a run is looked at.
    return float(section.learning_rate) if section.learning_rate != "auto" else 0.001


def _rate(rate: float) -> Advice:
    rate = float(f"{rate:.3g}")
    return Advice(text=f"learning_rate {rate:g}", change={"training.learning_rate": rate})


def _dropout(dropout: float) -> Advice:
    return Advice(text=f"dropout {dropout:g}", change={"training.dropout": dropout})


def _more_dropout(section: TrainingSection) -> Advice | None:
    has_effect = section.model_type != "linear" and section.dropout < STRONG_DROPOUT
    return _dropout(STRONG_DROPOUT) if has_effect else None


def _penalty(penalty: float) -> Advice:
    change = {"training.l2_regularization": penalty}
    return Advice(text=f"l2_regularization {penalty:g}", change=change)


def _layers(why: str, layers: Sequence[int]) -> Advice:
    change = {"training.layers": list(layers)}
    return Advice(text=f"{why}: layers {list(layers)}", change=change)


def _more_layers(section: TrainingSection) -> Advice | None:
    if section.model_type == "linear":
        change = {"training.model_type": "neural_network"}
        return Advice(text="a network in place of the linear model", change=change)
    is_smaller = sum(section.layers) < sum(LARGE_LAYERS)
    return _layers("a more complex model", LARGE_LAYERS) if is_smaller else None


def _more_epochs(section: TrainingSection) -> Advice:
    epochs = section.epochs * MORE_EPOCHS
    return Advice(text=f"epochs {epochs}", change={"training.epochs": epochs})


def _stop_early(section: TrainingSection) -> Advice | None:
    if section.early_stopping and section.patience <= SHORT_PATIENCE:
        return None
    change = {"training.early_stopping": True, "training.patience": SHORT_PATIENCE}
    return Advice(text=f"early stopping with patience {SHORT_PATIENCE}", change=change)


def _is_larger(section: TrainingSection, layers: Iterable[int]) -> bool:
    return section.model_type != "linear" and sum(section.layers) > sum(layers)


def validation_share(seen: Evidence) -> float:
    """Return the validation part's share of what is not the test part."""
    rows = seen.num_rows.get("validation", 0)
    return rows / max(1, rows + seen.num_rows.get("train", 0))
