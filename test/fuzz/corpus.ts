/** Has Schemathesis think of requests for every operation, on all cores. */
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { must } from '../../scripts/command.ts'

export interface Case {
  /** `POST /runs/{run_id}/fork`. */
  readonly operation: string
  readonly path: string
  readonly query: string
  readonly headers: Readonly<Record<string, string>>
  /** Base64. */
  readonly body: string
}

/** Cases by operation: `cases` valid ones and as many broken ones. */
export const generateCorpus = async (
  origin: string,
  cases: number,
): Promise<ReadonlyMap<string, readonly Case[]>> => {
  const python = process.env['HEARTH_TEST_PYTHON'] ?? join('.cache/test-venv/bin/python')
  const shards = availableParallelism()
  const outputs = await Promise.all(
    Array.from({ length: shards }, (_, shard) =>
      must([
        python,
        join(import.meta.dir, 'generate.py'),
        origin,
        `${cases}`,
        `${shard}`,
        `${shards}`,
      ]),
    ),
  )
  const lines = outputs.flatMap((output) => output.split('\n')).filter((text) => text[0] === '{')
  return Map.groupBy(
    lines.map((text) => JSON.parse(text) as Case),
    ({ operation }) => operation,
  )
}
