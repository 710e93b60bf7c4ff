/** How soon a served policy answers: `/act` with 64 clients, beside FastAPI and onnxruntime. */
import { join } from 'node:path'
import { startHearth } from '../../scripts/hearth.ts'
import { freePort, waitUntil } from '../../scripts/port.ts'
import { generate, type Measured } from '../generator.ts'
import { median, quantile } from '../table.ts'

export interface ActFigures {
  /** One client, one request after the other. */
  readonly alone: Latency
  /** Each of the clients begins twenty requests a second. */
  readonly paced: Latency
  /** Each of the clients begins a request when it has the answer to the last. */
  readonly full: Latency & { readonly perSecond: number }
}

interface Latency {
  readonly p50Ms: number
  readonly p99Ms: number
}

const clients = 64
const everyMs = 50

const body = JSON.stringify({ observation: Array.from({ length: 22 }, () => 0.5) })

const latencyOf = ({ latenciesMs }: Measured): Latency => ({
  p50Ms: quantile(latenciesMs, 0.5),
  p99Ms: quantile(latenciesMs, 0.99),
})

const asker = (url: string) => {
  const { origin, pathname: path } = new URL(url)
  const load = { kind: 'repeat', request: { method: 'POST', path, body } } as const
  return (more: { clients: number; requestsPerClient: number; everyMs?: number }) =>
    generate({ origin, load, ...more })
}

const paced = async (url: string): Promise<Latency> =>
  latencyOf(await asker(url)({ clients, requestsPerClient: 80, everyMs }))

/** Of runs of four seconds: a neighbour's stall is not the server's. */
const medianOf = (runs: readonly Latency[]): Latency => ({
  p50Ms: median(runs.map(({ p50Ms }) => p50Ms)),
  p99Ms: median(runs.map(({ p99Ms }) => p99Ms)),
})

const rounds = 5

/** `between` two runs at the same pace: what they are compared with happens at the same time. */
const measure = async (
  url: string,
  between: () => Promise<void> = async () => {},
): Promise<ActFigures> => {
  const ask = asker(url)
  await ask({ clients, requestsPerClient: 50 })
  const alone = latencyOf(await ask({ clients: 1, requestsPerClient: 1000 }))
  const full = await ask({ clients, requestsPerClient: 500 })
  const runs: Latency[] = []
  for (let run = 0; run < rounds; run++) {
    runs.push(await paced(url))
    await between()
  }
  return {
    alone,
    paced: medianOf(runs),
    full: { ...latencyOf(full), perSecond: full.latenciesMs.length / full.seconds },
  }
}

const peer = `
import sys
import numpy, onnxruntime, uvicorn
from fastapi import FastAPI

app = FastAPI()
session = onnxruntime.InferenceSession(sys.argv[1])

@app.post("/act")
def act(body: dict):
    rows = numpy.array([body["observation"]], numpy.float32)
    return {"action": int(session.run(None, {"observation": rows})[0].argmax())}

uvicorn.run(app, port=int(sys.argv[2]), log_level="error")
`

type Call = <T>(method: string, path: string, body?: object) => Promise<T>

/** A training as long as it takes, on the server's own node. */
const whileTraining = async <T>(call: Call, work: () => Promise<T>): Promise<T> => {
  const { session_id } = await call<{ session_id: string }>('POST', '/api/training/start', {
    scenario_id: 'customer_support',
    framework: 'Native',
    algorithm: 'ppo',
    max_episodes: 10_000_000,
  })
  const path = `/api/training/${session_id}`
  await waitUntil('the training to learn', async () => {
    return (await call<{ current_episode: number }>('GET', path)).current_episode > 1000
  })
  const done = await work()
  await call('POST', `${path}/stop`)
  return done
}

/** Both serve the same model: ours made it. */
export const measureActs = async (folder: string, python: string) => {
  const hearth = await startHearth({
    dataDir: join(folder, 'data'),
    env: { LOG_LEVEL: 'error' },
  })
  const call = async <T>(method: string, path: string, body?: object): Promise<T> => {
    const headers = { 'content-type': 'application/json' }
    const reply = await fetch(`${hearth.origin}${path}`, {
      method,
      ...(body && { headers, body: JSON.stringify(body) }),
    })
    return (await reply.json()) as T
  }
  try {
    const { session_id } = await call<{ session_id: string }>('POST', '/api/training/start', {
      scenario_id: 'customer_support',
      framework: 'Native',
      max_episodes: 200,
    })
    let model: string | null = null
    await waitUntil(
      'the model',
      async () => {
        const path = `/api/training/${session_id}`
        model = (await call<{ model_id: string | null }>('GET', path)).model_id
        return model !== null
      },
      60_000,
    )
    const url = `${hearth.origin}/api/models/${model}/act`
    const training: Latency[] = []
    const ours = await measure(url, async () => {
      training.push(await whileTraining(call, () => paced(url)))
    })
    const during = medianOf(training)
    const file = join(folder, 'policy.onnx')
    await Bun.write(file, await fetch(`${hearth.origin}/api/models/${model}/export`))
    const port = String(freePort())
    const child = Bun.spawn([python, '-c', peer, file, port], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    try {
      const url = `http://127.0.0.1:${port}/act`
      const answers = () =>
        fetch(url, { method: 'POST', body: '{}' }).then(
          () => true,
          () => false,
        )
      await waitUntil('FastAPI', answers, 60_000)
      return { ours, during, theirs: await measure(url) }
    } finally {
      child.kill()
      await child.exited
    }
  } finally {
    await hearth.end()
  }
}
