"""Trains a classifier on scikit-learn's digits and logs how it learns (needs scikit-learn)."""

import argparse
import pickle

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

import hearth

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--epochs", type=int, default=30)
parser.add_argument("--batch-size", type=int, default=64)
parser.add_argument("--learning-rate", type=float, default=0.01)
parser.add_argument("--seed", type=int, default=0)
options = parser.parse_args()

images, labels = load_digits(return_X_y=True)
train_x, test_x, train_y, test_y = train_test_split(
    images / 16.0, labels, test_size=0.25, random_state=options.seed, stratify=labels
)
classes = np.unique(labels)
random = np.random.default_rng(options.seed)
model = SGDClassifier(
    loss="log_loss", learning_rate="constant", eta0=options.learning_rate, random_state=options.seed
)

with hearth.init(project="digits", config=options, tags=["scikit-learn"]) as run:
    step = 0
    for epoch in range(options.epochs):
        order = random.permutation(len(train_x))
        for batch in np.array_split(order, len(order) // options.batch_size):
            model.partial_fit(train_x[batch], train_y[batch], classes=classes)
            loss = log_loss(train_y[batch], model.predict_proba(train_x[batch]), labels=classes)
            run.log({"train/loss": loss}, step=step)
            step += 1
        run.log(
            {
                "epoch": epoch,
                "test/accuracy": model.score(test_x, test_y),
                "test/loss": log_loss(test_y, model.predict_proba(test_x), labels=classes),
            },
            step=step - 1,
        )
    with open("digits.pkl", "wb") as file:
        pickle.dump(model, file)
    run.log_artifact("digits.pkl")
    print(f"accuracy on held-out digits: {model.score(test_x, test_y):.3f}")
