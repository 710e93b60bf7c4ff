/** What docs/experiments-models.md prints and claims is so. */
import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { addressesIn, providersIn } from '../../../../plugins/experiments/models/providers.ts'
import { blocksOf } from '../../../examples/blocks.ts'
import { dataOf, open, sendJson } from '../wire/rig.ts'

const name = 'docs/experiments-models.md'
const document = await Bun.file(join(import.meta.dir, '../../../..', name)).text()

test('the experiment that it prints can be made', async () => {
  const [block] = blocksOf(name, document)
  const plugin = await open()
  const made = sendJson(plugin.fetch, 'POST', '/api/experiments', block?.text)
  const { settings } = await dataOf<{ settings: unknown }>(made)
  const { models, budget } = JSON.parse(block?.text ?? '') as Record<string, object>
  expect(settings).toMatchObject({ proposer: 'model', models: models!, budget: budget! })
  await plugin.stop()
})

const rows = [...document.matchAll(/^\| (.*?) +\| (.*?_.*?) +\| (.*?) +\| (.*?) +\|$/gm)].slice(
  0,
  5,
)
const codes = (text: string) => [...text.matchAll(/`([^`]+)`/g)].map(([, code]) => code!)

test.each(rows.map(([, provider, ...cells]) => [provider!, ...cells.map(codes)] as const))(
  'the settings of %s',
  (_provider, variables, [address], models) => {
    const [key, url] = [variables[0]!, variables.at(-1)!]
    const [found] = providersIn({ [key]: 'gpu' })
    const { code, review } = found!.defaults
    expect([...new Set([code, review])]).toEqual(models)
    if (address === undefined) return
    expect(found?.baseUrl).toBe(address)
    expect(Object.values(addressesIn({ [url]: 'http://proxy/v1' }))).toContain('http://proxy/v1')
  },
)

test('there are as many providers as it says', () => {
  const all = rows.flatMap(([, , variables]) => codes(variables!))
  const env = Object.fromEntries(all.map((variable) => [variable, 'http://gpu']))
  expect(rows.length).toBe(5)
  expect(providersIn(env)).toHaveLength(5)
})
