"""The data sets of the ladder's table, and what scikit-learn and FLAML make of them."""
import json
import os
import sys
import time
import warnings

import pandas as pd
from sklearn import datasets, ensemble, linear_model, metrics
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

warnings.simplefilter("ignore")
SETS = {
    "iris": "accuracy",
    "wine": "accuracy",
    "digits": "accuracy",
    "breast_cancer": "roc_auc",
    "diabetes": "rmse",
}


def split(folder):
    """30 % of each set are never shown to anybody."""
    for name, metric in SETS.items():
        frame = getattr(datasets, "load_" + name)(as_frame=True).frame
        classes = None if metric == "rmse" else frame["target"]
        train, test = train_test_split(frame, test_size=0.3, random_state=0, stratify=classes)
        ids = range(len(test))
        os.makedirs(f"{folder}/{name}/input")
        train.to_csv(f"{folder}/{name}/input/{name}.csv", index=False)
        test = test.assign(row_id=ids)
        test.drop(columns="target").to_csv(f"{folder}/{name}/input/test.csv", index=False)
        test[["row_id", "target"]].to_csv(f"{folder}/{name}/truth.csv", index=False)
        empty = test[["row_id"]].assign(target=0)
        empty.to_csv(f"{folder}/{name}/input/sample_submission.csv", index=False)
    print(json.dumps(SETS))


def score(name, truth, found):
    if SETS[name] == "rmse":
        return metrics.mean_squared_error(truth, found) ** 0.5
    if SETS[name] == "roc_auc":
        return metrics.roc_auc_score(truth, found)
    return metrics.accuracy_score(truth, found)


def judge(folder, name):
    """Of a submission that a program of ours has left."""
    truth = pd.read_csv(f"{folder}/{name}/truth.csv").set_index("row_id")["target"]
    found = pd.read_csv(f"{folder}/{name}/working/submission.csv").set_index("row_id")["target"]
    print(json.dumps(score(name, truth, found.reindex(truth.index))))


def usual(name):
    """Nothing is set, but for the scale that a linear model needs."""
    if SETS[name] == "rmse":
        linear, kind = linear_model.Ridge(), "Regressor"
    else:
        linear, kind = linear_model.LogisticRegression(), "Classifier"
    return {
        "linear": make_pipeline(StandardScaler(), linear),
        "forest": getattr(ensemble, "RandomForest" + kind)(random_state=0),
        "boosting": getattr(ensemble, "HistGradientBoosting" + kind)(random_state=0),
    }


def flaml(name, seconds):
    from flaml import AutoML

    task = "regression" if SETS[name] == "rmse" else "classification"
    settings = {"time_budget": seconds, "task": task, "metric": SETS[name]}
    return AutoML(**settings, seed=0, n_jobs=1, verbose=0, early_stop=False)


def peers(folder, name, seconds):
    train = pd.read_csv(f"{folder}/{name}/input/{name}.csv")
    test = pd.read_csv(f"{folder}/{name}/input/test.csv").drop(columns="row_id")
    truth = pd.read_csv(f"{folder}/{name}/truth.csv")["target"]
    X, y = train.drop(columns="target"), train["target"]
    found = {}
    for what, model in {**usual(name), "flaml": flaml(name, seconds)}.items():
        began = time.time()
        model.fit(X, y)
        took = time.time() - began
        is_share = SETS[name] == "roc_auc"
        guess = model.predict_proba(test)[:, 1] if is_share else model.predict(test)
        found[what] = {"score": score(name, truth, guess), "seconds": took}
    print(json.dumps(found))


if __name__ == "__main__":
    command, folder, *rest = sys.argv[1:]
    if command == "split":
        split(folder)
    elif command == "judge":
        judge(folder, rest[0])
    else:
        peers(folder, rest[0], float(rest[1]))
