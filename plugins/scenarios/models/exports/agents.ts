/** Models as agents of the frameworks: programs to take away, each of one file. */
import packages from '../../../../package.json' with { type: 'json' }
import { pythonOf } from '../../frameworks.ts'
import autogenSource from './agents/autogen_agent.py' with { type: 'text' }
import crewaiSource from './agents/crewai_agent.py' with { type: 'text' }
import langchainSource from './agents/langchain-agent.txt' with { type: 'text' }
import { agentFormat } from './agents/source.ts'

const npm = (...names: readonly (keyof typeof packages.dependencies)[]) =>
  names.map((name) => `${name}@${packages.dependencies[name]}`).join(' ')

/** As the harness has them. */
const pip = (framework: 'AutoGen' | 'CrewAI', name: string, extra = '') => {
  const pinned = pythonOf(framework)?.find((line) => line.startsWith(`${name}==`)) ?? name
  return pinned.replace(name, `${name}${extra}`)
}

export const langchain = agentFormat({
  framework: 'LangChain',
  template: langchainSource,
  extension: 'ts',
  packages: npm('@langchain/core', '@langchain/langgraph', '@langchain/openai'),
})

export const autogen = agentFormat({
  framework: 'AutoGen',
  template: autogenSource,
  extension: 'py',
  packages: `${pip('AutoGen', 'autogen-agentchat')} '${pip('AutoGen', 'autogen-ext', '[openai]')}'`,
})

export const crewai = agentFormat({
  framework: 'CrewAI',
  template: crewaiSource,
  extension: 'py',
  packages: pip('CrewAI', 'crewai'),
})
