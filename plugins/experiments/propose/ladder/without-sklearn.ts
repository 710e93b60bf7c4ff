/** For a Python that has nothing but itself: nearest neighbours, written out. */
import { metricOf } from '../../scoring/metrics.ts'
import type { Task } from '../../scoring/task.ts'
import type { ProposeContext } from '../proposer.ts'
import { labelKeys } from './render-model.ts'
import { delimiterOf } from './render-tables.ts'

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
import heapq
import math
import os
import random

K = ${k}
TARGET = ${JSON.stringify(task.target)}
NOT_FEATURES = ${JSON.stringify([task.target, task.id, task.group].filter((c) => c !== null))}
NEEDS = ${JSON.stringify(needs)}  # value, label or probability
csv.field_size_limit(2**30)


${delimiterOf}


${labelKeys}


def read(path, delimiter):
    with open(path, encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


def number(text):
    try:
        value = float(text)
        return value if math.isfinite(value) else None
    except (TypeError, ValueError):
        return None


TABLE = ${JSON.stringify(`input/${task.table}`)}
train = read(TABLE, delimiter_of(TABLE))
train = [row for row in train if row[TARGET] not in (None, "")]
test = read("input/test.csv", ",")
with open("input/sample_submission.csv", encoding="utf-8", newline="") as file:
    header = next(csv.reader(file))
random.Random(int(os.environ.get("HEARTH_SEED", "0"))).shuffle(train)
names = [name for name in train[0] if name not in NOT_FEATURES and name in test[0]]
# Every row is compared with every other: only so many of them, to end within seconds.
most = 20_000_000 // (len(test) * (len(names) + 1))
train = train[: max(50, min(3000, most))]
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
    return heapq.nsmallest(K, rows, key=lambda one: distance(one[0], where))


def goal(row):
    return row[TARGET] if NEEDS == "value" else key(row[TARGET])


known = [(place(row), goal(row)) for row in train]
classes = [] if NEEDS == "value" else order({label for _, label in known})
spelled = {key(row[TARGET]): row[TARGET] for row in train}


def class_of(name):
    own = key(name)
    return own if own in spelled else key(name.removeprefix(TARGET + "_"))


def predict(where, rows):
    votes = [target for _, target in nearest(where, rows)]
    if NEEDS == "value":
        return [sum(float(v) for v in votes) / len(votes)]
    if NEEDS == "label":
        return [spelled[max(classes, key=votes.count)]]
    wanted = classes[-1:] if len(header) == 2 else map(class_of, header[1:])
    return [votes.count(label) / len(votes) for label in wanted]


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
