/** Starts the harness of a framework beside a training, as a child that cannot outlive it. */
import { ownProgram } from '../own-program.ts'

/** As `pip` and `npm` name nothing the same, the names of the API. */
const programs: Readonly<Record<string, () => readonly string[]>> = {
  LangChain: () => [...ownProgram(), 'harness', 'langchain'],
  AutoGen: () => ['python', '-m', 'harness_autogen'],
  CrewAI: () => ['python', '-m', 'harness_crewai'],
}

/** What is a training's own: events told by another would be taken for its. */
const ownNames = ['HEARTH_CONTROL', 'HEARTH_CHECKPOINT', 'HEARTH_TRAINING', 'HEARTH_FRAMEWORK']

const tailLength = 1500

/** `ended` says why, in words. @throws Error for a framework that has no harness */
export const startHarness = (
  framework: string,
  gateway: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): { readonly ended: Promise<string>; stop(): Promise<void> } => {
  const command = programs[framework]?.()
  if (!command) throw new Error(`There is no harness of ${framework}`)
  const own = Object.entries(env).filter(([name]) => !ownNames.includes(name))
  const child = Bun.spawn([...command], {
    env: {
      ...Object.fromEntries(own),
      HEARTH_GATEWAY: gateway,
      // The gateway is here, whatever way out there is.
      NO_PROXY: '127.0.0.1',
      no_proxy: '127.0.0.1',
    },
    stdin: 'ignore',
    stdout: 'inherit',
    stderr: 'pipe',
    // A group of its own: a wish to pause or stop is the training's to hear.
    detached: true,
  })
  const said = lastWords(child.stderr)
  const ended = child.exited.then(async () => {
    const how = child.signalCode
      ? `was ended by ${child.signalCode}`
      : `ended with ${child.exitCode}`
    const words = await said
    return words === '' ? how : `${how}: ${words}`
  })
  return {
    ended,
    async stop() {
      child.kill('SIGKILL')
      await child.exited
    },
  }
}

/** Passes on what it says, and answers the end of it. */
const lastWords = async (stream: ReadableStream<Uint8Array>): Promise<string> => {
  let tail = ''
  const decoder = new TextDecoder()
  for await (const chunk of stream) {
    process.stderr.write(chunk)
    tail = (tail + decoder.decode(chunk, { stream: true })).slice(-tailLength)
  }
  return tail.trim().split('\n').at(-1) ?? ''
}
