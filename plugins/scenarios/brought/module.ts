/** A scenario in a module of its own: bundled into one text, loaded from it, looked over. */
import { Type as t } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { basename } from 'node:path'
import type { Scenario } from '../environment.ts'
import type { LintOptions } from '../lint/lint.ts'

/** A policy has to be learned, not data: pictures and tables belong elsewhere. */
const maxBundleBytes = 4 * 2 ** 20

const names = (most: number) =>
  t.Array(t.String({ minLength: 1, maxLength: 100 }), { minItems: 1, maxItems: most })

const Spec = t.Object({
  id: t.String({ pattern: '^[a-z][a-z0-9_-]{0,63}$' }),
  version: t.Integer({ minimum: 1 }),
  name: t.String({ minLength: 1, maxLength: 100 }),
  description: t.String({ maxLength: 1000 }),
  difficulty: t.Union(
    (['beginner', 'intermediate', 'advanced'] as const).map((one) => t.Literal(one)),
  ),
  tasks: names(1000),
  observations: t.Integer({ minimum: 1, maximum: 4096 }),
  actions: names(4096),
  maxSteps: t.Integer({ minimum: 1, maximum: 100_000 }),
  metrics: t.Array(t.String(), { maxItems: 100 }),
  features: t.Array(t.String(), { maxItems: 100 }),
})

export interface Bundle {
  readonly text: string
  readonly bytes: Uint8Array
  /** Of the bytes. */
  readonly sha256: string
}

/** With everything it imports, but for what Hearth offers. @throws Error what does not compile */
export const bundleOf = async (path: string): Promise<Bundle> => {
  const made = await Bun.build({
    entrypoints: [path],
    target: 'bun',
    format: 'esm',
    external: ['hearth', 'hearth/*'],
    // Comments name paths, and the same module has the same digest everywhere.
    minify: { whitespace: true, syntax: false, identifiers: false },
    throw: false,
  })
  const [output] = made.outputs
  if (!made.success || !output) {
    const why = made.logs.map(placed).join('; ')
    throw new Error(`${basename(path)} cannot be bundled: ${why || 'nothing came of it'}`)
  }
  return bundleFrom(await output.text())
}

/** `file:line:column: what is wrong`, as compilers say it. */
const placed = ({ position, message }: BuildMessage | ResolveMessage): string =>
  position ? `${basename(position.file)}:${position.line}:${position.column}: ${message}` : message

export const bundleFrom = (text: string): Bundle => {
  const bytes = new TextEncoder().encode(text)
  if (bytes.length > maxBundleBytes) {
    throw new Error(`The bundle has ${bytes.length} bytes: ${maxBundleBytes} at most`)
  }
  return { text, bytes, sha256: new Bun.CryptoHasher('sha256').update(bytes).digest('hex') }
}

export interface ScenarioModule {
  readonly scenario: Scenario
  /** For `lint`, where its author wants other bounds. */
  readonly lint: LintOptions
}

/** Runs the bundle. @throws Error what is wrong with what it exports */
export const load = async ({ text, sha256 }: Bundle): Promise<ScenarioModule> => {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/javascript' }))
  try {
    const module = (await import(url)) as { scenario?: unknown; lint?: LintOptions }
    const scenario = checked(module.scenario)
    return { scenario: { ...scenario, hash: sha256 }, lint: module.lint ?? {} }
  } finally {
    URL.revokeObjectURL(url)
  }
}

const checked = (given: unknown): Scenario => {
  const scenario = given as Partial<Scenario> | undefined
  if (typeof scenario !== 'object' || scenario === null) {
    throw new Error('It must export its scenario: export const scenario: Scenario = { ... }')
  }
  if (typeof scenario.make !== 'function') throw new Error('scenario.make must be a function')
  if (typeof scenario.conversation !== 'object') {
    throw new Error('scenario.conversation must be a conversation, or null')
  }
  const [wrong] = [...Value.Errors(Spec, scenario.spec)]
  if (!wrong) return scenario as Scenario
  throw new Error(`scenario.spec${wrong.path.replaceAll('/', '.')}: ${wrong.message}`)
}
