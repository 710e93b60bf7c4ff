/** Which settings make which provider, who is asked for a model, and what that costs. */
import { describe, expect, test } from 'bun:test'
import { costOf, priceOf } from '../../../../plugins/experiments/models/prices.ts'
import {
  bareName,
  providerOf,
  providersIn,
} from '../../../../plugins/experiments/models/providers.ts'
import { redactor, withoutKeyParts } from '../../../../plugins/experiments/models/secrets.ts'

const named = (env: Record<string, string>) =>
  providersIn(env).map(({ name, baseUrl, apiKey }) => [name, baseUrl, apiKey])

describe('settings', () => {
  test.each([
    [{}, []],
    [{ OPENAI_API_KEY: '' }, []],
    [{ OPENAI_API_KEY: 'k\n' }, [['openai', 'https://api.openai.com/v1', 'k']]],
    [{ OPENAI_BASE_URL: 'http://gpu:8080/v1/' }, [['openai', 'http://gpu:8080/v1', '']]],
    [{ ANTHROPIC_BASE_URL: 'http://proxy' }, []],
    [{ ANTHROPIC_API_KEY: 'k' }, [['anthropic', 'https://api.anthropic.com/v1', 'k']]],
    [
      { GOOGLE_API_KEY: 'a', GEMINI_API_KEY: 'b' },
      [['gemini', 'https://generativelanguage.googleapis.com/v1beta', 'b']],
    ],
    [{ OPENROUTER_API_KEY: 'k' }, [['openrouter', 'https://openrouter.ai/api/v1', 'k']]],
    [{ OLLAMA_HOST: 'gpu' }, [['ollama', 'http://gpu:11434/v1', '']]],
    [{ OLLAMA_HOST: 'gpu:1' }, [['ollama', 'http://gpu:1/v1', '']]],
    [{ OLLAMA_HOST: ':1' }, [['ollama', 'http://127.0.0.1:1/v1', '']]],
    [{ OLLAMA_HOST: 'https://gpu/' }, [['ollama', 'https://gpu/v1', '']]],
  ])('%o', (env, providers) => {
    expect(named(env)).toEqual(providers as never)
  })

  test('the first that is set is asked by default', () => {
    const env = { ANTHROPIC_API_KEY: 'a', OLLAMA_HOST: 'gpu', OPENAI_API_KEY: 'b' }
    expect(named(env).map(([name]) => name)).toEqual(['openai', 'anthropic', 'ollama'])
  })
})

describe('who is asked for a model', () => {
  const all = {
    OPENAI_API_KEY: 'a',
    ANTHROPIC_API_KEY: 'b',
    GEMINI_API_KEY: 'c',
    OPENROUTER_API_KEY: 'd',
  }
  const own = { OPENAI_BASE_URL: 'http://gpu/v1' }
  const rows: [string, Record<string, string>, string | null][] = [
    ['gpt-4.1', all, 'openai'],
    ['o4-mini', all, 'openai'],
    ['claude-sonnet-4-5', all, 'anthropic'],
    ['gemini-2.5-pro', all, 'gemini'],
    ['openai/gpt-4.1', all, 'openrouter'],
    ['openrouter/openai/gpt-4.1', { ...all, ...own }, 'openrouter'],
    ['qwen3', all, 'openrouter'],
    ['qwen3', { ...all, OLLAMA_HOST: 'gpu' }, 'ollama'],
    ['ollama/qwen3', { ...all, OLLAMA_HOST: 'gpu' }, 'ollama'],
    ['ollama/qwen3', all, null],
    ['meta-llama/Llama-3', { ...all, ...own }, 'openai'],
    ['claude-sonnet-4-5', own, 'openai'],
    ['claude-sonnet-4-5', { OPENAI_API_KEY: 'a' }, null],
    ['ft:gpt-4.1:mine', { OPENAI_API_KEY: 'a' }, 'openai'],
    ['gpt-4.1', { ANTHROPIC_API_KEY: 'b' }, null],
    ['gpt-4.1', {}, null],
  ]

  test.each(rows)('%s of %o', (model, env, name) => {
    expect(providerOf(providersIn(env), model)?.name ?? null).toBe(name as never)
  })

  test.each([
    ['ollama/qwen3', 'qwen3'],
    ['openrouter/openai/gpt-4.1', 'openai/gpt-4.1'],
    ['openai/gpt-4.1', 'openai/gpt-4.1'],
  ])('%s is told as %s', (model, bare) => {
    expect(bareName(model)).toBe(bare)
  })
})

describe('prices', () => {
  test.each([
    ['gpt-4.1', 'openai', [2, 8]],
    ['gpt-4.1-2025-04-14', 'openai', [2, 8]],
    ['gpt-4.1-mini', 'openai', [0.4, 1.6]],
    ['gpt-4.1-mega', 'openai', null],
    ['openai/gpt-4.1', 'openrouter', [2, 8]],
    ['claude-sonnet-4-5-20250929', 'anthropic', [3, 15]],
    ['gemini-2.5-pro-preview-06-05', 'gemini', [1.25, 10]],
    ['gpt-4.1', 'ollama', [0, 0]],
    ['mine', 'openai', null],
  ] as const)('%s at %s', (model, provider, price) => {
    const found = priceOf({ model }, provider)
    expect(found && [found.input, found.output]).toEqual(price as never)
  })

  test('what the user says comes first', () => {
    const usdPerMillion = { input: 1, output: 2 }
    expect(priceOf({ model: 'gpt-4.1', usdPerMillion }, 'openai')).toEqual(usdPerMillion)
  })

  test('dollars for a million', () => {
    expect(costOf({ input: 2, output: 8 }, 500_000, 250_000)).toBe(3)
    expect(costOf(null, 500_000, 250_000)).toBeNull()
  })
})

describe('secrets', () => {
  test('only whole keys are taken out of replies, and short ones never', () => {
    const redact = redactor(['0123456789', 'none', ''])
    expect(redact('none of key-columns-first 0123456789!')).toBe('none of key-columns-first …!')
  })

  test.each([
    ['Incorrect API key provided: sk-abc***wxyz', 'Incorrect API key provided: …'],
    ['key AIzaSy*** is not valid', 'key … is not valid'],
    ['no route to http://me:word@host/v1', 'no route to http://…@host/v1'],
    ['x'.repeat(600), 'x'.repeat(500)],
  ])('%s', (message, clean) => {
    expect(withoutKeyParts(message)).toBe(clean)
  })
})
