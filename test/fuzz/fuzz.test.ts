/** A hundred thousand requests made from the OpenAPI document: no 500, no hang, no crash. */
import { expect } from 'bun:test'
import { callJson, type Hearth, signUp, startHearth } from '../../scripts/hearth.ts'
import { Connection } from '../../scripts/http.ts'
import { temporaryFolder } from '../../scripts/temporary.ts'
import { testWith } from '../faults/needs.ts'
import { generateCorpus } from './corpus.ts'
import { type Mixed, mixer, randomFrom } from './mix.ts'

const ci = process.env['CI'] === 'true'
const requests = Number(process.env['HEARTH_FUZZ_REQUESTS'] ?? (ci ? 100_000 : 5000))
const seed = Number(process.env['HEARTH_FUZZ_SEED'] ?? 1)
const casesPerOperation = requests >= 100_000 ? 50 : 8
const clients = 16
const hangMs = 10_000
const named = / \/(api|openenv|v1)\//

/** Enough to ask for, however much of it the requests delete. */
const fill = async (origin: string, token: string): Promise<void> => {
  const call = (path: string, body: object) =>
    callJson<{ id: number }>(origin, token, 'POST', path, body)
  for (let project = 1; project <= 100; project++) {
    const { id } = await call('/projects/', { name: `project ${project}` })
    for (let i = 0; i < 4; i++) {
      const run = await call(`/runs/?project_id=${id}`, { name: `run ${i}`, config: { lr: i } })
      const metrics = { loss: i, 'train/loss': Number.MAX_VALUE }
      await call(`/metrics/${run.id}/batch`, { metrics, step: i })
      await fetch(`${origin}/runs/${run.id}/artifacts/model/weights.bin`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${token}` },
        body: 'weights',
      })
    }
  }
}

interface Outcome {
  /** Requests by status. */
  readonly statuses: Record<string, number>
  readonly broken: { operation: string; request: string; outcome: string }[]
  /** Operations that were carried out at least once. */
  readonly reached: Set<string>
}

const sendAll = async (origin: string, next: () => Mixed): Promise<Outcome> => {
  const outcome: Outcome = { statuses: {}, broken: [], reached: new Set() }
  let left = requests
  const client = async () => {
    let connection = await Connection.open(origin)
    while (left-- > 0 && outcome.broken.length < 20) {
      const { operation, bytes } = next()
      if (connection.closed) connection = await Connection.open(origin)
      const { status, text } = await Promise.race([
        connection.send(bytes).then(
          (reply) => ({ status: reply.status, text: `${reply.body}` }),
          (error: Error) => ({ status: 0, text: error.message }),
        ),
        Bun.sleep(hangMs).then(() => ({ status: 0, text: 'no reply in time' })),
      ])
      outcome.statuses[status] = (outcome.statuses[status] ?? 0) + 1
      if (status >= 200 && status < 300) outcome.reached.add(operation)
      if (status >= 200 && status < 500) continue
      // Two requests undid each other, and the reply says: once more.
      if (status === 503 && text.includes('"code":"unavailable"')) continue
      const request = bytes.toString('latin1').slice(0, 1500)
      outcome.broken.push({ operation, request, outcome: `${status} ${text.slice(0, 300)}` })
      connection.close()
      connection = await Connection.open(origin)
    }
    connection.close()
  }
  await Promise.all(Array.from({ length: clients }, client))
  return outcome
}

const fuzz = async (hearth: Hearth): Promise<void> => {
  const { origin } = hearth
  const token = await signUp(origin, 'root')
  const spendable: string[] = []
  for (let i = 0; i < 30; i++) spendable.push(await signUp(origin, `user${i}`))
  await fill(origin, token)
  const all = await generateCorpus(origin, casesPerOperation)
  // Its jobs install packages by their names, and no names are to be guessed.
  const corpus = new Map([...all].filter(([operation]) => operation !== 'POST /api/scenarios'))
  expect(corpus.size).toBeGreaterThan(30)
  const random = randomFrom(seed)
  const next = mixer({
    corpus,
    host: new URL(origin).host,
    random,
    // Changing one's own password ends one's own token.
    token: (operation) =>
      operation === 'PUT /auth/me'
        ? (spendable[Math.floor(random() * spendable.length)] as string)
        : token,
  })
  const { statuses, broken, reached } = await sendAll(origin, next)
  expect(broken).toEqual([])
  process.stderr.write(`fuzz: ${requests} requests, by status ${JSON.stringify(statuses)}\n`)
  expect(statuses[503] ?? 0).toBeLessThan(requests / 1000)
  const unreached = [...corpus.keys()].filter((operation) => !reached.has(operation))
  process.stderr.write(`fuzz: never carried out: ${unreached.join(', ') || 'none'}\n`)
  // The others ask for ids, names and credentials that no generator guesses.
  const guessable = [...corpus.keys()].filter((operation) => !named.test(operation))
  const carriedOut = guessable.filter((operation) => reached.has(operation))
  // Few requests seldom come to what is rare.
  expect(carriedOut.length).toBeGreaterThan(guessable.length * (ci ? 0.8 : 0.7))
  expect(await callJson(origin, token, 'GET', '/auth/me')).toMatchObject({ username: 'root' })
  expect(hearth.output().match(/^.*"level":"error".*$/m)?.[0]).toBeUndefined()
}

testWith('python')(
  `${requests} requests of every operation`,
  async () => {
    await using folder = await temporaryFolder()
    // Probes of frameworks are begun by chance: nothing is to be fetched for them.
    const env = { RATE_LIMITS: 'off', PIP_NO_INDEX: '1', UV_NO_INDEX: '1' }
    const hearth = await startHearth({ dataDir: folder.path, env })
    try {
      await fuzz(hearth)
      expect(await hearth.end()).toBe(0)
    } finally {
      await hearth.end('SIGKILL')
    }
  },
  900_000,
)
