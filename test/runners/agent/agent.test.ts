/** What an agent does for a server: from the assignment to the folder that is gone. */
import { expect, test } from 'bun:test'
import { agentUnderTest, hurriedClock } from './agent-fixture.ts'
import { sha256 } from './fake-server.ts'
import { exited, scriptedExecutor } from './scripted-executor.ts'

const plan = { command: ['program'] }

test('an attempt is run, its output delivered, its folder removed', async () => {
  const scripted = scriptedExecutor((run) => {
    run.write('hello\n')
    run.event({ type: 'metric', name: 'loss', value: 0.5 })
    run.event({ type: 'artifact', path: 'out/model.bin' })
    run.file('out/model.bin', 'weights')
    return { ...exited(0), usage: { wallMs: 5 } }
  })
  await using node = await agentUnderTest(scripted.executor)
  const job = node.server.submit('j1', plan)
  await node.start()
  await node.server.until(() => job.finish && node.server.syncs.at(-1)?.holding.length === 0)
  const weights = sha256(new TextEncoder().encode('weights'))
  expect(node.server.logOf('j1')).toBe('hello\n')
  expect(job.finish).toEqual({
    outcome: { reason: 'exited', exitCode: 0, signal: null, usage: { wallMs: 5 } },
    log: { size: 6, sha256: sha256(new TextEncoder().encode('hello\n')) },
    events: { size: job.events.length, sha256: sha256(job.events) },
    artifacts: [{ path: 'out/model.bin', sha256: weights, sizeBytes: 7, kind: 'artifact' }],
  })
  expect(node.server.blobs.has(weights)).toBe(true)
  expect(await node.attemptsOnDisk()).toEqual([])
  expect([scripted.started, scripted.destroyed, job.starts]).toEqual([['j1-1'], ['j1-1'], 1])
})

test('inputs are placed, and the environment is the plan’s and ours, not the agent’s', async () => {
  let env: Readonly<Record<string, string>> = {}
  const scripted = scriptedExecutor(async (run) => {
    env = run.env
    run.write(await Bun.file(`${run.folder.path}/work/data/in.txt`).text())
    return exited(0)
  })
  await using node = await agentUnderTest(scripted.executor)
  const blob = node.server.addBlob('input')
  const job = node.server.submit(
    'j1',
    { ...plan, env: { MODE: 'fast' }, files: [{ path: 'data/in.txt', ...blob }] },
    { secrets: { TOKEN: 'very-secret' } },
  )
  await node.start()
  await node.server.until(() => job.finish)
  const folder = `${node.stateDir}/attempts/j1-1`
  expect(node.server.logOf('j1')).toBe('input')
  expect(env).toEqual({
    PATH: `${node.stateDir}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
    LANG: 'C.UTF-8',
    HOME: `${folder}/home`,
    TMPDIR: `${folder}/tmp`,
    PYTHONUNBUFFERED: '1',
    MODE: 'fast',
    TOKEN: 'very-secret',
    CUDA_VISIBLE_DEVICES: '',
    HEARTH_JOB: 'j1',
    HEARTH_ATTEMPT: '1',
    HEARTH_EVENTS: `${folder}/events`,
    HEARTH_CONTROL: `${folder}/control`,
    HEARTH_CHECKPOINT: '',
  })
})

test('output is there while the program runs', async () => {
  const go = Promise.withResolvers<void>()
  const scripted = scriptedExecutor(async (run) => {
    run.write('first\n')
    await go.promise
    run.write('second\n')
    return exited(3)
  })
  await using node = await agentUnderTest(scripted.executor)
  const job = node.server.submit('j1', plan)
  await node.start()
  await node.server.until(() => node.server.logOf('j1') === 'first\n')
  expect(job.finish).toBeNull()
  go.resolve()
  await node.server.until(() => job.finish)
  expect(node.server.logOf('j1')).toBe('first\nsecond\n')
  expect(job.finish?.outcome.exitCode).toBe(3)
})

test('secrets do not leave the node, in no form and in no stream', async () => {
  const secret = 'sesame, open/"now"'
  const scripted = scriptedExecutor((run) => {
    run.write(`a ${secret} b ${Buffer.from(`x${secret}`).toString('base64')}\n`)
    run.event({ type: 'message', text: secret })
    return { ...exited(1), message: `it was ${secret}` }
  })
  await using node = await agentUnderTest(scripted.executor)
  const job = node.server.submit('j1', plan, { secrets: { S: secret } })
  await node.start()
  const { outcome } = await node.server.until(() => job.finish)
  const stars = '*'.repeat(secret.length)
  expect(node.server.logOf('j1')).toMatch(new RegExp(`^a \\*{${secret.length}} b .{2}\\*{20,}`))
  const [event] = Buffer.from(job.events).toString().split('\n')
  expect(JSON.parse(event ?? '')).toEqual({ type: 'message', text: expect.stringMatching(/^\*+$/) })
  expect(outcome.message).toBe(`it was ${stars}`)
})

test.each(['cancel', 'pause'] as const)('a wish to %s reaches the program', async (desired) => {
  const scripted = scriptedExecutor(async (run) => {
    run.write('up\n')
    const why = await run.stopped
    return { reason: why === 'pause' ? 'paused' : 'cancelled', exitCode: 0, signal: null }
  })
  await using node = await agentUnderTest(scripted.executor)
  const job = node.server.submit('j1', plan)
  await node.start()
  await node.server.until(() => node.server.logOf('j1') === 'up\n')
  job.desired = desired
  node.server.touch()
  const { outcome } = await node.server.until(() => job.finish)
  expect(outcome.reason).toBe(desired === 'pause' ? 'paused' : 'cancelled')
})

test('a job cancelled before it began spawns nothing and is told so', async () => {
  const scripted = scriptedExecutor(() => exited(0))
  await using node = await agentUnderTest(scripted.executor)
  const job = node.server.submit('j1', plan)
  node.server.faults.before = (call) => {
    if (call.endsWith('/start')) job.desired = 'cancel'
  }
  await node.start()
  const { outcome } = await node.server.until(() => job.finish)
  expect(outcome.reason).toBe('cancelled')
  expect(scripted.started).toEqual([])
})

test('an attempt that is not this node’s any more is ended and forgotten', async () => {
  let why = ''
  const scripted = scriptedExecutor(async (run) => {
    run.write('up\n')
    why = await run.stopped
    return exited(1)
  })
  await using node = await agentUnderTest(scripted.executor)
  const job = node.server.submit('j1', plan)
  await node.start()
  await node.server.until(() => node.server.logOf('j1') === 'up\n')
  job.state = 'gone'
  node.server.touch()
  await node.server.until(() => node.server.syncs.at(-1)?.holding.length === 0)
  expect([why, job.finish, await node.attemptsOnDisk()]).toEqual(['cancel', null, []])
})

test('a demand that the node cannot meet is refused with the reason', async () => {
  const scripted = scriptedExecutor(() => exited(0))
  await using node = await agentUnderTest(scripted.executor)
  const job = node.server.submit('j1', { ...plan, sandbox: 'bwrap' })
  await node.start()
  const { outcome } = await node.server.until(() => job.finish)
  expect(outcome).toEqual({
    reason: 'refused',
    exitCode: null,
    signal: null,
    message: 'This node has no sandbox bwrap: no bubblewrap',
  })
  expect(scripted.started).toEqual([])
})

test('inputs that the server does not have fail the preparation', async () => {
  const scripted = scriptedExecutor(() => exited(0))
  await using node = await agentUnderTest(scripted.executor)
  const files = [{ path: 'in', sha256: 'a'.repeat(64), sizeBytes: 1 }]
  const job = node.server.submit('j1', { ...plan, files })
  await node.start()
  const { outcome } = await node.server.until(() => job.finish)
  expect(outcome.reason).toBe('prepare_failed')
})

test('a draining node takes nothing new and ends once all is done', async () => {
  const go = Promise.withResolvers<void>()
  const scripted = scriptedExecutor(async () => {
    await go.promise
    return exited(0)
  })
  await using node = await agentUnderTest(scripted.executor)
  const first = node.server.submit('j1', plan)
  const agent = await node.start()
  await node.server.until(() => first.state === 'running')
  agent.drain()
  await node.server.until(() => node.server.syncs.at(-1)?.accepting === false)
  const second = node.server.submit('j2', plan)
  go.resolve()
  await node.server.until(() => first.finish)
  expect([second.state, scripted.started]).toEqual(['queued', ['j1-1']])
})

test('measuring a node anew holds nothing up, and what it finds is told', async () => {
  const scripted = scriptedExecutor(() => exited(0))
  await using node = await agentUnderTest(scripted.executor)
  let aheadMs = 0
  const first = { slots: 4, cpus: 4, memoryBytes: 2 ** 30, gpus: [], labels: [], sandboxes: [] }
  const again = Promise.withResolvers<typeof first>()
  const answers = [Promise.resolve(first), again.promise]
  await node.start({
    clock: { ...hurriedClock, now: () => Date.now() + aheadMs },
    capacity: () => answers.shift() ?? again.promise,
  })
  await node.server.until(() => node.server.syncs.length > 0)
  aheadMs = 61_000
  const job = node.server.submit('j1', plan)
  await node.server.until(() => job.finish)
  expect(answers).toEqual([])
  again.resolve({ ...first, slots: 2 })
  await node.server.until(() => node.server.syncs.at(-1)?.capacity.slots === 2)
})
