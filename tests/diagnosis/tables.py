"""Real tables that an installed package carries, as CSV."""

import numpy as np


def write_wine(*, is_shuffled=False, num_rows=None):
    """Return scikit-learn's wine, 178 rows x 13, three classes."""
    from sklearn.datasets import load_wine

    data = load_wine(as_frame=True)
    table = data.data.assign(label=[f"wine {at}" for at in data.target])
    if is_shuffled:
        random = np.random.default_rng(0)
        table = table.assign(label=random.permutation(table["label"].to_numpy()))
    return table.head(num_rows or len(table)).to_csv(index=False)


def write_diabetes():
    """Return 200 rows of scikit-learn's diabetes, a regression that features tell little of."""
    from sklearn.datasets import load_diabetes

    data = load_diabetes(as_frame=True)
    return data.data.assign(label=data.target).sample(200, random_state=0).to_csv(index=False)


def write_rare():
    """Return scikit-learn's breast_cancer by one feature, one in twelve of the malignant left."""
    from sklearn.datasets import load_breast_cancer

    data = load_breast_cancer(as_frame=True)
    table = data.data[["mean smoothness"]].assign(label=data.target_names[data.target])
    random = np.random.default_rng(0)
    is_rare = (table["label"] == "malignant").to_numpy()
    return table[~is_rare | (random.random(len(table)) < 0.12)].to_csv(index=False)
