"""Own the named scenarios: what each sets of `training`. What the file says wins over it."""

from collections.abc import Mapping
from typing import Any

PRESETS: Mapping[str, dict[str, Any]] = {
    "quick_prototype": {"epochs": 5, "batch_size": 64, "learning_rate": 0.01},
    "balanced": {
        "epochs": 20,
        "batch_size": 32,
        "learning_rate": 0.001,
        "early_stopping": True,
    },
    "production": {
        "epochs": 100,
        "batch_size": 16,
        "learning_rate": 0.001,
        "scheduler": "cosine_annealing",
        "early_stopping": True,
        "patience": 10,
        "dropout": 0.3,
    },
    "limited_data": {
        "epochs": 50,
        "batch_size": 16,
        "learning_rate": 0.0001,
        "dropout": 0.5,
        "l2_regularization": 0.001,
    },
}
