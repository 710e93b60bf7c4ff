/** Which model writes, which one reads, and which one reports. */
import { invalid } from '../../errors.ts'
import type { Models, Question } from '../../models/models.ts'
import { priceOf } from '../../models/prices.ts'
import type { Recording } from '../../models/replay.ts'
import type { ExperimentSettings, RoleSettings } from '../../settings.ts'

/** AIDE's own; models that refuse it are asked without. */
const usualTemperature = 0.5

export interface ModelProposerOptions {
  readonly models: Models
  readonly settings: Pick<ExperimentSettings, 'models' | 'budget'>
  readonly recording: Recording | null
}

export type Roles = Readonly<Record<Question['role'], RoleSettings>>

/** @throws HearthError `validation` when nobody has a model that is asked for, or its price */
export const rolesOf = (options: ModelProposerOptions): Roles => {
  const roleOf = (role: Question['role']) => chosenFor(options, role)
  const roles = { code: roleOf('code'), review: roleOf('review'), report: roleOf('report') }
  if (options.recording?.kind !== 'whole') check(options, roles)
  return roles
}

const chosenFor = (
  { models, settings, recording }: ModelProposerOptions,
  role: Question['role'],
): RoleSettings => {
  const chosen = settings.models[role] ?? settings.models.code
  const recorded = recording?.kind === 'whole' ? 'recorded' : null
  const model = chosen?.model ?? models.defaultModel(role) ?? recorded
  if (model === null) throw invalid('body.proposer', 'No language model is set')
  return { temperature: usualTemperature, ...chosen, model }
}

/** Found out before anything is paid. */
const check = ({ models, settings }: ModelProposerOptions, roles: Roles): void => {
  for (const [role, chosen] of Object.entries(roles)) {
    const provider = models.providerOf(chosen.model)
    if (!provider) {
      throw invalid(`body.models.${role}`, `No provider is set that has the model ${chosen.model}`)
    }
    if (settings.budget.usd !== undefined && !priceOf(chosen, provider.name)) {
      throw invalid(
        `body.models.${role}`,
        `What ${chosen.model} costs is not known: give usdPerMillion, or no budget of money`,
      )
    }
  }
}
