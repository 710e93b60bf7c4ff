/** Secrets at rest: whoever has the table has nothing, and nobody can pass one off as another's. */
import { expect, test } from 'bun:test'
import { createSealer } from '../../src/auth/sealer.ts'
import { secretKey } from './fixture.ts'

const secrets = { OPENAI_API_KEY: 'sk-very-secret' }

test('what is sealed is opened, and looks different every time', async () => {
  const sealer = await createSealer(secretKey, 'jobs')
  const [one, other] = [await sealer.seal('job-1', secrets), await sealer.seal('job-1', secrets)]
  expect(one).not.toBe(other)
  expect(atob(one.split('.')[1] ?? '')).not.toContain('sk-very')
  expect([await sealer.open('job-1', one), await sealer.open('job-1', other)]).toEqual([
    secrets,
    secrets,
  ])
})

test.each([
  ['another owner', secretKey, 'jobs', 'job-2'],
  ['another purpose', secretKey, 'scenarios', 'job-1'],
  ['another key', new Uint8Array(32).fill(8), 'jobs', 'job-1'],
] as const)('%s cannot open it', async (_, key, purpose, owner) => {
  const sealed = await (await createSealer(secretKey, 'jobs')).seal('job-1', secrets)
  const opening = (await createSealer(key, purpose)).open(owner, sealed)
  await expect(opening).rejects.toThrow('Secrets cannot be read: SECRET_KEY has changed')
})
