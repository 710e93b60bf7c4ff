/** What the examples about scenarios must do. */
import { expect } from 'bun:test'
import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Example } from './printed.ts'

const root = join(import.meta.dir, '../..')

export const trainsWithAgents: Example = async (bench, text) => {
  expect(await bench.python(text)).toBe(
    'completed after 200 episodes\n50 by agents, 2000 by itself\n',
  )
}

export const trainsInGymnasium: Example = async (bench, text) => {
  expect(await bench.python(text)).toBe('4 numbers, 475 wanted\naction_1\n')
}

/** In a folder that has the client: the one of this repository. */
export const playsByOpenAi: Example = async (bench, text) => {
  await symlink(join(root, 'node_modules'), join(bench.path, 'node_modules'))
  const agent = text.replaceAll('localhost:8000', `localhost:${bench.port}`)
  await Bun.write(join(bench.path, 'agent.ts'), agent)
  expect(await bench.shell(`'${process.execPath}' agent.ts`)).toBe('true 1\n')
}
