#!/usr/bin/env bun
/** Stands in for the program's own `converse` verb: the same, with the scenario of the tests. */
import { createInterface } from 'node:readline'
import { converse } from '../../../../plugins/scenarios/training/language/converse.ts'
import { signals } from './signals.ts'

process.on('SIGTERM', () => {})
await converse(signals, createInterface({ input: process.stdin }), (line) =>
  process.stdout.write(line),
)
