/** OpenEnv's sockets: frames of the same shape as its own server's, sessions that have bounds. */
import { describe, expect, test } from 'bun:test'
import { Catalogue } from '../../../../plugins/scenarios/catalogue.ts'
import { seedOf } from '../../../../plugins/scenarios/environment.ts'
import {
  openEnvChannel,
  type OpenEnvLimits,
} from '../../../../plugins/scenarios/openenv/sockets.ts'
import { fakeClock } from '../../../../src/testing.ts'

interface Frame {
  readonly type: string
  readonly data: Record<string, unknown>
}
interface Recorded {
  readonly sent: string | null
  readonly answer?: Frame
  readonly closed?: number
}

/** What a server of openenv-core 0.3.0 answered to a client that guesses a number. */
const recorded = (await Bun.file(`${import.meta.dir}/frames.json`).json()) as Recorded[]

const who = { id: 1, username: 'ada', isSuperuser: false, via: 'jwt' } as const

const server = (limits: OpenEnvLimits = { sessions: 10, idleMs: 1000 }) => {
  const clock = fakeClock()
  const channel = openEnvChannel({ catalogue: new Catalogue(), clock, limits })
  return {
    clock,
    async connect(id = 'catch') {
      const query = new URLSearchParams()
      const subscription = await channel.open({ params: { id }, query, who })
      const heard: Frame[] = []
      const ends: { code: number; reason: string }[] = []
      const send = (data: string | object) => void heard.push(data as Frame)
      const leave = () => subscription.closed?.()
      subscription.opened?.({
        send,
        close(code, reason) {
          ends.push({ code, reason })
          leave()
        },
      })
      const say = (message: string | object): Frame | undefined => {
        const text = typeof message === 'string' ? message : JSON.stringify(message)
        void subscription.message?.(text, send)
        return heard.at(-1)
      }
      return { say, heard, ends, leave }
    },
  }
}

/** Names and kinds of what is in it, to so many levels; values aside. */
const shapeOf = (value: unknown, levels: number): unknown => {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || levels === 0) {
    return value === null ? 'null' : Array.isArray(value) ? 'list' : typeof value
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, shapeOf(inner, levels - 1)]),
  )
}

test('frames are those of its own server, with another observation in them', async () => {
  const { say, ends } = await server().connect()
  for (const { sent, answer, closed } of recorded) {
    if (sent === null) continue
    // Its actions are numbers too, of another name.
    const ours = say(sent.replace('"number"', '"action"').replace('"action": 9', '"action": 7'))
    if (closed !== undefined) {
      expect(ends).toEqual([{ code: closed, reason: 'closed as asked' }])
      continue
    }
    const isState = answer?.type === 'state'
    if (isState) expect(ours?.data).toMatchObject({ episode_id: 'e-1', step_count: 1 })
    else if (answer?.type === 'error') {
      expect(shapeOf(ours, 2)).toEqual(shapeOf(answer, 2))
      expect(ours?.data['code']).toBe(answer.data['code'])
    } else if (answer?.data['done'] === false) {
      const { observation, ...rest } = answer.data
      expect(shapeOf(ours, 2)).toMatchObject(shapeOf({ ...answer, data: rest }, 2) as object)
      expect(observation && ours?.data['observation']).toContainAllKeys([
        'vector',
        'text',
        'mask',
        'terminated',
        'truncated',
        'info',
      ])
    }
  }
})

test('a full house is told as by its own server, and closed', async () => {
  const house = server({ sessions: 2, idleMs: 1000 })
  const first = await house.connect()
  await house.connect()
  const third = await house.connect()
  const theirs = recorded.find(({ answer }) => answer?.data['code'] === 'CAPACITY_REACHED')
  expect(third.heard.map((one) => shapeOf(one, 2))).toEqual([shapeOf(theirs?.answer, 2)])
  expect(third.heard[0]?.data).toMatchObject({
    code: 'CAPACITY_REACHED',
    active_sessions: 2,
    max_sessions: 2,
  })
  expect(third.ends).toHaveLength(1)
  expect(third.say({ type: 'reset' })?.data['code']).toBe('CAPACITY_REACHED')
  first.leave()
  const fourth = await house.connect()
  expect(fourth.say({ type: 'reset' })).toMatchObject({ type: 'observation' })
})

test('who is silent for too long gives the session back', async () => {
  const house = server({ sessions: 1, idleMs: 1000 })
  const first = await house.connect()
  house.clock.advance(900)
  first.say({ type: 'state' })
  house.clock.advance(900)
  expect(first.ends).toEqual([])
  house.clock.advance(200)
  expect(first.ends).toEqual([{ code: 1000, reason: 'idle' }])
  expect(first.heard.at(-1)).toMatchObject({ type: 'error', data: { code: 'SESSION_ERROR' } })
  expect((await house.connect()).say({ type: 'reset' })).toMatchObject({ type: 'observation' })
})

describe('an episode', () => {
  interface Data {
    readonly observation: { vector: number[]; text: string; terminated: boolean; info: object }
    readonly reward: number | null
    readonly done: boolean
  }

  test('is the one of its seed, among those of training, to its verdict', async () => {
    const { say } = await server().connect('catch')
    const scenario = new Catalogue().find('catch')
    const native = scenario?.make()
    const seen = new Float32Array(scenario?.spec.observations ?? 0)
    native?.reset(seedOf('train', 12), seen)
    let data = say({ type: 'reset', data: { seed: 12 } })?.data as unknown as Data
    expect({ ...data, vector: data.observation.vector }).toMatchObject({
      vector: [...seen],
      reward: null,
      done: false,
    })
    while (!data.done) {
      const action = native?.oracle() ?? 0
      const step = native?.step(action, seen)
      data = say({ type: 'step', data: { action } })?.data as unknown as Data
      expect(data.observation.vector).toEqual([...seen])
      expect(data.reward).toBe(step?.reward ?? 0)
      expect(data.observation.terminated).toBe(step?.terminated ?? false)
    }
    const info = { task: expect.any(String), verdict: { ...native?.verdict() } }
    expect(data.observation.info).toEqual(info)
    const after = say({ type: 'step', data: { action: 0 } })
    expect(after?.data).toEqual({
      code: 'EXECUTION_ERROR',
      message: 'The episode is over: reset first',
    })
  })

  test('is the same in numbers and in calls', async () => {
    const house = server()
    const scenario = new Catalogue().find('customer_support')
    const conversation = scenario?.conversation
    if (!scenario || !conversation) throw new Error('There is nothing to be said')
    const [numbers, words] = [
      await house.connect(scenario.spec.id),
      await house.connect(scenario.spec.id),
    ]
    const guide = scenario.make()
    const ignored = new Float32Array(scenario.spec.observations)
    for (let seed = 0; seed < 20; seed++) {
      guide.reset(seedOf('train', seed), ignored)
      const first = [numbers, words].map(
        ({ say }) => say({ type: 'reset', data: { seed } })?.data as unknown as Data,
      )
      expect(first[1]).toEqual(first[0] as Data)
      const opening = first[0]?.observation.text ?? ''
      const calls: { name: string; reply: string }[] = []
      for (let isOver = false; !isOver;) {
        const action = guide.oracle()
        const name = scenario.spec.actions[action] ?? ''
        const args = conversation.argumentsOf({ opening, calls }, action)
        const one = numbers.say({ type: 'step', data: { action } })?.data as unknown as Data
        const other = words.say({ type: 'step', data: { name, arguments: args } })?.data
        expect(other).toEqual(one as unknown as Record<string, unknown>)
        calls.push({ name, reply: one.observation.text })
        guide.step(action, ignored)
        isOver = one.done
      }
    }
  })

  test('goes on after a call that means nothing, which is told', async () => {
    const { say } = await server().connect('customer_support')
    say({ type: 'reset', data: { seed: 1 } })
    const told = say({ type: 'step', data: { name: 'dance', arguments: {} } })?.data
    expect(told).toMatchObject({ reward: 0, done: false })
    expect(say({ type: 'state' })?.data['step_count']).toBe(0)
  })

  test.each([
    [{ type: 'step', data: { action: 1 } }, 'EXECUTION_ERROR'],
    [{ type: 'reset', data: { seed: -1 } }, 'VALIDATION_ERROR'],
    [{ type: 'reset', data: { seed: 2 ** 40 } }, 'VALIDATION_ERROR'],
    [{ type: 'step', data: { name: 'left', arguments: {} } }, 'EXECUTION_ERROR'],
    [{ type: 'step', data: { action: 1, name: 'left' } }, 'VALIDATION_ERROR'],
    [[], 'UNKNOWN_TYPE'],
    ['null', 'UNKNOWN_TYPE'],
    [{ type: 'constructor' }, 'UNKNOWN_TYPE'],
  ])('%o is answered with %s', async (message, code) => {
    const { say, ends } = await server().connect('catch')
    expect(say(message)).toMatchObject({ type: 'error', data: { code } })
    expect(ends).toEqual([])
  })
})
