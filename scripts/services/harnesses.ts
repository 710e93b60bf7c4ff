/** Pythons with the frameworks whose agents trainings can have: each its own, as on a node. */
import { join } from 'node:path'
import { virtualEnvironment } from './python.ts'
import { found, type Service } from './service.ts'

const root = join(import.meta.dir, '../..')

export const harnesses = async (): Promise<Service> => {
  const python = (name: string) =>
    virtualEnvironment(
      join(root, `.cache/harness-${name}`),
      join(root, `plugins/scenarios/harness/${name}.txt`),
    )
  const [autogen, crewai] = [await python('autogen'), await python('crewai')]
  return found('Harnesses', `environments ${autogen} and ${crewai}`, {
    HEARTH_TEST_AUTOGEN_PYTHON: autogen,
    HEARTH_TEST_CREWAI_PYTHON: crewai,
  })
}
