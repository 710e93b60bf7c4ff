/** One experiment, watched over every transport: all are told the same, and nothing twice. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { io, type Socket } from 'socket.io-client'
import { callJson, type Hearth, startHearth } from '../../scripts/hearth.ts'
import { waitUntil } from '../../scripts/port.ts'
import { type TemporaryFolder, temporaryFolder } from '../../scripts/temporary.ts'
import { housePrices, housesCsv } from './aide/houses.ts'

const timeoutMs = 60_000
let folder: TemporaryFolder
let hearth: Hearth

interface Message {
  readonly type: string
  readonly data: Readonly<Record<string, unknown>> & { readonly seq: number }
}

beforeAll(async () => {
  folder = await temporaryFolder()
  const config = join(folder.path, 'hearth.config.json')
  const experiments = { config: { python: '/usr/bin/python3' } }
  await Bun.write(config, JSON.stringify({ plugins: { experiments } }))
  hearth = await startHearth({ dataDir: join(folder.path, 'data'), args: ['--config', config] })
}, timeoutMs)

afterAll(async () => {
  await hearth?.end()
  await folder?.[Symbol.asyncDispose]()
})

const call = async <T = Record<string, unknown>>(method: string, path: string, body?: unknown) =>
  (await callJson<{ data: T }>(hearth.origin, '', method, path, body)).data

const address = (id: string) =>
  `${hearth.origin.replace('http', 'ws')}/ws/experiments/${encodeURIComponent(id)}`

const newExperiment = async (): Promise<string> => {
  const body = new FormData()
  body.append('files', new File([housesCsv()], 'houses.csv'))
  const reply = await fetch(`${hearth.origin}/api/upload`, { method: 'POST', body })
  const { data } = (await reply.json()) as { data: { id: string }[] }
  const files = data.map(({ id }) => id)
  return (await call<{ id: string }>('POST', '/api/experiments', housePrices(files, 3))).id
}

interface Watcher {
  readonly name: string
  readonly messages: Message[]
  transport(): string | undefined
  end(): void
}

const bySocketIo = (id: string, transports?: string[], since?: number): Watcher => {
  const socket: Socket = io(address(id), {
    forceNew: true,
    ...(transports && { transports }),
    ...(since !== undefined && { auth: { since } }),
  })
  const messages: Message[] = []
  socket.onAny((name: string, message: Message) => {
    if (name !== message.type) throw new Error(`${name} brought ${message.type}`)
    messages.push(message)
  })
  return {
    name: `io ${transports?.join(' and ') ?? 'as it is'}`,
    messages,
    transport: () => socket.io.engine?.transport.name,
    end: () => void socket.disconnect(),
  }
}

const byWebSocket = (id: string, since?: number): Watcher => {
  const socket = new WebSocket(address(id) + (since === undefined ? '' : `?since=${since}`))
  const messages: Message[] = []
  socket.onmessage = ({ data }) => messages.push(JSON.parse(String(data)) as Message)
  return { name: 'WebSocket', messages, transport: () => 'websocket', end: () => socket.close() }
}

const isOver = ({ messages }: Watcher) =>
  ['experiment_complete', 'error'].includes(messages.at(-1)?.type ?? '')

const node = { code: expect.any(String), execTime: expect.any(Number), isBuggy: false }
const score = { value: expect.any(Number), maximize: false }

test(
  'polling, upgrade, WebSocket and Socket.IO carry the same, and bring it again',
  async () => {
    const id = await newExperiment()
    const watchers = [
      bySocketIo(id),
      bySocketIo(id, ['polling']),
      bySocketIo(id, ['websocket']),
      byWebSocket(id),
    ]
    await waitUntil('all to be greeted', () =>
      watchers.every(({ messages }) => messages.length > 0),
    )
    await call('POST', `/api/experiments/${id}/start`)
    await waitUntil('all to be told of the end', () => watchers.every(isOver))
    expect(watchers.map((watcher) => watcher.transport())).toEqual([
      'websocket',
      'polling',
      'websocket',
      'websocket',
    ])
    const [first, ...others] = watchers.map(({ messages }) => messages) as [Message[], Message[]]
    for (const messages of others) expect(messages).toEqual(first)
    const steps = first.filter(({ type }) => type === 'step_complete')
    expect(steps.map(({ data }) => data)).toMatchObject(
      [1, 2, 3].map((step) => ({
        ...{ experimentId: id, step },
        node: { id: `node_${step}`, step, metric: score, ...node },
      })),
    )
    const complete = {
      ...{ experimentId: id, status: 'completed', bestMetric: score },
      ...{ totalTime: expect.any(Number), completedAt: expect.stringMatching(/\dZ$/) },
    }
    expect(first.at(-1)?.data).toMatchObject({ ...complete, results: complete })
    expect(new Set(first.map(({ type }) => type))).toEqual(
      new Set([
        ...['connection_established', 'config_update', 'progress', 'node_update'],
        ...['step_complete', 'experiment_complete'],
      ]),
    )

    const last = first[5]?.data.seq ?? 0
    const back = [bySocketIo(id, undefined, last), bySocketIo(id, ['polling'], last)]
    const all = [...back, byWebSocket(id, last), byWebSocket(id, 0)]
    await waitUntil('those that came back to be told', () => all.every(isOver))
    for (const { messages } of all.slice(0, 3)) expect(messages.slice(1)).toEqual(first.slice(6))
    expect(all[3]?.messages.slice(1)).toEqual(first.slice(1))
    for (const watcher of [...watchers, ...all]) watcher.end()
  },
  timeoutMs,
)

test('an experiment that is not there is refused in the words of the document', async () => {
  for (const transports of [['polling'], ['websocket']]) {
    const socket = io(address('exp_123456789'), { transports, forceNew: true, reconnection: false })
    const error = await new Promise<Error>((resolve) => socket.on('connect_error', resolve))
    expect(error.message).toBe('EXPERIMENT_NOT_FOUND')
    socket.disconnect()
  }
})
