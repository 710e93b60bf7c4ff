/** The route table: both forms of a path, clashes by shape, owners of unknown paths. */
import { describe, expect, test } from 'bun:test'
import { type RouteEntry, RouteTable } from '../../src/kernel/routes.ts'
import { definePlugin, router } from '../../src/sdk.ts'
import { testPlugin } from '../../src/testing.ts'

const entry = (owner: string, method: string, path: string): RouteEntry<string> => ({
  owner,
  method,
  path,
  marks: { isPublic: false, rateClass: 'api', maxBodyBytes: undefined, bodyTypes: undefined },
})

const table = () => {
  const routes = new RouteTable<string>()
  for (const route of [
    entry('tracking', 'GET', '/runs/'),
    entry('tracking', 'GET', '/runs/:id'),
    entry('tracking', 'DELETE', '/runs/:id'),
    entry('tracking', 'GET', '/metrics/:id/history/*'),
    entry('jobs', 'GET', '/api/jobs/:id'),
  ]) {
    expect(routes.add(route)).toBeUndefined()
  }
  return routes
}

describe('RouteTable', () => {
  test.each([
    ['GET', '/runs', '/runs/', {}],
    ['GET', '/runs/', '/runs/', {}],
    ['GET', '/runs/7', '/runs/:id', { id: '7' }],
    ['GET', '/runs/7/', '/runs/:id', { id: '7' }],
    [
      'GET',
      '/metrics/7/history/train/loss',
      '/metrics/:id/history/*',
      { id: '7', '*': 'train/loss' },
    ],
  ])('%s %s is answered by %s', (method, path, route, params) => {
    const match = table().find(method, path)
    expect({ route: match.route?.path, params: match.params }).toEqual({ route, params })
  })

  test.each([
    ['/runs/7/nope', 'tracking'],
    ['/metrics', 'tracking'],
    ['/api/jobs', 'jobs'],
    ['/api/other', undefined],
    ['/runsandmore', undefined],
    ['/', undefined],
  ])('unknown path %s belongs to %s', (path, owner) => {
    expect(table().find('GET', path)).toEqual({ route: undefined, params: {}, owner })
  })

  test('tells which methods a path has', () => {
    expect(table().allowed('/runs/7').sort()).toEqual(['DELETE', 'GET'])
    expect(table().allowed('/nope')).toEqual([])
  })

  test.each(['/runs/:id', '/runs/:other', '/runs/:id/'])('%s clashes with /runs/:id', (path) => {
    expect(table().add(entry('other', 'GET', path))?.owner).toBe('tracking')
  })
})

test('a route with a budget that nobody knows stops the boot, and is named', async () => {
  const plugin = definePlugin({
    id: 'wrong',
    version: '1.0.0',
    sdk: '*',
    setup: () => {
      const detail = { 'x-rate-limit': 'uploads' } as object
      return { routes: router().post('/wrong', () => null, { detail }) }
    },
  })
  await expect(testPlugin(plugin)).rejects.toThrow(
    'POST /wrong is marked x-rate-limit "uploads"; one of api, ingest, login, agent',
  )
})
