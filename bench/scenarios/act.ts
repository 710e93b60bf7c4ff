/** How soon a served policy answers: `/act` with 64 clients, beside FastAPI and onnxruntime. */
import { join } from 'node:path'
import { startHearth } from '../../scripts/hearth.ts'
import { freePort, waitUntil } from '../../scripts/port.ts'
import { quantile } from '../table.ts'

export interface ActFigures {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** One client, one request after the other. */
  readonly aloneP50Ms: number
}

const clients = 64
const forMs = 4_000

const observation = Array.from({ length: 22 }, () => 0.5)

const measure = async (url: string): Promise<ActFigures> => {
  const body = JSON.stringify({ observation })
  const headers = { 'content-type': 'application/json' }
  const ask = async (): Promise<number> => {
    const begun = performance.now()
    const reply = await fetch(url, { method: 'POST', headers, body })
    if (!reply.ok) throw new Error(`${url}: ${reply.status} ${await reply.text()}`)
    await reply.arrayBuffer()
    return performance.now() - begun
  }
  for (let i = 0; i < 200; i++) await ask()
  const alone: number[] = []
  for (let i = 0; i < 500; i++) alone.push(await ask())
  const latencies: number[] = []
  const until = performance.now() + forMs
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (performance.now() < until) latencies.push(await ask())
    }),
  )
  const all = Float64Array.from(latencies)
  return {
    perSecond: latencies.length / (forMs / 1000),
    p50Ms: quantile(all, 0.5),
    p99Ms: quantile(all, 0.99),
    aloneP50Ms: quantile(Float64Array.from(alone), 0.5),
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
    const ours = await measure(`${hearth.origin}/api/models/${model}/act`)
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
      return { ours, theirs: await measure(url) }
    } finally {
      child.kill()
      await child.exited
    }
  } finally {
    await hearth.end()
  }
}
