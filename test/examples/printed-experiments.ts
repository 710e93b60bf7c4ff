/** The printed example of experiments: what must have come of it. */
import { expect } from 'bun:test'
import type { Example } from './printed.ts'

/** Begun as it is printed; that experiments come to their end is tested beside the clients. */
export const beginsAnExperiment: Example = async (bench, text) => {
  const said = await bench.shell(text)
  const [id = ''] = /exp_[0-9a-f]{12}/.exec(said) ?? []
  const { data } = await bench.call<{ data: object }>('GET', `/api/experiments/${id}`)
  expect(data).toMatchObject({ name: 'Rents', steps: 10, files: [{ name: 'apartments.csv' }] })
  await bench.call('DELETE', `/api/experiments/${id}`)
}
