/** Log lines are JSON where nobody looks, and never hold a secret. */
import { expect, test } from 'bun:test'
import { createLogger, maskText } from '../../src/kernel/log.ts'

const capture = (level: 'debug' | 'warn' = 'debug') => {
  const lines: Record<string, unknown>[] = []
  const write = (line: string) => {
    const { time, ...rest } = JSON.parse(line)
    expect(Date.parse(time)).toBeGreaterThan(0)
    lines.push(rest)
  }
  return { lines, log: createLogger({ level, pretty: false, write }) }
}

test('a line carries its level, its message and the fields of its loggers', () => {
  const { lines, log } = capture()
  log.with({ plugin: 'tracking' }).with({ requestId: 'a-1' }).info('request', { status: 200 })
  expect(lines).toEqual([
    { level: 'info', message: 'request', plugin: 'tracking', requestId: 'a-1', status: 200 },
  ])
})

test('lines below the level are not written', () => {
  const { lines, log } = capture('warn')
  log.info('no')
  log.warn('yes')
  expect(lines).toEqual([{ level: 'warn', message: 'yes' }])
})

test('secrets are masked by the name of their field, at any depth', () => {
  const { lines, log } = capture()
  log.info('login', {
    user: 'ada',
    password: 'hunter2',
    deep: { apiKey: 'k', list: [{ token: 't' }] },
  })
  expect(lines).toEqual([
    {
      level: 'info',
      message: 'login',
      user: 'ada',
      password: '***',
      deep: { apiKey: '***', list: [{ token: '***' }] },
    },
  ])
})

test('errors keep their message and stack, masked', () => {
  const { lines, log } = capture()
  log.error('failed', { error: new Error('connect postgres://me:hunter2@db/x') })
  const { error } = lines[0] as { error: { message: string; stack: string } }
  expect(error.message).toBe('connect postgres://me:***@db/x')
  expect(error.stack).not.toContain('hunter2')
})

test.each([
  ['Authorization: Bearer abcdefghijklmnop', 'Authorization: Bearer ***'],
  ['jwt eyJhbGciOi.eyJzdWIi.c2lnbmF0dXJl end', 'jwt *** end'],
  ['key hearth_abcdefghijkl end', 'key hearth_*** end'],
  ['GET /ws/1?token=abc&since=3', 'GET /ws/1?token=***&since=3'],
  ['redis://:pw@host:6379', 'redis://:***@host:6379'],
  ['nothing here', 'nothing here'],
])('maskText(%p)', (text, masked) => {
  expect(maskText(text)).toBe(masked)
})
