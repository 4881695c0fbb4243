"""Own the model as it is saved and used: rows of a table in, predictions out."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from iovalence.atomic import write_bytes
from iovalence.data.preprocessing import Encoded, Preprocessing
from iovalence.data.schema import TableSchema
from iovalence.data.section import DataSection
from iovalence.data.sequences import Sequences, find_sequences
from iovalence.data.table import Table
from iovalence.errors import StorageError
from iovalence.models.architecture import RecurrentSpec, Spec
from iovalence.models.build import AnyNetwork, build_network
from iovalence.models.likeness import Likeness
from iovalence.models.predictions import Predictions
from iovalence.models.recurrent import Packing
from iovalence.record import Record

FORMAT = 1
BATCH_ROWS = 16384
LIKENESS = "likeness.json"


class Threshold(Record):
    """Say from which probability on a row is of the positive one of two classes.

    Attributes:
        value: The probability, in (0, 1).
        metric: What was maximised; None where the configuration gave the value.
        num_rows: Rows of the validation part that it was chosen on; 0 where it was given.
        reached: The metric on these rows; None where the value was given.
        at_half: The metric on these rows with a threshold of 0.5.
    """

    value: float
    metric: str | None = None
    num_rows: int = 0
    reached: float | None = None
    at_half: float | None = None

    def describe(self, positive: str) -> str:
        """Return in one line what the threshold is and where it comes from."""
        said = f"a row is '{positive}' from a probability of {self.value:.4g} on"
        if self.metric is None:
            return f"{said}, as evaluation.threshold says"
        return (
            f"{said}: chosen on the {self.num_rows:,} validation rows for the best {self.metric} "
            f"({self.reached:.4g} there, {self.at_half:.4g} with 0.5)"
        )


class ModelRecord(Record):
    """Hold all of a model but its weights.

    Attributes:
        format: Version of this layout.
        run_id: Run that trained it.
        spec: What the network looks like.
        table: Columns of the table it was trained on.
        preprocessing: How rows become numbers.
        data: How files were read.
        threshold: Between two classes; None for the likelier class.
    """

    format: int = FORMAT
    run_id: str
    spec: Spec
    table: TableSchema
    preprocessing: Preprocessing
    data: DataSection
    threshold: Threshold | None = None

    @property
    def takes_sequences(self) -> bool:
        """Say whether it predicts for sequences of rows, and not for each row."""
        return isinstance(self.spec, RecurrentSpec)


@dataclass(frozen=True)
class JudgedRows:
    """Hold what a model says of N rows, or of N sequences.

    Attributes:
        predictions: What it predicts.
        unlike: Which rows are unlike those trained on, bool (N,); None where it is not known.
    """

    predictions: Predictions
    unlike: NDArray[np.bool_] | None


@dataclass(frozen=True)
class Predictor:
    """Predict from the rows of a table.

    Attributes:
        record: What the model is.
        network: With its trained parameters, on the CPU.
        likeness: Which rows are like those trained on; None for models of sequences, and for those
            that were saved without.
    """

    record: ModelRecord
    network: AnyNetwork
    likeness: Likeness | None = None

    @property
    def schema(self) -> TableSchema:
        """Return the columns of the table it was trained on."""
        return self.record.table

    @property
    def max_length(self) -> int | None:
        """Return how many rows of a sequence count; None for all, and where rows are none."""
        spec = self.record.spec
        return spec.max_length if isinstance(spec, RecurrentSpec) else None

    @property
    def preprocessing(self) -> Preprocessing:
        """Return how rows become numbers."""
        return self.record.preprocessing

    def save(self, folder: Path) -> None:
        """Write weights.safetensors, model.json and likeness.json into `folder`."""
        from safetensors.torch import save

        weights = save(self.network.state(), metadata={"run_id": self.record.run_id})
        write_bytes(folder / "weights.safetensors", weights)
        self.record.save(folder / "model.json")
        if self.likeness is not None:
            self.likeness.save(folder / LIKENESS)

    @classmethod
    def load(cls, folder: Path) -> "Predictor":
        """Read a model back.

        Raises:
            StorageError: A file is missing, damaged, or of another version.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        record = ModelRecord.load(folder / "model.json")
        network = build_network(record.spec, torch.device("cpu"))
        path = folder / "weights.safetensors"
        try:
            network.load(load_file(path))
        except (OSError, SafetensorError, KeyError, RuntimeError) as err:
            raise StorageError(f"the model's weights must be whole, got '{err}' ({path})") from err
        has_likeness = (folder / LIKENESS).exists()
        return cls(record, network, Likeness.load(folder / LIKENESS) if has_likeness else None)

    def predict(self, columns: pa.Table) -> Predictions:
        """Predict for each row, in order; for each sequence, if the model takes such.

        Args:
            columns: N rows, typed as `iovalence.data` types them; other columns are ignored.

        Returns:
            Probabilities (N, K), or values (N,) in the target's own unit; of S sequences in place
            of N rows, in the order of `find_sequences`.

        Raises:
            DataError: A row of a sequence has no group or no time.
        """
        return self.judge(columns).predictions

    def judge(self, columns: pa.Table) -> JudgedRows:
        """Predict for each row, and say which are unlike those trained on; see `predict`.

        Of sequences it is not known which are unlike.
        """
        if self.record.takes_sequences:
            said = self.predict_sequences(columns, self.find_sequences(columns))
            return JudgedRows(said, None)
        outputs, flags = [], []
        for start in range(0, max(columns.num_rows, 1), BATCH_ROWS):
            rows = columns.slice(start, BATCH_ROWS)
            encoded = self.preprocessing.transform(rows)
            outputs.append(self._outputs(encoded))
            if self.likeness is not None:
                flags.append(self.likeness.flag(rows, encoded, self.preprocessing))
        unlike = np.concatenate(flags) if flags else None
        return JudgedRows(self.interpret(np.concatenate(outputs)), unlike)

    @torch.no_grad()
    def _outputs(self, encoded: Encoded) -> np.ndarray:
        codes = torch.from_numpy(encoded.codes).long() if encoded.codes.shape[1] else None
        return self.network.forward(torch.from_numpy(encoded.features), codes).numpy()

    def find_sequences(self, columns: pa.Table) -> Sequences:
        """Return the sequences of N rows, the longest cut as they were in training.

        Raises:
            DataError: A row has no group or no time.
        """
        schema = self.schema.model_copy(update={"num_rows": (columns.num_rows, 0, 0)})
        sequences = find_sequences(Table(schema, columns))
        return sequences.split_off(self.max_length)[0] if self.max_length else sequences

    @torch.no_grad()
    def predict_sequences(self, columns: pa.Table, sequences: Sequences) -> Predictions:
        """Predict for each of S sequences among the rows of `columns`."""
        encoded = self.preprocessing.transform(columns)
        outputs = [np.empty((0, self.record.spec.num_outputs), np.float32)]
        for some in sequences.pieces(8 * BATCH_ROWS):
            starts, lengths = torch.from_numpy(some.starts[:-1]), torch.from_numpy(some.lengths)
            packing = Packing.of(starts, lengths)
            rows = some.rows[packing.places.numpy()]
            codes = torch.from_numpy(encoded.codes[rows]).long() if encoded.codes.size else None
            packed = packing.pack(torch.from_numpy(encoded.features[rows]))
            outputs.append(self.network.forward(packed, codes).numpy())
        return self.interpret(np.concatenate(outputs))

    def answer(self, columns: pa.Table) -> dict[str, object]:
        """Return the columns of a table of predictions: a line for each row, or each sequence.

        A sequence is named by its group, and `num_rows` says how many rows it was judged by.

        Raises:
            DataError: A row of a sequence has no group or no time.
        """
        if not self.record.takes_sequences:
            return dict(self.predict(columns).columns())
        sequences = self.find_sequences(columns)
        (group,) = self.schema.names("group")
        named = columns[group].take(pa.array(sequences.first))
        said = self.predict_sequences(columns, sequences).columns()
        return {group: named, "num_rows": sequences.lengths, **said}

    def interpret(self, outputs: np.ndarray) -> Predictions:
        """Return what the network's outputs, float32 (N, K), mean."""
        return interpret(outputs, self.preprocessing, self.record.threshold)

    def explain_threshold(self) -> str | None:
        """Return in one line where the threshold comes from; None where there is none."""
        classes, positive = self.preprocessing.classes, self.preprocessing.positive_index
        if self.record.threshold is None or classes is None or positive is None:
            return None
        return self.record.threshold.describe(classes[positive])


def interpret(
    outputs: np.ndarray, preprocessing: Preprocessing, threshold: Threshold | None = None
) -> Predictions:
    """Return what outputs, float32 (N, K), mean: probabilities by softmax, or values."""
    if preprocessing.classes is None:
        values = preprocessing.decode_target(outputs[:, 0].astype(np.float64))
        return Predictions(None, values, None)
    probs = torch.softmax(torch.from_numpy(outputs), dim=1, dtype=torch.float64).numpy()
    value = None if threshold is None else threshold.value
    return Predictions(probs, None, preprocessing.classes, value, preprocessing.positive_index)
