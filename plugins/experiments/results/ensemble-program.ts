/** Writes a blend of predictions down as a program, so that it can be run like any solution. */
import type { MetricName } from '../scoring/metrics.ts'
import { metricOf } from '../scoring/metrics.ts'

export interface ProgramPart {
  readonly node: string
  readonly weight: number
  readonly code: string
}

/** Runs every part in a folder of its own and blends what they predict, as the server did. */
export const ensembleProgram = (metric: MetricName, parts: readonly ProgramPart[]): string => {
  const { needs, isOfOrder } = metricOf(metric)
  const how = needs === 'label' ? 'vote' : isOfOrder === true ? 'order' : 'mean'
  const members = parts.map(
    ({ node, weight, code }) =>
      `    (${JSON.stringify(node)}, ${weight}, "\\n".join([\n${linesOf(code)}\n    ])),`,
  )
  return `${head(how)}\nMEMBERS = [\n${members.join('\n')}\n]\n\n${body}`
}

/** JSON's strings are Python's, too: the escapes of one mean the same in the other. */
const linesOf = (code: string): string =>
  code
    .split('\n')
    .map((line) => `        ${JSON.stringify(line)},`)
    .join('\n')

const head = (
  how: string,
): string => `"""A weighted blend of programs: each runs in a folder of its own, then their
predictions in working/submission.csv are joined, row by row."""
import csv
import os
import subprocess
import sys
import tempfile

HOW = ${JSON.stringify(how)}  # mean of values, mean of ranks where only the order counts, or vote
`

const body = `
def run(name, code):
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(os.path.abspath("input"), os.path.join(folder, "input"))
        os.mkdir(os.path.join(folder, "working"))
        with open(os.path.join(folder, name + ".py"), "w", encoding="utf-8") as file:
            file.write(code)
        subprocess.run([sys.executable, name + ".py"], cwd=folder, check=True)
        with open(os.path.join(folder, "working", "submission.csv"), newline="") as file:
            rows = list(csv.reader(file))
    return rows[0], {row[0]: row[1:] for row in rows[1:]}


def ranks(values):
    order = sorted(range(len(values)), key=lambda i: values[i])
    shares = [0.0] * len(values)
    first = 0
    while first < len(order):
        last = first
        while last + 1 < len(order) and values[order[last + 1]] == values[order[first]]:
            last += 1
        for place in range(first, last + 1):
            shares[order[place]] = ((first + last) / 2 + 0.5) / len(values)
        first = last + 1
    return shares


def columns_of(ids, rows):
    columns = [[float(rows[one][c]) for one in ids] for c in range(len(rows[ids[0]]))]
    are_shares = all(0 <= value <= 1 for column in columns for value in column)
    return columns if HOW == "mean" or are_shares else [ranks(column) for column in columns]


def main():
    parts = [(weight, *run(name, code)) for name, weight, code in MEMBERS]
    header = parts[0][1]
    ids = list(parts[0][2])
    if HOW == "vote":
        blended = []
        for one in ids:
            votes = {}
            for weight, _, rows in parts:
                votes[rows[one][0]] = votes.get(rows[one][0], 0) + weight
            blended.append([max(votes, key=votes.get)])
    else:
        columns = [(weight, columns_of(ids, rows)) for weight, _, rows in parts]
        blended = [
            [
                sum(weight * column[c][i] for weight, column in columns)
                for c in range(len(header) - 1)
            ]
            for i in range(len(ids))
        ]
    os.makedirs("working", exist_ok=True)
    with open("working/submission.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows([one, *values] for one, values in zip(ids, blended))
    print(f"Blended {len(parts)} programs, {len(ids)} rows")


main()
`
