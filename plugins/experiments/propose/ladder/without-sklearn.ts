/** For a Python that has nothing but itself: nearest neighbours, written out. */
import { metricOf } from '../../scoring/metrics.ts'
import type { Task } from '../../scoring/task.ts'
import type { ProposeContext } from '../proposer.ts'

const neighbours = [5, 9, 1, 15, 25, 3, 40] as const

export const plainProgram = (task: Task, { step }: ProposeContext) => {
  const k = neighbours[(step - 1) % neighbours.length] ?? 5
  const plan =
    `The mean of the ${k} nearest rows, by Python alone: this machine has no scikit-learn and ` +
    'pandas, so neither has this program.'
  return { plan, code: program(plan, task, k) }
}

const program = (plan: string, task: Task, k: number): string => {
  const { needs } = metricOf(task.metric)
  return `"""${plan}"""
import csv
import math
import os
import random

K = ${k}
TARGET = ${JSON.stringify(task.target)}
NEEDS = ${JSON.stringify(needs)}  # value, label or probability
MOST = 3000  # rows that are looked at for each one


def read(path):
    with open(path, encoding="utf-8-sig", newline="") as file:
        first = file.readline()
        file.seek(0)
        delimiter = max(",;\\t|", key=first.count)
        return list(csv.DictReader(file, delimiter=delimiter))


def number(text):
    try:
        value = float(text)
        return value if math.isfinite(value) else None
    except (TypeError, ValueError):
        return None


train = read(${JSON.stringify(`input/${task.table}`)})
train = [row for row in train if row[TARGET] not in (None, "")]
test = read("input/test.csv")
with open("input/sample_submission.csv", newline="") as file:
    header = next(csv.reader(file))
random.Random(int(os.environ.get("HEARTH_SEED", "0"))).shuffle(train)
train = train[:MOST]
names = [name for name in train[0] if name != TARGET and name in test[0]]
spread = {}
for name in names:
    values = [v for v in (number(row[name]) for row in train) if v is not None]
    if len(values) > len(train) / 2:
        mean = sum(values) / len(values)
        deviation = (sum((v - mean) ** 2 for v in values) / len(values)) ** 0.5
        spread[name] = (mean, deviation or 1.0)


def standard(row, name):
    """How many deviations from the mean; what is missing is taken for the mean."""
    value, (mean, deviation) = number(row[name]), spread[name]
    return 0.0 if value is None else (value - mean) / deviation


def place(row):
    others = [row[name] for name in names if name not in spread]
    return [standard(row, name) for name in spread] + others


def distance(a, b):
    return sum((x - y) ** 2 if isinstance(x, float) else float(x != y) for x, y in zip(a, b))


def nearest(where, rows):
    return sorted(rows, key=lambda one: distance(one[0], where))[:K]


def order(labels):
    try:
        return sorted(labels, key=float)
    except ValueError:
        return sorted(labels)


known = [(place(row), row[TARGET]) for row in train]
classes = order(set(row[TARGET] for row in train))


def predict(where, rows):
    votes = [target for _, target in nearest(where, rows)]
    if NEEDS == "value":
        return [sum(float(v) for v in votes) / len(votes)]
    shares = [votes.count(label) / len(votes) for label in classes]
    if NEEDS == "label":
        return [classes[max(range(len(classes)), key=shares.__getitem__)]]
    return shares[1:] if len(header) == 2 else shares


check = known[: max(1, len(known) // 5)]
rest = known[len(check) :] or known
if NEEDS == "value":
    errors = [(predict(where, rest)[0] - float(target)) ** 2 for where, target in check]
    print(f"Validation rmse: {(sum(errors) / len(errors)) ** 0.5:.6f}")
else:
    hits = 0
    for where, target in check:
        votes = [label for _, label in nearest(where, rest)]
        hits += max(set(votes), key=votes.count) == target
    print(f"Validation accuracy: {hits / len(check):.6f}")
os.makedirs("working", exist_ok=True)
with open("working/submission.csv", "w", newline="") as file:
    writer = csv.writer(file)
    writer.writerow(header)
    writer.writerows([row[header[0]], *predict(place(row), known)] for row in test)
`
}
