/** Which harness runs an agent's episodes. Nothing is mocked: what is not here is refused. */
import packages from '../../package.json' with { type: 'json' }
import autogen from './harness/autogen.txt' with { type: 'text' }
import crewai from './harness/crewai.txt' with { type: 'text' }

export const frameworks = ['Native', 'LangChain', 'AutoGen', 'CrewAI'] as const
export type Framework = (typeof frameworks)[number]

/** What a framework needs to be run by a node. */
export type FrameworkNeeds =
  /** Nothing but this program, which has it inside. */
  | { readonly kind: 'built-in'; readonly version: string }
  /** Packages of Python, and the module of `runners/python` that drives them. */
  | { readonly kind: 'python'; readonly requirements: readonly string[]; readonly module: string }

/** Everything that `pip freeze` says, so that each node has the same. */
const pinned = (text: string): readonly string[] =>
  text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))

export const needsOf: Readonly<Record<Framework, FrameworkNeeds>> = {
  Native: { kind: 'built-in', version: packages.version },
  LangChain: { kind: 'built-in', version: packages.dependencies['@langchain/langgraph'] },
  AutoGen: { kind: 'python', requirements: pinned(autogen), module: 'harness_autogen' },
  CrewAI: { kind: 'python', requirements: pinned(crewai), module: 'harness_crewai' },
}

/** What a plan must ask of its node, for programs of the framework to run there. */
export const pythonOf = (framework: Framework): readonly string[] | null => {
  const needs = needsOf[framework]
  return needs.kind === 'python' ? needs.requirements : null
}
