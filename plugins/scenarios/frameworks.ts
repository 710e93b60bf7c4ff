/** Which harness runs an agent's episodes. Nothing is mocked: what is not here is refused. */

export const frameworks = ['Native', 'LangChain', 'AutoGen', 'CrewAI'] as const
export type Framework = (typeof frameworks)[number]

/** Those that a training can be started with. */
export const available: readonly Framework[] = ['Native']

/** Why a framework cannot be had; null: it can. */
export const unavailable = (framework: Framework): string | null =>
  available.includes(framework)
    ? null
    : `${framework} has no adapter on this server: take ${available.join(' or ')}`
