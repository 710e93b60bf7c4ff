/** Reads back what is stored, and says how it differs from what was acknowledged. */
import { callJson } from '../../scripts/hearth.ts'

interface History {
  readonly values: number[]
  readonly steps: number[]
}

export interface Audit {
  readonly points: number
  readonly lost: number[]
  readonly doubled: number[]
  /** Points whose value is not their step. */
  readonly wrong: number[]
}

/** Compares a series with the steps 0 .. points-1, each with its step as value. */
export const audit = async (
  origin: string,
  token: string,
  runId: number,
  name: string,
  points: number,
): Promise<Audit> => {
  const path = `/metrics/${runId}/history/${name}`
  const { steps, values } = await callJson<History>(origin, token, 'GET', path)
  const seen = new Map<number, number>()
  for (const step of steps) seen.set(step, (seen.get(step) ?? 0) + 1)
  return {
    points: steps.length,
    lost: Array.from({ length: points }, (_, step) => step).filter((step) => !seen.has(step)),
    doubled: [...seen].filter(([, times]) => times > 1).map(([step]) => step),
    wrong: steps.filter((step, index) => values[index] !== step || step >= points),
  }
}

export const clean = (points: number): Audit => ({ points, lost: [], doubled: [], wrong: [] })

/** A project with `count` runs in it. */
export const makeRuns = async (origin: string, token: string, count: number): Promise<number[]> => {
  const body = { name: 'faults', description: '', is_public: false }
  const project = await callJson<{ id: number }>(origin, token, 'POST', '/projects/', body)
  const ids: number[] = []
  for (let i = 0; i < count; i++) {
    const path = `/runs/?project_id=${project.id}`
    ids.push((await callJson<{ id: number }>(origin, token, 'POST', path, { name: `${i}` })).id)
  }
  return ids
}
