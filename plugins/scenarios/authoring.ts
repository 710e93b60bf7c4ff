/** All that a scenario's author imports, as `hearth/scenarios`: here, in jobs, from the binary. */
export { type Environment, seedOf, type Split, splits } from './environment.ts'
export type {
  Conversation,
  Heard,
  Scenario,
  ScenarioSpec,
  Step,
  Tool,
  ToolCall,
  Verdict,
} from './environment.ts'
export { bit, has, sign, sizeOf, toolsAbout, Turns } from './environments/turns.ts'
export { baselines, evaluate, type Result } from './learning/evaluate.ts'
export { type Finding, lint, type LintOptions, type LintRule, lintRules } from './lint/lint.ts'
export { mixed, Random, type RandomState } from './random.ts'
export { gate, lawful, part, type Rubric, sequential, weightedSum } from './rubric.ts'
export { type BroughtScenario, type Scenarios, scenarios } from './service.ts'
