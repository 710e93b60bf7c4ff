"""Computes every metric with scikit-learn, scipy and numpy, to compare the server's with."""

import json
import sys

import numpy as np
from scipy import stats
from sklearn import metrics as m


def regression(y, p):
    return {
        "rmse": m.root_mean_squared_error(y, p),
        "mse": m.mean_squared_error(y, p),
        "mae": m.mean_absolute_error(y, p),
        "mape": m.mean_absolute_percentage_error(y, p),
        "smape": np.mean(
            [0 if a == b else 2 * abs(a - b) / (abs(a) + abs(b)) for a, b in zip(y, p)]
        ),
        "rmsle": m.root_mean_squared_log_error(y, p),
        "median_absolute_error": m.median_absolute_error(y, p),
        "max_error": m.max_error(y, p),
        "r2": m.r2_score(y, p),
        "explained_variance": m.explained_variance_score(y, p),
        "pearson": stats.pearsonr(y, p).statistic,
        "spearman": stats.spearmanr(y, p).statistic,
    }


def labels(y, p, classes):
    every = list(range(classes))
    scores = {
        "accuracy": m.accuracy_score(y, p),
        "balanced_accuracy": m.balanced_accuracy_score(y, p),
        "f1_micro": m.f1_score(y, p, average="micro"),
        "f1_macro": m.f1_score(y, p, average="macro"),
        "f1_weighted": m.f1_score(y, p, average="weighted"),
        "precision_macro": m.precision_score(y, p, average="macro"),
        "recall_macro": m.recall_score(y, p, average="macro"),
        "mcc": m.matthews_corrcoef(y, p),
        "cohen_kappa": m.cohen_kappa_score(y, p, labels=every),
        "quadratic_weighted_kappa": m.cohen_kappa_score(y, p, labels=every, weights="quadratic"),
    }
    if classes == 2:
        scores["f1"] = m.f1_score(y, p)
        scores["precision"] = m.precision_score(y, p)
        scores["recall"] = m.recall_score(y, p)
    return scores


def probabilities(y, p, classes):
    p = np.reshape(p, (-1, classes))
    if classes == 2:
        return {
            "roc_auc": m.roc_auc_score(y, p[:, 1]),
            "average_precision": m.average_precision_score(y, p[:, 1]),
            "log_loss": m.log_loss(y, p, labels=[0, 1]),
            "brier": m.brier_score_loss(y, p[:, 1]),
        }
    met = [c for c in range(classes) if 0 < np.sum(y == c) < len(y)]
    against_rest = [(y == c, p[:, c]) for c in met]
    scores = {
        "roc_auc": np.mean([m.roc_auc_score(t, s) for t, s in against_rest]),
        "average_precision": np.mean([m.average_precision_score(t, s) for t, s in against_rest]),
        "log_loss": m.log_loss(y, p, labels=list(range(classes))),
        "brier": np.mean(np.sum((p - np.eye(classes)[y.astype(int)]) ** 2, axis=1)),
    }
    if len(met) == classes:
        whole = m.roc_auc_score(y, p, multi_class="ovr", average="macro")
        assert abs(whole - scores["roc_auc"]) < 1e-12
    return scores


def ranking(y, p, groups):
    sums = {}
    queries = np.unique(groups)
    for query in queries:
        t, s = y[groups == query], p[groups == query]
        order = np.argsort(-s, kind="stable")
        relevant = (t[order] > 0).astype(float)
        places = np.arange(1, len(t) + 1)
        precisions = np.cumsum(relevant) / places * relevant
        hits = np.flatnonzero(relevant)
        one = {"mrr": 1 / (hits[0] + 1) if len(hits) else 0}
        for name, k in [("", len(t)), ("@5", 5), ("@10", 10)]:
            one["ndcg" + name] = m.ndcg_score([t], [s], k=k)
            bound = min(relevant.sum(), k)
            one["map" + name] = precisions[:k].sum() / bound if bound else 0
        for k in (1, 5, 10):
            one[f"hit@{k}"] = float(relevant[:k].any())
        for name, value in one.items():
            sums[name] = sums.get(name, 0) + value / len(queries)
    return sums


def reference(case):
    y = np.array(case["truth"], dtype=float)
    p = np.array(case["predicted"], dtype=float)
    kind = case["kind"]
    if kind == "value":
        return regression(y, p)
    if kind == "label":
        return labels(y, p, case["classes"])
    if kind == "probability":
        return probabilities(y, p, case["classes"])
    return ranking(y, p, np.array(case["groups"]))


cases = json.load(sys.stdin)
print(json.dumps([{k: float(v) for k, v in reference(case).items()} for case in cases]))
