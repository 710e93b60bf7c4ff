/** Fills the source of an agent with a model and its scenario: one file that runs as it is. */
import { HearthError } from '../../../../../src/sdk.ts'
import type { ExportFormat, ExportSource } from '../format.ts'

/** How a language writes down what JSON can say. */
type Written = (value: unknown) => string

export const inTypeScript: Written = (value) => JSON.stringify(value, null, 2)

export const inPython: Written = (value) => pythonOf(value, '')

const pythonOf = (value: unknown, indent: string): string => {
  if (value === null) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value !== 'object') return JSON.stringify(value)
  const inner = `${indent}    `
  const isList = Array.isArray(value)
  const parts = isList
    ? value.map((one) => pythonOf(one, inner))
    : Object.entries(value).map(([key, one]) => `${JSON.stringify(key)}: ${pythonOf(one, inner)}`)
  const [open, close] = isList ? '[]' : '{}'
  if (parts.length === 0) return `${open}${close}`
  return `${open}\n${parts.map((part) => `${inner}${part},\n`).join('')}${indent}${close}`
}

export interface AgentSource {
  readonly framework: string
  /** Has `{{model}}` and its kin where something is to be filled in. */
  readonly template: string
  readonly extension: 'ts' | 'py'
  /** What has to be installed, as the installer of the language takes it. */
  readonly packages: string
}

/** A format of export: an agent of the framework with the model behind it. */
export const agentFormat = (agent: AgentSource): ExportFormat => ({
  title: `an agent of ${agent.framework}, a program that runs`,
  kinds: ['policy'],
  make: async (source) => {
    const name = `${source.model.id}_${agent.framework.toLowerCase()}.${agent.extension}`
    return { name, mediaType: 'text/plain; charset=utf-8', body: filled(agent, source, name) }
  },
})

const nothingSaid = (scenario: string) => `Nothing is said in ${scenario}`

const filled = (agent: AgentSource, { model, scenario, origin }: ExportSource, file: string) => {
  const conversation = scenario?.conversation
  if (!conversation) {
    const why = model.scenario === '' ? 'The model has no scenario' : nothingSaid(model.scenario)
    throw new HearthError('conflict', `${why}: an agent would have no tools`)
  }
  const { system, tools } = conversation
  const write = agent.extension === 'ts' ? inTypeScript : inPython
  const values: Readonly<Record<string, unknown>> = {
    model: model.id,
    scenario: model.scenario,
    system,
    tools: tools.map(({ name, description, parameters }) => ({ name, description, parameters })),
    baseURL: `${origin}/v1`,
  }
  const plain: Readonly<Record<string, string>> = { origin, file, packages: agent.packages }
  return agent.template.replace(/"?\{\{(\w+)\}\}"?/g, (found, key: string) =>
    Object.hasOwn(values, key) ? write(values[key]) : (plain[key] ?? found),
  )
}
