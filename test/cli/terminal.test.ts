/** `hearth run` on a terminal: the bar below the output, and Ctrl-C. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { waitUntil } from '../../scripts/port.ts'
import type { JobView } from '../../src/jobs/view.ts'
import { type Client, openClient } from './client.ts'

// Real processes on a machine that may be busy.
setDefaultTimeout(60_000)

let client: Client
beforeAll(async () => {
  client = await openClient()
})
afterAll(() => client[Symbol.asyncDispose]())

const program = `trap 'exit 7' TERM
echo first line
echo '{"type":"progress","done":3,"total":10,"message":"epoch 1"}' >> "$HEARTH_EVENTS"
while :; do sleep 0.05; done`

const onTerminal = (...args: string[]) => {
  let shown = ''
  const decoder = new TextDecoder()
  const child = Bun.spawn(client.argv(...args), {
    cwd: client.path,
    env: client.env,
    terminal: {
      cols: 100,
      rows: 24,
      data(_, data) {
        shown += decoder.decode(data, { stream: true })
      },
    },
  })
  return {
    sees: (what: string) => waitUntil(what, () => shown.includes(what)),
    type: (keys: string) => child.terminal?.write(keys),
    shown: () => shown,
    exited: child.exited,
  }
}

const ctrlC = '\x03'

test('shows how far it is below what it prints, and asks before it cancels', async () => {
  const terminal = onTerminal('run', '--no-folder', '--', 'sh', '-c', program)
  await terminal.sees('first line')
  await terminal.sees(`${'━'.repeat(7)}${'─'.repeat(17)} 30%  3/10  epoch 1`)
  terminal.type(ctrlC)
  await terminal.sees('Cancel the job? [y/N]')
  terminal.type('n\n')
  await terminal.sees('It runs on.')
  terminal.type(ctrlC)
  await waitUntil('the question again', () => terminal.shown().split('[y/N]').length === 3)
  terminal.type('y\n')
  expect(await terminal.exited).toBe(130)
  expect(terminal.shown()).toContain('\x1b[33mcancelled after')
  // The line that was drawn is taken away before anything else is printed.
  expect(terminal.shown()).toContain('\r\x1b[2K')
})

test('a second Ctrl-C leaves the job running and says how to come back', async () => {
  const terminal = onTerminal('run', '--no-folder', '--', 'sh', '-c', program)
  await terminal.sees('30%')
  terminal.type(ctrlC)
  await terminal.sees('Cancel the job? [y/N]')
  terminal.type(ctrlC)
  await terminal.sees('comes back to it')
  expect(await terminal.exited).toBe(130)
  const [job] = await client.json<JobView>('job', 'last')
  expect({ state: job?.state, desired: job?.desired }).toEqual({ state: 'running', desired: 'run' })
  await client.hearth('cancel', 'last')
})
