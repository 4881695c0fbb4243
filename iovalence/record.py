"""Own how results that outlive a process are stored: frozen records as readable JSON."""

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from iovalence.atomic import write_text
from iovalence.errors import StorageError


class Record(BaseModel):
    """Hold a result that is saved as JSON: frozen, and closed to unknown fields.

    NaN and infinity are written as JSON's extension `NaN` and `Infinity`, and read back.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    def save(self, path: Path) -> None:
        """Write the record to `path`, whole or not at all."""
        write_text(path, self.model_dump_json(indent=2) + "\n")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the record back from `path`.

        Raises:
            StorageError: The file is missing, cannot be read, or is not such a record.
        """
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as err:
            raise StorageError(f"{path} must be readable, got '{err.strerror}'") from err
        except ValidationError as err:
            fault = err.errors()[0]
            place = ".".join(str(part) for part in fault["loc"])
            raise StorageError(
                f"{path} must hold a {cls.__name__} of this version, "
                f"got {fault['msg']} at '{place}'"
            ) from err
