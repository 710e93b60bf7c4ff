/** `hearth scenario lint`: tells an author what is wrong with a scenario, before anybody trains. */
import { resolve } from 'node:path'
import { bundleOf, load } from '../../plugins/scenarios/brought/module.ts'
import type { Scenario } from '../../plugins/scenarios/environment.ts'
import {
  lint,
  type LintOptions,
  type LintRule,
  lintRules,
} from '../../plugins/scenarios/lint/lint.ts'
import { UsageError, wholeNumberOf } from './arguments.ts'
import { offerAuthoring } from './authoring.ts'
import { type ClientVerb, Refusal } from './client-verb.ts'
import type { Output } from './output.ts'
import { table } from './table.ts'

const options = {
  episodes: { type: 'string' },
  'random-limit': { type: 'string' },
} as const

export const scenario: ClientVerb<typeof options> = {
  name: 'scenario',
  help: `Look over a scenario before anybody trains on it

  hearth scenario lint ./parking.ts
  hearth scenario lint ./parking.ts --random-limit 0.2

The module exports \`scenario\`; with \`lint\`, an object, its author may set other bounds. Answers
1 when a rule is broken. See docs/scenarios-authors.md.

  --episodes N       that the oracle has to bring to a right end; default 2000
  --random-limit X   how often dice may succeed, from 0 to 1; default 0.05
`,
  options,
  async run({ values, positionals }, { output }) {
    const [what, file, ...rest] = positionals
    if (what !== 'lint' || file === undefined || rest.length > 0) {
      throw new UsageError('expected `lint FILE`')
    }
    const given = {
      ...(values.episodes !== undefined && {
        episodes: wholeNumberOf('episodes', values.episodes, 1),
      }),
      ...(values['random-limit'] !== undefined && {
        randomLimit: shareOf(values['random-limit']),
      }),
    }
    offerAuthoring()
    const module = await opened(resolve(file))
    return report(module.scenario, { ...module.lint, ...given }, output)
  },
}

/** @throws Refusal what is wrong with the module as such */
const opened = async (path: string) => {
  if (!(await Bun.file(path).exists())) throw new Refusal(`There is no file ${path}`)
  try {
    return await load(await bundleOf(path))
  } catch (error) {
    throw new Refusal(error instanceof Error ? error.message : String(error))
  }
}

const report = async (looked: Scenario, bounds: LintOptions, output: Output): Promise<number> => {
  const broken = new Map(lint(looked, bounds).map(({ rule, message }) => [rule, message]))
  const rules = (Object.keys(lintRules) as LintRule[]).map((rule) => ({
    rule,
    asks: lintRules[rule],
    breach: broken.get(rule) ?? null,
    isLookedAt: broken.has(rule) || isLookedAt(rule, looked, bounds, broken),
  }))
  await output.record({ scenario: looked.spec.id, hash: looked.hash, breaches: broken.size, rules })
  const { bold, red, green, dim } = output.style
  const rows = rules.map(({ rule, asks, breach, isLookedAt: isSeen }) => [
    {
      text: breach ? 'broken' : isSeen ? 'kept' : 'not seen',
      paint: breach ? red : isSeen ? green : dim,
    },
    { text: rule, paint: bold },
    breach ?? asks,
  ])
  const { columns } = process.stdout
  await output.print(table(['', 'RULE', looked.spec.id], rows, { columns, paintHead: dim }))
  return broken.size === 0 ? 0 : 1
}

/** Without a word there are none to compare; what has no end is looked at no further. */
const isLookedAt = (
  rule: LintRule,
  { conversation }: Scenario,
  { swap }: LintOptions,
  broken: ReadonlyMap<LintRule, string>,
): boolean => {
  if (broken.has('contract')) return false
  if (rule === 'conversation') return conversation !== null
  return (rule !== 'hidden' && rule !== 'unsolvable') || swap !== undefined
}

const shareOf = (text: string): number => {
  const share = Number(text)
  if (text.trim() !== '' && share >= 0 && share <= 1) return share
  throw new UsageError(`--random-limit: expected a number from 0 to 1, not ${JSON.stringify(text)}`)
}
