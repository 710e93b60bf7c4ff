/** Booting: clashes, promises, timeouts, failures of optional plugins, and the way back. */
import { afterEach, describe, expect, test } from 'bun:test'
import type { Assembly } from '../../src/kernel/boot.ts'
import { assemble, boot, type BootOptions, stopAll } from '../../src/kernel/boot.ts'
import { bootTree } from '../../src/kernel/boot-tree.ts'
import type { HostServices, PluginSource } from '../../src/kernel/instance.ts'
import { silentLogger } from '../../src/kernel/log.ts'
import { BootError } from '../../src/kernel/order.ts'
import { definePlugin, defineService, type Plugin, router, t } from '../../src/sdk.ts'

/** Nothing here touches a service of the host. */
const host = (async () => ({ log: silentLogger })) as unknown as HostServices

const source = (plugin: Plugin, more: Partial<PluginSource> = {}): PluginSource => ({
  plugin,
  config: undefined,
  optional: false,
  ...more,
})

const options = (sources: PluginSource[], more: Partial<BootOptions> = {}): BootOptions => ({
  sources,
  host,
  migrate: async () => {},
  reserved: ['/health'],
  startTimeoutMs: 1000,
  drainTimeoutMs: 1000,
  ...more,
})

const base = { version: '1.0.0', sdk: '*' }

const booted: Assembly[] = []
const bootAll = async (sources: PluginSource[], more: Partial<BootOptions> = {}) => {
  const assembly = await boot(options(sources, more))
  booted.push(assembly)
  return assembly
}
afterEach(async () => {
  for (const { slots } of booted.splice(0)) await stopAll(slots, 1000)
})

const problemsOf = async (sources: PluginSource[], more: Partial<BootOptions> = {}) => {
  try {
    await bootAll(sources, more)
  } catch (error) {
    if (error instanceof BootError) return error.problems
    throw error
  }
  return []
}

describe('what refuses the boot', () => {
  test('ids, doubles, SDK ranges and table prefixes, all at once', async () => {
    const make = (id: string, sdk = '*') =>
      source(definePlugin({ ...base, id, sdk, setup: () => ({}) }))
    expect(
      await problemsOf([make('Bad_Id'), make('a'), make('a'), make('a-b'), make('new', '^9.0.0')]),
    ).toEqual([
      'plugin id "Bad_Id" must match ^[a-z][a-z0-9-]*$',
      'two plugins have the id a',
      'the tables of plugin a-b could not be told from those of a',
      'plugin new needs SDK ^9.0.0; this is 0.1.0',
    ])
  })

  test('settings of every plugin, unknown keys and wrong values', async () => {
    const strict = definePlugin({
      ...base,
      id: 'strict',
      config: t.Object({ size: t.Integer({ minimum: 1, default: 3 }) }),
      setup: () => ({}),
    })
    const bare = definePlugin({ ...base, id: 'bare', setup: () => ({}) })
    expect(
      await problemsOf([
        source(strict, { config: { size: 0, sice: 4 } }),
        source(bare, { config: { anything: 1 } }),
      ]),
    ).toEqual([
      'plugins.strict.config: sice is not a known setting',
      'plugins.strict.config: size: expected integer to be greater or equal to 1, not 0',
      'plugins.bare.config: anything is not a known setting',
    ])
  })

  test('two plugins on one path, one channel, one kind of job, or a kernel path', async () => {
    const channel = (path: string) => ({ path, open: () => ({ topic: 'x' }) })
    const make = (id: string, path: string, socket: string) =>
      source(
        definePlugin({
          ...base,
          id,
          setup: () => ({
            routes: router()
              .get(path, () => 'x')
              .get('/health', () => 'mine'),
            channels: [channel(socket)],
            runners: { sweep: { spec: t.Object({}), plan: () => ({ command: ['true'] }) } },
          }),
        }),
      )
    expect(
      await problemsOf([make('a', '/runs/:id', '/ws/:run'), make('b', '/runs/:key/', '/ws/:id')]),
    ).toEqual([
      'GET /health is claimed by the kernel and a',
      'GET /runs/:key/ is claimed by a and b',
      'GET /health is claimed by the kernel and b',
      'job kind sweep is claimed by a and b',
      '/ws/:id is claimed by a and b',
    ])
  })

  test('a setup that fails, is late, or breaks its promise', async () => {
    const clock = defineService<object>('clock')
    const fails = definePlugin({
      ...base,
      id: 'fails',
      setup: () => {
        throw new Error('no licence')
      },
    })
    const late = definePlugin({ ...base, id: 'late', setup: () => new Promise<never>(() => {}) })
    const forgets = definePlugin({
      ...base,
      id: 'forgets',
      provides: { clock },
      setup: () => ({}) as never,
    })
    expect(await problemsOf([source(fails)])).toEqual(['plugin fails failed: no licence'])
    expect(await problemsOf([source(late)], { startTimeoutMs: 20 })).toEqual([
      'plugin late failed: setup of plugin late took longer than 20 ms',
    ])
    expect(await problemsOf([source(forgets)])).toEqual([
      'plugin forgets failed: setup did not return services: clock',
    ])
  })

  test('stops what was up already, in reverse order', async () => {
    const events: string[] = []
    const make = (id: string, fail = false) =>
      source(
        definePlugin({
          ...base,
          id,
          setup: () => ({
            start: () => {
              events.push(`start ${id}`)
              if (fail) throw new Error('no')
            },
            stop: () => void events.push(`stop ${id}`),
          }),
        }),
      )
    await problemsOf([make('one'), make('two'), make('three', true)])
    expect(events).toEqual([
      'start one',
      'start two',
      'start three',
      'stop three',
      'stop two',
      'stop one',
    ])
  })
})

describe('what is handed on', () => {
  test('services by reference, settings with their defaults', async () => {
    const clock = defineService<{ now: () => number }>('clock')
    let seen: unknown
    const provider = definePlugin({
      ...base,
      id: 'provider',
      provides: { clock },
      setup: () => ({ services: { clock: { now: () => 42 } } }),
    })
    const user = definePlugin({
      ...base,
      id: 'user',
      uses: { clock },
      config: t.Object({ size: t.Integer({ default: 3 }) }),
      setup: ({ uses, config }) => {
        seen = { now: uses.clock.now(), config }
        return {}
      },
    })
    const { slots } = await bootAll([source(user), source(provider)])
    expect(seen).toEqual({ now: 42, config: { size: 3 } })
    expect([...slots.keys()]).toEqual(['provider', 'user'])
  })
})

describe('an optional plugin that fails', () => {
  const clock = defineService<object>('clock')
  const broken = definePlugin({
    ...base,
    id: 'broken',
    provides: { clock },
    paths: ['/broken'],
    setup: () => {
      throw new Error('no licence')
    },
  })
  const dependent = definePlugin({ ...base, id: 'dependent', uses: { clock }, setup: () => ({}) })
  const fine = definePlugin({ ...base, id: 'fine', setup: () => ({}) })

  test('blocks those that use it and nobody else; the tree says why', async () => {
    const assembly = await bootAll([
      source(broken, { optional: true }),
      source(dependent, { optional: true }),
      source(fine),
    ])
    const states = [...assembly.slots.values()].map(({ plugin, state, reason }) => [
      plugin.id,
      state,
      reason,
    ])
    expect(states).toEqual([
      ['broken', 'failed', 'no licence'],
      ['dependent', 'blocked', 'it uses broken, which did not start'],
      ['fine', 'running', undefined],
    ])
    expect(bootTree(assembly).replace(/[\d.]+ ms/g, 'N ms')).toBe(
      [
        'plugins',
        '├─ broken    1.0.0  failed: no licence',
        '├─ dependent 1.0.0  blocked: it uses broken, which did not start',
        '└─ fine      1.0.0  0 routes  setup N ms  start N ms',
      ].join('\n'),
    )
    expect(assembly.routes.find('GET', '/broken/x').owner).toBe('broken')
  })

  test('still refuses the boot when a required plugin needs it', async () => {
    const sources = [source(broken, { optional: true }), source(dependent)]
    expect(await problemsOf(sources)).toEqual([
      'plugin dependent blocked: it uses broken, which did not start',
    ])
  })
})

test('a stop that hangs does not hold up the others', async () => {
  const stopped: string[] = []
  const hangs = definePlugin({
    ...base,
    id: 'hangs',
    setup: ({ signal }) => {
      signal.addEventListener('abort', () => void stopped.push('aborted'))
      return { stop: () => new Promise<never>(() => {}) }
    },
  })
  const fine = definePlugin({
    ...base,
    id: 'fine',
    setup: () => ({ stop: () => void stopped.push('fine') }),
  })
  const { slots } = await boot(options([source(fine), source(hangs)]))
  await stopAll(slots, 10)
  expect(stopped).toEqual(['aborted', 'fine'])
})

test('an assembly with a clash is refused and leaves the old one as it was', async () => {
  const make = (id: string) =>
    source(
      definePlugin({ ...base, id, setup: () => ({ routes: router().get(`/${id}`, () => id) }) }),
    )
  const { slots, routes } = await bootAll([make('a'), make('b')])
  const clash = new Map(slots).set('c', { ...slots.get('a')!, plugin: slots.get('a')!.plugin })
  expect(() => assemble(clash, [])).toThrow(BootError)
  expect(routes.find('GET', '/a').owner).toBe('a')
})
