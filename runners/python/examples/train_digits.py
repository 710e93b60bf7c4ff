"""Trains a classifier of handwritten digits that can be paused, killed and gone on with.

    hearth run --requirements scikit-learn -- python train_digits.py

Everything that the result depends on is in the checkpoint: the weights, and how many epochs they
have seen. Each epoch shuffles with its own number as seed. So a training that was interrupted
anywhere gives, bit by bit, the model of one that was not.
"""

import argparse
import os
import pickle

import hearth_job as job
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=20)
parser.add_argument("--batch", type=int, default=32)
parser.add_argument("--alpha", type=float, default=1e-3, help="strength of the regularisation")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--every", type=int, default=5, help="epochs from checkpoint to checkpoint")
args = parser.parse_args()

images, labels = load_digits(return_X_y=True)
train_x, test_x, train_y, test_y = train_test_split(
    images / 16, labels, test_size=0.25, random_state=args.seed
)


def save(path, content):
    """Whole or not at all, also when the job is killed in the middle."""
    with open(f"{path}.new", "wb") as file:
        pickle.dump(content, file)
    os.replace(f"{path}.new", path)


def save_checkpoint(epoch):
    save("digits.ckpt", {"epoch": epoch, "model": model})
    job.checkpoint("digits.ckpt", step=epoch)


model = SGDClassifier(loss="log_loss", alpha=args.alpha, random_state=args.seed)
first = 0
if job.resumed_from():
    with open(job.resumed_from(), "rb") as file:
        state = pickle.load(file)
    model, first = state["model"], state["epoch"]
    job.message(f"going on after epoch {first}")

for epoch in range(first, args.epochs):
    order = np.random.default_rng((args.seed, epoch)).permutation(len(train_x))
    for start in range(0, len(order), args.batch):
        batch = order[start : start + args.batch]
        model.partial_fit(train_x[batch], train_y[batch], classes=np.arange(10))
    loss = log_loss(test_y, model.predict_proba(test_x), labels=np.arange(10))
    accuracy = model.score(test_x, test_y)
    print(f"epoch {epoch + 1}: loss {loss:.4f}, accuracy {accuracy:.4f}", flush=True)
    job.metric("loss", loss, epoch)
    job.metric("accuracy", accuracy, epoch)
    job.progress(epoch + 1, args.epochs)
    if job.should_pause():
        save_checkpoint(epoch + 1)
        raise SystemExit
    if (epoch + 1) % args.every == 0:
        save_checkpoint(epoch + 1)

os.makedirs("out", exist_ok=True)
np.savez("out/digits.npz", weights=model.coef_, bias=model.intercept_)
job.artifact("out/digits.npz")
