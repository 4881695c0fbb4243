"""Own the model as it is saved and used: rows of a table in, predictions out."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch

from iovalence.atomic import write_bytes
from iovalence.data.preprocessing import Preprocessing
from iovalence.data.schema import TableSchema
from iovalence.data.section import DataSection
from iovalence.errors import StorageError
from iovalence.models.architecture import NetworkSpec
from iovalence.models.network import Network
from iovalence.models.predictions import Predictions
from iovalence.record import Record

FORMAT = 1
BATCH_ROWS = 16384


class ModelRecord(Record):
    """Hold all of a model but its weights.

    Attributes:
        format: Version of this layout.
        run_id: Run that trained it.
        spec: What the network looks like.
        table: Columns of the table it was trained on.
        preprocessing: How rows become numbers.
        data: How files were read.
    """

    format: int = FORMAT
    run_id: str
    spec: NetworkSpec
    table: TableSchema
    preprocessing: Preprocessing
    data: DataSection


@dataclass(frozen=True)
class Predictor:
    """Predict from the rows of a table.

    Attributes:
        record: What the model is.
        network: With its trained parameters, on the CPU.
    """

    record: ModelRecord
    network: Network

    @property
    def schema(self) -> TableSchema:
        """Return the columns of the table it was trained on."""
        return self.record.table

    @property
    def preprocessing(self) -> Preprocessing:
        """Return how rows become numbers."""
        return self.record.preprocessing

    def save(self, folder: Path) -> None:
        """Write weights.safetensors and model.json into `folder`."""
        from safetensors.torch import save

        weights = save(self.network.state(), metadata={"run_id": self.record.run_id})
        write_bytes(folder / "weights.safetensors", weights)
        self.record.save(folder / "model.json")

    @classmethod
    def load(cls, folder: Path) -> "Predictor":
        """Read a model back.

        Raises:
            StorageError: A file is missing, damaged, or of another version.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        record = ModelRecord.load(folder / "model.json")
        network = Network(record.spec, torch.device("cpu"))
        path = folder / "weights.safetensors"
        try:
            network.load(load_file(path))
        except (OSError, SafetensorError, KeyError, RuntimeError) as err:
            raise StorageError(f"the model's weights must be whole, got '{err}' ({path})") from err
        return cls(record, network)

    def predict(self, columns: pa.Table) -> Predictions:
        """Predict for each row, in order.

        Args:
            columns: N rows, typed as `iovalence.data` types them; other columns are ignored.

        Returns:
            Probabilities (N, K), or values (N,) in the target's own unit.
        """
        batches = [
            self._outputs(columns.slice(start, BATCH_ROWS))
            for start in range(0, max(columns.num_rows, 1), BATCH_ROWS)
        ]
        return self.interpret(np.concatenate(batches))

    @torch.no_grad()
    def _outputs(self, columns: pa.Table) -> np.ndarray:
        encoded = self.preprocessing.transform(columns)
        codes = torch.from_numpy(encoded.codes).long() if encoded.codes.shape[1] else None
        return self.network.forward(torch.from_numpy(encoded.features), codes).numpy()

    def interpret(self, outputs: np.ndarray) -> Predictions:
        """Return what the network's outputs, float32 (N, K), mean."""
        return interpret(outputs, self.preprocessing)


def interpret(outputs: np.ndarray, preprocessing: Preprocessing) -> Predictions:
    """Return what outputs, float32 (N, K), mean: probabilities by softmax, or values."""
    if preprocessing.classes is None:
        values = preprocessing.decode_target(outputs[:, 0].astype(np.float64))
        return Predictions(None, values, None)
    probs = outputs.astype(np.float64)
    # In place: of millions of rows every copy counts.
    probs -= probs.max(axis=1, keepdims=True)
    np.exp(probs, out=probs)
    probs /= probs.sum(axis=1, keepdims=True)
    return Predictions(probs, None, preprocessing.classes)
