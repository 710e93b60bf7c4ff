/** Flattening decides what a search can find: each kind of value, and the limits. */
import { expect, test } from 'bun:test'
import { flattenConfig as flatten } from '../../../../plugins/tracking/search/params.ts'

const flattenConfig = (config: unknown) =>
  flatten(config).map(({ key, text, number }) => ({ key, text, number }))

test('nested keys are dotted, numbers compare as numbers, everything has a text', () => {
  const config = {
    lr: 0.001,
    model: { name: 'resnet', layers: [64, 32], head: { bias: true } },
    batch: '32',
    note: '',
    gone: null,
    empty: {},
    __proto__x: 1,
  }
  expect(flattenConfig(config)).toEqual([
    { key: 'lr', text: '0.001', number: 0.001 },
    { key: 'model.name', text: 'resnet', number: null },
    { key: 'model.layers', text: '[64,32]', number: null },
    { key: 'model.head.bias', text: 'true', number: null },
    { key: 'batch', text: '32', number: 32 },
    { key: 'note', text: '', number: null },
    { key: 'empty', text: '{}', number: null },
    { key: '__proto__x', text: '1', number: 1 },
  ])
})

test('a key that two paths spell alike appears once, with the later value', () => {
  expect(flattenConfig({ 'a.b': 1, a: { b: 2 } })).toEqual([{ key: 'a.b', text: '2', number: 2 }])
})

test('what is not an object has no parameters', () => {
  expect([null, undefined, 3, 'x', [1]].map((config) => flattenConfig(config))).toEqual([
    [],
    [],
    [],
    [],
    [],
  ])
})

test('the keys of hostile configs are ordinary keys', () => {
  const config: unknown = JSON.parse('{"__proto__": {"a": 1}, "constructor": 2}')
  expect(flattenConfig(config).map((param) => param.key)).toEqual(['__proto__.a', 'constructor'])
})

test('limits cut the index, not the request', () => {
  const wide = Object.fromEntries(Array.from({ length: 10_010 }, (_, i) => [`k${i}`, i]))
  expect(flattenConfig(wide)).toHaveLength(10_000)
  expect(flattenConfig({ ['k'.repeat(251)]: 1 })).toEqual([])
  expect(flattenConfig({ a: 'x'.repeat(501) })[0]?.text).toHaveLength(500)
  let deep: unknown = 1
  for (let i = 0; i < 1000; i++) deep = { d: deep }
  expect(flattenConfig(deep)).toHaveLength(1)
})

test('text that only looks like a number out of range, or holds NUL, stays text', () => {
  expect(flattenConfig({ a: '1e999', b: 'x\0y', c: '0x10' })).toEqual([
    { key: 'a', text: '1e999', number: null },
    { key: 'b', text: 'x\uFFFDy', number: null },
    { key: 'c', text: '0x10', number: null },
  ])
})

test('values stay as they were', () => {
  const config = { a: '1', b: [1, { c: 2 }], d: { e: false } }
  expect(flatten(config).map(({ value }) => value)).toEqual(['1', [1, { c: 2 }], false])
})
