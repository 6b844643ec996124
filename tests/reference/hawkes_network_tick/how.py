"""Expected values from tick 0.8.0.2 (an environment of its own), run in this folder.

tick's Hawkes process of several nodes with a sum of two exponential kernels has a likelihood for
any matrix of branching ratios: the first kernel holds own history, the second peers. Nobody is
ever away, and reports are heard of at once. Its loss is minus the log-likelihood against a
process of rate 1, a report. The Python class around the compiled likelihood does not start under
Python 3.11, and is passed by.
"""

import json

import numpy as np
import pandas as pd
from tick.hawkes.model.build.hawkes_model import ModelHawkesSumExpKernLogLik

END, PEOPLE = 40.0, 6
TIES = [[0, 1], [1, 2], [2, 3], [0, 2], [3, 4]]
POINTS = [
    {"rate": 0.05, "own": 0.5, "own_decay": 0.4, "peer": 0.3, "peer_decay": 0.2},
    {"rate": 0.10, "own": 0.2, "own_decay": 2.0, "peer": 0.05, "peer_decay": 0.6},
    {"rate": 0.02, "own": 0.9, "own_decay": 0.1, "peer": 0.8, "peer_decay": 1.5},
    {"rate": 0.08, "own": 0.001, "own_decay": 0.4, "peer": 0.6, "peer_decay": 0.05},
]

rng = np.random.default_rng(6)
times = [np.sort(np.round(rng.uniform(0, END, n), 3)) for n in (7, 3, 9, 1, 0, 4)]
rows = [(person, time) for person, own in enumerate(times) for time in own]
pd.DataFrame(rows, columns=["person", "time"]).to_csv("input.csv", index=False)
tied = np.zeros((PEOPLE, PEOPLE))
for a, b in TIES:
    tied[a, b] = tied[b, a] = 1.0
degree = tied.sum(axis=1)


def log_likelihood(at: dict, weights: np.ndarray) -> float:
    model = ModelHawkesSumExpKernLogLik(np.array([at["own_decay"], at["peer_decay"]]), 1)
    model.set_data([times], np.array([END]))
    branching = np.stack([at["own"] * np.eye(PEOPLE), at["peer"] * weights], axis=2)
    loss = model.loss(np.append(np.full(PEOPLE, at["rate"]), branching.ravel()))
    return -loss * sum(len(own) for own in times) - END * PEOPLE


mean = tied / np.maximum(degree, 1)[:, None]
grid = [{**at, "mean": log_likelihood(at, mean), "sum": log_likelihood(at, tied)} for at in POINTS]
content = {
    "case": "hawkes_network_tick",
    "title": "Hawkes process on a small graph: log-likelihood with own history and peers",
    "source": "made up, by how.py",
    "licence": "that of the book",
    "notes": "kernels branching * decay * exp(-decay u); weights 1/degree (mean) or 1 (sum)",
    "tolerance": "log-likelihood rel 1e-10",
    "packages": {"tick": "0.8.0.2"},
    "expected": {"end": END, "people": PEOPLE, "ties": TIES, "grid": grid},
}
with open("expected.json", "w", encoding="utf-8") as file:
    json.dump(content, file, indent=2)
    file.write("\n")
