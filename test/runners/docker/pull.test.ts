/** Images come from a registry when the policy says so, and only then. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { createEngine } from '../../../runners/docker/engine.ts'
import { ensureImage, findImage } from '../../../runners/docker/images.ts'
import { type PrivateEngine, startEngine } from '../../../scripts/services/docker.ts'
import { hasDocker } from './containers-fixture.ts'
import { startRegistry } from './registry.ts'

describe.skipIf(!hasDocker)('an image', () => {
  let engine: PrivateEngine
  let registry: ReturnType<typeof startRegistry>
  beforeAll(async () => {
    engine = await startEngine()
    const tar = await new Bun.Archive({ 'etc/made': 'by hand' }).bytes()
    registry = startRegistry(tar, ['PATH=/opt/conda/bin'])
  }, 60_000)
  afterAll(async () => {
    await engine.stop()
    registry.stop()
  }, 60_000)

  test('is pulled when missing, asked for again under `always`, never under `never`', async () => {
    const client = createEngine(engine.host.slice('unix://'.length))
    const name = registry.name('trained')
    const said: string[] = []
    const ensure = (policy: 'missing' | 'always' | 'never') =>
      ensureImage(client, name, policy, (detail) => said.push(detail))
    await expect(ensure('never')).rejects.toThrow(`There is no image ${name}`)
    expect(await findImage(client, name)).toBeNull()
    const image = await ensure('missing')
    expect(image).toEqual({
      id: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      path: '/opt/conda/bin',
    })
    expect(said[0]).toBe(`pulling ${name}`)
    const asked = registry.asked()
    expect(asked).toBeGreaterThan(0)
    expect([await ensure('missing'), await ensure('never')]).toEqual([image, image])
    expect(registry.asked()).toBe(asked)
    expect(await ensure('always')).toEqual(image)
    expect(registry.asked()).toBeGreaterThan(asked)
  }, 30_000)

  test('that its registry does not have is named', async () => {
    const client = createEngine(engine.host.slice('unix://'.length))
    const name = registry.name('absent:1')
    await expect(ensureImage(client, name, 'missing')).rejects.toThrow(
      `The image ${name} cannot be pulled: `,
    )
  }, 30_000)
})
