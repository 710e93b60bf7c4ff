/** The plugin in a kernel of its own, and doors to its gateway. */
import scenarios from '../../../../plugins/scenarios/index.ts'
import { type TestPluginOptions, testPlugin } from '../../../../src/testing.ts'
import type { Send } from './agent.ts'

export const origin = 'http://localhost'
export const agents = `${origin}/api/agents`

/** Nothing here submits jobs. */
const noJobs = { addSink() {}, onFinished() {} }

export const openDesk = async (options: TestPluginOptions = {}) => {
  const plugin = await testPlugin(scenarios, { services: { jobs: noJobs }, ...options })
  const doorOf = (fetch: typeof plugin.fetch): Send => {
    return (url, init) => fetch(url.replace(origin, ''), init)
  }
  return {
    plugin,
    send: doorOf(plugin.fetch),
    as: async (name: string): Promise<Send> => doorOf((await plugin.as(name)).fetch),
    [Symbol.asyncDispose]: () => plugin.stop(),
  }
}
