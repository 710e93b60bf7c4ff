/** Where nothing can be predicted: a program that looks at the data, and is honest about it. */
import type { ProposeContext } from '../proposer.ts'
import { delimiterOf } from './render-tables.ts'

const rounds = [2, 3, 4, 5, 6, 8, 10] as const

/** Each step groups the rows into another number of clusters, and says how well they part. */
export const describingProgram = ({ step, preview }: ProposeContext) => {
  const clusters = rounds[(step - 1) % rounds.length] ?? 2
  const tables = (preview?.tables ?? []).map(({ path }) => path)
  const plan =
    'No column could be found that is to be predicted, so nothing can be scored by the server. ' +
    `This program describes the data and groups its rows into ${clusters} clusters; the number ` +
    'that it reports says how well they part (silhouette, from -1 to 1), not how well anything ' +
    'is predicted.'
  return { plan, code: program(plan, clusters, tables) }
}

const program = (
  plan: string,
  clusters: number,
  tables: readonly string[],
): string => `"""${plan}"""
import csv
import os

import pandas as pd
from sklearn.cluster import KMeans
from sklearn.impute import SimpleImputer
from sklearn.metrics import silhouette_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

TABLES = [${tables.map((path) => JSON.stringify(`input/${path}`)).join(', ')}]
TARGET = None
SEED = int(os.environ.get("HEARTH_SEED", "0"))


${delimiterOf}


best = None
for path in TABLES:
    frame = pd.read_csv(path, sep=delimiter_of(path), nrows=20000)
    print(path, frame.shape)
    print(frame.describe(include="all").T.to_string(max_rows=40))
    numbers = frame.select_dtypes("number").dropna(axis=1, how="all")
    if numbers.shape[1] == 0 or len(numbers) <= ${clusters}:
        continue
    rows = make_pipeline(SimpleImputer(), StandardScaler()).fit_transform(numbers)
    groups = KMeans(${clusters}, n_init=4, random_state=SEED).fit_predict(rows)
    if len(set(groups)) < 2:
        continue
    score = silhouette_score(rows, groups, sample_size=min(len(rows), 2000), random_state=SEED)
    best = score if best is None else max(best, score)
if best is None:
    print("There are no numbers to group rows by")
else:
    print(f"Validation silhouette: {best:.6f}")
`
