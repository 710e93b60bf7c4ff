/** Lost replies, moved offsets, servers that refuse: nothing is lost, nothing doubled. */
import { expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { agentUnderTest } from './agent-fixture.ts'
import { exited, scriptedExecutor } from './scripted-executor.ts'

const lines = Array.from({ length: 200 }, (_, index) => `line ${index}\n`).join('')

const talkative = () =>
  scriptedExecutor((run) => {
    run.write(lines)
    run.event({ type: 'artifact', path: 'out.bin' })
    run.file('out.bin', 'x'.repeat(1000))
    return exited(0)
  })

const plan = { command: ['program'] }
const verbs = ['sync', 'start', 'log', 'events', 'blob', 'commit', 'finish'] as const

const isVerb = (call: string, verb: string): boolean =>
  verb === 'blob'
    ? /^PUT .*\/blobs\/[0-9a-f]+/.test(call)
    : call.replace(/\?.*/, '').endsWith(`/${verb}`)

test.each(verbs)(
  'the first two replies to %s are lost after they were carried out',
  async (verb) => {
    const scripted = talkative()
    await using node = await agentUnderTest(scripted.executor)
    const job = node.server.submit('j1', plan)
    let lost = 0
    node.server.faults.after = (call) => {
      if (isVerb(call, verb) && lost++ < 2) throw new Error('the connection broke')
    }
    await node.start()
    await node.server.until(() => job.finish && node.server.syncs.at(-1)?.holding.length === 0)
    expect([node.server.logOf('j1') === lines, scripted.started, node.server.blobs.size]).toEqual([
      true,
      ['j1-1'],
      1,
    ])
    // Sent once more or found to be there: either way not everything was lost.
    expect(lost).toBeGreaterThanOrEqual(1)
    expect(await node.attemptsOnDisk()).toEqual([])
  },
)

test.each(verbs.slice(1))('an attempt that is gone at %s is forgotten', async (verb) => {
  const scripted = talkative()
  await using node = await agentUnderTest(scripted.executor)
  const job = node.server.submit('j1', plan)
  node.server.faults.before = (call) => {
    if (isVerb(call, verb)) job.state = 'gone'
  }
  await node.start()
  await node.server.until(() => job.state === 'gone')
  await node.server.until(() => node.server.syncs.at(-1)?.holding.length === 0)
  expect([job.finish, await node.attemptsOnDisk()]).toEqual([null, []])
})

test('a restarted agent keeps what runs while the server thinks it lost', async () => {
  const go = Promise.withResolvers<void>()
  const scripted = scriptedExecutor(async (run) => {
    run.write('up hunter22\n')
    await go.promise
    return exited(0)
  })
  await using node = await agentUnderTest(scripted.executor)
  const job = node.server.submit('j1', plan, { secrets: { S: 'hunter22' } })
  const first = await node.start()
  await node.server.until(() => job.log.length === 12)
  await first.stop()
  let refusals = 0
  const { transport } = node.server
  await node.start({
    transport: (path, init) =>
      path.endsWith('/start') && refusals++ < 2
        ? Promise.resolve(Response.json({ detail: 'lost', code: 'gone' }, { status: 410 }))
        : transport(path, init),
  })
  go.resolve()
  await node.server.until(() => job.finish)
  expect([refusals, node.server.logOf('j1'), scripted.started]).toEqual([
    3,
    'up ********\n',
    ['j1-1'],
  ])
})

test('a server that lost bytes gets them again', async () => {
  const go = Promise.withResolvers<void>()
  const scripted = scriptedExecutor(async (run) => {
    run.write(lines)
    await go.promise
    run.write('the end\n')
    return exited(0)
  })
  await using node = await agentUnderTest(scripted.executor)
  const job = node.server.submit('j1', plan)
  await node.start()
  await node.server.until(() => node.server.logOf('j1') === lines)
  job.log = job.log.slice(0, 7)
  go.resolve()
  await node.server.until(() => job.finish)
  expect(node.server.logOf('j1')).toBe(`${lines}the end\n`)
})

test('a server whose bytes differ gets all of them again', async () => {
  const scripted = talkative()
  await using node = await agentUnderTest(scripted.executor)
  const job = node.server.submit('j1', plan)
  let damaged = false
  node.server.faults.before = (call) => {
    if (!isVerb(call, 'finish') || damaged) return
    damaged = true
    job.log = job.log.map((byte, index) => (index === 3 ? 0 : byte))
  }
  await node.start()
  await node.server.until(() => job.finish)
  expect([damaged, node.server.logOf('j1')]).toEqual([true, lines])
})

test('a server that lost a blob is sent it again', async () => {
  const scripted = talkative()
  await using node = await agentUnderTest(scripted.executor)
  const job = node.server.submit('j1', plan)
  let forgot = false
  node.server.faults.before = (call) => {
    if (!isVerb(call, 'finish') || forgot) return
    forgot = true
    node.server.blobs.clear()
  }
  await node.start()
  await node.server.until(() => job.finish)
  expect([forgot, node.server.blobs.size]).toEqual([true, 1])
})

test('what is written while nobody answers arrives afterwards', async () => {
  const silent = Promise.withResolvers<void>()
  const scripted = scriptedExecutor(async (run) => {
    run.write('before\n')
    await silent.promise
    run.write(lines)
    return exited(0)
  })
  await using node = await agentUnderTest(scripted.executor)
  const job = node.server.submit('j1', plan)
  await node.start()
  await node.server.until(() => node.server.logOf('j1') === 'before\n')
  let refused = 0
  node.server.faults.before = () => {
    refused++
    silent.resolve()
    if (refused < 8) throw new Error('no route to host')
  }
  node.server.touch()
  silent.resolve()
  await node.server.until(() => job.finish)
  expect(node.server.logOf('j1')).toBe(`before\n${lines}`)
  expect(scripted.started).toEqual(['j1-1'])
})

test('pages of a proxy end nothing', async () => {
  const scripted = talkative()
  await using node = await agentUnderTest(scripted.executor)
  const job = node.server.submit('j1', plan)
  let pages = 0
  const { transport } = node.server
  await node.start({
    transport: async (path, init) =>
      pages++ < 6
        ? new Response('<html>Gone for lunch', { status: [410, 401, 404, 502][pages % 4] ?? 500 })
        : transport(path, init),
  })
  await node.server.until(() => job.finish)
  expect(node.server.logOf('j1')).toBe(lines)
})

test.each([
  [401, 'unauthorized', 'RevokedError'],
  [426, 'upgrade_required', 'OutdatedError'],
] as const)('a server that answers %i (%s) ends the agent', async (status, code, name) => {
  await using node = await agentUnderTest(talkative().executor)
  node.server.refuse = [status, code]
  const agent = await node.start()
  const error = await agent.run().then(
    () => null,
    (reason: Error) => reason.name,
  )
  expect(error).toBe(name)
})

test('a deadline moves with every contact and counts from when the question was sent', async () => {
  let nowMs = 1000
  let stopped = ''
  const scripted = scriptedExecutor(async (run) => {
    run.write('up\n')
    stopped = await run.stopped
    return { reason: 'lease_expired', exitCode: null, signal: 'SIGTERM' }
  })
  await using node = await agentUnderTest(scripted.executor)
  const job = node.server.submit('j1', plan, { stopAfterMs: 3000 })
  await node.start({ monotonicMs: () => nowMs })
  await node.server.until(() => node.server.logOf('j1') === 'up\n')
  const deadline = () => readFileSync(`${node.stateDir}/attempts/j1-1/deadline`, 'utf8')
  expect(deadline()).toBe('4000\n')
  nowMs = 2000
  await node.server.until(() => deadline() === '5000\n')
  expect(Math.max(...node.server.syncs.slice(2).map(({ waitMs }) => waitMs))).toBe(750)
  // Cut off: nobody beside this program looks at the deadline, so the agent does.
  node.server.faults.before = (call) => {
    nowMs = 6000
    if (stopped === '' || isVerb(call, 'sync')) throw new Error('no route to host')
  }
  node.server.touch()
  await node.server.until(() => job.finish)
  expect([stopped, job.finish?.outcome.reason]).toEqual(['deadline', 'lease_expired'])
})
