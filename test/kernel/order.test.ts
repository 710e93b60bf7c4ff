/** Boot order follows from services alone, and every problem is told at once. */
import { describe, expect, test } from 'bun:test'
import { BootError, bootOrder } from '../../src/kernel/order.ts'
import { definePlugin, defineService, type Services } from '../../src/kernel/plugin.ts'

const clock = defineService<{ now(): number }>('clock')
const store = defineService<{ get(): string }>('store')
const mail = defineService<{ send(): void }>('mail')

const plugin = (id: string, uses: Services = {}, provides: Services = {}) =>
  definePlugin({ id, version: '1.0.0', sdk: '*', uses, provides, setup: () => ({}) as never })

const problemsOf = (work: () => unknown): readonly string[] => {
  try {
    work()
  } catch (error) {
    if (error instanceof BootError) return error.problems
    throw error
  }
  return []
}

describe('bootOrder', () => {
  test('puts providers before users and keeps the given order otherwise', () => {
    const plugins = [
      plugin('web', { store, clock }),
      plugin('store', { clock }, { store }),
      plugin('other'),
      plugin('clock', {}, { clock }),
    ]
    expect(bootOrder(plugins).map(({ id }) => id)).toEqual(['clock', 'store', 'web', 'other'])
  })

  test('names every missing service with the plugin that misses it', () => {
    const plugins = [plugin('web', { store, mail }), plugin('cron', { clock })]
    expect(problemsOf(() => bootOrder(plugins))).toEqual([
      'plugin web uses store, which no plugin provides',
      'plugin web uses mail, which no plugin provides',
      'plugin cron uses clock, which no plugin provides',
    ])
  })

  test('names a service that two plugins provide', () => {
    const plugins = [plugin('a', {}, { clock }), plugin('b', {}, { clock })]
    expect(problemsOf(() => bootOrder(plugins))).toEqual(['service clock is provided by a and b'])
  })

  test('names the circle', () => {
    const plugins = [
      plugin('a', { mail }, { clock }),
      plugin('b', { clock }, { store }),
      plugin('c', { store }, { mail }),
    ]
    expect(problemsOf(() => bootOrder(plugins))).toEqual([
      'plugins use each other in a circle: a -> c -> b -> a',
    ])
  })
})
