"""Own the model as MLflow loads it: a pandas frame in, predictions out.

MLflow runs this file by itself, as a copy beside the model's own files: nothing is pickled, and
nothing of a run is in it. It needs IOValence to be installed.
"""

from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext


class IOValenceModel(PythonModel):  # type: ignore[misc]
    """Wrap a model of IOValence for `mlflow.pyfunc.load_model`."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load the model from its files, which are the artifact `model`."""
        from iovalence.models.predictor import Predictor

        self._predictor = Predictor.load(Path(context.artifacts["model"]))

    def predict(
        self,
        context: PythonModelContext,  # noqa: ARG002 - MLflow's own signature
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,  # noqa: ARG002 - MLflow's own signature
    ) -> pd.DataFrame:
        """Predict for each row of a frame, in order.

        Args:
            context: Not used.
            model_input: N rows with the columns that the model was trained on, in any order;
                others are ignored. Values may be missing, categories may be new.
            params: Not used.

        Returns:
            N rows, indexed as the input: `prediction`, and `prob_<class>` for each class. Of a
            model of sequences a row for each sequence, with its group and `num_rows`.

        Raises:
            DataError: A column is missing, or a value is not of its column's kind.
        """
        from iovalence.tracking.frames import type_frame

        record = self._predictor.record
        order = record.takes_sequences
        rows = type_frame(model_input, record.data, record.table, need_order=order)
        said = {
            name: values.to_pylist() if hasattr(values, "to_pylist") else values
            for name, values in self._predictor.answer(rows).items()
        }
        return pd.DataFrame(said, index=None if order else model_input.index)


set_model(IOValenceModel())
