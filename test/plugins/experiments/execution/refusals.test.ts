/** Programs that cannot begin, and files that cannot be kept: the node tells, nothing is thrown. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { notRun } from '../../../../plugins/experiments/engine/without-code.ts'
import { openRig, owner, type Rig } from './rig.ts'

setDefaultTimeout(60_000)

let rig: Rig

/** No index of packages is asked. */
const offline = { PIP_NO_INDEX: '1', UV_OFFLINE: '1' }

beforeAll(async () => {
  Object.assign(process.env, offline)
  rig = await openRig({ keep: { files: 3, bytes: 100 } })
})
afterAll(async () => {
  for (const name of Object.keys(offline)) delete process.env[name]
  await rig?.[Symbol.asyncDispose]()
})

test.each([
  [['no-such-package==1.0'], 'the packages could not be installed'],
  [['not a requirement!'], 'the requirement "not a requirement!" is refused'],
])('packages that cannot be had, as %j, are told', async (requirements, message) => {
  const refused = { message: expect.stringContaining(message) }
  const run = await rig.run('print(1)', { requirements })
  expect(run).toEqual({ ...notRun, failure: 'refused', ...refused })
  const asked = rig.executor.packages(owner, { sandbox: 'bwrap', requirements })
  await expect(asked).rejects.toMatchObject({ code: 'validation', ...refused })
})

test('nothing is left of the question what is installed', async () => {
  const { jobs } = await rig.jobs.list(owner, { name: 'packages of experiments' })
  expect(jobs).toEqual([])
})

test('what the server forbids is refused in its words', async () => {
  const ada = { ...owner, id: 7, username: 'ada', isSuperuser: false }
  const run = await rig.run('print(1)', { owner: ada, sandbox: 'none' })
  const message = 'Only administrators may use the sandbox level none'
  expect(run).toEqual({ ...notRun, failure: 'refused', message })
})

test('an input that is gone is named', async () => {
  const inputs = [{ path: 'train.csv', sha256: 'a'.repeat(64), sizeBytes: 3 }]
  const run = await rig.run('print(1)', { inputs })
  const message = 'train.csv is no longer stored'
  expect(run).toEqual({ ...notRun, failure: 'refused', message })
})

test('without any Python nothing runs, and that is the server’s fault', async () => {
  await using bare = await openRig({ python: '/usr/bin/no-such-python' })
  const refused = { message: expect.stringContaining('No Python for the programs: ') }
  const run = await bare.run('print(1)')
  expect(run).toEqual({ ...notRun, failure: 'refused', ...refused })
  const asked = bare.executor.packages(owner, { sandbox: 'bwrap', requirements: [] })
  await expect(asked).rejects.toMatchObject({ code: 'unavailable', ...refused })
})

test('files that are too much are left out by name, and count for nothing', async () => {
  const sizes = { 'a.bin': 50, 'b.bin': 60, 'c.bin': 40, 'submission.csv': 10 }
  const code = `for name, size in ${JSON.stringify(sizes)}.items():
    open(f'working/{name}', 'wb').write(bytes(size))`
  const { failure, artifacts, leftOut } = await rig.run(code)
  expect({ failure, kept: artifacts.map(({ path }) => path), leftOut }).toEqual({
    failure: null,
    kept: ['working/a.bin', 'working/c.bin', 'working/submission.csv'],
    leftOut: ['working/b.bin'],
  })
})

test('of very many files the submission is kept', async () => {
  const code = `for name in ['1', '2', '3', '4', 'submission.csv']:
    open(f'working/{name}', 'w').write(name)`
  const { artifacts, leftOut } = await rig.run(code)
  expect([artifacts.map(({ path }) => path), leftOut]).toEqual([
    ['working/1', 'working/2', 'working/submission.csv'],
    ['working/3', 'working/4'],
  ])
})
